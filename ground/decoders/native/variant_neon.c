/* Arm's dot products of bytes (ARMv8.2 and later), and products of 16 bits. */
#include "processor.h"

#ifdef DP_ARM

#include "neon.h"

#define WIDEST 4
#define PLACES 4
#define BYTES 1
#define OWN_PAIRS
#define FORM {.lanes = LANES, .widest = WIDEST, .bytes = 1, .zero = 128, .planar = 1}

#include "layers.h"

/*
 * See layers.h. Channels are multiples of 16, so all panels are 16 outputs wide and inputs come in
 * eights.
 */
static TARGET void sums_pairs(size_t vectors, const struct panel *panel, const int32_t *bias,
                              int32_t *to, size_t stride)
{
    int32x4_t sum[PLACES][4];
    (void)vectors;
    _Pragma("GCC unroll 4") for (int m = 0; m < PLACES; m++)
    {
        _Pragma("GCC unroll 4") for (int v = 0; v < 4; v++) { sum[m][v] = load(bias + 4 * v); }
    }
#define STEP(i)                                                                                   \
    do {                                                                                          \
        int16x8_t low = vld1q_s16(w), high = vld1q_s16(w + 8);                                    \
        w += 16;                                                                                  \
        _Pragma("GCC unroll 4") for (int m = 0; m < PLACES; m++)                                  \
        {                                                                                         \
            sum[m][0] = vmlal_laneq_s16(sum[m][0], vget_low_s16(low), in[m], i);                  \
            sum[m][1] = vmlal_high_laneq_s16(sum[m][1], low, in[m], i);                           \
            sum[m][2] = vmlal_laneq_s16(sum[m][2], vget_low_s16(high), in[m], i);                 \
            sum[m][3] = vmlal_high_laneq_s16(sum[m][3], high, in[m], i);                          \
        }                                                                                         \
    } while (0)
    for (size_t part = 0; part < panel->parts; part++) {
        const uint8_t *const *a = panel->in[part];
        const int16_t *w = (const int16_t *)(const void *)panel->weights[part];
        for (size_t step = 0; step < panel->steps; step += 4) {
            int16x8_t in[PLACES];
            _Pragma("GCC unroll 4") for (int m = 0; m < PLACES; m++)
            {
                in[m] = vld1q_s16((const int16_t *)(const void *)(a[m] + 4 * step));
            }
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
            STEP(4);
            STEP(5);
            STEP(6);
            STEP(7);
        }
    }
#undef STEP
    _Pragma("GCC unroll 4") for (int m = 0; m < PLACES; m++)
    {
        _Pragma("GCC unroll 4") for (int v = 0; v < 4; v++)
        {
            store(to + (size_t)m * stride + 4 * v, sum[m][v]);
        }
    }
}

#include "synthesis.h"

const struct dp_variant dp_neon = {FORM, synthesise};

#endif
