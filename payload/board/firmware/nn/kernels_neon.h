/* Kernels for Cortex-A with NEON: four products an instruction. */
#ifndef DP_NN_KERNELS_NEON_H
#define DP_NN_KERNELS_NEON_H

#include <arm_neon.h>
#include <stdint.h>

#define DP_KERNELS "neon"
#define DP_BATCH 4u
#define DP_PACE(inputs) (2u * (inputs))
#define DP_NEAR_PACE 16u
#define DP_QUAD(a, b, c, d) a, b, c, d

/* The sums of the four lanes of each vector. */
static inline int32x4_t dp_across(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d)
{
    int32x2_t first = vpadd_s32(vget_low_s32(a), vget_high_s32(a));
    int32x2_t second = vpadd_s32(vget_low_s32(b), vget_high_s32(b));
    int32x2_t third = vpadd_s32(vget_low_s32(c), vget_high_s32(c));
    int32x2_t fourth = vpadd_s32(vget_low_s32(d), vget_high_s32(d));
    return vcombine_s32(vpadd_s32(first, second), vpadd_s32(third, fourth));
}

static inline int32x4_t dp_eight(int32x4_t sum, int16x8_t weights, int16x8_t in)
{
    sum = vmlal_s16(sum, vget_low_s16(weights), vget_low_s16(in));
    return vmlal_s16(sum, vget_high_s16(weights), vget_high_s16(in));
}

/* Two positions share the cost of widening the weights. More would not fit in the registers. */
static inline void dp_sums_of_two(const int8_t *weights, uint32_t inputs, const int16_t *first,
                                  const int16_t *second, int32_t *sums)
{
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (const int16_t *end = first + inputs; first != end; first += 8, second += 8) {
        int8x16_t ab = vld1q_s8(weights), cd = vld1q_s8(weights + 16);
        int16x8_t x = vld1q_s16(first), y = vld1q_s16(second);
        int16x8_t w = vmovl_s8(vget_low_s8(ab));
        a = dp_eight(a, w, x);
        e = dp_eight(e, w, y);
        w = vmovl_s8(vget_high_s8(ab));
        b = dp_eight(b, w, x);
        f = dp_eight(f, w, y);
        w = vmovl_s8(vget_low_s8(cd));
        c = dp_eight(c, w, x);
        g = dp_eight(g, w, y);
        w = vmovl_s8(vget_high_s8(cd));
        d = dp_eight(d, w, x);
        h = dp_eight(h, w, y);
        weights += 32;
    }
    vst1q_s32(sums, dp_across(a, b, c, d));
    vst1q_s32(sums + 4, dp_across(e, f, g, h));
}

static inline void dp_sums_of_one(const int8_t *weights, uint32_t inputs, const int16_t *in,
                                  int32_t *sums)
{
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    for (const int16_t *end = in + inputs; in != end; in += 8, weights += 32) {
        int16x8_t x = vld1q_s16(in);
        a = dp_eight(a, vmovl_s8(vld1_s8(weights)), x);
        b = dp_eight(b, vmovl_s8(vld1_s8(weights + 8)), x);
        c = dp_eight(c, vmovl_s8(vld1_s8(weights + 16)), x);
        d = dp_eight(d, vmovl_s8(vld1_s8(weights + 24)), x);
    }
    vst1q_s32(sums, dp_across(a, b, c, d));
}

static inline void dp_sums(const int8_t *weights, uint32_t inputs, const int16_t *in,
                           uint32_t stride, uint32_t positions, int32_t *sums)
{
    for (; positions >= 2; positions -= 2, in += 2 * stride, sums += 8) {
        dp_sums_of_two(weights, inputs, in, in + stride, sums);
    }
    if (positions > 0) {
        dp_sums_of_one(weights, inputs, in, sums);
    }
}

static inline int32x4_t dp_rounded(const int32_t *sums, const int32_t *bias, const uint8_t *shift)
{
    uint32_t four;
    __builtin_memcpy(&four, __builtin_assume_aligned(shift, 4), sizeof four);
    int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
    int32x4_t right = vnegq_s32(vmovl_s16(vget_low_s16(wide)));
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
    int32x4_t sum = vaddw_s16(dp_rounded(sums, bias, shift), vld1_s16(add));
    sum = vminq_s32(vmaxq_s32(sum, vdupq_n_s32(low)), vdupq_n_s32(high));
    vst1_s16(out, vmovn_s32(sum));
}

static inline void dp_near_sums(const int8_t *weights, uint32_t channels,
                                const int16_t *const near[9], uint32_t first, int32_t *sums)
{
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (uint32_t n = 0; n < 9; n++) {
        int16x8_t w = vmovl_s8(vld1_s8(weights + n * channels + first));
        int16x8_t x = vld1q_s16(near[n] + first);
        low = vmlal_s16(low, vget_low_s16(w), vget_low_s16(x));
        high = vmlal_s16(high, vget_high_s16(w), vget_high_s16(x));
    }
    vst1q_s32(sums, low);
    vst1q_s32(sums + 4, high);
}

/* Store four lines' samples that a pass gives out. */
static inline void dp_store_passed(const struct dp_pass *pass, int32x4_t sum, int16_t *to)
{
    sum = vrshlq_s32(sum, vdupq_n_s32(-pass->shift));
    sum = vminq_s32(vmaxq_s32(sum, vdupq_n_s32(pass->low)), vdupq_n_s32(pass->high));
    int16x4_t four = vmovn_s32(sum);
    if (pass->across == 1) {
        vst1_s16(to, four);
        return;
    }
    vst1_lane_s16(to, four, 0);
    vst1_lane_s16(to + pass->across, four, 1);
    vst1_lane_s16(to + 2 * pass->across, four, 2);
    vst1_lane_s16(to + 3 * pass->across, four, 3);
}

static inline void dp_butterflies(const int16_t *weights, const int16_t *differences,
                                  const int32_t *sums, const struct dp_pass *pass, int16_t *before,
                                  int16_t *after)
{
    int16x8_t w = vld1q_s16(weights);
    int32x4_t zero = vdupq_n_s32(0);
    int32x4_t weighted = dp_across(dp_eight(zero, w, vld1q_s16(differences)),
                                   dp_eight(zero, w, vld1q_s16(differences + 8)),
                                   dp_eight(zero, w, vld1q_s16(differences + 16)),
                                   dp_eight(zero, w, vld1q_s16(differences + 24)));
    int32x4_t sum = vshlq_n_s32(vld1q_s32(sums), DP_WEIGHT_BITS);
    dp_store_passed(pass, vaddq_s32(sum, weighted), before);
    dp_store_passed(pass, vsubq_s32(sum, weighted), after);
}

#endif
