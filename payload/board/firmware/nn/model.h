/* The memory layout of the generated weights, which payload/board/firmware/weights.py writes. */
#ifndef DP_NN_MODEL_H
#define DP_NN_MODEL_H

#include "dp_shape.h"
#include "entropy.h"

#include <stdint.h>

/* Vectors of 16 bytes are read whole, so arrays are aligned to them. */
#define DP_ALIGNED __attribute__((aligned(16)))

/* Channels are padded to whole vectors. The padding may hold any values: its weights are zero. */
#define DP_PADDED(channels) (((channels) + 7u) / 8u * 8u)

/*
 * A 1x1 convolution: clip((sum + bias) >> shift, low, high). The bias includes the rounding half.
 * Weights are stored in blocks of four outputs. In a block, every eight inputs have eight weights
 * for each of the four outputs. Both counts are padded with zeros.
 */
struct dp_layer {
    uint16_t outputs, inputs; /* padded to 4 and 8 */
    int32_t low, high;
    const int8_t *weights;
    const int32_t *bias;
    const uint8_t *shift;
};

/* A depthwise 3x3 convolution; weights [9][padded channels]. */
struct dp_depthwise {
    uint16_t channels; /* padded to 8 */
    int32_t low, high;
    const int8_t *weights;
    const int32_t *bias;
    const uint8_t *shift;
};

struct dp_group {
    uint16_t first, last, window;
    const int16_t *means; /* [4][last - first][9][last]; null if means are not predicted */
};

extern const struct dp_layer dp_linear, dp_enter, dp_fine_mix, dp_down_middle, dp_middle_mix,
    dp_down_coarse, dp_coarse_mix, dp_leave, dp_side_in, dp_side_out, dp_side_end, dp_scales_in,
    dp_scales_up, dp_scales_out;
extern const struct dp_depthwise dp_fine_near, dp_middle_near, dp_coarse_near, dp_scales_near;
extern const uint8_t dp_side_spread[DP_LATENTS];

/* Only in a lapped model, whose dp_shape.h defines DP_LAPPED. */
#define DP_REACH 8u /* pixels on either side of a boundary between blocks that a filter changes */
extern const int16_t dp_prefilter[DP_REACH][DP_REACH]; /* in units of 2^-12 */

extern const struct dp_group dp_groups[DP_GROUPS];
/* log2-gain = row[quality] + channel[c] + rest[quality][c], in 1/32 octave. */
extern const int16_t dp_gain_row[257];
extern const int16_t dp_gain_channel[DP_LATENTS];
extern const int8_t dp_gain_rest[257][DP_LATENTS];
extern const int8_t dp_correction[DP_GROUPS][4][32][32];
extern const uint16_t dp_expected[121];
extern const uint8_t dp_rounding[121];
extern const uint16_t dp_mantissas[32];
/* Cumulative frequencies before each symbol, in units of 2^-16. */
extern const uint16_t dp_latent_tables[];
extern const uint16_t dp_latent_start[66];
extern const struct dp_side_rule dp_side_rule;
extern const uint16_t dp_side_tables[DP_SIDE][DP_SIDE_CONTEXTS][64];

extern const uint8_t dp_golden_pixels[];

#endif
