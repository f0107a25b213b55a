/* Convert networks from the layout of integers.npz to the form that a variant of layers.h reads. */
#include "networks.h"
#include "arena.h"

#include <stdlib.h>
#include <string.h>

/* Order of a layer's stored inputs and outputs compared with those of the packed layer. */
enum order {
    AS_STORED,
    FOLDED,   /* stored (channel, row, column) of 2 x 2; wanted (row, column, channel) */
    UNFOLDED, /* the same for outputs */
};

/* The source of a packed layer. */
struct plan {
    const struct dp_given_layer *given;
    enum order order;
    size_t parts;
    int32_t zero; /* inputs minus the values that weights multiply */
};

#define PADDING SIZE_MAX

/* Return the stored number of a packed output, or PADDING. */
static size_t stored_output(const struct plan *plan, size_t output)
{
    size_t outputs = (size_t)plan->given->outputs, quarter = outputs / 4;
    if (plan->order != UNFOLDED) {
        return output < outputs ? output : PADDING;
    }
    size_t padded = dp_padded(quarter), channel = output % padded;
    return channel < quarter ? channel * 4 + output / padded : PADDING;
}

/* Return the weight of a stored output for a packed input, counted without padding. */
static int32_t weight_of(const struct plan *plan, size_t output, size_t input)
{
    size_t inputs = (size_t)plan->given->inputs, quarter = inputs / 4;
    if (plan->order == FOLDED) {
        input = input % quarter * 4 + input / quarter;
    }
    return plan->given->weight[output * inputs + input];
}

/* Return the sum of three planes' weights: whole, or one of its two bytes. */
static int32_t grey_weight(const struct plan *plan, size_t output, size_t input, int high, int wide)
{
    size_t plane = (size_t)plan->given->inputs / DP_PLANES;
    int32_t sum = 0, half = 1 << (DP_GREY_SHIFT - 1);
    for (size_t p = 0; p < DP_PLANES; p++) {
        sum += weight_of(plan, output, p * plane + input);
    }
    if (wide) {
        return high ? 0 : sum;
    }
    int32_t upper = sum >= -128 && sum <= 127 ? 0 : (sum + half) >> DP_GREY_SHIFT;
    return high ? upper : sum - upper * (1 << DP_GREY_SHIFT);
}

enum kind { COLOUR, GREY, GREY_HIGH };

static void put(const struct dp_form *form, void *to, size_t at, int32_t weight)
{
    if (form->bytes == 1) {
        ((int8_t *)to)[at] = (int8_t)weight;
    } else {
        ((int16_t *)to)[at] = (int16_t)weight;
    }
}

static void pack_weights(const struct dp_form *form, const struct plan *plan, enum kind kind,
                         struct dp_mix *out)
{
    size_t inputs = (size_t)plan->given->inputs;
    size_t real = (kind == COLOUR ? inputs : inputs / DP_PLANES) / plan->parts;
    /* A folded part is two positions of padded channels. */
    size_t positions = plan->order == FOLDED ? 2 : 1, channels = real / positions;
    size_t padded = out->inputs / positions, taken = 4 / form->bytes;
    size_t steps = out->inputs / taken, at = 0;
    for (size_t o = 0, width; o < out->outputs; o += width) {
        width = dp_panel(out->outputs, o, form->lanes);
        for (size_t part = 0; part < out->parts; part++) {
            for (size_t step = 0; step < steps; step++, at += width * taken) {
                for (size_t i = 0; i < width * taken; i++) {
                    size_t output =
                        stored_output(plan, o + (form->planar ? i % width : i / taken));
                    size_t input = step * taken + (form->planar ? i / width : i % taken);
                    size_t channel = input % padded;
                    int32_t weight = 0;
                    if (output != PADDING && channel < channels) {
                        size_t from = part * real + input / padded * channels + channel;
                        weight = kind == COLOUR
                                     ? weight_of(plan, output, from)
                                     : grey_weight(plan, output, from, kind == GREY_HIGH,
                                                   form->bytes == 2);
                    }
                    put(form, out->weights, at + i, weight);
                }
            }
        }
    }
}

static void pack_bias(const struct plan *plan, const struct dp_mix *out)
{
    const struct dp_given_layer *given = plan->given;
    int32_t *bias = out->bias, *shift = out->shift;
    for (size_t o = 0; o < out->outputs; o++) {
        size_t from = stored_output(plan, o);
        int32_t sum = 0;
        if (from == PADDING) {
            continue;
        }
        for (size_t i = 0; i < (size_t)given->inputs; i++) {
            sum += given->weight[from * (size_t)given->inputs + i];
        }
        shift[o] = given->shift[from];
        bias[o] = given->bias[from] + dp_half(given, from) + plan->zero * sum;
    }
}

/* Take a layer's memory and, if the arena has memory already, fill it in. */
static void pack(struct dp_arena *arena, const struct dp_form *form, const struct plan *plan,
                 enum kind kind, struct dp_mix *out)
{
    const struct dp_given_layer *given = plan->given;
    size_t inputs = (size_t)given->inputs / (kind == COLOUR ? 1 : DP_PLANES) / plan->parts;
    size_t outputs = (size_t)given->outputs;
    out->outputs = plan->order == UNFOLDED ? 4 * dp_padded(outputs / 4) : dp_padded(outputs);
    out->parts = plan->parts;
    out->inputs = plan->order == FOLDED ? 2 * dp_padded(inputs / 2) : dp_padded(inputs);
    out->weights = dp_take(arena, out->outputs * out->parts * out->inputs, form->bytes);
    out->bias = dp_take(arena, out->outputs, sizeof *out->bias);
    out->shift = dp_take(arena, out->outputs, sizeof *out->shift);
    out->low = given->low;
    out->high = given->high;
    if (arena->at) {
        pack_weights(form, plan, kind, out);
        pack_bias(plan, out);
    }
}

static void pack_planes(struct dp_arena *arena, const struct dp_form *form,
                        const struct dp_given_layer *given, struct dp_plane_mix *out)
{
    const struct plan plan = {.given = given, .parts = 1};
    /* For pixels themselves: planes are in half grey levels from 128, 2 * (pixel - 128). */
    const struct plan grey = {.given = given, .parts = 1, .zero = 2 * (form->zero - 128)};
    size_t inputs = (size_t)given->inputs, plane = inputs / DP_PLANES;
    pack(arena, form, &plan, COLOUR, &out->mix);
    pack(arena, form, &grey, GREY, &out->grey);
    pack(arena, form, &grey, GREY_HIGH, &out->grey_high);
    for (size_t p = 0; p < DP_PLANES; p++) {
        out->sums[p] = dp_take(arena, out->mix.outputs, sizeof *out->sums[p]);
    }
    out->has_high = dp_take(arena, out->mix.outputs / form->lanes, 1);
    for (size_t o = 0; arena->at && o < (size_t)given->outputs; o++) {
        for (size_t i = 0; i < inputs; i++) {
            out->sums[i / plane][o] += given->weight[o * inputs + i];
        }
        for (size_t i = 0; i < plane; i++) {
            if (grey_weight(&plan, o, i, 1, form->bytes == 2)) {
                out->has_high[o / form->lanes] = 1;
            }
        }
    }
}

/* Take the memory of a depthwise layer that is packed in vectors, and fill it in. */
static void pack_vectors(struct dp_arena *arena, size_t wide, struct dp_near *out)
{
    size_t channels = out->channels, quarter = wide / 4;
    out->period = 1;
    while (out->period * wide % channels) {
        out->period++;
    }
    out->packed = dp_take(arena, out->period * 3 * wide, 4);
    out->packed_bias = dp_take(arena, out->period * wide, sizeof *out->packed_bias);
    out->packed_shift = dp_take(arena, out->period * wide, sizeof *out->packed_shift);
    for (size_t at = 0; arena->at && at < out->period * wide; at++) {
        size_t vector = at / wide, q = at % wide / quarter, lane = at % quarter;
        size_t channel = (vector * wide + lane / 4 * 16 + 4 * q + lane % 4) % channels;
        out->packed_bias[at] = out->bias[channel];
        out->packed_shift[at] = out->shift[channel];
        for (size_t n = 0; n < 9; n++) {
            size_t to = ((vector * 3 + n / 4) * 4 + q) * quarter + lane;
            out->packed[4 * to + n % 4] = (int8_t)out->weights[n * channels + channel];
        }
    }
}

static void pack_near(struct dp_arena *arena, const struct dp_form *form,
                      const struct dp_given_layer *given, struct dp_near *out)
{
    out->channels = dp_padded((size_t)given->outputs);
    out->weights = dp_take(arena, 9 * out->channels, sizeof *out->weights);
    out->bias = dp_take(arena, out->channels, sizeof *out->bias);
    out->shift = dp_take(arena, out->channels, sizeof *out->shift);
    out->low = given->low;
    out->high = given->high;
    for (size_t c = 0; arena->at && c < (size_t)given->outputs; c++) {
        for (size_t n = 0; n < 9; n++) {
            out->weights[n * out->channels + c] = given->weight[9 * c + n];
        }
        out->shift[c] = given->shift[c];
        out->bias[c] = given->bias[c] + dp_half(given, c);
    }
    if (form->wide) {
        pack_vectors(arena, form->wide, out);
    }
}

static void pack_prefilter(struct dp_arena *arena, const int16_t *weights, struct dp_networks *out)
{
    struct dp_prefilter *to = dp_take(arena, 1, sizeof *to);
    out->prefilter = to;
    if (!to) {
        return;
    }
    memcpy(to->weights, weights, sizeof to->weights);
    for (size_t i = 0; i < DP_REACH; i++) {
        for (size_t j = 0; j < DP_REACH; j++) {
            int16_t weight = to->weights[i][j];
            int16_t *pair = to->along + j / 2 * 4 * DP_REACH + j % 2;
            pair[2 * (DP_REACH - 1 - i)] = weight;
            pair[2 * (DP_REACH + i)] = (int16_t)-weight;
        }
    }
}

static void pack_all(struct dp_arena *arena, const struct dp_given_layer given[DP_LAYERS],
                     const int8_t *spread, const int16_t *prefilter, struct dp_networks *out)
{
    const struct dp_form *form = &out->variant->form;
    const struct {
        enum dp_layer_name name;
        struct dp_mix *to;
        enum order order;
        size_t parts;
        int is_signed;
    } mixes[] = {
        {DP_FINE_MIX, &out->fine, AS_STORED, 1, 0},
        {DP_DOWN_MIDDLE, &out->down_middle, FOLDED, 2, 0},
        {DP_MIDDLE_MIX, &out->middle, AS_STORED, 1, 0},
        {DP_DOWN_COARSE, &out->down_coarse, FOLDED, 2, 0},
        {DP_COARSE_MIX, &out->coarse, AS_STORED, 1, 0},
        {DP_LEAVE, &out->leave, AS_STORED, 1, 0},
        {DP_SIDE_IN, &out->side_in, AS_STORED, 1, 0},
        {DP_SIDE_OUT, &out->side_out, FOLDED, 2, 0},
        {DP_SIDE_END, &out->side_end, AS_STORED, 1, 0},
        {DP_SCALES_IN, &out->scales_in, AS_STORED, 1, 1},
        {DP_SCALES_UP, &out->scales_up, UNFOLDED, 1, 0},
        {DP_SCALES_OUT, &out->scales_out, AS_STORED, 1, 0},
    };
    if (prefilter) {
        pack_prefilter(arena, prefilter, out);
    }
    pack_planes(arena, form, &given[DP_LINEAR], &out->linear);
    pack_planes(arena, form, &given[DP_ENTER], &out->enter);
    for (size_t at = 0; at < sizeof mixes / sizeof *mixes; at++) {
        /* Signed inputs have 128 added if activations are bytes. */
        int32_t added = mixes[at].is_signed && form->bytes == 1 ? 128 : 0;
        const struct plan plan = {.given = &given[mixes[at].name],
                                  .order = mixes[at].order,
                                  .parts = mixes[at].parts,
                                  .zero = form->zero - added};
        pack(arena, form, &plan, COLOUR, mixes[at].to);
    }
    pack_near(arena, form, &given[DP_FINE_NEAR], &out->fine_near);
    pack_near(arena, form, &given[DP_MIDDLE_NEAR], &out->middle_near);
    pack_near(arena, form, &given[DP_COARSE_NEAR], &out->coarse_near);
    pack_near(arena, form, &given[DP_SCALES_NEAR], &out->scales_near);
    out->spread = dp_take(arena, dp_padded(out->latents), 1);
    for (size_t c = 0; arena->at && c < out->latents; c++) {
        out->spread[c] = (uint8_t)spread[c];
    }
}

struct dp_networks *dp_make_networks(const struct dp_variant *variant,
                                     const struct dp_given_layer given[DP_LAYERS],
                                     const int8_t *spread, const int16_t *prefilter,
                                     const char **why)
{
    *why = dp_why_not(given, spread, prefilter);
    if (*why) {
        return NULL;
    }
    struct dp_networks *out = calloc(1, sizeof *out);
    if (!out) {
        return NULL;
    }
    out->variant = variant;
    out->latents = (size_t)given[DP_LINEAR].outputs;
    out->side = (size_t)given[DP_SIDE_END].outputs;
    struct dp_arena arena = {NULL, 0};
    pack_all(&arena, given, spread, prefilter, out);
    out = dp_extend(&arena, out, sizeof *out);
    if (out) {
        pack_all(&arena, given, spread, prefilter, out);
    }
    return out;
}
