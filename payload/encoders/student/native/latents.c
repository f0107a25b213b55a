#include "latents.h"

#include "vectors.h"

#include <stddef.h>
#include <string.h>

#define LANES 16 /* channels at once: so many streams of output, one line of input each */

static inline int32_t floored(float value)
{
    int32_t whole = (int32_t)value;
    return whole - (whole > value);
}

/* `count` channels of one position. */
static inline void join_some(const float *branch, const float *high, const float *low,
                             const float *scale, int32_t count, int32_t *y, uint8_t *sizes)
{
    for (int32_t i = 0; i < count; i++) {
        y[i] = floored(branch[i]) + floored(high[i] + low[i]);
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t size = (int32_t)((float)(y[i] < 0 ? -y[i] : y[i]) * scale[i] + 0.5f);
        sizes[i] = (uint8_t)(size > 255 ? 255 : size);
    }
}

VECTORS void dp_join(const struct dp_sums *sums, const float *scale, int32_t *y, uint8_t *sizes)
{
    size_t channels = (size_t)sums->channels, rows = (size_t)sums->rows;
    size_t columns = (size_t)sums->columns, wide = columns + columns % 2;
    for (size_t c = 0; c < channels; c += LANES) {
        int32_t count = channels - c < LANES ? (int32_t)(channels - c) : LANES;
        int32_t *to = y + c * rows * columns;
        for (size_t p = 0; p < rows * columns; p++) {
            size_t at = p * channels + c;
            uint8_t *size = sizes + (p / columns * wide + p % columns) * channels + c;
            int32_t found[LANES];
            if (count == LANES) {
                join_some(sums->branch + at, sums->high + at, sums->low + at, scale + c, LANES,
                          found, size);
            } else {
                join_some(sums->branch + at, sums->high + at, sums->low + at, scale + c, count,
                          found, size);
            }
            for (int32_t i = 0; i < count; i++) {
                to[(size_t)i * rows * columns + p] = found[i];
            }
        }
    }
    if (wide > columns) {
        for (size_t r = 0; r < rows; r++) {
            memset(sizes + (r * wide + columns) * channels, 0, channels);
        }
    }
    if (rows % 2) {
        memset(sizes + rows * wide * channels, 0, wide * channels);
    }
}

VECTORS void dp_transpose(const float *given, int32_t places, int32_t channels, int32_t low, int32_t high,
                  int16_t *out)
{
    for (int32_t c = 0; c < channels; c += LANES) {
        int32_t count = channels - c < LANES ? channels - c : LANES;
        int16_t *to = out + (ptrdiff_t)c * places;
        for (int32_t p = 0; p < places; p++) {
            const float *from = given + (ptrdiff_t)p * channels + c;
            for (int32_t i = 0; i < count; i++) {
                float value = from[i] < (float)low ? (float)low : from[i];
                value = value > (float)high ? (float)high : value;
                to[(ptrdiff_t)i * places + p] = (int16_t)floored(value);
            }
        }
    }
}
