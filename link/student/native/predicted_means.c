/* Predict the means of the first channels' latents from the decoded latents around them. */
#include "latents.h"
#include "vectors.h"

#include <math.h>

/*
 * Add the contribution of a neighbour's `known` channels to the means of a group's `wide` channels.
 * Sums are integers (times 2^-14) below 2^53, so neither their order nor a fused multiply-add
 * changes the result.
 */
static inline void add_near(double *restrict mean, const double *restrict weights,
                            const double *restrict near, int32_t known, int32_t wide)
{
    for (int32_t c = 0; c < known; c++, weights += wide) {
        for (int32_t o = 0; o < wide; o++) {
            mean[o] += weights[o] * near[c];
        }
    }
}

/* The same for usual numbers of channels, whose sums stay in registers. */
#define ADD_NEAR(wide)                                                                             \
    VECTORS static void add_near_##wide(double *restrict mean, const double *restrict weights,     \
                                        const double *restrict near, int32_t known)                \
    {                                                                                              \
        double sum[wide];                                                                          \
        for (int32_t o = 0; o < wide; o++) {                                                       \
            sum[o] = mean[o];                                                                      \
        }                                                                                          \
        add_near(sum, weights, near, known, wide);                                                 \
        for (int32_t o = 0; o < wide; o++) {                                                       \
            mean[o] = sum[o];                                                                      \
        }                                                                                          \
    }
ADD_NEAR(4)
ADD_NEAR(8)
ADD_NEAR(16)

void dp_find_means(struct latents *l, const struct dp_channel_group *group, uint32_t phase,
                   const double *weights)
{
    int32_t wide = group->last - group->first, predicted = l->model->predicted;
    double *mean = l->mean;
    weights += (size_t)phase * 9 * (size_t)group->last * (size_t)wide;
    for (int32_t r = dp_phase_row[phase]; r < l->tile->rows; r += 2) {
        for (int32_t s = dp_phase_column[phase]; s < l->tile->columns; s += 2) {
            for (int32_t o = 0; o < wide; o++) {
                mean[o] = 0.5;
            }
            for (int32_t n = 0; n < 9; n++) {
                size_t place = (size_t)((r + n / 3) * l->stride + s + n % 3);
                const double *near = l->decoded + place * (size_t)predicted;
                const double *own = weights + (size_t)(n * group->last) * (size_t)wide;
                /* At positions of this and later phases, only earlier groups are decoded. */
                uint32_t there = dp_phase_at[(r + n / 3 + 1) & 1][(s + n % 3 + 1) & 1];
                int32_t known = there < phase ? group->last : group->first;
                switch (wide) {
                case 4: add_near_4(mean, own, near, known); break;
                case 8: add_near_8(mean, own, near, known); break;
                case 16: add_near_16(mean, own, near, known); break;
                default: add_near(mean, own, near, known, wide);
                }
            }
            double *to = l->decoded + (size_t)((r + 1) * l->stride + s + 1) * (size_t)predicted;
            for (int32_t o = 0; o < wide; o++) {
                to[group->first + o] = floor(mean[o]);
            }
        }
    }
}

bool dp_is_bounded(const struct latents *l, const struct dp_channel_group *group, uint32_t phase)
{
    bool bounded = true;
    for (int32_t r = dp_phase_row[phase]; r < l->tile->rows; r += 2) {
        for (int32_t s = dp_phase_column[phase]; s < l->tile->columns; s += 2) {
            size_t place = (size_t)((r + 1) * l->stride + s + 1);
            const double *own = l->decoded + place * (size_t)l->model->predicted;
            for (int32_t c = group->first; c < group->last; c++) {
                bounded &= fabs(own[c]) <= DP_LARGEST_SYMBOL;
            }
        }
    }
    return bounded;
}
