/*
 * The loops in which the time goes: sums of 16-bit activations times 8-bit weights, in 32 bits.
 *
 *   dp_sums        four outputs of a 1x1 convolution at up to DP_BATCH positions
 *   dp_near_sums   eight channels of a depthwise 3x3 convolution at one position
 *   dp_round, dp_round_wide   four sums to activations, or to 32 bits
 *
 * Which of them are compiled follows from the core; DP_NN_PLAIN asks for plain C. All give the
 * same sums, since the sums are whole numbers that never leave 32 bits (the generator checks it).
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
