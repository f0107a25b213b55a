/*
 * Bytes from one context to another, one of them an interrupt.
 *
 * One side puts, the other takes, and each writes its own counter alone, so neither must hold the
 * other off. Counters run on; their difference is what is held, at most RING_SIZE. One core: the
 * order of a volatile access and an interrupt is the program's, no barrier is needed.
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
    __asm__ volatile("" ::: "memory"); /* the byte before the counter */
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

/* As many of `size` bytes as there is room for, or as there are; return how many. */
size_t ring_put_some(struct ring *ring, const uint8_t *data, size_t size);
size_t ring_take_some(struct ring *ring, uint8_t *data, size_t size);

#endif
