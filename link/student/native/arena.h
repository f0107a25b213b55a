/* Memory in one block, from which arrays are taken. */
#ifndef DP_ARENA_H
#define DP_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define DP_ALIGNMENT 64

/* The first pass has no memory (`at` is null) and counts bytes; the second pass takes arrays. */
struct dp_arena {
    uint8_t *at;
    size_t used;
};

/* Return an array of the second pass; null in the first. */
void *dp_take(struct dp_arena *arena, size_t count, size_t size);

/* Return the size of a block that holds what an arena has counted. */
static inline size_t dp_block_size(const struct dp_arena *arena)
{
    return arena->used + DP_ALIGNMENT;
}

/* Start an arena's second pass in a block of this size. */
void dp_place(struct dp_arena *arena, void *block);

/*
 * Start an arena's second pass in zeros behind a struct that malloc gave, in the same allocation.
 * Return the struct, which may have moved; if memory is short, free it and return null.
 */
void *dp_extend(struct dp_arena *arena, void *head, size_t size);

#endif
