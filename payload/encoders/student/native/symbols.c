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
    writer->context.magnitude[at] = (uint8_t)dp_limited(size, 0, DP_LARGEST_MAGNITUDE);
    writer->context.expected[at] = writer->model->expected[index];
    return rest < 0 ? -size : size;
}

/* A row of a channel: y, log-scales, symbols, and the context that neighbours read. */
struct coded_row {
    const int32_t *y;
    const int16_t *scales;
    int32_t *symbol;
    uint8_t *magnitude;
    uint16_t *expected;
};

/* How a channel's latents become steps: |y| times `step`, or times `mantissa` times 2^-shift. */
struct scaling {
    double step;
    uint32_t mantissa, shift;
    int32_t add; /* to log-scales: levels */
};

/* Return a channel's largest log-scale, and whether products of its latents fit in 32 bits. */
VECTORS static int32_t largest_scale(const int16_t *scales, const int32_t *y, int32_t places,
                                     int32_t *fit)
{
    int16_t largest = INT16_MIN;
    uint32_t bits = 0;
    for (int32_t p = 0; p < places; p++) {
        largest = scales[p] > largest ? scales[p] : largest;
        bits |= (uint32_t)(y[p] < 0 ? ~y[p] : y[p]);
    }
    *fit = bits < 1u << 17;
    return largest;
}

/* Do what `quantise` does for all latents of a row that are not skipped. */
VECTORS static void quantise_row(const struct coded_row *row, int32_t columns,
                                 const struct scaling *scaling, const struct writer *writer)
{
    const int32_t *restrict y = row->y, *restrict expected_of = writer->expected_of;
    const int16_t *restrict scales = row->scales;
    const double *restrict rounding = writer->rounding;
    int32_t *restrict symbol = row->symbol;
    uint8_t *restrict magnitude = row->magnitude;
    uint16_t *restrict expected = row->expected;
    double step = scaling->step;
    for (int32_t s = 0; s < columns; s++) {
        int32_t level = scales[s] + scaling->add, index = dp_index_of(level);
        double found = fabs((double)y[s]) * step + rounding[index];
        int32_t size = (int32_t)(found < DP_LARGEST_SYMBOL ? found : DP_LARGEST_SYMBOL);
        int32_t kept = size > DP_LARGEST_MAGNITUDE ? DP_LARGEST_MAGNITUDE : size;
        symbol[s] = y[s] < 0 ? -size : size;
        magnitude[s] = (uint8_t)(level >= DP_CODED ? kept : 0);
        expected[s] = (uint16_t)(level >= DP_CODED ? expected_of[index] : 0);
    }
}

/* The same in 32 bits, for |y| up to 2^17: the product has 30 bits, and 2^shift is added at most.
   There are no conditions, and pointers are parameters: else compilers do not vectorise. */
VECTORS static void quantise_narrow_row(const int32_t *restrict y, const int16_t *restrict scales,
                                        const uint32_t *restrict of_index,
                                        int32_t *restrict symbol, uint8_t *restrict magnitude,
                                        uint16_t *restrict expected, int32_t columns,
                                        const struct scaling *scaling)
{
    uint32_t mantissa = scaling->mantissa, shift = scaling->shift;
    int32_t add = scaling->add;
    for (int32_t s = 0; s < columns; s++) {
        int32_t level = scales[s] + add, sign = y[s] >> 31;
        uint32_t both = of_index[dp_index_of(level)];
        uint32_t product = (uint32_t)((y[s] ^ sign) - sign) * mantissa;
        uint32_t sum = product + ((both & 255u) << (shift - 8));
        int32_t size = (int32_t)(sum >> shift), coded = -(int32_t)(level >= DP_CODED);
        size = size < DP_LARGEST_SYMBOL ? size : DP_LARGEST_SYMBOL;
        int32_t kept = size < DP_LARGEST_MAGNITUDE ? size : DP_LARGEST_MAGNITUDE;
        symbol[s] = (size ^ sign) - sign;
        magnitude[s] = (uint8_t)(kept & coded);
        expected[s] = (uint16_t)((int32_t)(both >> 8) & coded);
    }
}

bool dp_find_symbols(struct writer *writer, const struct dp_channel_group *group)
{
    const struct dp_planes *tile = writer->tile;
    int32_t rows = tile->rows, columns = tile->columns, places = rows * columns;
    bool any = false;
    for (int32_t c = group->first; c < group->last; c++) {
        const int32_t *y = tile->y + (size_t)c * (size_t)places;
        const int16_t *scales = tile->scales + (size_t)c * (size_t)places;
        int32_t gain = writer->model->gain[c], shift = 16 - (gain >> 5), fit;
        const struct scaling scaling = {.step = step_of(writer->model, gain),
                                        .mantissa = writer->model->mantissas[gain & 31],
                                        .shift = (uint32_t)shift,
                                        .add = DP_LEVEL_OFFSET + gain};
        bool active = largest_scale(scales, y, places, &fit) + scaling.add >= DP_CODED;
        fit = fit && shift >= 8 && shift <= 30;
        writer->context.active[c] = (uint8_t)active;
        any |= active;
        for (int32_t r = 0; active && r < rows; r++, y += columns, scales += columns) {
            size_t place = (size_t)((r + 1) * writer->context.stride + 1);
            size_t at = (size_t)c * writer->context.plane + place;
            size_t own = (size_t)(c - group->first) * writer->context.plane + place;
            const struct coded_row row = {.y = y,
                                          .scales = scales,
                                          .symbol = writer->symbol + own,
                                          .magnitude = writer->context.magnitude + at,
                                          .expected = writer->context.expected + at};
            if (fit) {
                quantise_narrow_row(y, scales, writer->of_index, row.symbol, row.magnitude,
                                    row.expected, columns, &scaling);
            } else {
                quantise_row(&row, columns, &scaling, writer);
            }
        }
    }
    return any;
}

/* Predict the means of a group's latents in one phase. */
static void find_means(struct writer *writer, const struct dp_channel_group *group, uint32_t phase,
                       const double *weights)
{
    int32_t step = dp_positions(&writer->context, phase) * (group->last - group->first);
    double *mean = writer->mean;
    for (int32_t r = dp_phase_row[phase]; r < writer->tile->rows; r += 2, mean += step) {
        dp_predict_row(&writer->context, group, phase, r, weights, mean);
    }
}

/* Quantise a predicted channel's latents in one phase, and keep what the decoder makes of them. */
VECTORS static void quantise_phase(struct writer *writer, const struct dp_channel_group *group,
                                   uint32_t phase, int32_t c)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    int32_t wide = group->last - group->first, rows = tile->rows, columns = tile->columns;
    size_t plane = (size_t)c * (size_t)rows * (size_t)columns;
    double step = step_of(model, model->gain[c]), back = back_of(model, model->gain[c]);
    const double *mean = writer->mean + (c - group->first);
    int32_t *symbol = writer->symbol + (size_t)(c - group->first) * writer->context.plane;
    for (int32_t r = dp_phase_row[phase]; r < rows; r += 2) {
        for (int32_t s = dp_phase_column[phase]; s < columns; s += 2, mean += wide) {
            int32_t from = r * columns + s, place = (r + 1) * writer->context.stride + s + 1;
            int32_t level = tile->scales[plane + (size_t)from] + DP_LEVEL_OFFSET + model->gain[c];
            double value = floor(*mean);
            if (level >= DP_CODED) {
                size_t at = (size_t)c * writer->context.plane + (size_t)place;
                double rest = tile->y[plane + (size_t)from] - value;
                symbol[place] = quantise(writer, at, level, rest, step);
                value += copysign(floor(abs(symbol[place]) * back + 0.5), rest);
            }
            writer->context.decoded[(size_t)place * (size_t)model->predicted + (size_t)c] = value;
        }
    }
}

void dp_find_predicted_symbols(struct writer *writer, const struct dp_channel_group *group,
                               const double *weights)
{
    memset(writer->context.active + group->first, 1, (size_t)(group->last - group->first));
    for (uint32_t phase = 0; phase < 4; phase++) {
        find_means(writer, group, phase, weights);
        for (int32_t c = group->first; c < group->last; c++) {
            quantise_phase(writer, group, phase, c);
        }
    }
}
