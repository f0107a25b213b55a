/*
 * Write a tile's codestream from the networks' outputs, on the host: the same bytes as
 * link/student/codestream.py, many times as fast. docs/codec-integers.md ("Integers of the entropy
 * path") has every formula, docs/bitstream.md ("The student's codestream") the order of symbols.
 *
 * The boards' encoder (firmware/nn/codestream.c) does the same in a few kilobytes, position by
 * position. The code here spends memory on planes with borders, so that sums over neighbours need
 * no conditions. Both share the range coder and the rules of entropy.h.
 */
#ifndef DP_TILEWRITER_H
#define DP_TILEWRITER_H

#include "channel_groups.h"
#include "entropy.h"

#include <stddef.h>
#include <stdint.h>

/* An entropy model at one quality. */
struct dp_entropy {
    int32_t latents, side, predicted, groups;
    const struct dp_channel_group *group;
    const int16_t *gain;       /* [latents], in 1/32 octave */
    const uint16_t *mantissas; /* [32], 2^12 and up */
    const uint8_t *rounding;   /* [DP_SCALES], added before flooring, in 1/256 */
    const uint16_t *expected;  /* [DP_SCALES], E|k| in 1/16 */
    const int32_t *correction; /* [groups][4][32][32], by bins of num and den */
    /* Weights of each predicted group in turn: [4][9][last][last - first], times 2^-14. */
    const double *means;
    /* Sums of the frequencies before each symbol, of 2^16, and the offset of each table. */
    const uint16_t *latent_sums;
    const int32_t *latent_start; /* [DP_TABLES + 1] */
    const uint16_t *side_sums;   /* [side][DP_SIDE_CONTEXTS][DP_SIDE_SYMBOLS] */
    struct dp_side_rule side_rule;
};

/* The networks' outputs for a tile, channel by channel, row by row. */
struct dp_planes {
    int32_t rows, columns;
    const int32_t *y;      /* [latents][rows][columns] */
    const int16_t *scales; /* log-scales L, the same shape */
    const int8_t *side;    /* [side][(rows + 1) / 2][(columns + 1) / 2], -32 to 31 */
};

/* Return the codestream, which the caller frees; null if memory is short. */
uint8_t *dp_write_tile(const struct dp_entropy *model, const struct dp_planes *tile, size_t *size);

#endif
