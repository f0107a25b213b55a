/* Correct scales by their context: sums of magnitudes, their bins, a table of corrections. */
#include "vectors.h"
#include "writer.h"

#include <string.h>

VECTORS void dp_look_back(struct writer *writer, const struct dp_channel_group *group)
{
    int32_t plane = writer->plane, stride = writer->stride;
    memset(writer->size, 0, sizeof *writer->size * (size_t)plane);
    memset(writer->size_expected, 0, sizeof *writer->size_expected * (size_t)plane);
    for (int32_t c = group->first - group->window; c < group->first; c++) {
        const uint8_t *magnitude = writer->magnitude + (size_t)c * (size_t)plane;
        const uint16_t *expected = writer->expected + (size_t)c * (size_t)plane;
        uint16_t *size = writer->size;
        uint32_t *size_expected = writer->size_expected;
        for (int32_t p = 0; p < plane; p++) {
            size[p] = (uint16_t)(size[p] + magnitude[p]);
            size_expected[p] += expected[p];
        }
    }
    for (int32_t p = stride + 1; p < plane - stride - 1; p++) {
        const uint16_t *one = writer->size + p, *up = one - stride, *down = one + stride;
        uint32_t edges = (uint32_t)one[-1] + one[1] + up[0] + down[0];
        uint32_t corners = (uint32_t)up[-1] + up[1] + down[-1] + down[1];
        writer->around[p] = 8u * one[0] + 2u * edges + corners;
    }
    for (int32_t p = stride + 1; p < plane - stride - 1; p++) {
        const uint32_t *one = writer->size_expected + p, *up = one - stride, *down = one + stride;
        uint32_t edges = one[-1] + one[1] + up[0] + down[0];
        uint32_t corners = up[-1] + up[1] + down[-1] + down[1];
        writer->around_expected[p] = 8u * one[0] + 2u * edges + corners;
    }
}

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

/* Inputs of a row's num and den, from which its places in the table of corrections follow. */
struct around {
    const uint8_t *magnitude;
    const uint16_t *expected;
    const uint32_t *sums, *sums_expected; /* F, F_E */
    const uint32_t *corners, *edges;      /* all ones where these are already coded */
    ptrdiff_t stride;
    uint32_t weight;
    int32_t less; /* subtracted from bins */
};

VECTORS static void find_bins(const struct around *a, int32_t columns, uint16_t *bins)
{
    const uint8_t *one = a->magnitude, *up = one - a->stride, *down = one + a->stride;
    const uint16_t *wide = a->expected, *above = wide - a->stride, *below = wide + a->stride;
    const uint32_t *corner = a->corners, *edge = a->edges;
    uint32_t weight = a->weight;
    for (int32_t s = 0; s < columns; s++) {
        uint32_t corners = (uint32_t)up[s - 1] + up[s + 1] + down[s - 1] + down[s + 1];
        uint32_t edges = (uint32_t)one[s - 1] + one[s + 1] + up[s] + down[s];
        uint32_t own = (corners & corner[s]) + 2 * (edges & edge[s]);
        corners = (uint32_t)above[s - 1] + above[s + 1] + below[s - 1] + below[s + 1];
        edges = (uint32_t)wide[s - 1] + wide[s + 1] + above[s] + below[s];
        uint32_t own_expected = (corners & corner[s]) + 2 * (edges & edge[s]);
        uint32_t num = 16 * (weight * own + a->sums[s]) + 2 * weight;
        uint32_t den = weight * own_expected + a->sums_expected[s] + 2 * weight;
        bins[s] = (uint16_t)(DP_BINS * bin(num, a->less) + bin(den, a->less));
    }
}

/* A channel's row whose scales are corrected; `correction` and `count` by parity of the column. */
struct row {
    const int16_t *scales;
    const uint16_t *bins;
    uint8_t *index;
    const int16_t *correction[2];
    uint32_t *count[2];
};

/* There are no branches, because skipped latents are hard to predict. */
static inline void correct_one(int32_t level, const int16_t *restrict correction, uint32_t bins,
                               const uint8_t *restrict table_of, uint8_t *restrict index,
                               uint32_t *restrict count)
{
    int32_t found = dp_index_of(level + correction[bins]);
    found = level >= DP_CODED ? found : DP_SKIPPED;
    *index = (uint8_t)found;
    count[table_of[found]]++;
}

/* Positions of different phases alternate, because repeated updates of one counter are slow. */
static inline void correct(const struct row *rows, int32_t count, int32_t columns, int32_t add,
                           const uint8_t *restrict table_of)
{
    const struct row a = rows[0], b = rows[count - 1];
    int32_t s = 0;
    for (; s + 1 < columns; s += 2) {
        for (int32_t odd = 0; odd < 2; odd++) {
            int32_t at = s + odd;
            correct_one(a.scales[at] + add, a.correction[odd], a.bins[at], table_of, a.index + at,
                        a.count[odd]);
            if (count == 2) {
                correct_one(b.scales[at] + add, b.correction[odd], b.bins[at], table_of,
                            b.index + at, b.count[odd]);
            }
        }
    }
    for (int32_t r = 0; r < count && s < columns; r++) {
        const struct row *row = &rows[r];
        correct_one(row->scales[s] + add, row->correction[0], row->bins[s], table_of,
                    row->index + s, row->count[0]);
    }
}

void dp_find_tables(struct writer *writer, int32_t number)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    const struct dp_channel_group *group = &model->group[number];
    const int16_t *correction = model->correction + (size_t)number * 4 * DP_BINS * DP_BINS;
    int32_t columns = tile->columns;
    size_t plane = (size_t)writer->plane;
    struct around around = {.stride = writer->stride};
    around.weight = group->window > 0 ? (uint32_t)group->window : 1u;
    around.less = 2 * (int32_t)dp_highest_bit(around.weight) + 2;
    memset(writer->count, 0, sizeof writer->count);
    for (int32_t c = group->first; c < group->last; c++) {
        int32_t add = DP_LEVEL_OFFSET + model->gain[c];
        const int16_t *scales = tile->scales + (size_t)c * (size_t)tile->rows * (size_t)columns;
        for (int32_t r = 0; writer->active[c - group->first] && r < tile->rows; r += 2) {
            struct row row[2];
            int32_t pair = r + 1 < tile->rows ? 2 : 1;
            for (int32_t i = 0; i < pair; i++, scales += columns) {
                size_t place = (size_t)((r + i + 1) * writer->stride + 1);
                around.magnitude = writer->magnitude + (size_t)c * plane + place;
                around.expected = writer->expected + (size_t)c * plane + place;
                around.sums = writer->around + place;
                around.sums_expected = writer->around_expected + place;
                /* Even rows have phases 0 and 2, odd rows 3 and 1. */
                around.corners = writer->neighbours[i ? 1 : 2];
                around.edges = writer->neighbours[i ? 3 : 0];
                find_bins(&around, columns, writer->bins + i * columns);
                row[i].scales = scales;
                row[i].bins = writer->bins + i * columns;
                row[i].index = writer->index + (size_t)(c - group->first) * plane + place;
                for (int32_t odd = 0; odd < 2; odd++) {
                    uint32_t phase = dp_phase_at[i][odd];
                    row[i].correction[odd] = correction + DP_BINS * DP_BINS * phase;
                    row[i].count[odd] = writer->count[phase];
                }
            }
            if (pair == 2) {
                correct(row, 2, columns, add, writer->table_of);
            } else {
                correct(row, 1, columns, add, writer->table_of);
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
    for (int32_t c = 0; c < group->last - group->first; c++) {
        for (int32_t r = 0; writer->active[c] && r < rows; r += 2) {
            size_t at = (size_t)c * (size_t)writer->plane;
            at += (size_t)((r + 1) * writer->stride + 1);
            const uint8_t *index = writer->index + at;
            const int32_t *symbol = writer->symbol + at;
            if (r + 1 < rows) {
                sort_rows(index, symbol, writer->stride, 2, columns, writer->table_of, next,
                          writer->sorted);
            } else {
                sort_rows(index, symbol, writer->stride, 1, columns, writer->table_of, next,
                          writer->sorted);
            }
        }
    }
}
