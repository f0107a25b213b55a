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
        bool any = true;
        if (group->first < model->predicted) {
            dp_find_predicted_symbols(writer, group, weights);
            weights += dp_mean_weights(group);
        } else {
            any = dp_find_symbols(writer, group);
        }
        if (!any) {
            continue;
        }
        dp_sum_window(&writer->context, group);
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
    size_t plane = w->context.plane, largest = 0;
    for (int32_t g = 0; g < model->groups; g++) {
        size_t wide = (size_t)(model->group[g].last - model->group[g].first);
        largest = wide > largest ? wide : largest;
    }
    dp_take_known(arena, &w->context, model->latents);
    w->cleared = arena->used;
    dp_take_sums(arena, &w->context);
    w->mean = dp_take(arena, largest * ((rows + 1) / 2) * ((columns + 1) / 2), sizeof *w->mean);
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
        w->table_of[index] = (uint8_t)dp_table_of((uint32_t)index);
    }
    w->table_of[DP_SKIPPED] = DP_TABLES;
    size_t stride = (size_t)w->context.stride;
    for (size_t p = 0; p < w->context.plane; p++) {
        /* In phases 1 and 3 the corners are coded, in phases 2 and 3 the edges. */
        uint32_t phase = dp_phase_at[(p / stride + 1) & 1][(p % stride + 1) & 1];
        w->corners[p] = phase & 1 ? UINT32_MAX : 0;
        w->edges[p] = phase & 2 ? UINT32_MAX : 0;
        w->phases[p] = (uint16_t)(DP_BINS * DP_BINS * phase);
    }
}

uint8_t *dp_write_tile(const struct dp_entropy *model, const struct dp_planes *tile, size_t *size)
{
    struct writer writer = {.model = model, .tile = tile};
    writer.context = dp_context_of(tile->rows, tile->columns, model->predicted);
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
