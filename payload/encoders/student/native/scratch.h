/* Memory for one tile: one block, from which arrays are taken, and which the next tile reuses. */
#ifndef DP_SCRATCH_H
#define DP_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#define DP_ALIGNMENT 64

/* The first pass has no memory (`at` is null) and counts bytes; the second pass takes arrays. */
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

/* Give an arena the memory that it has counted; return null if memory is short. */
struct dp_scratch *dp_scratch_open(struct dp_arena *arena);
/* Return the memory. One block is kept for the next tile if it is not too large. */
void dp_scratch_close(struct dp_scratch *scratch);

#endif
