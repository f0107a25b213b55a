/* Kernels for Cortex-M4, M7 and other cores with SMLAD: two products an instruction. */
#ifndef DP_NN_KERNELS_DSP_H
#define DP_NN_KERNELS_DSP_H

#include "rounding_plain.h"

#include <arm_acle.h>
#include <stdint.h>

#define DP_KERNELS "dsp"
#define DP_BATCH 2u
#define DP_PACE(inputs) (6u * (inputs))
#define DP_NEAR_PACE 80u
/* SXTB16 widens the first and third of four bytes, so two neighbouring inputs' weights go there. */
#define DP_QUAD(a, b, c, d) a, c, b, d

/* Read four bytes or two halfwords; `at` is always a multiple of four. */
static inline int32_t dp_word(const void *at)
{
    int32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(at, 4), sizeof word);
    return word;
}

/* The second and fourth byte, widened. No intrinsic has SXTB16's built-in rotation. */
static inline int16x2_t dp_odd(int32_t word)
{
    int16x2_t out;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(out) : "r"(word));
    return out;
}

/* Add four inputs to two outputs (a, b at the first position, c, d at the second). */
#define DP_FOUR(weights, first, second)                                        \
    do {                                                                       \
        int32_t w_ = dp_word(weights), v_ = dp_word((weights) + 8);            \
        int16x2_t x_ = dp_word(first), y_ = dp_word(second), u_ = __sxtb16(w_); \
        a = __smlad(u_, x_, a);                                                \
        c = __smlad(u_, y_, c);                                                \
        u_ = __sxtb16(v_);                                                     \
        b = __smlad(u_, x_, b);                                                \
        d = __smlad(u_, y_, d);                                                \
        x_ = dp_word((first) + 2);                                             \
        y_ = dp_word((second) + 2);                                            \
        u_ = dp_odd(w_);                                                       \
        a = __smlad(u_, x_, a);                                                \
        c = __smlad(u_, y_, c);                                                \
        u_ = dp_odd(v_);                                                       \
        b = __smlad(u_, x_, b);                                                \
        d = __smlad(u_, y_, d);                                                \
    } while (0)

static inline void dp_sums_two_by_two(const int8_t *weights, uint32_t inputs, const int16_t *first,
                                      const int16_t *second, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (const int16_t *end = first + inputs; first != end; first += 8, second += 8) {
        DP_FOUR(weights, first, second);
        DP_FOUR(weights + 4, first + 4, second + 4);
        weights += 32;
    }
    sums[0] = a;
    sums[1] = b;
    sums[4] = c;
    sums[5] = d;
}

static inline void dp_sums_one_by_one(const int8_t *weights, uint32_t inputs, const int16_t *in,
                                      int32_t *sums)
{
    int32_t sum = 0;
    for (const int16_t *end = in + inputs; in != end; in += 8, weights += 32) {
        for (uint32_t half = 0; half < 8; half += 4) {
            int32_t w = dp_word(weights + half);
            sum = __smlad(__sxtb16(w), dp_word(in + half), sum);
            sum = __smlad(dp_odd(w), dp_word(in + half + 2), sum);
        }
    }
    *sums = sum;
}

static inline void dp_sums(const int8_t *weights, uint32_t inputs, const int16_t *in,
                           uint32_t stride, uint32_t positions, int32_t *sums)
{
    if (positions == 2) {
        dp_sums_two_by_two(weights, inputs, in, in + stride, sums);
        dp_sums_two_by_two(weights + 16, inputs, in, in + stride, sums + 2);
        return;
    }
    for (uint32_t o = 0; o < 4; o++) {
        dp_sums_one_by_one(weights + 8 * o, inputs, in, sums + o);
    }
}

static inline void dp_near_sums(const int8_t *weights, uint32_t channels,
                                const int16_t *const near[9], uint32_t first, int32_t *sums)
{
    int32_t s[8] = {0};
    for (uint32_t n = 0; n < 9; n++) {
        const int8_t *w = weights + n * channels + first;
        const int16_t *x = near[n] + first;
        for (uint32_t k = 0; k < 8; k++) {
            s[k] += w[k] * x[k];
        }
    }
    for (uint32_t k = 0; k < 8; k++) {
        sums[k] = s[k];
    }
}

static inline void dp_butterflies(const int16_t *weights, const int16_t *differences,
                                  const int32_t *sums, const struct dp_pass *pass, int16_t *before,
                                  int16_t *after)
{
    int32_t a = dp_word(weights), b = dp_word(weights + 2), c = dp_word(weights + 4),
            d = dp_word(weights + 6);
    for (uint32_t n = 0; n < 4; n++, differences += 8) {
        int32_t weighted = __smlad(a, dp_word(differences), 0);
        weighted = __smlad(b, dp_word(differences + 2), weighted);
        weighted = __smlad(c, dp_word(differences + 4), weighted);
        weighted = __smlad(d, dp_word(differences + 6), weighted);
        int32_t sum = sums[n] * (1 << DP_WEIGHT_BITS);
        before[n * pass->across] = dp_passed(pass, sum + weighted);
        after[n * pass->across] = dp_passed(pass, sum - weighted);
    }
}

#endif
