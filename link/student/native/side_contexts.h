/* Contexts of the side information, to write and to read it. */
#ifndef DP_SIDE_CONTEXTS_H
#define DP_SIDE_CONTEXTS_H

#include "entropy.h"

#include <stdint.h>

/* A tile's side information, and what is known of it in the phase that is being coded. */
struct dp_side_phase {
    const struct dp_side_rule *rule;
    uint32_t channels, rows, columns, phase;
    const int8_t *values; /* [channels][rows][columns] */
    int16_t *means;       /* the same shape: of coded neighbours */
    uint8_t *contexts;    /* [rows][columns], of one channel */
};

/* Find a channel's means and contexts, after those of the channels before; return which contexts
   there are, as bits. */
uint32_t dp_find_side_contexts(const struct dp_side_phase *side, uint32_t channel);

#endif
