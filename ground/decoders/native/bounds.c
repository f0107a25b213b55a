/* Check that the C supports a network: shapes, limits of values, and sums within 32 bits. */
#include "network.h"

#define MOST_LEFT 8 /* shift to the left between two grids */
#define LARGEST_SUM (1 << 30)
/* Limits of the streams, so that two of them fit 16 bits when they are added up. */
#define LARGEST_VALUE 16383
#define LARGEST_HINT 128
/* Limits of the linear path, so that two products and a bias fit 32 bits. See synthesis.h. */
#define LARGEST_LINEAR_WEIGHT 28000
#define LARGEST_LINEAR_BIAS (1 << 27)
#define MULTIPLE 16 /* of channels: lanes of the widest vector */

static int64_t largest(int32_t low, int32_t high)
{
    return dp_magnitude(low) > dp_magnitude(high) ? dp_magnitude(low) : dp_magnitude(high);
}

static int has_shape(const struct dp_given_layer *layer, int64_t outputs, int64_t inputs)
{
    return layer->outputs == outputs && layer->inputs == inputs;
}

static int is_within(int32_t low, int32_t high, int32_t limit)
{
    return low <= high && low >= -limit && high <= limit;
}

static int moves_fit(const struct dp_move *move)
{
    return move->shift >= -MOST_LEFT && move->shift <= DP_MOST_SHIFT &&
           is_within(move->low, move->high, LARGEST_VALUE);
}

/*
 * Return what one unit of weight adds to a sum at most, over all steps of the sum. Bytes have a
 * zero point of up to 128, whose share is added and subtracted.
 */
static int64_t reach_of(int32_t low, int32_t high)
{
    return low >= 0 ? high + 256 : largest(low, high);
}

static const char *why_not_linear(const struct dp_given *given)
{
    for (size_t at = 0; at < (size_t)DP_PIXELS * (size_t)given->latents; at++) {
        if (dp_magnitude(given->linear_weight[at]) > LARGEST_LINEAR_WEIGHT) {
            return "weights of the linear synthesis that are too large";
        }
    }
    for (size_t at = 0; at < DP_PIXELS; at++) {
        int64_t bias = given->linear_bias[at];
        if (bias < -LARGEST_LINEAR_BIAS || bias > LARGEST_LINEAR_BIAS) {
            return "biases of the linear synthesis that are too large";
        }
    }
    return dp_are_shifts(given->spread, given->latents) ? NULL : "shifts of latents";
}

static const char *why_not_block(const struct dp_given_block *block, int32_t channels,
                                 int32_t qualities)
{
    const struct dp_given_layer *first = &block->first, *second = &block->second;
    const struct dp_move *entering = &block->entering;
    int64_t inputs = 9 * (int64_t)channels;
    if (!has_shape(first, channels, inputs) || !has_shape(second, channels, inputs)) {
        return "layers that do not fit each other";
    }
    if (!moves_fit(entering) || !is_within(first->low, first->high, LARGEST_VALUE) ||
        !is_within(second->low, second->high, LARGEST_VALUE)) {
        return "limits of values";
    }
    if (!dp_sums_fit(first, reach_of(entering->low, entering->high), LARGEST_SUM, block->table,
                       qualities) ||
        !dp_sums_fit(second, reach_of(first->low, first->high), LARGEST_SUM, NULL, 0)) {
        return "sums that may leave 32 bits";
    }
    return NULL;
}

const char *dp_why_not(const struct dp_given *given)
{
    int64_t fine = given->fine, coarse = given->coarse, latents = given->latents;
    if (latents < 1 || latents > DP_MOST_CHANNELS || fine < MULTIPLE || fine % MULTIPLE ||
        fine > DP_MOST_CHANNELS || coarse < MULTIPLE || coarse % MULTIPLE ||
        coarse > DP_MOST_CHANNELS || given->qualities < 1) {
        return "numbers of channels";
    }
    const struct {
        const struct dp_given_layer *layer;
        int64_t outputs, inputs, reach;
    } layers[] = {
        {&given->latent_in, 4 * coarse, latents, LARGEST_HINT},
        {&given->enter, fine, 9 * (int64_t)DP_CELL, 512},
        {&given->down, coarse, 4 * fine, reach_of(given->to_down.low, given->to_down.high)},
        {&given->up, 4 * fine, coarse, reach_of(given->to_up.low, given->to_up.high)},
        {&given->leave, DP_CELL, 9 * fine, reach_of(given->to_leave.low, given->to_leave.high)},
    };
    if (!moves_fit(&given->to_down) || !moves_fit(&given->to_up) || !moves_fit(&given->to_leave)) {
        return "limits of values";
    }
    for (size_t at = 0; at < sizeof layers / sizeof *layers; at++) {
        const struct dp_given_layer *layer = layers[at].layer;
        if (!has_shape(layer, layers[at].outputs, layers[at].inputs)) {
            return "layers that do not fit each other";
        }
        if (!is_within(layer->low, layer->high, LARGEST_VALUE)) {
            return "limits of values";
        }
        if (!dp_sums_fit(layer, layers[at].reach, LARGEST_SUM, NULL, 0)) {
            return "sums that may leave 32 bits";
        }
    }
    const char *why = why_not_linear(given);
    if (!why && given->postfilter && !dp_is_filter(given->postfilter)) {
        why = "weights of the postfilter that are too large";
    }
    for (int32_t part = 0, at = 0; part < 3; part++) {
        for (int32_t i = 0; !why && i < given->depth[part]; i++, at++) {
            why = why_not_block(&given->block[at], (int32_t)(part == 1 ? coarse : fine),
                                given->qualities);
        }
    }
    return why;
}
