#include "cells.h"

#include <string.h>

#define MIDDLE 128

/* What a band's value adds to each plane before it is rounded; the fourth fills the vector. */
typedef int32_t shares[256][4];

static void find_shares(const int32_t matrix[9], shares share[3])
{
    for (int32_t band = 0; band < 3; band++) {
        for (int32_t value = 0; value < 256; value++) {
            for (int32_t plane = 0; plane < 3; plane++) {
                share[band][value][plane] =
                    matrix[3 * plane + band] * (value - MIDDLE) + (band == 0 ? 1 << 12 : 0);
            }
            share[band][value][3] = 0;
        }
    }
}

/* One row of a cell: four pixels. */
static inline void turn_row(const uint8_t *pixel, shares *const share, uint8_t *high, uint8_t *low)
{
    for (int32_t s = 0; s < DP_CELL; s++, pixel += 3, high += 3, low += 3) {
        const int32_t *a = share[0][pixel[0]], *b = share[1][pixel[1]], *c = share[2][pixel[2]];
        int32_t value[4];
        for (int32_t k = 0; k < 4; k++) {
            value[k] = (a[k] + b[k] + c[k]) >> 13;
        }
        for (int32_t k = 0; k < 3; k++) {
            high[k] = (uint8_t)((value[k] >> 2) + MIDDLE);
            low[k] = (uint8_t)((value[k] & 3) + MIDDLE);
        }
    }
}

void dp_write_cells(const uint8_t *pixels, int32_t rows, int32_t columns, const int32_t matrix[9],
                    const struct dp_cells *out)
{
    shares share[3];
    size_t width = 3 * 16 * (size_t)columns, wide = (size_t)out->copies * DP_CELL_BYTES;
    uint8_t *entering = out->entering;
    find_shares(matrix, share);
    for (int32_t r = 0; r < 4 * rows; r++) {
        const uint8_t *line = pixels + (size_t)r * DP_CELL * width;
        for (int32_t s = 0; s < 4 * columns; s++, line += 3 * DP_CELL) {
            uint8_t high[DP_CELL_BYTES], low[DP_CELL_BYTES];
            for (size_t i = 0; i < DP_CELL; i++) {
                size_t at = 3 * DP_CELL * i;
                turn_row(line + i * width, share, high + at, low + at);
            }
            for (int32_t copy = 0; copy < out->copies; copy++) {
                memcpy(entering + copy * DP_CELL_BYTES, high, sizeof high);
            }
            memcpy(entering + wide, low, sizeof low);
            entering += wide + DP_CELL_BYTES;
            size_t block = (size_t)(r / 4) * (size_t)columns + (size_t)(s / 4);
            size_t at = block * DP_BLOCK_BYTES + (size_t)(r % 4 * 4 + s % 4) * DP_CELL_BYTES;
            memcpy(out->high + at, high, sizeof high);
            memcpy(out->low + at, low, sizeof low);
        }
    }
}
