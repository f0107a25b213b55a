/*
 * The rules of the student's codestream that its two encoders in C share: the boards'
 * (codestream.c) and the host's (payload/encoders/student/native). docs/codec-integers.md,
 * "Integers of the entropy path", and docs/bitstream.md, "The student's codestream", specify them.
 *
 * Each encoder has its own neighbour sums: boards sum position by position in a few kilobytes, and
 * the host sums whole rows of planes with borders.
 */
#ifndef DP_NN_ENTROPY_H
#define DP_NN_ENTROPY_H

#include "rangecoder.h"

#include <stdbool.h>
#include <stdint.h>

#define DP_TABLES 65        /* probability tables of latents */
#define DP_SCALES 121       /* scale indices; those from DP_TABLES on use a table and low bits */
#define DP_LEVEL_OFFSET 130 /* a level is a log-scale in steps plus this */
#define DP_CODED 4          /* lowest level with a scale index above 0; latents below are skipped */
#define DP_BINS 32          /* bins of a neighbour sum */
#define DP_LARGEST_MAGNITUDE 255
#define DP_SIDE_LOWEST (-32)
#define DP_SIDE_SYMBOLS 64
#define DP_SIDE_CONTEXTS 12
#define DP_SIDE_MEAN 12 /* means of neighbours are in units of 1/12 */
#define DP_LARGEST_SIDE_SUM (1 << 24) /* of a bias or a threshold */

/* Row and column parity of the positions coded in each of the four phases, and the inverse. */
static const uint8_t dp_phase_row[4] = {0, 1, 0, 1}, dp_phase_column[4] = {0, 1, 1, 0};
static const uint8_t dp_phase_at[2][2] = {{0, 2}, {3, 1}};

/* The number of the highest bit of a value above 0. */
static inline uint32_t dp_highest_bit(uint32_t value)
{
#if defined(__GNUC__)
    return 31u - (uint32_t)__builtin_clz(value);
#else
    uint32_t at = 0;
    while (value >>= 1) {
        at++;
    }
    return at;
#endif
}

static inline int32_t dp_limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* The scale index of a level. */
static inline int32_t dp_index_of(int32_t level)
{
    return dp_limited(level >> 2, 0, DP_SCALES - 1);
}

/* The number of low bits that are written without a table at a scale index. */
static inline uint32_t dp_low_bits(uint32_t index)
{
    return index < DP_TABLES ? 0 : (index - DP_TABLES) / 8 + 1;
}

/* The table for the remaining, high bits. */
static inline uint32_t dp_table_of(uint32_t index)
{
    return index - 8 * dp_low_bits(index);
}

/* The part of a symbol that a table codes, if its `low` last bits are written without one. */
static inline int32_t dp_high_part(int32_t symbol, uint32_t low)
{
    return (symbol + (int32_t)(1u << low >> 1)) >> low;
}

static inline uint32_t dp_low_part(int32_t symbol, uint32_t low)
{
    return ((uint32_t)symbol + (1u << low >> 1)) & ((1u << low) - 1u);
}

/* The largest magnitude in a table of `symbols` symbols, of which the last is the escape. */
static inline int32_t dp_reach(uint32_t symbols)
{
    return (int32_t)((symbols - 2u) / 2u);
}

/* Write by how much a symbol exceeds its table, as Elias gamma, then the sign. */
static inline void dp_write_escape(struct dp_coder *coder, uint32_t size, bool negative)
{
    uint32_t length = dp_highest_bit(size);
    for (uint32_t i = 0; i < length; i++) {
        dp_coder_bits(coder, 0, 1);
    }
    for (uint32_t i = 0; i <= length; i++) {
        dp_coder_bits(coder, size >> (length - i) & 1u, 1);
    }
    dp_coder_bits(coder, negative ? 1u : 0u, 1);
}

/* What chooses the table of each value of the side information: link/student/side_contexts.py. */
struct dp_side_rule {
    const int8_t *weights;     /* [side][4][2][side], of neighbours' means and of values */
    const int32_t *bias;       /* [side][4] */
    const int32_t *thresholds; /* [side][DP_SIDE_CONTEXTS - 1] */
};

/* The mean of a value's coded neighbours in its channel, in 1/12; 0 if none is coded. */
static inline int16_t dp_side_mean(const int8_t *side, uint32_t rows, uint32_t columns,
                                   uint32_t phase, uint32_t row, uint32_t column)
{
    int32_t sum = 0, count = 0;
    for (uint32_t n = 0; phase > 0 && n < 9; n++) {
        /* Corners are coded in the second phase, edges in the last two, none in the first. */
        bool is_coded = n != 4 && (n % 2 == 0) == (phase == 1);
        uint32_t y = row + n / 3 - 1, x = column + n % 3 - 1;
        if (is_coded && y < rows && x < columns) {
            sum += side[y * columns + x];
            count++;
        }
    }
    return (int16_t)(count > 0 ? sum * (DP_SIDE_MEAN / count) : 0);
}

/*
 * The context of a value: how many thresholds its prediction reaches. `means` and `values` are
 * those of its position in the first channel, and `step` is from one channel to the next.
 */
static inline uint32_t dp_side_context(const struct dp_side_rule *rule, uint32_t channels,
                                       uint32_t channel, uint32_t phase, const int16_t *means,
                                       const int8_t *values, uint32_t step)
{
    const int8_t *of_means = rule->weights + (4 * channel + phase) * 2 * channels;
    const int8_t *of_values = of_means + channels;
    const int32_t *thresholds = rule->thresholds + channel * (DP_SIDE_CONTEXTS - 1);
    int32_t sum = rule->bias[4 * channel + phase] + of_means[channel] * means[channel * step];
    for (uint32_t c = 0; c < channel; c++) {
        sum += of_means[c] * means[c * step] + DP_SIDE_MEAN * of_values[c] * values[c * step];
    }
    uint32_t context = 0;
    for (uint32_t t = 0; t < DP_SIDE_CONTEXTS - 1; t++) {
        context += sum >= thresholds[t];
    }
    return context;
}

#endif
