#include "arena.h"

#include <stdlib.h>
#include <string.h>

#define TOO_MUCH (SIZE_MAX / 2) /* more than any allocation gets */

void *dp_take(struct dp_arena *arena, size_t count, size_t size)
{
    void *piece = arena->at ? arena->at + arena->used : NULL;
    size_t left = TOO_MUCH - arena->used, needed = TOO_MUCH;
    if (count <= (TOO_MUCH - DP_ALIGNMENT) / size) {
        needed = (count * size + DP_ALIGNMENT - 1) / DP_ALIGNMENT * DP_ALIGNMENT;
    }
    arena->used += needed < left ? needed : left;
    return piece;
}

void dp_place(struct dp_arena *arena, void *block)
{
    size_t past = (uintptr_t)block % DP_ALIGNMENT;
    *arena = (struct dp_arena){(uint8_t *)block + (past ? DP_ALIGNMENT - past : 0), 0};
}

void *dp_extend(struct dp_arena *arena, void *head, size_t size)
{
    size_t more = dp_block_size(arena);
    uint8_t *block = realloc(head, size + more);
    if (!block) {
        free(head);
        return NULL;
    }
    memset(block + size, 0, more);
    dp_place(arena, block + size);
    return block;
}
