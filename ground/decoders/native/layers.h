/*
 * Convolutions for one set of vector instructions. A variant's file defines the names below and
 * then includes synthesis.h, which includes this file. The headers of instruction sets in
 * link/student/native/ define most of them:
 *
 *   TARGET                 attribute of all functions
 *   LANES, WIDEST, FORM    struct dp_form's members
 *   PLACES                 positions at once
 *   vector, load, store, spread_pairs, dot_pairs    the kernel's few operations, see `DEFINE_SUMS`
 *   spread_bytes, dot_bytes                         the same for bytes; BYTES is 1
 *   mix_pairs_low, mix_pairs_high    interleave values of 16 bits, if `FORM` says `mixed`
 *   mask_above             a mask of those of 16 values that are above a limit, if it has its own
 *   OWN_PAIRS              the variant defines `sums_pairs` itself, after this file
 *
 * Activations lie channels last, so a row of a 3 x 3 convolution's inputs, or of folded positions,
 * is one run of values.
 */
#ifndef DP_LAYERS_H
#define DP_LAYERS_H

#include "sparse.h"

#define MOST_PARTS 3
#define CHUNK 24 /* positions whose sums are finished together; a multiple of PLACES */

static const struct dp_form form = FORM;

/*
 * What a panel's sums are made of: inputs of PLACES positions and weights, by part. If there are
 * fewer positions, the last one is repeated.
 */
struct panel {
    size_t parts, steps;
    const uint8_t *in[MOST_PARTS][PLACES];
    const uint8_t *weights[MOST_PARTS];
};

/* to[m][o] = bias[o] + the sum over parts and steps of four bytes of inputs times weights. */
#define DEFINE_SUMS(NAME, COUNT, SPREAD, DOT)                                                     \
    static TARGET void NAME##_##COUNT(const struct panel *panel, const int32_t *bias,             \
                                      int32_t *to, size_t stride)                                 \
    {                                                                                             \
        vector sum[PLACES][COUNT];                                                                \
        const size_t steps = panel->steps;                                                        \
        _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                                 \
        {                                                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                               \
            {                                                                                     \
                sum[m][v] = load(bias + v * LANES);                                               \
            }                                                                                     \
        }                                                                                         \
        for (size_t part = 0; part < panel->parts; part++) {                                      \
            const uint8_t *const *a = panel->in[part], *w = panel->weights[part];                 \
            for (size_t step = 0; step < steps; step++, w += COUNT * LANES * 4) {                 \
                vector weights[COUNT];                                                            \
                _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                           \
                {                                                                                 \
                    weights[v] = load(w + v * LANES * 4);                                         \
                }                                                                                 \
                _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                         \
                {                                                                                 \
                    vector one = SPREAD(a[m] + 4 * step);                                         \
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
                store(to + (size_t)m * stride + v * LANES, sum[m][v]);                            \
            }                                                                                     \
        }                                                                                         \
    }

#if WIDEST > 3
#define DEFINE_ALL_SUMS(NAME, SPREAD, DOT)                                                        \
    DEFINE_SUMS(NAME, 1, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 2, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 3, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 4, SPREAD, DOT)                                                             \
    static TARGET void NAME(size_t vectors, const struct panel *panel, const int32_t *bias,       \
                            int32_t *to, size_t stride)                                           \
    {                                                                                             \
        (vectors == 4   ? NAME##_4                                                                \
         : vectors == 3 ? NAME##_3                                                                \
         : vectors == 2 ? NAME##_2                                                                \
                        : NAME##_1)(panel, bias, to, stride);                                     \
    }
#else
#define DEFINE_ALL_SUMS(NAME, SPREAD, DOT)                                                        \
    DEFINE_SUMS(NAME, 1, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 2, SPREAD, DOT)                                                             \
    DEFINE_SUMS(NAME, 3, SPREAD, DOT)                                                             \
    static TARGET void NAME(size_t vectors, const struct panel *panel, const int32_t *bias,       \
                            int32_t *to, size_t stride)                                           \
    {                                                                                             \
        (vectors == 3 ? NAME##_3 : vectors == 2 ? NAME##_2 : NAME##_1)(panel, bias, to, stride);  \
    }
#endif

#ifdef OWN_PAIRS
static TARGET void sums_pairs(size_t vectors, const struct panel *panel, const int32_t *bias,
                              int32_t *to, size_t stride);
#else
DEFINE_ALL_SUMS(sums_pairs, spread_pairs, dot_pairs)
#endif
#ifdef BYTES
DEFINE_ALL_SUMS(sums_bytes, spread_bytes, dot_bytes)
#endif

/* What a convolution does with its shifted sums. */
enum finish {
    STORE,          /* out = limited sum */
    ADD_THEN_LIMIT, /* out = limited (out + sum) */
    LIMIT_THEN_ADD, /* out = out + limited sum */
};

static inline TARGET void finish_lanes(enum finish finish, const int32_t *sum,
                                       const int32_t *shift, int32_t low, int32_t high,
                                       int16_t *to)
{
    if (finish == STORE) {
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

/* A convolution of a row: its inputs, and memory that it needs. */
struct convolution {
    const struct dp_conv *layer;
    const int32_t *bias;
    const void *in[MOST_PARTS]; /* null where all inputs are zero */
    size_t step;                /* values from a position to the next */
    const struct row *const *rows; /* rows with sparse inputs, or null */
    size_t columns;
    int32_t *sums; /* [CHUNK][dp_padded(outputs)] */
    struct term *terms;
};

/* Compute the sums of the positions from `first` to `last`, without sparse inputs. */
static TARGET void sum_dense(const struct convolution *c, const int32_t *bias, size_t first,
                             size_t last)
{
    const struct dp_conv *layer = c->layer;
    const size_t size = layer->bytes ? 1 : 2, padded = dp_padded(layer->outputs);
    const uint8_t *weights = layer->weights;
    for (size_t o = 0, width; o < layer->outputs; o += width) {
        size_t part_size;
        width = dp_panel(&form, layer->outputs, o);
        part_size = width * layer->inputs * size;
        for (size_t p = first; p < last; p += PLACES) {
            int32_t *to = c->sums + (p - first) * padded + o;
            struct panel panel = {.parts = 0, .steps = layer->inputs * size / 4};
            for (size_t part = 0; part < layer->parts; part++) {
                if (c->in[part]) {
                    for (size_t m = 0; m < PLACES; m++) {
                        size_t at = least(p + m, last - 1) * c->step;
                        panel.in[panel.parts][m] = (const uint8_t *)c->in[part] + at * size;
                    }
                    panel.weights[panel.parts++] = weights + part * part_size;
                }
            }
#ifdef BYTES
            if (layer->bytes) {
                sums_bytes(width / LANES, &panel, bias + o, to, padded);
                continue;
            }
#endif
            sums_pairs(width / LANES, &panel, bias + o, to, padded);
        }
        weights += layer->parts * part_size;
    }
}

/* Write the results of the positions from `first` to `last` to `out`. */
static TARGET void finish_sums(const struct convolution *c, size_t first, size_t last,
                               enum finish finish, int16_t *out)
{
    const struct dp_conv *layer = c->layer;
    const size_t outputs = layer->outputs, padded = dp_padded(outputs);
    for (size_t p = first; p < last; p++) {
        const int32_t *sum = c->sums + (p - first) * padded;
        int16_t *to = out + p * outputs;
        for (size_t o = 0; o < outputs; o += LANES) {
            finish_lanes(finish, sum + o, layer->shift + o, layer->low, layer->high, to + o);
        }
    }
}

/* Return the biases from which sums begin: with the zero points' share of dense parts. */
static TARGET const int32_t *first_sums(const struct convolution *c, int32_t *memory)
{
    const struct dp_conv *layer = c->layer;
    if (!layer->zero) {
        return c->bias;
    }
    memcpy(memory, c->bias, layer->outputs * sizeof *memory);
    for (size_t part = 0; part < layer->parts; part++) {
        const int32_t *share = layer->zero + part * layer->outputs;
        for (size_t o = 0; c->in[part] && o < layer->outputs; o++) {
            memory[o] += share[o];
        }
    }
    return memory;
}

/*
 * Compute a convolution of a row. Part `i` of position `p` begins at `in[i]` plus `p * step`
 * values; outputs of neighbouring positions are next to each other. `begin` is memory for outputs.
 */
static TARGET void convolve(const struct convolution *c, int32_t *begin, enum finish finish,
                            int16_t *out)
{
    const int32_t *bias = first_sums(c, begin);
    for (size_t first = 0; first < c->columns; first += CHUNK) {
        size_t last = least(first + CHUNK, c->columns);
        sum_dense(c, bias, first, last);
        if (c->rows) {
            add_sparse(c->layer, c->rows, first, last, c->columns, c->terms, c->sums);
        }
        finish_sums(c, first, last, finish, out);
    }
}

/* Move `count` values from one grid to another. */
static TARGET void move(const struct dp_move *move, const int16_t *from, size_t count, int16_t *to)
{
    const int32_t low = move->low, high = move->high;
    const int32_t right = move->shift > 0 ? move->shift : 0, left = right - move->shift;
    const int32_t half = right > 0 ? 1 << (right - 1) : 0, times = 1 << left;
    for (size_t i = 0; i < count; i++) {
        to[i] = (int16_t)limited((from[i] * times + half) >> right, low, high);
    }
}

#endif
