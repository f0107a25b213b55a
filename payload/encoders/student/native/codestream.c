/* Symbols into the range coder, in the order of docs/bitstream.md. */
#include "writer.h"

#include <stdlib.h>

#define SIDE_LOWEST (-32)
#define NO_CONTEXT (DP_SIDE_CONTEXTS - 1)
#define MOST_BYTES 16 /* of one symbol: escape, low bits, sign, and what the coder holds back */

int dp_reserve(struct dp_coder *coder, size_t symbols)
{
    size_t needed = coder->length + (symbols + 1) * MOST_BYTES;
    if (needed <= coder->size) {
        return 1;
    }
    needed += needed / 2;
    uint8_t *out = needed > UINT32_MAX ? NULL : realloc(coder->out, needed);
    if (!out) {
        return 0;
    }
    coder->out = out;
    coder->size = (uint32_t)needed;
    return 1;
}

/* Elias gamma, then the sign. */
static void write_escape(struct dp_coder *coder, uint32_t size, int negative)
{
    int32_t length = dp_highest_bit(size);
    for (int32_t i = 0; i < length; i++) {
        dp_coder_bits(coder, 0, 1);
    }
    for (int32_t i = length; i >= 0; i--) {
        dp_coder_bits(coder, size >> i & 1u, 1);
    }
    dp_coder_bits(coder, negative ? 1u : 0u, 1);
}

/* What tables code of a symbol. */
static inline int32_t high_part(int32_t symbol, uint32_t low)
{
    return (symbol + (int32_t)(1u << low >> 1)) >> low;
}

int dp_write_phase(struct writer *writer, uint32_t phase)
{
    const struct dp_entropy *model = writer->model;
    struct dp_coder *coder = &writer->coder;
    const uint32_t *count = writer->count[phase], *begin = writer->sorted;
    uint32_t all = 0, split = 0, escapes = 0;
    for (uint32_t before = 0; before < phase; before++) {
        for (uint32_t t = 0; t < DP_TABLES; t++) {
            begin += writer->count[before][t];
        }
    }
    for (uint32_t t = 0; t < DP_TABLES; t++) {
        all += count[t];
    }
    if (!dp_reserve(coder, all)) {
        return 0;
    }
    const uint32_t *next = begin;
    for (uint32_t t = 0; t < DP_TABLES; t++) {
        uint32_t start = (uint32_t)model->latent_start[t];
        uint32_t symbols = (uint32_t)model->latent_start[t + 1] - start;
        int32_t reach = (int32_t)(symbols - 2) / 2;
        const uint16_t *sums = model->latent_sums + start;
        /* Only symbols of the last eight tables have low bits. */
        split = t == DP_TABLES - 8 ? (uint32_t)(next - begin) : split;
        for (const uint32_t *end = next + count[t]; next < end; next++) {
            int32_t high = high_part(dp_symbol_of(*next), dp_low_bits(dp_scale_of(*next)));
            uint32_t symbol = (uint32_t)(high + reach);
            if (symbol > 2u * (uint32_t)reach) {
                symbol = symbols - 1;
                escapes++;
            }
            dp_coder_table(coder, sums, symbols, symbol);
        }
    }
    uint32_t most_low = 0;
    for (uint32_t i = split; i < all; i++) {
        uint32_t low = dp_low_bits(dp_scale_of(begin[i]));
        most_low = low > most_low ? low : most_low;
    }
    for (uint32_t low = 1; low <= most_low; low++) {
        for (uint32_t i = split; i < all; i++) {
            if (dp_low_bits(dp_scale_of(begin[i])) == low) {
                uint32_t value = (uint32_t)dp_symbol_of(begin[i]) + (1u << low >> 1);
                dp_coder_bits(coder, value & ((1u << low) - 1), low);
            }
        }
    }
    next = begin;
    for (uint32_t t = 0; escapes > 0; t++) {
        int32_t reach = (model->latent_start[t + 1] - model->latent_start[t] - 2) / 2;
        for (const uint32_t *end = next + count[t]; escapes > 0 && next < end; next++) {
            int32_t symbol = dp_symbol_of(*next);
            int32_t high = high_part(symbol, dp_low_bits(dp_scale_of(*next)));
            int32_t size = (high < 0 ? -high : high) - reach;
            if (size > 0) {
                escapes--;
                write_escape(coder, (uint32_t)size, symbol < 0);
            }
        }
    }
    return 1;
}

/* The context of a value of the side information: the mean of its coded neighbours. */
static int32_t side_context(const int8_t *side, int32_t rows, int32_t columns, uint32_t phase,
                            int32_t row, int32_t column)
{
    int32_t sum = 0, count = 0;
    for (int32_t n = 0; phase > 0 && n < 9; n++) {
        /* Corners in the second phase, edges in the last two, nothing in the first. */
        int looked_at = n != 4 && (n % 2 == 0) == (phase == 1);
        int32_t y = row + n / 3 - 1, x = column + n % 3 - 1;
        if (looked_at && y >= 0 && y < rows && x >= 0 && x < columns) {
            sum += side[y * columns + x];
            count++;
        }
    }
    if (count == 0) {
        return NO_CONTEXT;
    }
    /* Rounded half up: 64 is taken off again after a division of what is not negative. */
    return dp_limited((2 * sum + count + 128 * count) / (2 * count) - 64, -2, 2) + 2;
}

int dp_write_side(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    int32_t rows = (writer->tile->rows + 1) / 2, columns = (writer->tile->columns + 1) / 2;
    size_t places = (size_t)rows * (size_t)columns;
    uint8_t *contexts = malloc(places);
    if (!contexts || !dp_reserve(&writer->coder, places * (size_t)model->side)) {
        free(contexts);
        return 0;
    }
    for (uint32_t phase = 0; phase < 4; phase++) {
        for (int32_t c = 0; c < model->side; c++) {
            const int8_t *side = writer->tile->side + (size_t)c * places;
            for (int32_t r = dp_phase_row[phase]; r < rows; r += 2) {
                for (int32_t s = dp_phase_column[phase]; s < columns; s += 2) {
                    contexts[r * columns + s] =
                        (uint8_t)side_context(side, rows, columns, phase, r, s);
                }
            }
            for (int32_t context = 0; context <= NO_CONTEXT; context++) {
                const uint16_t *sums =
                    model->side_sums + (size_t)(c * DP_SIDE_CONTEXTS + context) * DP_SIDE_SYMBOLS;
                for (int32_t r = dp_phase_row[phase]; r < rows; r += 2) {
                    for (int32_t s = dp_phase_column[phase]; s < columns; s += 2) {
                        int32_t at = r * columns + s;
                        if (contexts[at] == context) {
                            dp_coder_table(&writer->coder, sums, DP_SIDE_SYMBOLS,
                                           (uint32_t)(side[at] - SIDE_LOWEST));
                        }
                    }
                }
            }
        }
    }
    free(contexts);
    return 1;
}
