/* Correct scales by their context: bins of neighbour sums, and a table of corrections. */
#include "vectors.h"
#include "writer.h"

#include <string.h>

/*
 * Return the bin of a sum: twice the number of its highest bit, plus the bit after it. Both are the
 * top bits of the sum as a float. Bits that could round it up to another bin are cleared first.
 */
static inline int32_t bin(uint32_t value, int32_t less)
{
    float wide = (float)(int32_t)(value & ~(value >> 8));
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    int32_t found = (int32_t)(bits >> 22) - 2 * 127 - less;
    return found < 0 ? 0 : found > DP_BINS - 1 ? DP_BINS - 1 : found;
}

/* What the sums num and den of a position, and the place of its corrections, are formed by. */
struct around {
    const uint32_t *corners, *edges; /* all ones where these are already coded */
    const uint16_t *phases;          /* where the corrections of a position's phase begin */
    ptrdiff_t stride;
    uint32_t weight;
    int32_t less; /* subtracted from bins */
};

/* Find the places of a channel's corrections in their table, from magnitudes and expectations, F and
   F_E. Borders are not left out, so that there is one loop. (Compilers trust `restrict` of
   parameters alone.) */
VECTORS static void find_bins(const struct around *a, const uint8_t *restrict one,
                              const uint16_t *restrict wide, const uint32_t *restrict sums,
                              const uint32_t *restrict sums_expected, int32_t places,
                              uint16_t *restrict bins)
{
    const uint8_t *up = one - a->stride, *down = one + a->stride;
    const uint16_t *above = wide - a->stride, *below = wide + a->stride;
    const uint32_t *corner = a->corners, *edge = a->edges;
    const uint16_t *phases = a->phases;
    uint32_t weight = a->weight;
    int32_t less = a->less;
    for (int32_t p = 0; p < places; p++) {
        uint32_t corners = (uint32_t)up[p - 1] + up[p + 1] + down[p - 1] + down[p + 1];
        uint32_t edges = (uint32_t)one[p - 1] + one[p + 1] + up[p] + down[p];
        uint32_t sum = (corners & corner[p]) + 2 * (edges & edge[p]);
        corners = (uint32_t)above[p - 1] + above[p + 1] + below[p - 1] + below[p + 1];
        edges = (uint32_t)wide[p - 1] + wide[p + 1] + above[p] + below[p];
        uint32_t expected = (corners & corner[p]) + 2 * (edges & edge[p]);
        uint32_t num = 16 * (weight * sum + sums[p]) + 2 * weight;
        uint32_t den = weight * expected + sums_expected[p] + 2 * weight;
        bins[p] = (uint16_t)(phases[p] + DP_BINS * bin(num, less) + bin(den, less));
    }
}

/* Find the corrected scale index of every latent of a row. */
VECTORS static void correct_row(const int16_t *restrict scales, const uint16_t *restrict bins,
                                const int32_t *restrict correction, int32_t add, int32_t columns,
                                uint8_t *restrict index)
{
    for (int32_t s = 0; s < columns; s++) {
        int32_t level = scales[s] + add;
        int32_t found = dp_index_of(level + correction[bins[s]]);
        index[s] = (uint8_t)(level >= DP_CODED ? found : DP_SKIPPED);
    }
}

/* Count the tables of one or two rows by phase. Positions of different phases alternate, because
   repeated updates of one counter are slow. */
static inline void count_tables(const uint8_t *restrict index, int32_t stride, int32_t rows,
                                int32_t columns, const uint8_t *restrict table_of,
                                uint32_t (*restrict count)[DP_TABLES + 1])
{
    int32_t s = 0;
    for (; s + 1 < columns; s += 2) {
        count[0][table_of[index[s]]]++;
        count[2][table_of[index[s + 1]]]++;
        if (rows == 2) {
            count[3][table_of[index[s + stride]]]++;
            count[1][table_of[index[s + stride + 1]]]++;
        }
    }
    if (s < columns) {
        count[0][table_of[index[s]]]++;
        if (rows == 2) {
            count[3][table_of[index[s + stride]]]++;
        }
    }
}

void dp_find_tables(struct writer *writer, int32_t number)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    const struct dp_channel_group *group = &model->group[number];
    const int32_t *correction = model->correction + (size_t)number * 4 * DP_BINS * DP_BINS;
    const struct dp_context *context = &writer->context;
    int32_t rows = tile->rows, columns = tile->columns, stride = context->stride;
    int32_t first = stride + 1, places = rows * stride - 2; /* without the outer border */
    size_t plane = context->plane;
    struct around around = {.corners = writer->corners + first,
                            .edges = writer->edges + first,
                            .phases = writer->phases + first,
                            .stride = stride};
    around.weight = group->window > 0 ? (uint32_t)group->window : 1u;
    around.less = 2 * (int32_t)dp_highest_bit(around.weight) + 2;
    memset(writer->count, 0, sizeof writer->count);
    for (int32_t c = group->first; c < group->last; c++) {
        if (!context->active[c]) {
            continue;
        }
        int32_t add = DP_LEVEL_OFFSET + model->gain[c];
        const int16_t *scales = tile->scales + (size_t)c * (size_t)rows * (size_t)columns;
        uint8_t *index = writer->index + (size_t)(c - group->first) * plane;
        size_t at = (size_t)c * plane + (size_t)first;
        find_bins(&around, context->magnitude + at, context->expected + at, context->around + first,
                  context->around_expected + first, places, writer->bins + first);
        for (int32_t r = 0; r < rows; r++) {
            int32_t place = (r + 1) * stride + 1;
            correct_row(scales + r * columns, writer->bins + place, correction, add, columns,
                        index + place);
            if (r % 2) {
                count_tables(index + place - stride, stride, 2, columns, writer->table_of,
                             writer->count);
            } else if (r + 1 == rows) {
                count_tables(index + place, stride, 1, columns, writer->table_of, writer->count);
            }
        }
    }
}

static inline void sort_one(int32_t symbol, uint8_t index, const uint8_t *restrict table_of,
                            uint32_t *restrict next, uint32_t *restrict sorted)
{
    uint32_t *to = &next[table_of[index]], at = *to;
    sorted[at] = dp_packed(symbol, index & 127u);
    *to = at + (index != DP_SKIPPED);
}

/* Move the symbols of one or two rows to the next places of their phases and tables. */
static inline void sort_rows(const uint8_t *restrict index, const int32_t *restrict symbol,
                             int32_t stride, int32_t count, int32_t columns,
                             const uint8_t *restrict table_of, uint32_t next[4][DP_TABLES + 1],
                             uint32_t *restrict sorted)
{
    int32_t s = 0;
    for (; s + 1 < columns; s += 2) {
        sort_one(symbol[s], index[s], table_of, next[0], sorted);
        sort_one(symbol[s + 1], index[s + 1], table_of, next[2], sorted);
        if (count == 2) {
            int32_t below = s + stride;
            sort_one(symbol[below], index[below], table_of, next[3], sorted);
            sort_one(symbol[below + 1], index[below + 1], table_of, next[1], sorted);
        }
    }
    if (s < columns) {
        sort_one(symbol[s], index[s], table_of, next[0], sorted);
        if (count == 2) {
            sort_one(symbol[s + stride], index[s + stride], table_of, next[3], sorted);
        }
    }
}

void dp_sort_symbols(struct writer *writer, const struct dp_channel_group *group)
{
    const struct dp_context *context = &writer->context;
    int32_t rows = writer->tile->rows, columns = writer->tile->columns;
    uint32_t next[4][DP_TABLES + 1], end = 0;
    for (uint32_t phase = 0; phase < 4; phase++) {
        for (uint32_t t = 0; t < DP_TABLES; t++) {
            next[phase][t] = end;
            end += writer->count[phase][t];
        }
    }
    for (uint32_t phase = 0; phase < 4; phase++) {
        next[phase][DP_TABLES] = end; /* all skipped latents overwrite this place */
    }
    for (int32_t c = group->first; c < group->last; c++) {
        for (int32_t r = 0; context->active[c] && r < rows; r += 2) {
            size_t at = (size_t)(c - group->first) * context->plane;
            at += (size_t)((r + 1) * context->stride + 1);
            const uint8_t *index = writer->index + at;
            const int32_t *symbol = writer->symbol + at;
            if (r + 1 < rows) {
                sort_rows(index, symbol, context->stride, 2, columns, writer->table_of, next,
                          writer->sorted);
            } else {
                sort_rows(index, symbol, context->stride, 1, columns, writer->table_of, next,
                          writer->sorted);
            }
        }
    }
}
