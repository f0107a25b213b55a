/*
 * Sums over few inputs, for one set of vector instructions (see layers.h): each input adds its row
 * of weights, for all outputs. Latents are such inputs, most of which are zero; so are activations of
 * rows that are nearly all zero, and what activations exceed a byte by.
 */
#ifndef DP_SPARSE_H
#define DP_SPARSE_H

#include "arena.h"
#include "limited.h"
#include "network.h"

#include <string.h>

#define SPARSE 16 /* a row of which fewer values than one in this many are not zero is sparse */

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

/* sum[o] += all terms, for a multiple of DP_MULTIPLE outputs. */
#ifdef mix_pairs_low
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
            vector both = spread_pairs((const uint8_t *)&terms[at].values);                       \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v += 2)                            \
            {                                                                                     \
                vector a = load(one + v * LANES), b = load(other + v * LANES);                    \
                sum[v] = dot_pairs(sum[v], both, mix_pairs_low(a, b));                            \
                sum[v + 1] = dot_pairs(sum[v + 1], both, mix_pairs_high(a, b));                   \
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
    for (size_t o = 0; o < outputs; o += DP_MULTIPLE) {
        for (size_t at = 0; at < count; at++) {
            const int16_t *one = terms[at].one + o, *other = terms[at].other + o;
            int16_t values[2];
            memcpy(values, &terms[at].values, sizeof values);
            for (size_t i = 0; i < DP_MULTIPLE; i++) {
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

static void take_entries(struct dp_arena *arena, size_t count, struct entries *entries)
{
    entries->channel = dp_take(arena, count + 1, sizeof *entries->channel);
    entries->value = dp_take(arena, count + 1, sizeof *entries->value);
}

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

#endif
