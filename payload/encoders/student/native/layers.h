/*
 * Layers for one set of vector instructions. A variant's file defines the names below and then
 * includes analysis.h and synthesis.h, which include this file. The headers of instruction sets in
 * link/student/native/ define some of them:
 *
 *   TARGET                   attribute of all functions
 *   ACTIVATION               uint8_t or int16_t
 *   FORM                     struct dp_form's members
 *   LANES                    32-bit sums in a vector; FORM's lanes
 *   PLACES                   positions at once; DP_GROUP is a multiple of it
 *   vector, load, store, spread_out, dot     the kernel's few operations, see `DEFINE_SUMS`; or
 *   OWN_SUMS                 the variant has `sums` itself
 *   WIDE                     bytes of a vector, if it has the operations of `mix_near`
 *   OWN_TURN, OWN_TRANSPOSE  the variant has `turn_pixels` or `transpose` itself
 *
 * Activations lie channels last, so two neighbours are one position's inputs of the next coarser
 * grid.
 */
#ifndef DP_LAYERS_H
#define DP_LAYERS_H

#include "limited.h"
#include "networks.h"

#include <string.h>

#define BYTES (sizeof(ACTIVATION) == 1)
#define SLACK 64 /* space after rows, because vectors may exceed them */
#define CHUNK 16 /* positions whose latents are finished together */

static const struct dp_form form = FORM;

/*
 * to[m][o] = from[m][o] + the sum over steps of four bytes of a[m] times the panel's weights;
 * `vectors` of outputs, PLACES positions.
 */
#ifndef OWN_SUMS
#define DEFINE_SUMS(COUNT)                                                                        \
    static TARGET void sums_##COUNT(const ACTIVATION *const *a, const void *weights,              \
                                    size_t steps, const int32_t *const *from, int32_t *to)        \
    {                                                                                             \
        vector sum[PLACES][COUNT];                                                                \
        const uint8_t *w = weights;                                                               \
        _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                                 \
        {                                                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                               \
            {                                                                                     \
                sum[m][v] = load(from[m] + v * LANES);                                            \
            }                                                                                     \
        }                                                                                         \
        for (size_t step = 0; step < steps; step++, w += COUNT * LANES * 4) {                     \
            _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                             \
            {                                                                                     \
                vector one = spread_out((const uint8_t *)a[m] + 4 * step);                        \
                _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                           \
                {                                                                                 \
                    sum[m][v] = dot(sum[m][v], one, load(w + v * LANES * 4));                     \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
        _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                                 \
        {                                                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                               \
            {                                                                                     \
                store(to + (m * COUNT + v) * LANES, sum[m][v]);                                   \
            }                                                                                     \
        }                                                                                         \
    }
DEFINE_SUMS(1)
DEFINE_SUMS(2)
DEFINE_SUMS(3)

static TARGET void sums(size_t vectors, const ACTIVATION *const *a, const void *weights,
                        size_t steps, const int32_t *const *from, int32_t *to)
{
    if (vectors == 3) {
        sums_3(a, weights, steps, from, to);
    } else if (vectors == 2) {
        sums_2(a, weights, steps, from, to);
    } else {
        sums_1(a, weights, steps, from, to);
    }
}
#endif

/* Positions of a panel. If there are fewer than PLACES, the last one is repeated. */
struct places {
    const ACTIVATION *in[PLACES];
    const int32_t *from[PLACES];
};

static inline TARGET void all_from(struct places *places, const int32_t *from, size_t step)
{
    for (size_t m = 0; m < PLACES; m++) {
        places->from[m] = from + m * step;
    }
}

static inline TARGET size_t steps_of(size_t inputs)
{
    return inputs * sizeof(ACTIVATION) / 4;
}

/* Compute sums of up to PLACES positions over all parts of a layer's panel, [PLACES][width]. */
static TARGET void sum_parts(const struct dp_mix *layer, const ACTIVATION *const *in, size_t first,
                             size_t count, size_t output, size_t width, const uint8_t *weights,
                             int32_t *acc)
{
    struct places places;
    size_t part = 0;
    all_from(&places, layer->bias + output, 0);
    do {
        for (size_t m = 0; m < PLACES; m++) {
            places.in[m] = in[part] + least(first + m, count - 1) * layer->inputs;
        }
        sums(width / LANES, places.in, weights + part * width * layer->inputs * sizeof(ACTIVATION),
             steps_of(layer->inputs), places.from, acc);
        all_from(&places, acc, width);
    } while (++part < layer->parts);
}

/* out = limited sums of `count` positions, as activations; `added`, if given, is added before. */
static TARGET void mix(const struct dp_mix *layer, const ACTIVATION *const *in, size_t count,
                       const ACTIVATION *added, ACTIVATION *out)
{
    const uint8_t *weights = layer->weights;
    size_t outputs = layer->outputs, inputs = layer->inputs * layer->parts;
    for (size_t o = 0, width; o < outputs; o += width) {
        width = dp_panel(outputs, o, LANES);
        for (size_t p = 0; p < count; p += PLACES) {
            int32_t acc[PLACES * DP_WIDEST];
            sum_parts(layer, in, p, count, o, width, weights, acc);
            const int32_t *shift = layer->shift + o;
            for (size_t m = 0; m < PLACES && p + m < count; m++) {
                const int32_t *sum = acc + m * width;
                ACTIVATION *to = out + (p + m) * outputs + o;
                const ACTIVATION *more = added ? added + (p + m) * outputs + o : NULL;
                for (size_t i = 0; added && i < width; i++) {
                    to[i] = (ACTIVATION)limited((sum[i] >> shift[i]) + more[i], layer->low,
                                                layer->high);
                }
                for (size_t i = 0; !added && i < width; i++) {
                    to[i] = (ACTIVATION)limited(sum[i] >> shift[i], layer->low, layer->high);
                }
            }
        }
        weights += width * inputs * sizeof(ACTIVATION);
    }
}

/* out = limited sums, or out + limited sums, in 32 bits. */
static TARGET void mix_wide(const struct dp_mix *layer, const ACTIVATION *in, size_t count,
                            int add, int32_t *out)
{
    const uint8_t *weights = layer->weights;
    const ACTIVATION *const parts[1] = {in};
    size_t outputs = layer->outputs;
    for (size_t o = 0, width; o < outputs; o += width) {
        width = dp_panel(outputs, o, LANES);
        for (size_t p = 0; p < count; p += PLACES) {
            int32_t acc[PLACES * DP_WIDEST];
            sum_parts(layer, parts, p, count, o, width, weights, acc);
            const int32_t *shift = layer->shift + o;
            for (size_t m = 0; m < PLACES && p + m < count; m++) {
                const int32_t *sum = acc + m * width;
                int32_t *to = out + (p + m) * outputs + o;
                for (size_t i = 0; add && i < width; i++) {
                    to[i] += limited(sum[i] >> shift[i], layer->low, layer->high);
                }
                for (size_t i = 0; !add && i < width; i++) {
                    to[i] = limited(sum[i] >> shift[i], layer->low, layer->high);
                }
            }
        }
        weights += width * layer->inputs * sizeof(ACTIVATION);
    }
}

/*
 * Compute a depthwise convolution of a row. Rows begin and end with a position of zeros. With
 * `add`, its input is added before outputs are limited.
 */
#ifdef WIDE
/* Four taps at a time, interleaved. Up to WIDE - 1 bytes after a row are read and written. */
static TARGET void mix_near(const struct dp_near *layer, const ACTIVATION *const rows[3],
                            size_t count, int add, ACTIVATION *out)
{
    size_t channels = layer->channels, all = count * channels, number = 0;
    const vector low = fill_bytes(layer->low), high = fill_bytes(layer->high);
    const vector none = fill_bytes(0);
    for (size_t at = 0; at < all; at += WIDE, number++) {
        if (number == layer->period) {
            number = 0;
        }
        const int8_t *weights = layer->packed + number * 12 * WIDE;
        const int32_t *bias = layer->packed_bias + number * WIDE;
        const int32_t *shift = layer->packed_shift + number * WIDE;
        vector tap[12], sum[4];
        _Pragma("GCC unroll 9") for (size_t n = 0; n < 9; n++)
        {
            tap[n] = load(rows[n / 3] + at + n % 3 * channels);
        }
        tap[9] = tap[10] = tap[11] = none;
        _Pragma("GCC unroll 4") for (int q = 0; q < 4; q++) { sum[q] = load(bias + q * LANES); }
        _Pragma("GCC unroll 3") for (int n = 0; n < 3; n++, weights += 4 * WIDE)
        {
            vector ab_low = mix_bytes_low(tap[4 * n], tap[4 * n + 1]);
            vector ab_high = mix_bytes_high(tap[4 * n], tap[4 * n + 1]);
            vector cd_low = mix_bytes_low(tap[4 * n + 2], tap[4 * n + 3]);
            vector cd_high = mix_bytes_high(tap[4 * n + 2], tap[4 * n + 3]);
            sum[0] = dot(sum[0], mix_pairs_low(ab_low, cd_low), load(weights));
            sum[1] = dot(sum[1], mix_pairs_high(ab_low, cd_low), load(weights + WIDE));
            sum[2] = dot(sum[2], mix_pairs_low(ab_high, cd_high), load(weights + 2 * WIDE));
            sum[3] = dot(sum[3], mix_pairs_high(ab_high, cd_high), load(weights + 3 * WIDE));
        }
        _Pragma("GCC unroll 4") for (int q = 0; q < 4; q++)
        {
            sum[q] = shift_right(sum[q], load(shift + q * LANES));
        }
        /* Limits fit a byte, so a sum that saturates at 16 bits would be limited anyway. */
        vector first = narrow_pairs(sum[0], sum[1]), second = narrow_pairs(sum[2], sum[3]);
        if (add) {
            first = add_pairs(first, mix_bytes_low(tap[4], none));
            second = add_pairs(second, mix_bytes_high(tap[4], none));
        }
        store(out + at, limit_bytes(narrow_bytes(first, second), low, high));
    }
}
#else
static TARGET void mix_near(const struct dp_near *layer, const ACTIVATION *const rows[3],
                            size_t count, int add, ACTIVATION *out)
{
    size_t channels = layer->channels;
    for (size_t s = 0; s < count; s++) {
        const ACTIVATION *above = rows[0] + s * channels, *here = rows[1] + s * channels;
        const ACTIVATION *below = rows[2] + s * channels;
        ACTIVATION *to = out + s * channels;
        for (size_t from = 0; from < channels; from += DP_CHANNELS) {
            int32_t sum[DP_CHANNELS];
            for (size_t i = 0; i < DP_CHANNELS; i++) {
                sum[i] = layer->bias[from + i];
            }
            for (size_t n = 0; n < 3; n++) {
                const int16_t *weights = layer->weights + n * channels + from;
                const ACTIVATION *first = above + n * channels + from;
                const ACTIVATION *second = here + n * channels + from;
                const ACTIVATION *third = below + n * channels + from;
                for (size_t i = 0; i < DP_CHANNELS; i++) {
                    sum[i] += weights[i] * first[i] + weights[3 * channels + i] * second[i] +
                              weights[6 * channels + i] * third[i];
                }
            }
            const ACTIVATION *own = here + channels + from;
            for (size_t i = 0; i < DP_CHANNELS; i++) {
                int32_t value = (sum[i] >> layer->shift[from + i]) + (add ? own[i] : 0);
                to[from + i] = (ACTIVATION)limited(value, layer->low, layer->high);
            }
        }
    }
}
#endif

/* to[c][s] = from[s][c], for 16 channels and positions. */
#ifndef OWN_TRANSPOSE
static TARGET void transpose(const int32_t *from, size_t stride, int32_t *to, size_t step)
{
    for (size_t c = 0; c < CHUNK; c++) {
        for (size_t s = 0; s < CHUNK; s++) {
            to[c * step + s] = from[s * stride + c];
        }
    }
}
#endif

#endif
