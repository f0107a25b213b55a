/*
 * The filter across block boundaries inside tiles, in place on the linear picture: along columns
 * first, then along rows. link/student/lapped.py defines it. All sums fit 32 bits: a difference of
 * two pixels is below 2^14, and the magnitudes of a row's weights sum to 2^16 at most.
 */
#ifndef DP_POSTFILTER_H
#define DP_POSTFILTER_H

#include "sparse.h"

#include <string.h>

#define FILTER_FRACTION 12 /* weights are in units of 2^-12 */

/* Before a loop, keeps gcc from unrolling it before it looks for loops to compute in vectors. */
#define IN_VECTORS _Pragma("GCC unroll 1")

/* Return a filtered pixel: half of the pair's sum and its weighted differences, rounded. */
static TARGET int16_t half_of(int32_t sum, int32_t weighted)
{
    const int32_t shift = FILTER_FRACTION + 1, half = 1 << (shift - 1);
    int32_t value = sum * (1 << FILTER_FRACTION) + weighted + half;
    return (int16_t)limited(value >> shift, -8192, 8191);
}

/* Filter along columns across a boundary, of which `after` is the first row below. */
static TARGET void join_rows(const int32_t *weights, int16_t *after, size_t wide)
{
    for (size_t x = 0; x < wide; x += DP_BLOCK, after += DP_BLOCK) {
        int32_t difference[DP_REACH][DP_BLOCK];
        for (size_t j = 0; j < DP_REACH; j++) {
            const int16_t *a = after - (j + 1) * wide, *b = after + j * wide;
            for (size_t c = 0; c < DP_BLOCK; c++) {
                difference[j][c] = a[c] - b[c];
            }
        }
        for (size_t i = 0; i < DP_REACH; i++) {
            int16_t *a = after - (i + 1) * wide, *b = after + i * wide;
            int16_t above[DP_BLOCK], below[DP_BLOCK];
            int32_t weighted[DP_BLOCK] = {0};
            for (size_t j = 0; j < DP_REACH; j++) {
                const int32_t weight = weights[j * DP_BLOCK + DP_REACH - 1 - i];
                for (size_t c = 0; c < DP_BLOCK; c++) {
                    weighted[c] += weight * difference[j][c];
                }
            }
            for (size_t c = 0; c < DP_BLOCK; c++) {
                above[c] = half_of(a[c] + b[c], weighted[c]);
                below[c] = half_of(a[c] + b[c], -weighted[c]);
            }
            memcpy(a, above, sizeof above);
            memcpy(b, below, sizeof below);
        }
    }
}

/* Filter a row across a boundary, of which `after` is the first pixel behind. */
static TARGET void join_columns(const int32_t *weights, int16_t *after)
{
    int16_t *from = after - DP_REACH, filtered[DP_BLOCK];
    int32_t sum[DP_BLOCK], weighted[DP_BLOCK] = {0};
    IN_VECTORS for (size_t c = 0; c < DP_BLOCK; c++)
    {
        sum[c] = from[c] + from[DP_BLOCK - 1 - c];
    }
    for (size_t j = 0; j < DP_REACH; j++) {
        const int32_t difference = from[DP_REACH - 1 - j] - from[DP_REACH + j];
        IN_VECTORS for (size_t c = 0; c < DP_BLOCK; c++)
        {
            weighted[c] += weights[j * DP_BLOCK + c] * difference;
        }
    }
    IN_VECTORS for (size_t c = 0; c < DP_BLOCK; c++)
    {
        filtered[c] = half_of(sum[c], weighted[c]);
    }
    memcpy(from, filtered, sizeof filtered);
}

/* Filter the linear picture of a window of `rows` x `columns` blocks. */
static TARGET void postfilter(const struct dp_network *network, const struct dp_window *window,
                              int16_t *linear)
{
    size_t rows = DP_BLOCK * window->rows, wide = DP_BLOCK * window->columns;
    const int32_t *weights = network->postfilter;
    for (size_t p = 0; weights && p < 3; p++, linear += rows * wide) {
        for (size_t block = 1; block < window->rows; block++) {
            if (window->joined_rows[block - 1]) {
                join_rows(weights, linear + block * DP_BLOCK * wide, wide);
            }
        }
        for (size_t row = 0; row < rows; row++) {
            for (size_t block = 1; block < window->columns; block++) {
                if (window->joined_columns[block - 1]) {
                    join_columns(weights, linear + row * wide + block * DP_BLOCK);
                }
            }
        }
    }
}

#endif
