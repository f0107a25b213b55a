#include "side_contexts.h"

uint32_t dp_find_side_contexts(const struct dp_side_phase *side, uint32_t channel)
{
    uint32_t rows = side->rows, columns = side->columns, phase = side->phase;
    uint32_t places = rows * columns, first = channel * places, seen = 0;
    for (uint32_t r = dp_phase_row[phase]; r < rows; r += 2) {
        for (uint32_t s = dp_phase_column[phase]; s < columns; s += 2) {
            uint32_t at = r * columns + s;
            side->means[first + at] =
                dp_side_mean(side->values + first, rows, columns, phase, r, s);
            uint32_t context = dp_side_context(side->rule, side->channels, channel, phase,
                                               side->means + at, side->values + at, places);
            side->contexts[at] = (uint8_t)context;
            seen |= 1u << context;
        }
    }
    return seen;
}
