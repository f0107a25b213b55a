/* Predict the means of the first channels' latents from the decoded latents around them. */
#include "latents.h"
#include "vectors.h"

#include <math.h>
#include <string.h>

/*
 * Add the contribution of a neighbour's `known` channels to the means of a group's `wide` channels,
 * at `count` positions, one every `step` values of `near`. Sums are integers (times 2^-14) below
 * 2^53, so neither their order nor a fused multiply-add changes the result.
 */
static void add_near(double *mean, const double *weights, const double *near, ptrdiff_t step,
                     int32_t count, int32_t known, int32_t wide)
{
    for (int32_t p = 0; p < count; p++, near += step, mean += wide) {
        const double *own = weights;
        for (int32_t c = 0; c < known; c++, own += wide) {
            for (int32_t o = 0; o < wide; o++) {
                mean[o] += own[o] * near[c];
            }
        }
    }
}

#if defined(__GNUC__)
/* Without explicit vectors, GCC vectorises over the known channels, which is slower. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));

/* The same for usual numbers of channels, two positions at once, whose sums stay in registers. */
#define ADD_NEAR(wide)                                                                             \
    VECTORS static void add_near_##wide(double *mean, const double *weights, const double *near,   \
                                        ptrdiff_t step, int32_t count, int32_t known)              \
    {                                                                                              \
        int32_t p = 0;                                                                             \
        for (; p + 1 < count; p += 2, near += 2 * step, mean += 2 * wide) {                        \
            const lanes *own = (const lanes *)weights;                                             \
            lanes one[wide / 4], two[wide / 4];                                                    \
            memcpy(one, mean, sizeof one);                                                         \
            memcpy(two, mean + wide, sizeof two);                                                  \
            for (int32_t c = 0; c < known; c++, own += wide / 4) {                                 \
                for (int32_t o = 0; o < wide / 4; o++) {                                           \
                    one[o] += own[o] * near[c];                                                    \
                    two[o] += own[o] * near[step + c];                                             \
                }                                                                                  \
            }                                                                                      \
            memcpy(mean, one, sizeof one);                                                         \
            memcpy(mean + wide, two, sizeof two);                                                  \
        }                                                                                          \
        add_near(mean, weights, near, step, count - p, known, wide);                               \
    }
#else
#define ADD_NEAR(wide)                                                                             \
    static void add_near_##wide(double *mean, const double *weights, const double *near,           \
                                ptrdiff_t step, int32_t count, int32_t known)                      \
    {                                                                                              \
        add_near(mean, weights, near, step, count, known, wide);                                   \
    }
#endif
ADD_NEAR(4)
ADD_NEAR(8)
ADD_NEAR(16)

/* Find the means of one row. */
static void find_row(struct latents *l, const struct dp_channel_group *group, uint32_t phase,
                     int32_t row, const double *weights)
{
    int32_t wide = group->last - group->first, predicted = l->model->predicted;
    int32_t column = dp_phase_column[phase], count = (l->tile->columns - column + 1) / 2;
    ptrdiff_t step = 2 * (ptrdiff_t)predicted;
    double *mean = l->mean;
    for (int32_t i = 0; i < count * wide; i++) {
        mean[i] = 0.5;
    }
    for (int32_t n = 0; n < 9; n++) {
        int32_t above = row + n / 3, left = column + n % 3; /* with the border */
        const double *near =
            l->decoded + (size_t)(above * l->stride + left) * (size_t)predicted;
        const double *own = weights + (size_t)(n * group->last) * (size_t)wide;
        /* At positions of this and later phases, only earlier groups are decoded. */
        uint32_t there = dp_phase_at[(above + 1) & 1][(left + 1) & 1];
        int32_t known = there < phase ? group->last : group->first;
        switch (wide) {
        case 4: add_near_4(mean, own, near, step, count, known); break;
        case 8: add_near_8(mean, own, near, step, count, known); break;
        case 16: add_near_16(mean, own, near, step, count, known); break;
        default: add_near(mean, own, near, step, count, known, wide);
        }
    }
    double *to = l->decoded +
                 (size_t)((row + 1) * l->stride + column + 1) * (size_t)predicted + group->first;
    for (int32_t p = 0; p < count; p++, to += step, mean += wide) {
        for (int32_t o = 0; o < wide; o++) {
            to[o] = floor(mean[o]);
        }
    }
}

void dp_find_means(struct latents *l, const struct dp_channel_group *group, uint32_t phase,
                   const double *weights)
{
    weights += (size_t)phase * 9 * (size_t)group->last * (size_t)(group->last - group->first);
    if (l->tile->columns > dp_phase_column[phase]) {
        for (int32_t r = dp_phase_row[phase]; r < l->tile->rows; r += 2) {
            find_row(l, group, phase, r, weights);
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
