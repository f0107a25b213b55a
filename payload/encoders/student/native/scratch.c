#include "scratch.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Largest block that is kept, more than tiles of 1024 x 1024 pixels need. */
#define MOST_KEPT ((size_t)1 << 24)

struct dp_scratch {
    size_t size;
    uint8_t memory[];
};

/*
 * The kept block, while no tile uses it. If every tile's memory went back to the system, clearing
 * its pages again would take a tenth of an encoder's time.
 */
static _Atomic(struct dp_scratch *) kept;

struct dp_scratch *dp_scratch_open(struct dp_arena *arena)
{
    size_t size = dp_block_size(arena);
    struct dp_scratch *scratch = atomic_exchange(&kept, NULL);
    if (scratch && scratch->size < size) {
        free(scratch);
        scratch = NULL;
    }
    if (!scratch) {
        scratch = malloc(sizeof *scratch + size);
        if (!scratch) {
            return NULL;
        }
        scratch->size = size;
    }
    dp_place(arena, scratch->memory);
    return scratch;
}

void dp_scratch_close(struct dp_scratch *scratch)
{
    if (scratch->size > MOST_KEPT) {
        free(scratch);
        return;
    }
    free(atomic_exchange(&kept, scratch));
}
