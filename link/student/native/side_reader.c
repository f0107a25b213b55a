/* Read a tile's side information: by phase, channel and context. */
#include "tile_reader.h"

#include <stdlib.h>

/* A channel of the side information, and the contexts of the phase that is being read. */
struct side_channel {
    int32_t rows, columns;
    int8_t *values;
    uint8_t *contexts;
};

/* Find the contexts of a phase's values; return which there are, as bits. */
static uint32_t find_contexts(const struct side_channel *side, uint32_t phase)
{
    uint32_t rows = (uint32_t)side->rows, columns = (uint32_t)side->columns, seen = 0;
    for (uint32_t r = dp_phase_row[phase]; r < rows; r += 2) {
        for (uint32_t s = dp_phase_column[phase]; s < columns; s += 2) {
            uint32_t context = dp_side_context(side->values, rows, columns, phase, r, s);
            side->contexts[r * columns + s] = (uint8_t)context;
            seen |= 1u << context;
        }
    }
    return seen;
}

/* Read a phase's values of one context; return false if no symbols have these bytes. */
static bool read_values(struct dp_range_reader *reader, const struct side_channel *side,
                        uint32_t phase, uint32_t context, const uint32_t *shares)
{
    for (int32_t r = dp_phase_row[phase]; r < side->rows; r += 2) {
        for (int32_t s = dp_phase_column[phase]; s < side->columns; s += 2) {
            int32_t at = r * side->columns + s;
            if (side->contexts[at] == context) {
                int32_t symbol = dp_read_symbol(reader, shares, DP_SIDE_SYMBOLS, -DP_SIDE_LOWEST);
                if (symbol < 0) {
                    return false;
                }
                side->values[at] = (int8_t)(symbol + DP_SIDE_LOWEST);
            }
        }
    }
    return true;
}

static bool read_side(struct dp_range_reader *reader, const struct dp_reader_model *model,
                      struct side_channel side)
{
    int8_t *values = side.values;
    for (uint32_t phase = 0; phase < 4; phase++) {
        const uint32_t *shares = model->side_shares;
        for (int32_t c = 0; c < model->side; c++) {
            side.values = values + (size_t)c * (size_t)side.rows * (size_t)side.columns;
            uint32_t seen = find_contexts(&side, phase);
            for (uint32_t context = 0; context < DP_SIDE_CONTEXTS; context++) {
                if (seen >> context & 1u && !read_values(reader, &side, phase, context, shares)) {
                    return false;
                }
                shares += DP_SIDE_SYMBOLS + 1;
            }
        }
    }
    return true;
}

enum dp_reading dp_read_side(struct dp_range_reader *reader, const struct dp_reader_model *model,
                             int32_t rows, int32_t columns, int8_t *side)
{
    uint8_t *contexts = malloc((size_t)rows * (size_t)columns);
    if (!contexts) {
        return DP_NO_MEMORY;
    }
    const struct side_channel channel = {rows, columns, side, contexts};
    bool exists = read_side(reader, model, channel);
    free(contexts);
    return exists ? DP_READ : DP_NO_SYMBOLS;
}
