/* Memory in one block, from which arrays are taken. */
#ifndef DP_MEMORY_H
#define DP_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define DP_ALIGNMENT 64
#define DP_TOO_MUCH (SIZE_MAX / 2) /* more than any allocation gets */

/* The first pass has no memory (`at` is null) and counts bytes; the second pass takes arrays. */
struct dp_arena {
    uint8_t *at;
    size_t used;
};

static inline void *dp_take(struct dp_arena *arena, size_t count, size_t size)
{
    void *piece = arena->at ? arena->at + arena->used : NULL;
    size_t left = DP_TOO_MUCH - arena->used, needed = DP_TOO_MUCH;
    if (count <= (DP_TOO_MUCH - DP_ALIGNMENT) / size) {
        needed = (count * size + DP_ALIGNMENT - 1) / DP_ALIGNMENT * DP_ALIGNMENT;
    }
    arena->used += needed < left ? needed : left;
    return piece;
}

/* Give an arena the memory that it has counted; return the block to free, or null. */
static inline void *dp_open(struct dp_arena *arena)
{
    void *block = malloc(arena->used + DP_ALIGNMENT);
    if (block) {
        size_t past = (uintptr_t)block % DP_ALIGNMENT;
        *arena = (struct dp_arena){(uint8_t *)block + (past ? DP_ALIGNMENT - past : 0), 0};
    }
    return block;
}

#endif
