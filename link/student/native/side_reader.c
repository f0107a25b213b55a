/* Read a tile's side information: by phase, channel and context. */
#include "tile_reader.h"

#include <stdlib.h>

/* The side information, and what is known of the phase that is being read. */
struct side_phase {
    const struct dp_side_rule *rule;
    uint32_t channels, rows, columns, phase;
    int8_t *values;
    int16_t *means;    /* [channels][rows][columns], of coded neighbours */
    uint8_t *contexts; /* [rows][columns], of one channel */
};

/* Find the contexts of a channel's values; return which there are, as bits. */
static uint32_t find_contexts(const struct side_phase *side, uint32_t channel)
{
    uint32_t places = side->rows * side->columns, first = channel * places, seen = 0;
    for (uint32_t r = dp_phase_row[side->phase]; r < side->rows; r += 2) {
        for (uint32_t s = dp_phase_column[side->phase]; s < side->columns; s += 2) {
            uint32_t at = r * side->columns + s;
            side->means[first + at] = dp_side_mean(side->values + first, side->rows, side->columns,
                                                   side->phase, r, s);
            uint32_t context = dp_side_context(side->rule, side->channels, channel, side->phase,
                                               side->means + at, side->values + at, places);
            side->contexts[at] = (uint8_t)context;
            seen |= 1u << context;
        }
    }
    return seen;
}

/* Read a channel's values of one context; return false if no symbols have these bytes. */
static bool read_values(struct dp_range_reader *reader, const struct side_phase *side,
                        int8_t *values, uint32_t context, const uint32_t *shares)
{
    for (uint32_t r = dp_phase_row[side->phase]; r < side->rows; r += 2) {
        for (uint32_t s = dp_phase_column[side->phase]; s < side->columns; s += 2) {
            uint32_t at = r * side->columns + s;
            if (side->contexts[at] == context) {
                int32_t symbol = dp_read_symbol(reader, shares, DP_SIDE_SYMBOLS, -DP_SIDE_LOWEST);
                if (symbol < 0) {
                    return false;
                }
                values[at] = (int8_t)(symbol + DP_SIDE_LOWEST);
            }
        }
    }
    return true;
}

static bool read_phase(struct dp_range_reader *reader, const struct side_phase *side,
                       const uint32_t *shares)
{
    for (uint32_t c = 0; c < side->channels; c++) {
        int8_t *values = side->values + c * side->rows * side->columns;
        uint32_t seen = find_contexts(side, c);
        for (uint32_t context = 0; context < DP_SIDE_CONTEXTS; context++) {
            if (seen >> context & 1u && !read_values(reader, side, values, context, shares)) {
                return false;
            }
            shares += DP_SIDE_SYMBOLS + 1;
        }
    }
    return true;
}

enum dp_reading dp_read_side(struct dp_range_reader *reader, const struct dp_reader_model *model,
                             int32_t rows, int32_t columns, int8_t *side)
{
    size_t places = (size_t)rows * (size_t)columns;
    uint8_t *contexts = malloc(places);
    int16_t *means = malloc(places * (size_t)model->side * sizeof *means);
    bool exists = contexts && means;
    struct side_phase of_phase = {.rule = &model->side_rule,
                                  .channels = (uint32_t)model->side,
                                  .rows = (uint32_t)rows,
                                  .columns = (uint32_t)columns,
                                  .values = side,
                                  .means = means,
                                  .contexts = contexts};
    while (exists && of_phase.phase < 4) {
        exists = read_phase(reader, &of_phase, model->side_shares);
        of_phase.phase++;
    }
    bool enough = contexts && means;
    free(contexts);
    free(means);
    return !enough ? DP_NO_MEMORY : exists ? DP_READ : DP_NO_SYMBOLS;
}
