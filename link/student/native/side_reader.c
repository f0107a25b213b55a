/* Read a tile's side information: by phase, channel and context. */
#include "side_contexts.h"
#include "tile_reader.h"

#include <stdlib.h>

/* Read a channel's values of one context; return false if no symbols have these bytes. */
static bool read_values(struct dp_range_reader *reader, const struct dp_side_phase *side,
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

/* Read a phase into `values`, which are those of `side`. */
static bool read_phase(struct dp_range_reader *reader, const struct dp_side_phase *side,
                       int8_t *values, const uint32_t *shares)
{
    for (uint32_t c = 0; c < side->channels; c++) {
        uint32_t seen = dp_find_side_contexts(side, c);
        for (uint32_t context = 0; context < DP_SIDE_CONTEXTS; context++) {
            if (seen >> context & 1u && !read_values(reader, side, values, context, shares)) {
                return false;
            }
            shares += DP_SIDE_SYMBOLS + 1;
        }
        values += side->rows * side->columns;
    }
    return true;
}

enum dp_reading dp_read_side(struct dp_range_reader *reader, const struct dp_reader_model *model,
                             int32_t rows, int32_t columns, int8_t *side)
{
    size_t places = (size_t)rows * (size_t)columns;
    struct dp_side_phase of_phase = {.rule = &model->side_rule,
                                     .channels = (uint32_t)model->side,
                                     .rows = (uint32_t)rows,
                                     .columns = (uint32_t)columns,
                                     .values = side};
    of_phase.means = malloc(places * (size_t)model->side * sizeof *of_phase.means);
    of_phase.contexts = malloc(places);
    enum dp_reading result = of_phase.means && of_phase.contexts ? DP_READ : DP_NO_MEMORY;
    for (; result == DP_READ && of_phase.phase < 4; of_phase.phase++) {
        if (!read_phase(reader, &of_phase, side, model->side_shares)) {
            result = DP_NO_SYMBOLS;
        }
    }
    free(of_phase.means);
    free(of_phase.contexts);
    return result;
}
