/*
 * The inner loops that take most of the time: 32-bit sums of 16-bit activations x 8-bit weights.
 *
 *   dp_sums        four outputs of a 1x1 convolution at up to DP_BATCH positions
 *   dp_near_sums   eight channels of a depthwise 3x3 convolution at one position
 *   dp_butterflies   two samples of each of four lines, filtered across a boundary of blocks
 *   dp_round, dp_round_wide   four sums rounded to activations, or to 32 bits
 *
 * The core decides which kernels are compiled; DP_NN_PLAIN selects plain C. All give the same sums,
 * because the sums are integers that never exceed 32 bits (the generator checks this).
 */
#ifndef DP_NN_KERNELS_H
#define DP_NN_KERNELS_H

#include <stdint.h>

#define DP_WEIGHT_BITS 12 /* a filter's weights are in units of 2^-12 */

/* A pass of the filter across block boundaries, along rows or columns. */
struct dp_pass {
    uint32_t along, across; /* in a 4x4 block, from sample to sample of a line; from line to line */
    int32_t shift, low, high;
};

/* The sample that a pass gives out for a sum. */
static inline int16_t dp_passed(const struct dp_pass *pass, int32_t sum)
{
    sum = (sum + (1 << pass->shift >> 1)) >> pass->shift;
    return (int16_t)(sum < pass->low ? pass->low : sum > pass->high ? pass->high : sum);
}

#if defined(DP_NN_PLAIN)
#include "kernels_plain.h"
#elif defined(__ARM_NEON)
#include "kernels_neon.h"
#elif defined(__ARM_FEATURE_MVE)
#include "kernels_helium.h"
#elif defined(__ARM_FEATURE_SIMD32)
#include "kernels_dsp.h"
#else
#include "kernels_plain.h"
#endif

#endif
