/*
 * The prefilter: filters planes across the boundaries between blocks, along rows and then along
 * columns, before anything else reads them. docs/codec-integers.md ("Block boundaries") defines it,
 * link/student/lapped.py computes the same in numpy and says why sums fit 32 bits.
 */
#ifndef DP_PREFILTER_H
#define DP_PREFILTER_H

#include "limited.h"
#include "networks.h"

#include <string.h>

#define BLOCK 16
#define REACH DP_REACH
#define SPAN 128 /* columns at once, a multiple of BLOCK */
/* Between the two axes, values have three more binary digits than planes. */
#define FINER 3
#define LEAST_BETWEEN (-8192)
#define LARGEST_BETWEEN 8191

/* A row of blocks in planes, line by line: [BLOCK][16 * columns] each. */
struct lines {
    size_t planes; /* 1 if all are equal */
    int16_t *plane[DP_PLANES];
};

/*
 * sum[o] = the sum over pairs k of in[k][o][0] * factors[2 * k] + in[k][o][1] * factors[2 * k + 1];
 * `outputs` is a multiple of BLOCK.
 */
static inline TARGET void sum_pairs(const int16_t *in, const int16_t *factors, size_t outputs,
                                    int32_t *sum)
{
#ifdef dot_pairs
    vector factor[REACH / 2];
    _Pragma("GCC unroll 4") for (size_t k = 0; k < REACH / 2; k++)
    {
        factor[k] = spread_pairs((const uint8_t *)(factors + 2 * k));
    }
    for (size_t o = 0; o < outputs; o += LANES) {
        vector total = {0};
        _Pragma("GCC unroll 4") for (size_t k = 0; k < REACH / 2; k++)
        {
            total = dot_pairs(total, factor[k], load(in + 2 * (k * outputs + o)));
        }
        store(sum + o, total);
    }
#else
    for (size_t first = 0; first < outputs; first += BLOCK) {
        int32_t total[BLOCK] = {0};
        for (size_t k = 0; k < REACH / 2; k++) {
            const int16_t *pair = in + 2 * (k * outputs + first);
            for (size_t o = 0; o < BLOCK; o++) {
                total[o] += pair[2 * o] * factors[2 * k] + pair[2 * o + 1] * factors[2 * k + 1];
            }
        }
        memcpy(sum + first, total, sizeof total);
    }
#endif
}

/* Filter the boundary before `middle` along a line. */
static inline TARGET void join_columns(const int16_t *weights, int16_t *middle)
{
    int16_t difference[REACH];
    int32_t sum[BLOCK], weighted[BLOCK];
    for (int j = 0; j < REACH; j++) {
        int32_t before = middle[-1 - j], after = middle[j];
        difference[j] = (int16_t)(before - after);
        sum[REACH - 1 - j] = sum[REACH + j] = (before + after) * (1 << DP_LAPPED_FRACTION);
    }
    sum_pairs(weights, difference, BLOCK, weighted);
    for (int i = 0; i < BLOCK; i++) {
        enum { SHIFT = DP_LAPPED_FRACTION + 1 - FINER };
        int32_t value = (sum[i] + weighted[i] + (1 << (SHIFT - 1))) >> SHIFT;
        middle[i - REACH] = (int16_t)limited(value, LEAST_BETWEEN, LARGEST_BETWEEN);
    }
}

/* Filter a row of blocks along its lines. */
static TARGET void filter_lines(const struct dp_prefilter *filter, const struct lines *row,
                                size_t columns)
{
    size_t width = columns * BLOCK;
    for (size_t p = 0; p < row->planes; p++) {
        int16_t *line = row->plane[p];
        for (size_t r = 0; r < BLOCK; r++, line += width) {
            for (size_t i = 0; i < REACH; i++) {
                line[i] = (int16_t)(line[i] * (1 << FINER));
                line[width - 1 - i] = (int16_t)(line[width - 1 - i] * (1 << FINER));
            }
            for (size_t b = 1; b < columns; b++) {
                join_columns(filter->along, line + b * BLOCK);
            }
        }
    }
}

/* Round lines that no boundary crosses: the first or last ones of a tile. */
static TARGET void end_lines(const struct lines *row, size_t first, size_t width)
{
    for (size_t p = 0; p < row->planes; p++) {
        int16_t *line = row->plane[p] + first * width;
        for (size_t i = 0; i < REACH * width; i++) {
            int32_t value = (line[i] + (1 << (FINER - 1))) >> FINER;
            line[i] = (int16_t)limited(value, DP_LEAST_PLANE, DP_LARGEST_PLANE);
        }
    }
}

/* Filter up to SPAN columns of a boundary. `above` and `below` are the lines next to it. */
static TARGET void join_span(const int16_t weights[REACH][REACH], int16_t *above, int16_t *below,
                             size_t width, size_t count)
{
    int16_t pairs[REACH / 2 * SPAN * 2], sum[REACH][SPAN];
    int32_t weighted[SPAN];
    for (size_t j = 0; j < REACH; j += 2) {
        const int16_t *after[2] = {below + j * width, below + (j + 1) * width};
        const int16_t *before[2] = {above - j * width, above - (j + 1) * width};
        int16_t *pair = pairs + j * count;
        for (size_t at = 0; at < count; at += BLOCK) {
            for (size_t i = at; i < at + BLOCK; i++) {
                pair[2 * i] = (int16_t)(before[0][i] - after[0][i]);
                pair[2 * i + 1] = (int16_t)(before[1][i] - after[1][i]);
            }
            for (size_t i = at; i < at + BLOCK; i++) {
                sum[j][i] = (int16_t)(before[0][i] + after[0][i]);
                sum[j + 1][i] = (int16_t)(before[1][i] + after[1][i]);
            }
        }
    }
    for (size_t j = 0; j < REACH; j++) {
        enum { SHIFT = DP_LAPPED_FRACTION + 1 + FINER };
        int16_t *after = below + j * width, *before = above - j * width;
        sum_pairs(pairs, weights[j], count, weighted);
        for (size_t at = 0; at < count; at += BLOCK) {
            int16_t first[BLOCK], second[BLOCK];
            for (size_t i = 0; i < BLOCK; i++) {
                int32_t whole = sum[j][at + i] * (1 << DP_LAPPED_FRACTION) + (1 << (SHIFT - 1));
                first[i] = (int16_t)((whole + weighted[at + i]) >> SHIFT);
                second[i] = (int16_t)((whole - weighted[at + i]) >> SHIFT);
            }
            for (size_t i = 0; i < BLOCK; i++) {
                before[at + i] = (int16_t)limited(first[i], DP_LEAST_PLANE, DP_LARGEST_PLANE);
                after[at + i] = (int16_t)limited(second[i], DP_LEAST_PLANE, DP_LARGEST_PLANE);
            }
        }
    }
}

/* Filter the boundary between two rows of blocks. */
static TARGET void join_rows(const struct dp_prefilter *filter, const struct lines *above,
                             const struct lines *below, size_t width)
{
    for (size_t p = 0; p < above->planes; p++) {
        int16_t *last = above->plane[p] + (BLOCK - 1) * width;
        for (size_t at = 0; at < width; at += SPAN) {
            join_span(filter->weights, last + at, below->plane[p] + at, width,
                      least(SPAN, width - at));
        }
    }
}

#endif
