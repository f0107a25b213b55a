/*
 * Convolutions for one set of vector instructions. A variant's file defines the names below and
 * then includes synthesis.h, which includes this file:
 *
 *   TARGET                 attribute of all functions
 *   LANES, WIDEST, FORM    struct dp_form's members
 *   PLACES                 positions at once
 *   vector, load, store, spread_out, dot_pairs    the kernel's few operations, see `DEFINE_SUMS`
 *   dot_bytes, spread_bytes                       the same for bytes; BYTES is 1
 *   mix_low, mix_high      interleave pairs of 16 bits, if `FORM` says `mixed`
 *   OWN_PAIRS              the variant has `sums_pairs` itself
 *
 * Activations lie channels last, so a row of a 3 x 3 convolution's inputs, or of folded positions,
 * is one run of values.
 */
#ifndef DP_LAYERS_H
#define DP_LAYERS_H

#include "network.h"

#include <string.h>

#define MOST_PARTS 3

static const struct dp_form form = FORM;

/* Inputs of up to PLACES positions, by part. If there are fewer, the last one is repeated. */
typedef const uint8_t *inputs_at[MOST_PARTS][PLACES];

/* to[m][o] = bias[o] + the sum over parts and steps of four bytes of a[part][m] times weights. */
#define DEFINE_SUMS(NAME, COUNT, SPREAD, DOT)                                                     \
    static TARGET void NAME##_##COUNT(const inputs_at a, size_t parts, size_t steps,              \
                                      const uint8_t *w, const int32_t *bias, int32_t *to)         \
    {                                                                                             \
        vector sum[PLACES][COUNT];                                                                \
        _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                                 \
        {                                                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                               \
            {                                                                                     \
                sum[m][v] = load(bias + v * LANES);                                               \
            }                                                                                     \
        }                                                                                         \
        for (size_t part = 0; part < parts; part++) {                                             \
            for (size_t step = 0; step < steps; step++, w += COUNT * LANES * 4) {                 \
                vector weights[COUNT];                                                            \
                _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                           \
                {                                                                                 \
                    weights[v] = load(w + v * LANES * 4);                                         \
                }                                                                                 \
                _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                         \
                {                                                                                 \
                    vector one = SPREAD(a[part][m] + 4 * step);                                   \
                    _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                       \
                    {                                                                             \
                        sum[m][v] = DOT(sum[m][v], one, weights[v]);                              \
                    }                                                                             \
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

#if WIDEST > 3
#define DEFINE_ALL_SUMS(NAME, SPREAD, DOT)                                                        \
    DEFINE_SUMS(NAME, 1, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 2, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 3, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 4, SPREAD, DOT)                                                             \
    static TARGET void NAME(size_t vectors, const inputs_at a, size_t parts, size_t steps,        \
                            const uint8_t *w, const int32_t *bias, int32_t *to)                   \
    {                                                                                             \
        (vectors == 4   ? NAME##_4                                                                \
         : vectors == 3 ? NAME##_3                                                                \
         : vectors == 2 ? NAME##_2                                                                \
                        : NAME##_1)(a, parts, steps, w, bias, to);                                \
    }
#else
#define DEFINE_ALL_SUMS(NAME, SPREAD, DOT)                                                        \
    DEFINE_SUMS(NAME, 1, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 2, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 3, SPREAD, DOT)                                                             \
    static TARGET void NAME(size_t vectors, const inputs_at a, size_t parts, size_t steps,        \
                            const uint8_t *w, const int32_t *bias, int32_t *to)                   \
    {                                                                                             \
        (vectors == 3 ? NAME##_3 : vectors == 2 ? NAME##_2 : NAME##_1)(a, parts, steps, w, bias,  \
                                                                       to);                       \
    }
#endif

#ifndef OWN_PAIRS
DEFINE_ALL_SUMS(sums_pairs, spread_out, dot_pairs)
#endif
#ifdef BYTES
DEFINE_ALL_SUMS(sums_bytes, spread_bytes, dot_bytes)
#endif

static inline TARGET int32_t limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline TARGET size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What a convolution does with its shifted sums. */
enum finish {
    STORE_BYTES,     /* out = limited sum, as bytes */
    STORE,           /* out = limited sum, as 16 bits */
    ADD_THEN_LIMIT,  /* out = limited (out + sum) */
    LIMIT_THEN_ADD,  /* out = out + limited sum */
};

static inline TARGET void finish_lanes(enum finish finish, const int32_t *sum,
                                       const int32_t *shift, int32_t low, int32_t high, void *out)
{
    int16_t *to = out;
    uint8_t *bytes = out;
    if (finish == STORE_BYTES) {
        for (size_t i = 0; i < LANES; i++) {
            bytes[i] = (uint8_t)limited(sum[i] >> shift[i], low, high);
        }
    } else if (finish == STORE) {
        for (size_t i = 0; i < LANES; i++) {
            to[i] = (int16_t)limited(sum[i] >> shift[i], low, high);
        }
    } else if (finish == ADD_THEN_LIMIT) {
        for (size_t i = 0; i < LANES; i++) {
            to[i] = (int16_t)limited(to[i] + (sum[i] >> shift[i]), low, high);
        }
    } else {
        for (size_t i = 0; i < LANES; i++) {
            to[i] = (int16_t)(to[i] + limited(sum[i] >> shift[i], low, high));
        }
    }
}

/*
 * Compute a convolution at `count` positions of a row. Part `i` of position `p` begins at `in[i]`
 * plus `p * step` values; outputs of neighbouring positions are next to each other.
 */
static TARGET void convolve(const struct dp_conv *layer, const int32_t *bias,
                            const void *const *in, size_t step, size_t count, enum finish finish,
                            void *out)
{
    const size_t size = layer->bytes ? 1 : 2, outputs = layer->outputs;
    const size_t wide = finish == STORE_BYTES ? 1 : 2;
    const uint8_t *weights = layer->weights;
    for (size_t o = 0, width; o < outputs; o += width) {
        width = dp_panel(&form, outputs, o);
        for (size_t p = 0; p < count; p += PLACES) {
            int32_t sum[PLACES * WIDEST * LANES];
            inputs_at a;
            for (size_t part = 0; part < layer->parts; part++) {
                for (size_t m = 0; m < PLACES; m++) {
                    a[part][m] =
                        (const uint8_t *)in[part] + least(p + m, count - 1) * step * size;
                }
            }
            size_t steps = layer->inputs * size / 4;
#ifdef BYTES
            if (layer->bytes) {
                sums_bytes(width / LANES, (const uint8_t *const(*)[PLACES])a, layer->parts, steps,
                           weights, bias + o, sum);
            } else
#endif
            {
                sums_pairs(width / LANES, (const uint8_t *const(*)[PLACES])a, layer->parts, steps,
                           weights, bias + o, sum);
            }
            for (size_t m = 0; m < PLACES && p + m < count; m++) {
                uint8_t *to = (uint8_t *)out + ((p + m) * outputs + o) * wide;
                for (size_t v = 0; v < width; v += LANES) {
                    finish_lanes(finish, sum + m * width + v, layer->shift + o + v, layer->low,
                                 layer->high, to + v * wide);
                }
            }
        }
        weights += width * layer->parts * layer->inputs * size;
    }
}

/* Move `count` values from one grid to another, as 16 bits or as bytes. */
static TARGET void move(const struct dp_move *move, const int16_t *from, size_t count, int bytes,
                        void *out)
{
    const int32_t low = move->low, high = move->high;
    const int32_t right = move->shift > 0 ? move->shift : 0, left = right - move->shift;
    const int32_t half = right > 0 ? 1 << (right - 1) : 0, times = 1 << left;
    if (bytes) {
        uint8_t *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = (uint8_t)limited((from[i] * times + half) >> right, low, high);
        }
    } else {
        int16_t *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = (int16_t)limited((from[i] * times + half) >> right, low, high);
        }
    }
}

/* Latents that are not zero, at one position; their number is even. */
struct entries {
    size_t count;
    uint16_t *channel;
    int16_t *value;
};

/* to[o] = the sum over entries of values times weights, for a panel of outputs. */
static TARGET void sum_entries(const struct dp_latent_sum *layer, const struct entries *entries,
                               size_t first, size_t last, size_t o, int32_t *to)
{
#ifdef mix_low
    enum { VECTORS = DP_PANEL / LANES };
    vector sum[VECTORS];
    memset(sum, 0, sizeof sum);
    for (size_t at = first; at < last; at += 2) {
        const int16_t *a = layer->weights + entries->channel[at] * layer->outputs + o;
        const int16_t *b = layer->weights + entries->channel[at + 1] * layer->outputs + o;
        vector both = spread_out((const uint8_t *)(entries->value + at));
        _Pragma("GCC unroll 4") for (size_t v = 0; v < VECTORS; v += 2)
        {
            vector one = load(a + v * LANES), other = load(b + v * LANES);
            sum[v] = dot_pairs(sum[v], both, mix_low(one, other));
            sum[v + 1] = dot_pairs(sum[v + 1], both, mix_high(one, other));
        }
    }
    _Pragma("GCC unroll 8") for (size_t v = 0; v < VECTORS; v++) { store(to + v * LANES, sum[v]); }
#else
    memset(to, 0, DP_PANEL * sizeof *to);
    for (size_t at = first; at < last; at++) {
        const int16_t *weights = layer->weights + entries->channel[at] * layer->outputs + o;
        const int32_t value = entries->value[at];
        for (size_t i = 0; i < DP_PANEL; i++) {
            to[i] += value * weights[i];
        }
    }
#endif
}

#endif
