#include "tilewriter.h"

#include "scratch.h"
#include "writer.h"

#include <stdlib.h>
#include <string.h>

static int write_latents(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    const double *weights = model->means;
    for (int32_t number = 0; number < model->groups; number++) {
        const struct dp_channel_group *group = &model->group[number];
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

/* Assign the writer's arrays their memory. */
static void take_all(struct dp_arena *arena, struct writer *w)
{
    const struct dp_entropy *model = w->model;
    size_t rows = (size_t)w->tile->rows, columns = (size_t)w->tile->columns;
    size_t plane = (size_t)w->plane, latents = (size_t)model->latents, largest = 0;
    for (int32_t g = 0; g < model->groups; g++) {
        size_t wide = (size_t)(model->group[g].last - model->group[g].first);
        largest = wide > largest ? wide : largest;
    }
    w->magnitude = dp_take(arena, latents * plane, sizeof *w->magnitude);
    w->expected = dp_take(arena, latents * plane, sizeof *w->expected);
    w->decoded = dp_take(arena, (size_t)model->predicted * plane, sizeof *w->decoded);
    w->cleared = arena->used;
    w->mean = dp_take(arena, largest * ((rows + 1) / 2) * ((columns + 1) / 2), sizeof *w->mean);
    w->size = dp_take(arena, plane, sizeof *w->size);
    w->size_expected = dp_take(arena, plane, sizeof *w->size_expected);
    w->around = dp_take(arena, plane, sizeof *w->around);
    w->around_expected = dp_take(arena, plane, sizeof *w->around_expected);
    w->active = dp_take(arena, largest, sizeof *w->active);
    w->symbol = dp_take(arena, largest * plane, sizeof *w->symbol);
    w->index = dp_take(arena, largest * plane, sizeof *w->index);
    w->bins = dp_take(arena, plane, sizeof *w->bins);
    w->sorted = dp_take(arena, largest * rows * columns + 1, sizeof *w->sorted);
    w->corners = dp_take(arena, plane, sizeof *w->corners);
    w->edges = dp_take(arena, plane, sizeof *w->edges);
    w->phases = dp_take(arena, plane, sizeof *w->phases);
}

/* Fill in the values that all groups share. */
static void prepare(struct writer *w)
{
    for (int32_t index = 0; index < DP_SCALES; index++) {
        w->rounding[index] = w->model->rounding[index] / 256.0;
        w->of_index[index] = (uint32_t)w->model->expected[index] << 8 | w->model->rounding[index];
        w->expected_of[index] = w->model->expected[index];
        w->table_of[index] = (uint8_t)((uint32_t)index - 8 * dp_low_bits((uint32_t)index));
    }
    w->table_of[DP_SKIPPED] = DP_TABLES;
    for (int32_t p = 0; p < w->plane; p++) {
        /* In phases 1 and 3 the corners are coded, in phases 2 and 3 the edges. */
        uint32_t phase = dp_phase_at[(p / w->stride + 1) & 1][(p % w->stride + 1) & 1];
        w->corners[p] = phase & 1 ? UINT32_MAX : 0;
        w->edges[p] = phase & 2 ? UINT32_MAX : 0;
        w->phases[p] = (uint16_t)(DP_BINS * DP_BINS * phase);
    }
}

uint8_t *dp_write_tile(const struct dp_entropy *model, const struct dp_planes *tile, size_t *size)
{
    struct writer writer = {.model = model, .tile = tile};
    writer.stride = tile->columns + 2;
    writer.plane = (tile->rows + 2) * writer.stride;
    struct dp_arena arena = {NULL, 0};
    take_all(&arena, &writer);
    struct dp_scratch *scratch = dp_scratch_open(&arena);
    if (!scratch) {
        return NULL;
    }
    memset(arena.at, 0, writer.cleared);
    take_all(&arena, &writer);
    prepare(&writer);
    dp_coder_start(&writer.coder, NULL, 0);
    int done = dp_write_side(&writer) && write_latents(&writer) &&
               dp_reserve(&writer.coder, 1);
    dp_scratch_close(scratch);
    if (!done) {
        free(writer.coder.out);
        return NULL;
    }
    *size = dp_coder_finish(&writer.coder);
    return writer.coder.out;
}
