/* Write symbols with the range coder, in the order of docs/bitstream.md. */
#include "side_contexts.h"
#include "writer.h"

#include <stdlib.h>

#define MOST_BYTES 16 /* for a symbol: escape, low bits, sign, and what the coder holds back */

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
    uint64_t lower = coder->low, span = coder->span;
    for (uint32_t t = 0; t < DP_TABLES; t++) {
        uint32_t first = (uint32_t)model->latent_start[t];
        uint32_t symbols = (uint32_t)model->latent_start[t + 1] - first;
        int32_t reach = dp_reach(symbols);
        const uint16_t *sums = model->latent_sums + first;
        /* Only symbols of the last eight tables have low bits. */
        split = t == DP_TABLES - 8 ? (uint32_t)(next - begin) : split;
        for (const uint32_t *end = next + count[t]; next < end; next++) {
            int32_t high = dp_high_part(dp_symbol_of(*next), dp_low_bits(dp_scale_of(*next)));
            uint32_t symbol = (uint32_t)(high + reach);
            if (symbol > 2u * (uint32_t)reach) {
                symbol = symbols - 1;
                escapes++;
            }
            uint32_t start = dp_coder_start_of(sums, symbols, symbol);
            uint32_t size = dp_coder_start_of(sums, symbols, symbol + 1) - start;
            dp_coder_step(coder, &lower, &span, start, size);
        }
    }
    coder->low = lower;
    coder->span = span;
    uint32_t most_low = 0;
    for (uint32_t i = split; i < all; i++) {
        uint32_t low = dp_low_bits(dp_scale_of(begin[i]));
        most_low = low > most_low ? low : most_low;
    }
    for (uint32_t low = 1; low <= most_low; low++) {
        for (uint32_t i = split; i < all; i++) {
            if (dp_low_bits(dp_scale_of(begin[i])) == low) {
                dp_coder_bits(coder, dp_low_part(dp_symbol_of(begin[i]), low), low);
            }
        }
    }
    next = begin;
    for (uint32_t t = 0; escapes > 0; t++) {
        int32_t reach = dp_reach((uint32_t)(model->latent_start[t + 1] - model->latent_start[t]));
        for (const uint32_t *end = next + count[t]; escapes > 0 && next < end; next++) {
            int32_t symbol = dp_symbol_of(*next);
            int32_t high = dp_high_part(symbol, dp_low_bits(dp_scale_of(*next)));
            int32_t size = (high < 0 ? -high : high) - reach;
            if (size > 0) {
                escapes--;
                dp_write_escape(coder, (uint32_t)size, symbol < 0);
            }
        }
    }
    return 1;
}

/* Write a channel's values of one context. */
static void write_values(struct dp_coder *coder, const struct dp_side_phase *side,
                         const int8_t *values, uint32_t context, const uint16_t *sums)
{
    for (uint32_t r = dp_phase_row[side->phase]; r < side->rows; r += 2) {
        for (uint32_t s = dp_phase_column[side->phase]; s < side->columns; s += 2) {
            uint32_t at = r * side->columns + s;
            if (side->contexts[at] == context) {
                dp_coder_table(coder, sums, DP_SIDE_SYMBOLS,
                               (uint32_t)(values[at] - DP_SIDE_LOWEST));
            }
        }
    }
}

static void write_phase(struct dp_coder *coder, const struct dp_side_phase *side,
                        const uint16_t *sums)
{
    const int8_t *values = side->values;
    for (uint32_t c = 0; c < side->channels; c++) {
        uint32_t seen = dp_find_side_contexts(side, c);
        for (uint32_t context = 0; context < DP_SIDE_CONTEXTS; context++) {
            if (seen >> context & 1u) {
                write_values(coder, side, values, context, sums);
            }
            sums += DP_SIDE_SYMBOLS;
        }
        values += side->rows * side->columns;
    }
}

int dp_write_side(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    struct dp_side_phase side = {.rule = &model->side_rule,
                                 .channels = (uint32_t)model->side,
                                 .rows = ((uint32_t)writer->tile->rows + 1) / 2,
                                 .columns = ((uint32_t)writer->tile->columns + 1) / 2,
                                 .values = writer->tile->side};
    size_t places = (size_t)side.rows * side.columns, values = places * side.channels;
    side.means = malloc(values * sizeof *side.means);
    side.contexts = malloc(places);
    int done = side.means && side.contexts && dp_reserve(&writer->coder, values);
    for (; done && side.phase < 4; side.phase++) {
        write_phase(&writer->coder, &side, model->side_sums);
    }
    free(side.means);
    free(side.contexts);
    return done;
}
