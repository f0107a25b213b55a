/*
 * The inner loops that take most of the time: 32-bit sums of 16-bit activations x 8-bit weights.
 *
 *   dp_sums        four outputs of a 1x1 convolution at up to DP_BATCH positions
 *   dp_near_sums   eight channels of a depthwise 3x3 convolution at one position
 *   dp_dots        eight weights of 16 bits times four vectors: a filter across block boundaries
 *   dp_round, dp_round_wide   four sums rounded to activations, or to 32 bits
 *
 * The core decides which kernels are compiled; DP_NN_PLAIN selects plain C. All give the same sums,
 * because the sums are integers that never exceed 32 bits (the generator checks this).
 */
#ifndef DP_NN_KERNELS_H
#define DP_NN_KERNELS_H

#include <stdint.h>

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
