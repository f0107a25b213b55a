/* Quantise latents to symbols: select the coded ones and subtract their means. */
#include "vectors.h"
#include "writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Factor of |y - mean| to steps; the products have less than 53 bits. */
static double step_of(const struct dp_entropy *model, int32_t gain)
{
    return ldexp(model->mantissas[gain & 31], (gain >> 5) - 16);
}

/* Factor of |k| to |decoded - mean|. */
static double back_of(const struct dp_entropy *model, int32_t gain)
{
    return ldexp(model->mantissas[-gain & 31], (-gain >> 5) + 4 - 12);
}

/* Quantise a latent's difference from its mean, and store its magnitude as neighbours' context. */
static inline int32_t quantise(struct writer *writer, size_t at, int32_t level, double rest,
                            double step)
{
    int32_t index = dp_index_of(level);
    double found = fabs(rest) * step + writer->rounding[index];
    /* No picture has larger symbols, and decoders refuse them. A NaN gets the limit, too. */
    int32_t size = found < DP_LARGEST_SYMBOL ? (int32_t)found : DP_LARGEST_SYMBOL;
    writer->magnitude[at] = (uint8_t)dp_limited(size, 0, DP_LARGEST_MAGNITUDE);
    writer->expected[at] = writer->model->expected[index];
    return rest < 0 ? -size : size;
}

/* A row of a channel: y, log-scales, symbols, and the context that neighbours read. */
struct coded_row {
    const int32_t *y;
    const int16_t *scales;
    const double *rounding;
    const int32_t *expected_of;
    int32_t *symbol;
    uint8_t *magnitude;
    uint16_t *expected;
};

/* Return a channel's largest log-scale. */
VECTORS static int32_t largest_scale(const int16_t *scales, int32_t places)
{
    int16_t largest = INT16_MIN;
    for (int32_t p = 0; p < places; p++) {
        largest = scales[p] > largest ? scales[p] : largest;
    }
    return largest;
}

/* Do what `quantise` does for all latents of a row that are not skipped. */
VECTORS static void quantise_row(const struct coded_row *row, int32_t columns, int32_t add,
                              double step)
{
    const int32_t *restrict y = row->y, *restrict expected_of = row->expected_of;
    const int16_t *restrict scales = row->scales;
    const double *restrict rounding = row->rounding;
    int32_t *restrict symbol = row->symbol;
    uint8_t *restrict magnitude = row->magnitude;
    uint16_t *restrict expected = row->expected;
    for (int32_t s = 0; s < columns; s++) {
        int32_t level = scales[s] + add, index = dp_index_of(level);
        double found = fabs((double)y[s]) * step + rounding[index];
        int32_t size = (int32_t)(found < DP_LARGEST_SYMBOL ? found : DP_LARGEST_SYMBOL);
        int32_t kept = size > DP_LARGEST_MAGNITUDE ? DP_LARGEST_MAGNITUDE : size;
        symbol[s] = y[s] < 0 ? -size : size;
        magnitude[s] = (uint8_t)(level >= DP_CODED ? kept : 0);
        expected[s] = (uint16_t)(level >= DP_CODED ? expected_of[index] : 0);
    }
}

void dp_find_symbols(struct writer *writer, const struct dp_channel_group *group)
{
    const struct dp_planes *tile = writer->tile;
    int32_t rows = tile->rows, columns = tile->columns, places = rows * columns;
    for (int32_t c = group->first; c < group->last; c++) {
        const int32_t *y = tile->y + (size_t)c * (size_t)places;
        const int16_t *scales = tile->scales + (size_t)c * (size_t)places;
        int32_t gain = writer->model->gain[c], add = DP_LEVEL_OFFSET + gain;
        double step = step_of(writer->model, gain);
        int active = largest_scale(scales, places) + add >= DP_CODED;
        writer->active[c - group->first] = (uint8_t)active;
        for (int32_t r = 0; active && r < rows; r++, y += columns, scales += columns) {
            size_t place = (size_t)((r + 1) * writer->stride + 1);
            size_t at = (size_t)c * (size_t)writer->plane + place;
            size_t own = (size_t)(c - group->first) * (size_t)writer->plane + place;
            const struct coded_row row = {.y = y,
                                           .scales = scales,
                                           .rounding = writer->rounding,
                                           .expected_of = writer->expected_of,
                                           .symbol = writer->symbol + own,
                                           .magnitude = writer->magnitude + at,
                                           .expected = writer->expected + at};
            quantise_row(&row, columns, add, step);
        }
    }
}

/* Add the contribution of a neighbour's `known` channels to the means of a group's `wide` channels.
   Sums are integers (times 2^-14) below 2^53, so neither their order nor a fused multiply-add
   changes the result. */
static void add_near(double *mean, const double *weights, const double *near, int32_t known,
                     int32_t wide)
{
    for (int32_t c = 0; c < known; c++, weights += wide) {
        for (int32_t o = 0; o < wide; o++) {
            mean[o] += weights[o] * near[c];
        }
    }
}

#if defined(__GNUC__)
/* Without explicit vectors, GCC vectorises over the known channels, which is slower. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));

#define ADD_NEAR(wide)                                                                             \
    VECTORS static void add_near_##wide(double *mean, const double *weights, const double *near,   \
                                        int32_t known)                                             \
    {                                                                                              \
        const lanes *own = (const lanes *)weights;                                                 \
        lanes sum[wide / 4];                                                                       \
        memcpy(sum, mean, sizeof sum);                                                             \
        for (int32_t c = 0; c < known; c++, own += wide / 4) {                                     \
            for (int32_t o = 0; o < wide / 4; o++) {                                               \
                sum[o] += own[o] * near[c];                                                        \
            }                                                                                      \
        }                                                                                          \
        memcpy(mean, sum, sizeof sum);                                                             \
    }
#else
#define ADD_NEAR(wide)                                                                             \
    static void add_near_##wide(double *mean, const double *weights, const double *near,           \
                                int32_t known)                                                     \
    {                                                                                              \
        add_near(mean, weights, near, known, wide);                                                \
    }
#endif
ADD_NEAR(4)
ADD_NEAR(8)
ADD_NEAR(16)

/* Predict the means of a group's latents in one phase from the decoded latents around them. */
static void find_means(struct writer *writer, const struct dp_channel_group *group, uint32_t phase,
                       const double *weights)
{
    const struct dp_planes *tile = writer->tile;
    int32_t wide = group->last - group->first, predicted = writer->model->predicted;
    double *mean = writer->mean;
    for (int32_t r = dp_phase_row[phase]; r < tile->rows; r += 2) {
        for (int32_t s = dp_phase_column[phase]; s < tile->columns; s += 2, mean += wide) {
            for (int32_t o = 0; o < wide; o++) {
                mean[o] = 0.5;
            }
            for (int32_t n = 0; n < 9; n++) {
                int32_t row = r + n / 3, column = s + n % 3; /* in planes with a border */
                const double *near =
                    writer->decoded + (size_t)(row * writer->stride + column) * (size_t)predicted;
                const double *own = weights + (size_t)(n * group->last) * (size_t)wide;
                /* At positions of this and later phases, only earlier groups are decoded. */
                uint32_t there = dp_phase_at[(row + 1) & 1][(column + 1) & 1];
                int32_t known = there < phase ? group->last : group->first;
                switch (wide) {
                case 4: add_near_4(mean, own, near, known); break;
                case 8: add_near_8(mean, own, near, known); break;
                case 16: add_near_16(mean, own, near, known); break;
                default: add_near(mean, own, near, known, wide);
                }
            }
        }
    }
}

void dp_find_leading_symbols(struct writer *writer, const struct dp_channel_group *group,
                             const double *weights)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    int32_t wide = group->last - group->first, rows = tile->rows, columns = tile->columns;
    memset(writer->active, 1, (size_t)wide);
    for (uint32_t phase = 0; phase < 4; phase++) {
        find_means(writer, group, phase, weights);
        weights += 9 * group->last * wide;
        for (int32_t c = group->first; c < group->last; c++) {
            size_t plane = (size_t)c * (size_t)rows * (size_t)columns;
            double step = step_of(model, model->gain[c]), back = back_of(model, model->gain[c]);
            const double *mean = writer->mean + (c - group->first);
            int32_t *symbol =
                writer->symbol + (size_t)(c - group->first) * (size_t)writer->plane;
            for (int32_t r = dp_phase_row[phase]; r < rows; r += 2) {
                for (int32_t s = dp_phase_column[phase]; s < columns; s += 2, mean += wide) {
                    int32_t from = r * columns + s, place = (r + 1) * writer->stride + s + 1;
                    int32_t level =
                        tile->scales[plane + (size_t)from] + DP_LEVEL_OFFSET + model->gain[c];
                    double value = floor(*mean);
                    if (level >= DP_CODED) {
                        size_t at = (size_t)c * (size_t)writer->plane + (size_t)place;
                        double rest = tile->y[plane + (size_t)from] - value;
                        symbol[place] = quantise(writer, at, level, rest, step);
                        value += copysign(floor(abs(symbol[place]) * back + 0.5), rest);
                    }
                    writer->decoded[(size_t)place * (size_t)model->predicted + (size_t)c] = value;
                }
            }
        }
    }
}
