/*
 * A ring buffer that carries bytes between the main loop and an interrupt handler.
 *
 * One side puts bytes and the other takes them. Each side writes only its own counter, so neither
 * has to lock the other out. The counters wrap around; their difference is the number of bytes
 * held, at most RING_SIZE. There is one core, on which volatile accesses and interrupts keep
 * program order, so no hardware barrier is needed.
 */
#ifndef DP_RING_H
#define DP_RING_H

#include <stddef.h>
#include <stdint.h>

#ifndef RING_SIZE
#define RING_SIZE 4096u /* a power of two */
#endif

struct ring {
    volatile uint32_t put, taken;
    uint8_t bytes[RING_SIZE];
};

static inline uint32_t ring_held(const struct ring *ring)
{
    return ring->put - ring->taken;
}

static inline void ring_put(struct ring *ring, uint8_t byte)
{
    uint32_t put = ring->put;
    ring->bytes[put % RING_SIZE] = byte;
    __asm__ volatile("" ::: "memory"); /* store the byte before the counter */
    ring->put = put + 1u;
}

static inline uint8_t ring_take(struct ring *ring)
{
    uint32_t taken = ring->taken;
    uint8_t byte = ring->bytes[taken % RING_SIZE];
    __asm__ volatile("" ::: "memory");
    ring->taken = taken + 1u;
    return byte;
}

/* Put or take up to `size` bytes, as far as there is room or there are bytes; return how many. */
size_t ring_put_some(struct ring *ring, const uint8_t *data, size_t size);
size_t ring_take_some(struct ring *ring, uint8_t *data, size_t size);

#endif
