/*
 * Read a tile's codestream: the side information, then, once the hyper synthesis has found the
 * log-scales, the latents. These are the integers of link/student/codestream.py, many times as
 * fast. docs/codec-integers.md ("Integers of the entropy path") has every formula,
 * docs/bitstream.md ("The student's codestream") the order of symbols.
 */
#ifndef DP_TILE_READER_H
#define DP_TILE_READER_H

#include "channel_groups.h"
#include "entropy.h"
#include "range_reader.h"

#include <stddef.h>
#include <stdint.h>

#define DP_LOWEST_GAIN (-32 * 14)
#define DP_HIGHEST_GAIN (32 * 4)

/* An entropy model at one quality. */
struct dp_reader_model {
    int32_t latents, side, predicted, groups;
    const struct dp_channel_group *group;
    const int16_t *gain;       /* [latents], in 1/32 octave */
    const uint16_t *mantissas; /* [32], 2^12 and up */
    const uint16_t *expected;  /* [DP_SCALES], E|k| in 1/16 */
    const int16_t *correction; /* [groups][4][DP_BINS][DP_BINS], by bins of num and den */
    /* Weights of each predicted group in turn: [4][9][last][last - first], times 2^-14. */
    const double *means;
    const uint32_t *latent_shares; /* models of range_reader.h, one after another */
    const int32_t *latent_start;   /* [DP_TABLES + 1], offset of each of them */
    const uint32_t *side_shares;   /* [side][DP_SIDE_CONTEXTS][DP_SIDE_SYMBOLS + 1] */
    struct dp_side_rule side_rule;
};

/* What a codestream says of a tile, channel by channel, row by row. */
struct dp_tile_planes {
    int32_t rows, columns;
    const int16_t *scales; /* log-scales L, [latents][rows][columns] */
    int32_t *latents;      /* the latents y^, the same shape; zeros before they are read */
};

enum dp_reading {
    DP_READ,
    DP_NO_SYMBOLS,
    DP_ESCAPE_TOO_LONG,
    DP_SYMBOL_TOO_LARGE,
    DP_LATENT_TOO_LARGE,
    DP_NO_MEMORY,
};

/* Read the side information [side][rows][columns] of these sides. */
enum dp_reading dp_read_side(struct dp_range_reader *reader, const struct dp_reader_model *model,
                             int32_t rows, int32_t columns, int8_t *side);
/* Read the latents, which follow the side information. */
enum dp_reading dp_read_latents(struct dp_range_reader *reader, const struct dp_reader_model *model,
                                const struct dp_tile_planes *tile);

#endif
