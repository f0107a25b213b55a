/* Read a tile's latents, group by group and phase by phase. */
#include "arena.h"
#include "latents.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Turn a step's symbols into latents, and store their magnitudes as neighbours' context. */
static enum dp_reading keep(struct latents *l, const struct dp_channel_group *group)
{
    const struct dp_reader_model *model = l->model;
    uint32_t largest = 0, i = 0;
    uint64_t largest_latent = 0;
    for (int32_t c = group->first; c < group->last; c++) {
        int32_t down = -model->gain[c];
        uint64_t mantissa = model->mantissas[down & 31];
        uint32_t shift = (uint32_t)((down >> 5) + 4);
        uint32_t plane = (uint32_t)((size_t)c * l->context.plane);
        for (uint32_t end = l->channel_end[c - group->first]; i < end; i++) {
            int32_t symbol = l->symbol[i];
            uint32_t size = (uint32_t)(symbol < 0 ? -symbol : symbol);
            uint64_t latent = ((size * mantissa << shift) + (1u << 11)) >> 12;
            int64_t value = symbol < 0 ? -(int64_t)latent : (int64_t)latent;
            largest = size > largest ? size : largest;
            largest_latent = latent > largest_latent ? latent : largest_latent;
            l->context.magnitude[l->at[i]] =
                (uint8_t)(size < DP_LARGEST_MAGNITUDE ? size : DP_LARGEST_MAGNITUDE);
            if (c < model->predicted) {
                size_t place = l->at[i] - plane;
                l->context.decoded[place * (size_t)model->predicted + (size_t)c] += (double)value;
            } else {
                l->tile->latents[l->to[i]] = (int32_t)value;
            }
        }
    }
    return largest > DP_LARGEST_SYMBOL          ? DP_SYMBOL_TOO_LARGE
           : largest_latent > DP_LARGEST_SYMBOL ? DP_LATENT_TOO_LARGE
                                                : DP_READ;
}

/* Predict the means of a group in a phase, and store them as its latents. */
static void find_means(struct latents *l, const struct dp_channel_group *group, uint32_t phase,
                       const double *weights)
{
    int32_t wide = group->last - group->first, count = dp_positions(&l->context, phase);
    size_t predicted = (size_t)l->model->predicted;
    for (int32_t r = dp_phase_row[phase]; r < l->tile->rows; r += 2) {
        size_t place = (size_t)((r + 1) * l->context.stride + dp_phase_column[phase] + 1);
        double *to = l->context.decoded + place * predicted + (size_t)group->first;
        const double *mean = l->mean;
        dp_predict_row(&l->context, group, phase, r, weights, l->mean);
        for (int32_t p = 0; p < count; p++, to += 2 * predicted, mean += wide) {
            for (int32_t o = 0; o < wide; o++) {
                to[o] = floor(mean[o]);
            }
        }
    }
}

/* Return whether all latents of a predicted group in a phase are within a picture's bounds. */
static bool is_bounded(const struct latents *l, const struct dp_channel_group *group,
                       uint32_t phase)
{
    bool bounded = true;
    for (int32_t r = dp_phase_row[phase]; r < l->tile->rows; r += 2) {
        for (int32_t s = dp_phase_column[phase]; s < l->tile->columns; s += 2) {
            size_t place = (size_t)((r + 1) * l->context.stride + s + 1);
            const double *own = l->context.decoded + place * (size_t)l->model->predicted;
            for (int32_t c = group->first; c < group->last; c++) {
                bounded &= fabs(own[c]) <= DP_LARGEST_SYMBOL;
            }
        }
    }
    return bounded;
}

static enum dp_reading read_group(struct latents *l, int32_t number, const double *weights)
{
    const struct dp_channel_group *group = &l->model->group[number];
    bool is_predicted = group->first < l->model->predicted;
    bool any = dp_find_active(l, group);
    if (any) {
        dp_sum_window(&l->context, group);
    }
    for (uint32_t phase = 0; phase < 4; phase++) {
        if (is_predicted) {
            find_means(l, group, phase, weights);
        }
        uint32_t count = any ? dp_list_coded(l, group, phase) : 0;
        if (count > 0) {
            dp_find_indices(l, number, phase);
            enum dp_reading result = dp_read_symbols(l, count);
            result = result == DP_READ ? keep(l, group) : result;
            if (result != DP_READ) {
                return result;
            }
        }
        /* Larger latents would make later means inexact. */
        if (is_predicted && !is_bounded(l, group, phase)) {
            return DP_LATENT_TOO_LARGE;
        }
    }
    return DP_READ;
}

static enum dp_reading read_groups(struct latents *l)
{
    const double *weights = l->model->means;
    for (int32_t number = 0; number < l->model->groups; number++) {
        const struct dp_channel_group *group = &l->model->group[number];
        enum dp_reading result = read_group(l, number, weights);
        if (result != DP_READ) {
            return result;
        }
        if (group->first < l->model->predicted) {
            weights += dp_mean_weights(group);
        }
    }
    return DP_READ;
}

/* Copy the predicted channels' latents into the tile. */
static void copy_predicted(const struct latents *l)
{
    int32_t *to = l->tile->latents, predicted = l->model->predicted;
    for (int32_t c = 0; c < predicted; c++) {
        for (int32_t r = 0; r < l->tile->rows; r++) {
            for (int32_t s = 0; s < l->tile->columns; s++) {
                size_t place = (size_t)((r + 1) * l->context.stride + s + 1);
                *to++ = (int32_t)l->context.decoded[place * (size_t)predicted + (size_t)c];
            }
        }
    }
}

/* Assign the arrays their memory. */
static void take_all(struct dp_arena *arena, struct latents *l)
{
    const struct dp_reader_model *model = l->model;
    size_t widest = 0;
    for (int32_t g = 0; g < model->groups; g++) {
        size_t wide = (size_t)(model->group[g].last - model->group[g].first);
        widest = wide > widest ? wide : widest;
    }
    size_t rows = (size_t)(l->tile->rows + 1) / 2, columns = (size_t)(l->tile->columns + 1) / 2;
    size_t most = widest * rows * columns + 1; /* one more is written before it is discarded */
    dp_take_known(arena, &l->context, model->latents);
    l->cleared = arena->used;
    dp_take_sums(arena, &l->context);
    l->mean = dp_take(arena, (size_t)model->predicted * columns, sizeof *l->mean);
    l->channel_end = dp_take(arena, widest, sizeof *l->channel_end);
    l->at = dp_take(arena, most, sizeof *l->at);
    l->to = dp_take(arena, most, sizeof *l->to);
    l->level = dp_take(arena, most, sizeof *l->level);
    l->index = dp_take(arena, most, sizeof *l->index);
    l->sorted = dp_take(arena, most, sizeof *l->sorted);
    l->symbol = dp_take(arena, most, sizeof *l->symbol);
    l->low = dp_take(arena, most, sizeof *l->low);
}

enum dp_reading dp_read_latents(struct dp_range_reader *reader, const struct dp_reader_model *model,
                                const struct dp_tile_planes *tile)
{
    struct latents latents = {.model = model, .tile = tile, .reader = *reader};
    latents.context = dp_context_of(tile->rows, tile->columns, model->predicted);
    struct dp_arena arena = {NULL, 0};
    take_all(&arena, &latents);
    void *block = malloc(dp_block_size(&arena));
    if (!block) {
        return DP_NO_MEMORY;
    }
    dp_place(&arena, block);
    memset(arena.at, 0, latents.cleared);
    take_all(&arena, &latents);
    enum dp_reading result = read_groups(&latents);
    if (result == DP_READ) {
        copy_predicted(&latents);
        *reader = latents.reader;
    }
    free(block);
    return result;
}
