/* Scales corrected by what goes on around: sums of magnitudes, their bins, a table. */
#include "vectors.h"
#include "writer.h"

#include <string.h>

#define BINS 32

VECTORS void dp_look_back(struct writer *writer, const struct dp_group *group)
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
 * The bin of a sum: twice the number of its highest bit, and the bit after it. Both are at the top
 * of the sum as a float. Bits that could round it up to another bin are cleared first.
 */
static inline int32_t bin(uint32_t value, int32_t less)
{
    float wide = (float)(int32_t)(value & ~(value >> 8));
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    int32_t found = (int32_t)(bits >> 22) - 2 * 127 - less;
    return found < 0 ? 0 : found > BINS - 1 ? BINS - 1 : found;
}

/* What a row's neighbours say, as places in the table of corrections. */
struct around {
    const uint8_t *magnitude;
    const uint16_t *expected;
    const uint32_t *sums, *sums_expected; /* F, F_E */
    const uint32_t *corners, *edges;      /* all ones where they were coded before */
    ptrdiff_t stride;
    uint32_t weight;
    int32_t less; /* of bins */
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
        bins[s] = (uint16_t)(BINS * bin(num, a->less) + bin(den, a->less));
    }
}

void dp_find_tables(struct writer *writer, int32_t number)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    const struct dp_group *group = &model->group[number];
    const int16_t *correction = model->correction + (size_t)number * 4 * BINS * BINS;
    int32_t rows = tile->rows, columns = tile->columns;
    size_t plane = (size_t)writer->plane;
    struct around around = {.stride = writer->stride};
    around.weight = group->window > 0 ? (uint32_t)group->window : 1u;
    around.less = 2 * dp_highest_bit(around.weight) + 2;
    memset(writer->count, 0, sizeof writer->count);
    for (int32_t c = group->first; c < group->last; c++) {
        int32_t add = DP_LEVEL_OFFSET + model->gain[c];
        const int16_t *scales = tile->scales + (size_t)c * (size_t)rows * (size_t)columns;
        for (int32_t r = 0; writer->active[c - group->first] && r < rows; r++, scales += columns) {
            size_t place = (size_t)((r + 1) * writer->stride + 1);
            uint8_t *index = writer->index + (size_t)(c - group->first) * plane + place;
            around.magnitude = writer->magnitude + (size_t)c * plane + place;
            around.expected = writer->expected + (size_t)c * plane + place;
            around.sums = writer->around + place;
            around.sums_expected = writer->around_expected + place;
            /* Phases 0 and 2 in even rows, 3 and 1 in odd ones. */
            around.corners = writer->neighbours[r % 2 ? 1 : 2];
            around.edges = writer->neighbours[r % 2 ? 3 : 0];
            find_bins(&around, columns, writer->bins);
            /* No branches: which latents are silent is hard to foretell. */
            for (int32_t s = 0; s < columns; s++) {
                uint32_t phase = dp_phase_at[r & 1][s & 1];
                int32_t level = scales[s] + add;
                int32_t found =
                    dp_index_of(level + correction[BINS * BINS * phase + writer->bins[s]]);
                found = level >= DP_SPOKEN ? found : DP_SILENT;
                index[s] = (uint8_t)found;
                writer->count[phase][writer->table_of[found]]++;
            }
        }
    }
}

void dp_sort_symbols(struct writer *writer, const struct dp_group *group)
{
    const struct dp_planes *tile = writer->tile;
    uint32_t next[4][DP_TABLES + 1], end = 0;
    for (uint32_t phase = 0; phase < 4; phase++) {
        for (uint32_t t = 0; t < DP_TABLES; t++) {
            next[phase][t] = end;
            end += writer->count[phase][t];
        }
    }
    for (uint32_t phase = 0; phase < 4; phase++) {
        next[phase][DP_TABLES] = end; /* where what is silent is written over and over */
    }
    for (int32_t c = 0; c < group->last - group->first; c++) {
        for (int32_t r = 0; writer->active[c] && r < tile->rows; r++) {
            size_t at = (size_t)c * (size_t)writer->plane;
            at += (size_t)((r + 1) * writer->stride + 1);
            const uint8_t *index = writer->index + at;
            const int32_t *symbol = writer->symbol + at;
            for (int32_t s = 0; s < tile->columns; s++) {
                uint32_t *to = &next[dp_phase_at[r & 1][s & 1]][writer->table_of[index[s]]];
                writer->sorted[*to] = dp_packed(symbol[s], index[s] & 127u);
                *to += index[s] != DP_SILENT;
            }
        }
    }
}
