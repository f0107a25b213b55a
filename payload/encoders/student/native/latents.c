#include "latents.h"

#include "vectors.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define EDGE 16 /* places and channels at once: lines are read whole and written whole */

static inline int32_t floored(float value)
{
    int32_t whole = (int32_t)value;
    return whole - (whole > value);
}

static inline size_t fewer(size_t left)
{
    return left < EDGE ? left : EDGE;
}

/* Every channel of one position. Loops over all channels are what compilers turn into vectors. */
static inline void join_place(const float *restrict branch, const float *restrict high,
                              const float *restrict low, const float *restrict scale,
                              size_t channels, int32_t *restrict y, uint8_t *restrict sizes)
{
    for (size_t c = 0; c < channels; c++) {
        y[c] = floored(branch[c]) + floored(high[c] + low[c]);
    }
    for (size_t c = 0; c < channels; c++) {
        int32_t size = (int32_t)(fabsf((float)y[c]) * scale[c] + 0.5f);
        sizes[c] = (uint8_t)(size > 255 ? 255 : size);
    }
}

VECTORS int dp_join(const struct dp_sums *sums, const float *scale, int32_t *y, uint8_t *sizes)
{
    size_t channels = (size_t)sums->channels, rows = (size_t)sums->rows;
    size_t columns = (size_t)sums->columns, wide = columns + columns % 2, places = rows * columns;
    int32_t *found = malloc(EDGE * channels * sizeof *found);
    if (!found) {
        return 0;
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t s = 0; s < columns; s += EDGE) {
            size_t some = fewer(columns - s);
            for (size_t j = 0; j < some; j++) {
                size_t at = (r * columns + s + j) * channels;
                join_place(sums->branch + at, sums->high + at, sums->low + at, scale, channels,
                           found + j * channels, sizes + (r * wide + s + j) * channels);
            }
            for (size_t c = 0; c < channels; c++) {
                int32_t *to = y + c * places + r * columns + s;
                for (size_t j = 0; j < some; j++) {
                    to[j] = found[j * channels + c];
                }
            }
        }
    }
    free(found);
    if (wide > columns) {
        for (size_t r = 0; r < rows; r++) {
            memset(sizes + (r * wide + columns) * channels, 0, channels);
        }
    }
    if (rows % 2) {
        memset(sizes + rows * wide * channels, 0, wide * channels);
    }
    return 1;
}

VECTORS void dp_transpose(const float *given, int32_t places, int32_t channels, int32_t low,
                          int32_t high, int16_t *out)
{
    size_t all = (size_t)places, wide = (size_t)channels;
    for (size_t p = 0; p < all; p += EDGE) {
        for (size_t c = 0; c < wide; c += EDGE) {
            size_t some = fewer(all - p), count = fewer(wide - c);
            int16_t found[EDGE][EDGE];
            for (size_t j = 0; j < some; j++) {
                const float *from = given + (p + j) * wide + c;
                for (size_t i = 0; i < count; i++) {
                    float value = from[i] < (float)low ? (float)low : from[i];
                    found[j][i] = (int16_t)floored(value > (float)high ? (float)high : value);
                }
            }
            for (size_t i = 0; i < count; i++) {
                for (size_t j = 0; j < some; j++) {
                    out[(c + i) * all + p + j] = found[j][i];
                }
            }
        }
    }
}
