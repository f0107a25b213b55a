/* Kernels in plain C: the reference that all others must equal. */
#ifndef DP_NN_KERNELS_PLAIN_H
#define DP_NN_KERNELS_PLAIN_H

#include "rounding_plain.h"

#include <stdint.h>

#define DP_KERNELS "plain"
#define DP_BATCH 1u
/* Approximate instructions for four outputs at one position. */
#define DP_PACE(inputs) (4u * 7u * (inputs))
/* The same for one channel of a depthwise convolution at one position. */
#define DP_NEAR_PACE 90u
/* The order of four generated weights: that of their inputs. */
#define DP_QUAD(a, b, c, d) a, b, c, d

/*
 * Set sums[4 * position + output] over `inputs` inputs, a multiple of 8. The positions' vectors are
 * `stride` apart; struct dp_layer has the order of the weights.
 */
static inline void dp_sums(const int8_t *weights, uint32_t inputs, const int16_t *in,
                           uint32_t stride, uint32_t positions, int32_t *sums)
{
    for (uint32_t p = 0; p < positions; p++, in += stride, sums += 4) {
        int32_t a = 0, b = 0, c = 0, d = 0;
        const int8_t *w = weights;
        for (uint32_t i = 0; i < inputs; i += 8, w += 32) {
            for (uint32_t k = 0; k < 8; k++) {
                int32_t x = in[i + k];
                a += w[k] * x;
                b += w[k + 8] * x;
                c += w[k + 16] * x;
                d += w[k + 24] * x;
            }
        }
        sums[0] = a;
        sums[1] = b;
        sums[2] = c;
        sums[3] = d;
    }
}

/* Set sums[8] of channels `first` to first + 7 over the vectors of nine neighbours, whose weights
   are `channels` apart. */
static inline void dp_near_sums(const int8_t *weights, uint32_t channels,
                                const int16_t *const near[9], uint32_t first, int32_t *sums)
{
    for (uint32_t k = 0; k < 8; k++) {
        int32_t sum = 0;
        for (uint32_t n = 0; n < 9; n++) {
            sum += weights[n * channels + first + k] * near[n][first + k];
        }
        sums[k] = sum;
    }
}

/*
 * Filter two samples of each of four lines, equally far before and after a boundary:
 * (sums * 2^12 + weighted) >> shift and (sums * 2^12 - weighted) >> shift, rounded and limited.
 * `weighted` are eight weights times the eight differences of a line.
 */
static inline void dp_butterflies(const int16_t *weights, const int16_t *differences,
                                  const int32_t *sums, const struct dp_pass *pass, int16_t *before,
                                  int16_t *after)
{
    for (uint32_t n = 0; n < 4; n++, differences += 8) {
        int32_t weighted = 0, sum = sums[n] * (1 << DP_WEIGHT_BITS);
        for (uint32_t k = 0; k < 8; k++) {
            weighted += weights[k] * differences[k];
        }
        before[n * pass->across] = dp_passed(pass, sum + weighted);
        after[n * pass->across] = dp_passed(pass, sum - weighted);
    }
}

#endif
