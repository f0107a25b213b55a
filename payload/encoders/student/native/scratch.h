/* Memory for one tile: one block, handed out piece by piece, and kept for the next tile. */
#ifndef DP_SCRATCH_H
#define DP_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#define DP_ALIGNMENT 64

/* First without memory, to count; then again with `at`, to hand out. */
struct dp_arena {
    uint8_t *at;
    size_t used;
};

static inline void *dp_take(struct dp_arena *arena, size_t count, size_t size)
{
    void *piece = arena->at ? arena->at + arena->used : NULL;
    arena->used += (count * size + DP_ALIGNMENT - 1) / DP_ALIGNMENT * DP_ALIGNMENT;
    return piece;
}

struct dp_scratch;

/* Turn an arena that has counted into one with so much memory; null where it is short. */
struct dp_scratch *dp_scratch_open(struct dp_arena *arena);
/* Give it back. One block is kept, if it is not too large. */
void dp_scratch_close(struct dp_scratch *scratch);

#endif
