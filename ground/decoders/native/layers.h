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
 *   mask_above             a mask of those of 16 values that are above a limit, if it has its own
 *   OWN_PAIRS              the variant defines `sums_pairs` itself, after this file
 *
 * Activations lie channels last, so a row of a 3 x 3 convolution's inputs, or of folded positions,
 * is one run of values.
 */
#ifndef DP_LAYERS_H
#define DP_LAYERS_H

#include "network.h"

#include <string.h>

#define MOST_PARTS 3
#define CHUNK 24  /* positions whose sums are finished together; a multiple of PLACES */
#define SPARSE 16 /* a row of which fewer values than one in this many are not zero is sparse */

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

/* A pair of inputs and their rows of weights. */
struct term {
    const int16_t *one, *other;
    int32_t values; /* two of 16 bits, as they lie in memory */
};

static inline TARGET struct term make_term(const int16_t *one, const int16_t *other,
                                           const int16_t values[2])
{
    struct term term = {one, other, 0};
    memcpy(&term.values, values, sizeof term.values);
    return term;
}

/* sum[o] += all terms, for a multiple of DP_WIDEST outputs. */
#ifdef mix_low
#define DEFINE_ADD_TERMS(COUNT)                                                                   \
    static inline TARGET void add_terms_##COUNT(const struct term *terms, size_t count, size_t o, \
                                                int32_t *to)                                      \
    {                                                                                             \
        vector sum[COUNT];                                                                        \
        _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                                   \
        {                                                                                         \
            sum[v] = load(to + o + v * LANES);                                                    \
        }                                                                                         \
        for (size_t at = 0; at < count; at++) {                                                   \
            const int16_t *one = terms[at].one + o, *other = terms[at].other + o;                 \
            vector both = spread_out((const uint8_t *)&terms[at].values);                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v += 2)                            \
            {                                                                                     \
                vector a = load(one + v * LANES), b = load(other + v * LANES);                    \
                sum[v] = dot_pairs(sum[v], both, mix_low(a, b));                                  \
                sum[v + 1] = dot_pairs(sum[v + 1], both, mix_high(a, b));                         \
            }                                                                                     \
        }                                                                                         \
        _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                                   \
        {                                                                                         \
            store(to + o + v * LANES, sum[v]);                                                    \
        }                                                                                         \
    }
DEFINE_ADD_TERMS(2)
DEFINE_ADD_TERMS(4)

static TARGET void add_terms(const struct term *terms, size_t count, size_t outputs, int32_t *sum)
{
    size_t o = 0;
    for (; o + 4 * LANES <= outputs; o += 4 * LANES) {
        add_terms_4(terms, count, o, sum);
    }
    for (; o < outputs; o += 2 * LANES) {
        add_terms_2(terms, count, o, sum);
    }
}
#else
static TARGET void add_terms(const struct term *terms, size_t count, size_t outputs, int32_t *sum)
{
    for (size_t o = 0; o < outputs; o += DP_WIDEST) {
        for (size_t at = 0; at < count; at++) {
            const int16_t *one = terms[at].one + o, *other = terms[at].other + o;
            int16_t values[2];
            memcpy(values, &terms[at].values, sizeof values);
            for (size_t i = 0; i < DP_WIDEST; i++) {
                sum[o + i] += values[0] * one[i] + values[1] * other[i];
            }
        }
    }
}
#endif

/* Inputs by channel at one position, or at the positions of a row; of each an even number. */
struct entries {
    size_t count;
    uint16_t *channel;
    int16_t *value;
};

static inline TARGET void add_entry(struct entries *entries, size_t channel, int32_t value)
{
    entries->channel[entries->count] = (uint16_t)channel;
    entries->value[entries->count++] = (int16_t)value;
}

/* Make the number of entries even with one that adds nothing. */
static inline TARGET void end_entries(struct entries *entries)
{
    if (entries->count % 2) {
        add_entry(entries, entries->channel[entries->count - 1], 0);
    }
}

/*
 * A row of a 3 x 3 convolution's inputs: values, with a position of zeros at each end, and what is
 * added to them at some positions. Position `p` has the entries from start[p] to start[p + 1].
 */
struct row {
    int dense; /* not all values are zero */
    void *values;
    struct entries sparse;
    uint32_t *start;
};

/* Return a mask of those of 16 values that are above a limit. */
#ifndef mask_above
static inline TARGET uint32_t mask_above(const int16_t *values, int16_t limit)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < 16; i++) {
        mask |= (uint32_t)(values[i] > limit) << i;
    }
    return mask;
}
#endif

/* List what values exceed a limit by. */
static TARGET void list_excess(const int16_t *values, size_t columns, size_t channels,
                               int16_t limit, struct row *row)
{
    for (size_t p = 0; p < columns; p++, values += channels) {
        row->start[p] = (uint32_t)row->sparse.count;
        for (size_t c = 0; c < channels; c += 16) {
            for (uint32_t mask = mask_above(values + c, limit); mask; mask &= mask - 1) {
                size_t channel = c + (size_t)__builtin_ctz(mask);
                add_entry(&row->sparse, channel, values[channel] - limit);
            }
        }
        end_entries(&row->sparse);
    }
    row->start[columns] = (uint32_t)row->sparse.count;
}

static TARGET size_t count_above(const int16_t *values, size_t count, int16_t limit)
{
    int32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += values[i] > limit;
    }
    return (size_t)found;
}

/* Fill a row of a convolution's inputs: few values as entries, else as bytes or 16 bits. */
static TARGET void put_row(const struct dp_conv *layer, const int16_t *from, size_t columns,
                           struct row *row)
{
    size_t channels = layer->inputs / 3, count = columns * channels;
    row->sparse.count = 0;
    row->dense = !layer->rows || count_above(from, count, 0) * SPARSE > count;
    if (!row->dense) {
        list_excess(from, columns, channels, 0, row);
        return;
    }
    if (!layer->bytes) {
        memcpy((int16_t *)row->values + channels, from, count * sizeof *from);
        return;
    }
    uint8_t *to = (uint8_t *)row->values + channels;
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t value = from[i];
        most = value > most ? value : most;
        to[i] = (uint8_t)(value > DP_BYTE ? DP_BYTE : value);
    }
    if (most > DP_BYTE) {
        list_excess(from, columns, channels, DP_BYTE, row);
    }
}

/*
 * Add a convolution's sparse inputs to sums of the positions from `first` to `last`. A row that is
 * null lies outside the frame.
 */
static TARGET void add_sparse(const struct dp_conv *layer, const struct row *const rows[3],
                              size_t first, size_t last, size_t columns, struct term *terms,
                              int32_t *sum)
{
    size_t channels = layer->inputs / 3, padded = dp_padded(layer->outputs);
    for (size_t p = first; p < last; p++, sum += padded) {
        size_t count = 0, from = p > 0 ? p - 1 : 0, to = p + 2 < columns ? p + 2 : columns;
        for (size_t part = 0; part < 3; part++) {
            const struct row *row = rows[part];
            if (!row || !row->sparse.count || row->start[from] == row->start[to]) {
                continue;
            }
            for (size_t q = from; q < to; q++) {
                const int16_t *weights =
                    layer->rows + (part * 3 + q + 1 - p) * channels * padded;
                for (size_t at = row->start[q]; at < row->start[q + 1]; at += 2) {
                    const uint16_t *channel = row->sparse.channel + at;
                    terms[count++] =
                        make_term(weights + channel[0] * padded, weights + channel[1] * padded,
                                  row->sparse.value + at);
                }
            }
        }
        if (count) {
            add_terms(terms, count, padded, sum);
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
