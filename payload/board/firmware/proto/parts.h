/* What the parts of the board's state machine share: little-endian fields, slots and errors. */
#ifndef DP_PARTS_H
#define DP_PARTS_H

#include "proto.h"

/* Bytes of a body's kind and session, of its CRC-32, and of the magic in RESET and HELLO. */
enum { DP_HEADER_BYTES = 5, DP_CRC_BYTES = 4, DP_MAGIC_BYTES = 4 };

#define DP_MAGIC "DPSL"

static inline uint32_t dp_get(const uint8_t *at, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)at[i] << (8u * i);
    }
    return value;
}

static inline uint64_t dp_get64(const uint8_t *at)
{
    return (uint64_t)dp_get(at, 4) | (uint64_t)dp_get(at + 4, 4) << 32;
}

static inline struct dp_slot *dp_slot_of(struct dp_board *b, uint32_t job)
{
    return &b->slots[job % b->own.slots];
}

static inline uint32_t dp_chunks(const struct dp_board *b, uint32_t bytes)
{
    return bytes / b->chunk + (bytes % b->chunk != 0u);
}

static inline bool dp_has_come(const struct dp_slot *s, uint32_t index)
{
    return (((uint32_t)s->come[index / 8u] >> (index % 8u)) & 1u) != 0u;
}

/* board.c: owe the host an ERROR, unless too many wait already. */
void dp_refuse(struct dp_board *b, uint32_t session, uint8_t code, uint32_t job, uint32_t detail);

/* tile.c: read a JOB's fields; false if they do not describe a valid tile. */
bool dp_read_form(const uint8_t *f, struct dp_form *form);
/* tile.c: take JOB and LOAD; `f` are the fields after the job's number, `size` bytes of them. */
void dp_take_job(struct dp_board *b, uint32_t job, struct dp_slot *s, const uint8_t *f,
                 uint64_t ticks);
void dp_load(struct dp_board *b, uint32_t job, struct dp_slot *s, const uint8_t *f, uint32_t size,
             uint64_t ticks);
/* tile.c: queue a job whose tile is whole and whose RUN has arrived. */
void dp_queue(struct dp_slot *s);

#endif
