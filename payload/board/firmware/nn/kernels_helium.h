/* Cortex-M55 and M85 (Helium): eight products an instruction, their sum in a core register. */
#ifndef DP_NN_KERNELS_HELIUM_H
#define DP_NN_KERNELS_HELIUM_H

#include <arm_mve.h>
#include <stdint.h>

#define DP_KERNELS "helium"
#define DP_BATCH 4u
#define DP_PACE(inputs) (2u * (inputs))
#define DP_QUAD(a, b, c, d) a, b, c, d

static inline void dp_sums_of_two(const int8_t *weights, uint32_t inputs, const int16_t *first,
                                  const int16_t *second, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (uint32_t i = inputs; i > 0; i -= 8, first += 8, second += 8, weights += 32) {
        int16x8_t x = vld1q_s16(first), y = vld1q_s16(second);
        int16x8_t w = vldrbq_s16(weights);
        a = vmladavaq_s16(a, w, x);
        e = vmladavaq_s16(e, w, y);
        w = vldrbq_s16(weights + 8);
        b = vmladavaq_s16(b, w, x);
        f = vmladavaq_s16(f, w, y);
        w = vldrbq_s16(weights + 16);
        c = vmladavaq_s16(c, w, x);
        g = vmladavaq_s16(g, w, y);
        w = vldrbq_s16(weights + 24);
        d = vmladavaq_s16(d, w, x);
        h = vmladavaq_s16(h, w, y);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    sums[4] = e;
    sums[5] = f;
    sums[6] = g;
    sums[7] = h;
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
        dp_sums_of_two(weights, inputs, in, in + stride, sums);
    }
    if (positions > 0) {
        dp_sums_of_one(weights, inputs, in, sums);
    }
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

#endif
