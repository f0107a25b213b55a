/* Kernels for Cortex-M55 and M85 (Helium): eight products an instruction, summed in a register. */
#ifndef DP_NN_KERNELS_HELIUM_H
#define DP_NN_KERNELS_HELIUM_H

#include <arm_mve.h>
#include <stdint.h>

#define DP_KERNELS "helium"
#define DP_BATCH 4u
#define DP_PACE(inputs) (2u * (inputs))
#define DP_NEAR_PACE 16u
#define DP_QUAD(a, b, c, d) a, b, c, d

/* Two outputs at two positions, which is as much as the core registers hold without spills. */
static inline void dp_sums_two_by_two(const int8_t *weights, uint32_t inputs, const int16_t *first,
                                      const int16_t *second, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (uint32_t i = inputs / 8; i > 0; i--) {
        int16x8_t x = vld1q_s16(first), y = vld1q_s16(second);
        int16x8_t w = vldrbq_s16(weights), v = vldrbq_s16(weights + 8);
        a = vmladavaq_s16(a, w, x);
        b = vmladavaq_s16(b, v, x);
        c = vmladavaq_s16(c, w, y);
        d = vmladavaq_s16(d, v, y);
        first += 8;
        second += 8;
        weights += 32;
    }
    sums[0] = a;
    sums[1] = b;
    sums[4] = c;
    sums[5] = d;
}

static inline void dp_sums_of_one(const int8_t *weights, uint32_t inputs, const int16_t *in,
                                  int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (uint32_t i = inputs; i > 0; i -= 8, in += 8, weights += 32) {
        int16x8_t x = vld1q_s16(in);
        a = vmladavaq_s16(a, vldrbq_s16(weights), x);
        b = vmladavaq_s16(b, vldrbq_s16(weights + 8), x);
        c = vmladavaq_s16(c, vldrbq_s16(weights + 16), x);
        d = vmladavaq_s16(d, vldrbq_s16(weights + 24), x);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

static inline void dp_sums(const int8_t *weights, uint32_t inputs, const int16_t *in,
                           uint32_t stride, uint32_t positions, int32_t *sums)
{
    for (; positions >= 2; positions -= 2, in += 2 * stride, sums += 8) {
        dp_sums_two_by_two(weights, inputs, in, in + stride, sums);
        dp_sums_two_by_two(weights + 16, inputs, in, in + stride, sums + 2);
    }
    if (positions > 0) {
        dp_sums_of_one(weights, inputs, in, sums);
    }
}

static inline int32x4_t dp_rounded(const int32_t *sums, const int32_t *bias, const uint8_t *shift)
{
    int32x4_t right = vnegq_s32(vreinterpretq_s32_u32(vldrbq_u32(shift)));
    return vshlq_s32(vaddq_s32(vld1q_s32(sums), vld1q_s32(bias)), right);
}

static inline void dp_round_wide(int32_t *sums, const int32_t *bias, const uint8_t *shift,
                                 int32_t low, int32_t high)
{
    int32x4_t sum = vmaxq_s32(dp_rounded(sums, bias, shift), vdupq_n_s32(low));
    vst1q_s32(sums, vminq_s32(sum, vdupq_n_s32(high)));
}

static inline void dp_round(const int32_t *sums, const int32_t *bias, const uint8_t *shift,
                            int32_t low, int32_t high, const int16_t *add, int16_t *out)
{
    int32x4_t sum = vaddq_s32(dp_rounded(sums, bias, shift), vldrhq_s32(add));
    sum = vminq_s32(vmaxq_s32(sum, vdupq_n_s32(low)), vdupq_n_s32(high));
    vstrhq_s32(out, sum);
}

static inline void dp_near_sums(const int8_t *weights, uint32_t channels,
                                const int16_t *const near[9], uint32_t first, int32_t *sums)
{
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (uint32_t n = 0; n < 9; n++) {
        const int8_t *w = weights + n * channels + first;
        const int16_t *x = near[n] + first;
        low = vaddq_s32(low, vmulq_s32(vldrbq_s32(w), vldrhq_s32(x)));
        high = vaddq_s32(high, vmulq_s32(vldrbq_s32(w + 4), vldrhq_s32(x + 4)));
    }
    vst1q_s32(sums, low);
    vst1q_s32(sums + 4, high);
}

/* Store four lines' samples that a pass gives out. */
static inline void dp_store_passed(const struct dp_pass *pass, int32x4_t sum, int16_t *to)
{
    uint32x4_t lines = vmulq_n_u32(vidupq_n_u32(0, 1), pass->across);
    sum = vrshlq_s32(sum, vdupq_n_s32(-pass->shift));
    sum = vminq_s32(vmaxq_s32(sum, vdupq_n_s32(pass->low)), vdupq_n_s32(pass->high));
    vstrhq_scatter_shifted_offset_s32(to, lines, sum);
}

static inline void dp_butterflies(const int16_t *weights, const int16_t *differences,
                                  const int32_t *sums, const struct dp_pass *pass, int16_t *before,
                                  int16_t *after)
{
    int16x8_t w = vld1q_s16(weights);
    int32_t weighted[4] __attribute__((aligned(16)));
    for (uint32_t n = 0; n < 4; n++) {
        weighted[n] = vmladavq_s16(w, vld1q_s16(differences + 8 * n));
    }
    int32x4_t sum = vshlq_n_s32(vld1q_s32(sums), DP_WEIGHT_BITS);
    dp_store_passed(pass, vaddq_s32(sum, vld1q_s32(weighted)), before);
    dp_store_passed(pass, vsubq_s32(sum, vld1q_s32(weighted)), after);
}

#endif
