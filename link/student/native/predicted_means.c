/* Predict the means of the first channels' latents from the decoded latents around them. */
#include "context.h"
#include "vectors.h"

#include <string.h>

/* A neighbour of a row's positions: its decoded channels at the first of them, their weights, and
   how many of them count. */
struct neighbour {
    const double *decoded, *weights; /* [known], [known][wide] */
    int32_t known;
};

/*
 * Sum up the nine neighbours' contributions to the means of a group's `wide` channels at one
 * position, whose neighbours are `at` values behind those of the first. Sums are integers (times
 * 2^-14) below 2^53, so neither their order nor a fused multiply-add changes the result.
 */
static void predict(double *mean, const struct neighbour *near, ptrdiff_t at, int32_t wide)
{
    for (int32_t o = 0; o < wide; o++) {
        mean[o] = 0.5;
    }
    for (const struct neighbour *n = near; n < near + 9; n++) {
        const double *weights = n->weights;
        for (int32_t c = 0; c < n->known; c++, weights += wide) {
            for (int32_t o = 0; o < wide; o++) {
                mean[o] += weights[o] * n->decoded[at + c];
            }
        }
    }
}

#if defined(__GNUC__)
/* Without explicit vectors, GCC vectorises over the known channels, which is slower. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));

/*
 * The same for usual numbers of channels and pairs of positions, `step` values apart; return how
 * many positions were done. Of each `apart` known channels every one has a sum of its own, since
 * one sum would wait for each of its additions. All sums stay in registers.
 */
#define PREDICT_PAIRS(wide, apart)                                                                 \
    VECTORS static int32_t predict_pairs_##wide(double *mean, const struct neighbour *near,        \
                                                ptrdiff_t step, int32_t count)                     \
    {                                                                                              \
        enum { LANES = wide / 4 };                                                                 \
        int32_t p = 0;                                                                             \
        for (; p + 1 < count; p += 2, mean += 2 * wide) {                                          \
            lanes sum[apart][2 * LANES];                                                           \
            memset(sum, 0, sizeof sum);                                                            \
            for (const struct neighbour *n = near; n < near + 9; n++) {                            \
                const lanes *weights = (const lanes *)n->weights;                                  \
                const double *left = n->decoded + p * step, *right = left + step;                  \
                for (int32_t c = 0; c < n->known; c += apart, weights += apart * LANES) {          \
                    for (int32_t i = 0; i < apart; i++) {                                          \
                        for (int32_t o = 0; o < LANES; o++) {                                      \
                            sum[i][o] += weights[i * LANES + o] * left[c + i];                     \
                            sum[i][LANES + o] += weights[i * LANES + o] * right[c + i];            \
                        }                                                                          \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            for (int32_t o = 0; o < 2 * LANES; o++) {                                              \
                lanes all = sum[0][o] + 0.5;                                                       \
                for (int32_t i = 1; i < apart; i++) {                                              \
                    all += sum[i][o];                                                              \
                }                                                                                  \
                memcpy(mean + 4 * o, &all, sizeof all);                                            \
            }                                                                                      \
        }                                                                                          \
        return p;                                                                                  \
    }
PREDICT_PAIRS(4, 2)
PREDICT_PAIRS(8, 2)
PREDICT_PAIRS(16, 1)

/* Predict as many positions as there is a fast way for; return how many. */
static int32_t predict_pairs(double *mean, const struct neighbour *near, ptrdiff_t step,
                             int32_t count, const struct dp_channel_group *group)
{
    int32_t wide = group->last - group->first;
    switch (group->first % 2 == 0 ? wide : 0) { /* so that `known` is a multiple of `apart` */
    case 4: return predict_pairs_4(mean, near, step, count);
    case 8: return predict_pairs_8(mean, near, step, count);
    case 16: return predict_pairs_16(mean, near, step, count);
    default: return 0;
    }
}
#else
static int32_t predict_pairs(double *mean, const struct neighbour *near, ptrdiff_t step,
                             int32_t count, const struct dp_channel_group *group)
{
    (void)mean, (void)near, (void)step, (void)count, (void)group;
    return 0;
}
#endif

void dp_predict_row(const struct dp_context *context, const struct dp_channel_group *group,
                    uint32_t phase, int32_t row, const double *weights, double *mean)
{
    int32_t wide = group->last - group->first, count = dp_positions(context, phase);
    size_t predicted = (size_t)context->predicted, each = (size_t)group->last * (size_t)wide;
    ptrdiff_t step = 2 * (ptrdiff_t)predicted; /* from one position of the phase to the next */
    struct neighbour near[9];
    weights += phase * 9 * each;
    for (int32_t n = 0; n < 9; n++, weights += each) {
        int32_t above = row + n / 3, left = dp_phase_column[phase] + n % 3; /* with the border */
        near[n].decoded = context->decoded + (size_t)(above * context->stride + left) * predicted;
        near[n].weights = weights;
        /* At positions of this and later phases, only earlier groups are decoded. */
        uint32_t there = dp_phase_at[(above + 1) & 1][(left + 1) & 1];
        near[n].known = there < phase ? group->last : group->first;
    }
    int32_t done = predict_pairs(mean, near, step, count, group);
    for (int32_t p = done; p < count; p++) {
        predict(mean + (ptrdiff_t)p * wide, near, p * step, wide);
    }
}
