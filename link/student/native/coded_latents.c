/* Find the latents that are coded, and their scales, corrected by their context. */
#include "latents.h"
#include "vectors.h"

/* Return a channel's largest log-scale. */
VECTORS static int32_t largest_scale(const int16_t *scales, size_t places)
{
    int16_t largest = INT16_MIN;
    for (size_t p = 0; p < places; p++) {
        largest = scales[p] > largest ? scales[p] : largest;
    }
    return largest;
}

bool dp_find_active(struct latents *l, const struct dp_channel_group *group)
{
    size_t places = (size_t)l->tile->rows * (size_t)l->tile->columns;
    bool any = false;
    for (int32_t c = group->first; c < group->last; c++) {
        int32_t largest = largest_scale(l->tile->scales + (size_t)c * places, places);
        l->context.active[c] = largest + DP_LEVEL_OFFSET + l->model->gain[c] >= DP_CODED;
        any |= l->context.active[c];
    }
    return any;
}

uint32_t dp_list_coded(struct latents *l, const struct dp_channel_group *group, uint32_t phase)
{
    int32_t rows = l->tile->rows, columns = l->tile->columns;
    uint32_t *restrict at = l->at, *restrict to = l->to, count = 0;
    int32_t *restrict level = l->level;
    for (int32_t c = group->first; c < group->last; c++) {
        const int16_t *scales = l->tile->scales;
        int32_t add = DP_LEVEL_OFFSET + l->model->gain[c];
        for (int32_t r = dp_phase_row[phase]; l->context.active[c] && r < rows; r += 2) {
            uint32_t from = (uint32_t)((c * rows + r) * columns);
            uint32_t place = (uint32_t)((size_t)c * l->context.plane) +
                             (uint32_t)((r + 1) * l->context.stride + 1);
            for (int32_t s = dp_phase_column[phase]; s < columns; s += 2) {
                /* There is no branch, because skipped latents are hard to predict. */
                at[count] = place + (uint32_t)s;
                to[count] = from + (uint32_t)s;
                level[count] = scales[from + (uint32_t)s] + add;
                count += level[count] >= DP_CODED;
            }
        }
        l->channel_end[c - group->first] = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        l->context.expected[at[i]] = l->model->expected[dp_index_of(level[i])];
    }
    return count;
}

/* Return the bin of a sum: twice the number of its highest bit, plus the bit after it. */
static inline uint32_t bin(uint32_t value, int32_t less)
{
    uint32_t high = dp_highest_bit(value); /* at least 1, since sums are at least 2 */
    int32_t found = (int32_t)(2 * high + (value >> (high - 1) & 1u)) - less;
    return (uint32_t)dp_limited(found, 0, DP_BINS - 1);
}

/* Return the sum S of values around a latent: those of earlier phases, edges doubled. */
#define NEIGHBOUR_SUM(kind)                                                                        \
    static inline uint32_t sum_##kind(const kind *one, ptrdiff_t stride, uint32_t phase)           \
    {                                                                                              \
        const kind *up = one - stride, *down = one + stride;                                       \
        uint32_t sum = 0;                                                                          \
        if (phase == 1 || phase == 3) {                                                            \
            sum = (uint32_t)up[-1] + up[1] + down[-1] + down[1];                                   \
        }                                                                                          \
        if (phase >= 2) {                                                                          \
            sum += 2 * ((uint32_t)one[-1] + one[1] + up[0] + down[0]);                             \
        }                                                                                          \
        return sum;                                                                                \
    }
NEIGHBOUR_SUM(uint8_t)
NEIGHBOUR_SUM(uint16_t)

static inline void find_indices(struct latents *l, const struct dp_channel_group *group,
                                const int16_t *correction, uint32_t phase)
{
    uint32_t weight = group->window > 0 ? (uint32_t)group->window : 1u, i = 0;
    int32_t less = 2 * (int32_t)dp_highest_bit(weight) + 2;
    const struct dp_context *context = &l->context;
    const uint32_t *at = l->at;
    for (int32_t c = group->first; c < group->last; c++) {
        uint32_t plane = (uint32_t)((size_t)c * context->plane);
        for (uint32_t end = l->channel_end[c - group->first]; i < end; i++) {
            uint32_t sum = sum_uint8_t(context->magnitude + at[i], context->stride, phase);
            uint32_t expected = sum_uint16_t(context->expected + at[i], context->stride, phase);
            uint32_t num = weight * sum + context->around[at[i] - plane];
            uint32_t den = weight * expected + context->around_expected[at[i] - plane];
            uint32_t bins = DP_BINS * bin(16 * num + 2 * weight, less);
            bins += bin(den + 2 * weight, less);
            l->index[i] = (uint8_t)dp_index_of(l->level[i] + correction[bins]);
        }
    }
}

void dp_find_indices(struct latents *l, int32_t number, uint32_t phase)
{
    const struct dp_channel_group *group = &l->model->group[number];
    const int16_t *correction = l->model->correction;
    correction += ((size_t)number * 4 + phase) * DP_BINS * DP_BINS;
    /* A loop for each phase, without conditions in it. */
    switch (phase) {
    case 0: find_indices(l, group, correction, 0); break;
    case 1: find_indices(l, group, correction, 1); break;
    case 2: find_indices(l, group, correction, 2); break;
    default: find_indices(l, group, correction, 3);
    }
}
