/* Rounding of sums to activations in plain C, for cores without vector instructions. */
#ifndef DP_NN_ROUNDING_PLAIN_H
#define DP_NN_ROUNDING_PLAIN_H

#include <stdint.h>

/* Round four sums in place: (sum + bias) >> shift, limited to low and high. */
static inline void dp_round_wide(int32_t *sums, const int32_t *bias, const uint8_t *shift,
                                 int32_t low, int32_t high)
{
    for (uint32_t k = 0; k < 4; k++) {
        int32_t sum = (sums[k] + bias[k]) >> shift[k];
        sums[k] = sum < low ? low : sum > high ? high : sum;
    }
}

/* The same to 16 bits, with `add` (four zeros or four values) added before the limits apply. */
static inline void dp_round(const int32_t *sums, const int32_t *bias, const uint8_t *shift,
                            int32_t low, int32_t high, const int16_t *add, int16_t *out)
{
    for (uint32_t k = 0; k < 4; k++) {
        int32_t sum = ((sums[k] + bias[k]) >> shift[k]) + add[k];
        out[k] = (int16_t)(sum < low ? low : sum > high ? high : sum);
    }
}

#endif
