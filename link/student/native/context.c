#include "context.h"
#include "vectors.h"

#include <string.h>

struct dp_context dp_context_of(int32_t rows, int32_t columns, int32_t predicted)
{
    struct dp_context context = {.predicted = predicted, .stride = columns + 2};
    context.plane = (size_t)(rows + 2) * (size_t)context.stride;
    return context;
}

void dp_take_known(struct dp_arena *arena, struct dp_context *context, int32_t latents)
{
    size_t channels = (size_t)latents, predicted = (size_t)context->predicted;
    context->magnitude = dp_take(arena, channels * context->plane, sizeof *context->magnitude);
    context->expected = dp_take(arena, channels * context->plane, sizeof *context->expected);
    context->active = dp_take(arena, channels, sizeof *context->active);
    context->decoded = dp_take(arena, predicted * context->plane, sizeof *context->decoded);
}

void dp_take_sums(struct dp_arena *arena, struct dp_context *context)
{
    size_t plane = context->plane;
    context->size = dp_take(arena, plane, sizeof *context->size);
    context->size_expected = dp_take(arena, plane, sizeof *context->size_expected);
    context->around = dp_take(arena, plane, sizeof *context->around);
    context->around_expected = dp_take(arena, plane, sizeof *context->around_expected);
}

VECTORS static void add_plane(uint16_t *restrict size, const uint8_t *restrict magnitude,
                              uint32_t *restrict size_expected, const uint16_t *restrict expected,
                              size_t plane)
{
    for (size_t p = 0; p < plane; p++) {
        size[p] = (uint16_t)(size[p] + magnitude[p]);
    }
    for (size_t p = 0; p < plane; p++) {
        size_expected[p] += expected[p];
    }
}

/* Weight the sums of a row and of the rows above and below: 8, 2 and 1. */
VECTORS static void weight_around(const struct dp_context *context, size_t first, size_t end)
{
    ptrdiff_t stride = context->stride;
    for (size_t p = first; p < end; p++) {
        const uint16_t *one = context->size + p, *up = one - stride, *down = one + stride;
        uint32_t edges = (uint32_t)one[-1] + one[1] + up[0] + down[0];
        uint32_t corners = (uint32_t)up[-1] + up[1] + down[-1] + down[1];
        context->around[p] = 8u * one[0] + 2u * edges + corners;
    }
    for (size_t p = first; p < end; p++) {
        const uint32_t *one = context->size_expected + p, *up = one - stride, *down = one + stride;
        uint32_t edges = one[-1] + one[1] + up[0] + down[0];
        uint32_t corners = up[-1] + up[1] + down[-1] + down[1];
        context->around_expected[p] = 8u * one[0] + 2u * edges + corners;
    }
}

void dp_sum_window(struct dp_context *context, const struct dp_channel_group *group)
{
    size_t plane = context->plane, border = (size_t)context->stride + 1;
    memset(context->size, 0, sizeof *context->size * plane);
    memset(context->size_expected, 0, sizeof *context->size_expected * plane);
    for (int32_t c = group->first - group->window; c < group->first; c++) {
        if (context->active[c]) {
            add_plane(context->size, context->magnitude + (size_t)c * plane,
                      context->size_expected, context->expected + (size_t)c * plane, plane);
        }
    }
    weight_around(context, border, plane - border);
}
