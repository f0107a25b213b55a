#include "tilewriter.h"

#include "writer.h"

#include <stdlib.h>

const uint8_t dp_phase_row[4] = {0, 1, 0, 1}, dp_phase_column[4] = {0, 1, 1, 0};
const uint8_t dp_phase_at[2][2] = {{0, 2}, {3, 1}};

static int write_latents(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    const double *weights = model->means;
    for (int32_t number = 0; number < model->groups; number++) {
        const struct dp_group *group = &model->group[number];
        if (group->first < model->predicted) {
            dp_find_leading_symbols(writer, group, weights);
            weights += 4 * 9 * group->last * (group->last - group->first);
        } else {
            dp_find_symbols(writer, group);
        }
        dp_look_back(writer, group);
        dp_find_tables(writer, number);
        dp_sort_symbols(writer, group);
        for (uint32_t phase = 0; phase < 4; phase++) {
            if (!dp_write_phase(writer, phase)) {
                return 0;
            }
        }
    }
    return 1;
}

/* Give the writer its memory; 0 where there is none. */
static int prepare(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    size_t plane = (size_t)writer->plane, latents = (size_t)model->latents, largest = 0;
    size_t positions = ((size_t)tile->rows + 1) / 2 * (((size_t)tile->columns + 1) / 2);
    for (int32_t g = 0; g < model->groups; g++) {
        size_t wide = (size_t)(model->group[g].last - model->group[g].first);
        largest = wide > largest ? wide : largest;
    }
    writer->magnitude = calloc(latents * plane, sizeof *writer->magnitude);
    writer->expected = calloc(latents * plane, sizeof *writer->expected);
    writer->decoded = calloc((size_t)model->predicted * plane + 1, sizeof *writer->decoded);
    writer->mean = malloc(largest * positions * sizeof *writer->mean);
    writer->size = malloc(plane * sizeof *writer->size);
    writer->size_expected = malloc(plane * sizeof *writer->size_expected);
    writer->around = malloc(plane * sizeof *writer->around);
    writer->around_expected = malloc(plane * sizeof *writer->around_expected);
    size_t columns = (size_t)tile->columns;
    writer->active = malloc(largest);
    writer->symbol = calloc(largest * plane, sizeof *writer->symbol);
    writer->index = malloc(largest * plane);
    writer->bins = malloc(columns * sizeof *writer->bins);
    writer->sorted = malloc((largest * (size_t)tile->rows * columns + 1) * sizeof *writer->sorted);
    writer->neighbours[0] = malloc(4 * columns * sizeof *writer->neighbours[0]);
    int enough = writer->magnitude && writer->expected && writer->decoded && writer->mean &&
                 writer->size && writer->size_expected && writer->around &&
                 writer->around_expected && writer->active && writer->symbol && writer->index &&
                 writer->bins && writer->sorted && writer->neighbours[0];
    for (size_t s = 0; enough && s < 4 * columns; s++) {
        size_t which = s / columns, odd = s % columns % 2;
        writer->neighbours[which] = writer->neighbours[0] + which * columns;
        writer->neighbours[0][s] = which == 1 || which == (odd ? 0 : 3) ? UINT32_MAX : 0;
    }
    return enough;
}

static void release(struct writer *writer)
{
    free(writer->magnitude);
    free(writer->expected);
    free(writer->decoded);
    free(writer->mean);
    free(writer->size);
    free(writer->size_expected);
    free(writer->around);
    free(writer->around_expected);
    free(writer->active);
    free(writer->symbol);
    free(writer->index);
    free(writer->bins);
    free(writer->sorted);
    free(writer->neighbours[0]);
}

uint8_t *dp_write_tile(const struct dp_entropy *model, const struct dp_planes *tile, size_t *size)
{
    struct writer writer = {.model = model, .tile = tile};
    writer.stride = tile->columns + 2;
    writer.plane = (tile->rows + 2) * writer.stride;
    for (int32_t index = 0; index < DP_SCALES; index++) {
        writer.rounding[index] = model->rounding[index] / 256.0;
    }
    for (uint32_t index = 0; index < DP_SCALES; index++) {
        writer.table_of[index] = (uint8_t)(index - 8 * dp_low_bits(index));
    }
    writer.table_of[DP_SILENT] = DP_TABLES;
    dp_coder_start(&writer.coder, NULL, 0);
    int done = prepare(&writer) && dp_write_side(&writer) && write_latents(&writer) &&
               dp_reserve(&writer.coder, 1);
    release(&writer);
    if (!done) {
        free(writer.coder.out);
        return NULL;
    }
    *size = dp_coder_finish(&writer.coder);
    return writer.coder.out;
}
