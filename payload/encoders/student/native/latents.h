/* What lies between the graphs of the 8-bit networks: sums to whole latents, channel by channel. */
#ifndef DP_LATENTS_H
#define DP_LATENTS_H

#include <stdint.h>

/* The analysis' sums at every position, [rows * columns][channels]. */
struct dp_sums {
    int32_t rows, columns, channels;
    const float *branch, *high, *low;
};

/*
 * y = floor(branch) + floor(high + low), [channels][rows][columns], and what the hyper analysis
 * reads: min(floor(|y| * scale + 1/2), 255), [even rows][even columns][channels], zeros
 * beyond the tile. Scales are powers of two and y has 18 bits, so float is exact. Returns 0 where
 * memory is short.
 */
int dp_join(const struct dp_sums *sums, const float *scale, int32_t *y, uint8_t *sizes);

/* Floors of [places][channels] between limits, as [channels][places]. */
void dp_transpose(const float *given, int32_t places, int32_t channels, int32_t low, int32_t high,
                  int16_t *out);

#endif
