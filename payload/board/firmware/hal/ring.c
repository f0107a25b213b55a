#include "ring.h"

#include <string.h>

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

size_t ring_put_some(struct ring *ring, const uint8_t *data, size_t size)
{
    uint32_t put = ring->put, room = RING_SIZE - ring_held(ring), at = put % RING_SIZE;
    uint32_t count = size < room ? (uint32_t)size : room;
    uint32_t whole = least(count, RING_SIZE - at);
    memcpy(ring->bytes + at, data, whole);
    memcpy(ring->bytes, data + whole, count - whole);
    __asm__ volatile("" ::: "memory");
    ring->put = put + count;
    return count;
}

size_t ring_take_some(struct ring *ring, uint8_t *data, size_t size)
{
    uint32_t taken = ring->taken, held = ring_held(ring), at = taken % RING_SIZE;
    uint32_t count = size < held ? (uint32_t)size : held;
    uint32_t whole = least(count, RING_SIZE - at);
    __asm__ volatile("" ::: "memory");
    memcpy(data, ring->bytes + at, whole);
    memcpy(data + whole, ring->bytes, count - whole);
    __asm__ volatile("" ::: "memory");
    ring->taken = taken + count;
    return count;
}
