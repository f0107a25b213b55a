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
static inline int32_t high_part(const struct spoken *one)
{
    uint32_t low = dp_low_bits(one->index);
    return (one->symbol + (int32_t)(1u << low >> 1)) >> low;
}

/* By how much a symbol is beyond its table; 0 or less where it is within. */
static inline int32_t beyond(const struct dp_entropy *model, const struct spoken *one)
{
    const int32_t *start = model->latent_start + one->table;
    int32_t high = high_part(one);
    return (high < 0 ? -high : high) - (start[1] - start[0] - 2) / 2;
}

int dp_write_part(struct writer *writer, const struct part *part)
{
    const struct dp_entropy *model = writer->model;
    struct dp_coder *coder = &writer->coder;
    uint32_t escapes = 0, most_low = 0;
    if (!dp_reserve(coder, part->count)) {
        return 0;
    }
    for (uint32_t i = 0; i < part->count; i++) {
        const struct spoken *one = &part->spoken[writer->order[i]];
        uint32_t start = (uint32_t)model->latent_start[one->table];
        uint32_t count = (uint32_t)model->latent_start[one->table + 1] - start;
        uint32_t symbol = count - 1, low = dp_low_bits(one->index);
        if (beyond(model, one) > 0) {
            escapes++;
        } else {
            symbol = (uint32_t)(high_part(one) + (int32_t)(count - 2) / 2);
        }
        dp_coder_table(coder, model->latent_sums + start, count, symbol);
        most_low = low > most_low ? low : most_low;
    }
    for (uint32_t low = 1; low <= most_low; low++) {
        for (uint32_t i = 0; i < part->count; i++) {
            const struct spoken *one = &part->spoken[writer->order[i]];
            if (dp_low_bits(one->index) == low) {
                uint32_t value = (uint32_t)one->symbol + (1u << low >> 1);
                dp_coder_bits(coder, value & ((1u << low) - 1), low);
            }
        }
    }
    for (uint32_t i = 0; escapes > 0; i++) {
        const struct spoken *one = &part->spoken[writer->order[i]];
        int32_t size = beyond(model, one);
        if (size > 0) {
            escapes--;
            write_escape(coder, (uint32_t)size, one->symbol < 0);
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
