/* Convert a network from the layout of integers.npz to the form that a variant reads. */
#include "network.h"
#include "arena.h"

#include <stdlib.h>

/* Order of a layer's stored weights: outputs, then inputs, for each of these. */
enum order {
    NEAR,      /* a 3 x 3 convolution: (channel, row, column); its parts are rows */
    FOLDED,    /* inputs of 2 x 2 positions: (channel, row, column); its parts are rows */
    UPPER_ROW, /* outputs for 2 x 2 positions: (channel, row, column), of which the upper row */
    LOWER_ROW,
};

/* Return the stored number of a packed output. */
static size_t stored_output(enum order order, size_t outputs, size_t output)
{
    if (order != UPPER_ROW && order != LOWER_ROW) {
        return output;
    }
    size_t channels = outputs / 2;
    return output % channels * 4 + (order == LOWER_ROW ? 2 : 0) + output / channels;
}

/* Return the stored number of input `input` of a part. */
static size_t stored_input(enum order order, const struct dp_conv *conv, size_t part, size_t input)
{
    if (order == NEAR) {
        size_t channels = conv->inputs / 3;
        return input % channels * 9 + 3 * part + input / channels;
    }
    if (order == FOLDED) {
        size_t channels = conv->inputs / 2;
        return input % channels * 4 + 2 * part + input / channels;
    }
    return input;
}

static void pack_weights(const struct dp_form *form, const struct dp_given_layer *given,
                         enum order order, const struct dp_conv *out)
{
    const int planar = form->planar && !out->bytes;
    size_t stored = (size_t)given->inputs, taken = planar ? 1 : out->bytes ? 4 : 2, at = 0;
    for (size_t o = 0, width; o < out->outputs; o += width) {
        width = dp_panel(form, out->outputs, o);
        for (size_t part = 0; part < out->parts; part++) {
            for (size_t step = 0; step < out->inputs / taken; step++) {
                for (size_t i = 0; i < width * taken; i++, at++) {
                    size_t output = stored_output(order, out->outputs, o + i / taken);
                    size_t input = stored_input(order, out, part, step * taken + i % taken);
                    int8_t weight = given->weight[output * stored + input];
                    if (out->bytes) {
                        ((int8_t *)out->weights)[at] = weight;
                    } else {
                        ((int16_t *)out->weights)[at] = weight;
                    }
                }
            }
        }
    }
}

/*
 * Return the place of an output in a row of weights. When vectors of 16 bits of two rows are
 * interleaved, each group of eight in the lower vector gives four of either half.
 */
static size_t mixed_place(const struct dp_form *form, size_t output)
{
    size_t wide = 2 * form->lanes, start = output / wide * wide, at = output % wide;
    size_t half = at / form->lanes, lane = at % form->lanes;
    return form->mixed ? start + lane / 4 * 8 + 4 * half + lane % 4 : output;
}

static void pack_rows(const struct dp_form *form, const struct dp_given_layer *given,
                      enum order order, const struct dp_conv *out)
{
    size_t stored = (size_t)given->inputs, padded = dp_padded(out->outputs);
    for (size_t part = 0; part < out->parts; part++) {
        for (size_t i = 0; i < out->inputs; i++) {
            int16_t *row = out->rows + (part * out->inputs + i) * padded;
            size_t input = stored_input(order, out, part, i);
            for (size_t o = 0; o < out->outputs; o++) {
                row[mixed_place(form, o)] = given->weight[o * stored + input];
            }
        }
    }
}

static void pack_zero(const struct dp_form *form, const struct dp_given_layer *given,
                      enum order order, const struct dp_conv *out)
{
    size_t stored = (size_t)given->inputs;
    for (size_t o = 0; o < out->outputs; o++) {
        const int8_t *weights = given->weight + stored_output(order, out->outputs, o) * stored;
        for (size_t i = 0; i < out->parts * out->inputs; i++) {
            size_t part = i / out->inputs;
            size_t input = stored_input(order, out, part, i % out->inputs);
            out->zero[part * out->outputs + o] += form->zero * weights[input];
        }
    }
}

/* Limits of a convolution's inputs, and whether few of them may be added by themselves. */
struct reads {
    int32_t low, high;
    int sparse;
};

/* Take a layer's memory and, if the arena has memory already, fill it in. */
static void pack(struct dp_arena *arena, const struct dp_form *form,
                 const struct dp_given_layer *given, enum order order, struct reads reads,
                 struct dp_conv *out)
{
    int half = order == UPPER_ROW || order == LOWER_ROW;
    out->outputs = (size_t)given->outputs / (half ? 2 : 1);
    out->parts = order == NEAR ? 3 : order == FOLDED ? 2 : 1;
    out->inputs = (size_t)given->inputs / out->parts;
    /* Values of nine bits are bytes, and few of them exceed a byte. */
    int sparse = reads.sparse && reads.low >= 0;
    out->bytes = form->bytes && sparse && reads.high <= 2 * DP_BYTE + 1;
    size_t weights = out->outputs * out->parts * out->inputs;
    out->weights = dp_take(arena, weights, out->bytes ? 1 : 2);
    out->bias = dp_take(arena, out->outputs, sizeof *out->bias);
    out->shift = dp_take(arena, out->outputs, sizeof *out->shift);
    out->low = given->low;
    out->high = given->high;
    if (out->bytes && form->zero) {
        out->zero = dp_take(arena, out->parts * out->outputs, sizeof *out->zero);
    }
    if (sparse) {
        size_t rows = out->parts * out->inputs;
        out->rows = dp_take(arena, rows * dp_padded(out->outputs), sizeof *out->rows);
    }
    if (!arena->at) {
        return;
    }
    pack_weights(form, given, order, out);
    for (size_t o = 0; o < out->outputs; o++) {
        size_t from = stored_output(order, out->outputs, o);
        out->shift[o] = given->shift[from];
        out->bias[o] = given->bias[from] + dp_half(given, from);
    }
    if (out->zero) {
        pack_zero(form, given, order, out);
    }
    if (out->rows) {
        pack_rows(form, given, order, out);
    }
}

static struct reads moved(const struct dp_move *move, int sparse)
{
    return (struct reads){move->low, move->high, sparse};
}

static void pack_block(struct dp_arena *arena, const struct dp_form *form,
                       const struct dp_given_block *given, size_t qualities, struct dp_block *out)
{
    const struct dp_given_layer *first = &given->first;
    size_t channels = (size_t)first->outputs;
    const struct reads inner = {first->low, first->high, 1};
    out->entering = given->entering;
    pack(arena, form, first, NEAR, moved(&given->entering, 1), &out->first);
    pack(arena, form, &given->second, NEAR, inner, &out->second);
    out->table = dp_take(arena, qualities * channels, sizeof *out->table);
    for (size_t c = 0; arena->at && c < channels; c++) {
        for (size_t q = 0; q < qualities; q++) {
            out->table[q * channels + c] = given->table[q * channels + c] + dp_half(first, c);
        }
    }
}

static void take_latent_sum(struct dp_arena *arena, size_t latents, size_t outputs,
                            struct dp_latent_sum *out)
{
    out->outputs = outputs;
    out->rows = dp_take(arena, latents * outputs, sizeof *out->rows);
    out->bias = dp_take(arena, outputs, sizeof *out->bias);
    out->largest = dp_take(arena, latents, sizeof *out->largest);
}

static void put_weight(const struct dp_form *form, const struct dp_latent_sum *to, size_t latent,
                       size_t output, int32_t weight)
{
    int32_t size = weight < 0 ? -weight : weight;
    to->rows[latent * to->outputs + mixed_place(form, output)] = (int16_t)weight;
    if (size > to->largest[latent]) {
        to->largest[latent] = size;
    }
}

static void pack_linear(struct dp_arena *arena, const struct dp_form *form,
                        const struct dp_given *given, struct dp_latent_sum *out)
{
    size_t latents = (size_t)given->latents;
    take_latent_sum(arena, latents, DP_PIXELS, out);
    for (size_t o = 0; arena->at && o < DP_PIXELS; o++) {
        out->bias[o] = (int32_t)given->linear_bias[o] + (1 << (DP_LINEAR_SHIFT - 1));
        for (size_t c = 0; c < latents; c++) {
            put_weight(form, out, c, o, given->linear_weight[o * latents + c]);
        }
    }
}

/* Pack the hint's weights. Outputs are stored as (channel, row, column), packed channels last. */
static void pack_hint(struct dp_arena *arena, const struct dp_form *form,
                      const struct dp_given *given, struct dp_network *out)
{
    const struct dp_given_layer *layer = &given->latent_in;
    size_t latents = (size_t)given->latents, outputs = (size_t)layer->outputs;
    take_latent_sum(arena, latents, outputs, &out->hint);
    out->hint_shift = dp_take(arena, outputs, sizeof *out->hint_shift);
    out->hint_low = layer->low;
    out->hint_high = layer->high;
    for (size_t o = 0; arena->at && o < outputs; o++) {
        size_t from = o % (outputs / 4) * 4 + o / (outputs / 4);
        out->hint_shift[o] = layer->shift[from];
        out->hint.bias[o] = layer->bias[from] + dp_half(layer, from);
        for (size_t c = 0; c < latents; c++) {
            put_weight(form, &out->hint, c, o, layer->weight[from * latents + c]);
        }
    }
}

static void pack_postfilter(struct dp_arena *arena, const struct dp_given *given,
                            struct dp_network *out)
{
    out->postfilter = dp_take(arena, DP_REACH * DP_BLOCK, sizeof *out->postfilter);
    for (size_t read = 0; arena->at && read < DP_REACH; read++) {
        int32_t *to = out->postfilter + read * DP_BLOCK;
        for (size_t i = 0; i < DP_REACH; i++) {
            int32_t weight = given->postfilter[i * DP_REACH + read];
            to[DP_REACH - 1 - i] = weight;
            to[DP_REACH + i] = -weight;
        }
    }
}

static void pack_all(struct dp_arena *arena, const struct dp_given *given, struct dp_network *out)
{
    const struct dp_form *form = &out->variant->form;
    pack_linear(arena, form, given, &out->linear);
    pack_hint(arena, form, given, out);
    out->spread = dp_take(arena, out->latents, 1);
    for (size_t c = 0; arena->at && c < out->latents; c++) {
        out->spread[c] = (uint8_t)given->spread[c];
    }
    if (given->postfilter) {
        pack_postfilter(arena, given, out);
    }
    const struct reads seen = {-512, 511, 0};
    pack(arena, form, &given->enter, NEAR, seen, &out->enter);
    pack(arena, form, &given->down, FOLDED, moved(&given->to_down, 0), &out->down);
    pack(arena, form, &given->up, UPPER_ROW, moved(&given->to_up, 0), &out->up[0]);
    pack(arena, form, &given->up, LOWER_ROW, moved(&given->to_up, 0), &out->up[1]);
    pack(arena, form, &given->leave, NEAR, moved(&given->to_leave, 1), &out->leave);
    for (size_t i = 0; i < dp_blocks(out->depth); i++) {
        pack_block(arena, form, &given->block[i], out->qualities, &out->block[i]);
    }
}

struct dp_network *dp_make_network(const struct dp_variant *variant, const struct dp_given *given,
                                   const char **why)
{
    *why = dp_why_not(given);
    if (*why) {
        return NULL;
    }
    struct dp_network *out = calloc(1, sizeof *out);
    if (!out) {
        return NULL;
    }
    out->variant = variant;
    out->latents = (size_t)given->latents;
    out->fine = (size_t)given->fine;
    out->coarse = (size_t)given->coarse;
    out->qualities = (size_t)given->qualities;
    out->to_down = given->to_down;
    out->to_up = given->to_up;
    out->to_leave = given->to_leave;
    for (int part = 0; part < 3; part++) {
        out->depth[part] = (size_t)given->depth[part];
    }
    struct dp_arena arena = {NULL, 0};
    pack_all(&arena, given, out);
    out = dp_extend(&arena, out, sizeof *out);
    if (out) {
        pack_all(&arena, given, out);
    }
    return out;
}
