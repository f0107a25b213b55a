/*
 * Sums over the latents of a position, most of which are zero: the linear picture of its block, and
 * the hint for the restoration (see sparse.h).
 */
#ifndef DP_LATENTS_H
#define DP_LATENTS_H

#include "arena.h"
#include "sparse.h"

#define HIGH_SHIFT 14 /* latents beyond 16 bits are high * 2^14 + low */
/* Largest magnitude of a group's sum, at least two products; the bias is added to it. */
#define LARGEST_GROUP (INT32_MAX - (1 << 28))

/* The latents of a position that are not zero, and memory for sums over them. */
struct latents {
    const struct dp_network *network;
    struct entries low, high; /* for the linear path */
    struct entries hint;      /* on the restoration's grid */
    struct term *terms;
    int32_t *sums;      /* [outputs] */
    int64_t *wide_sums; /* [DP_PIXELS] */
};

static void take_latents(struct dp_arena *arena, const struct dp_network *n, struct latents *l)
{
    size_t outputs = n->hint.outputs > DP_PIXELS ? n->hint.outputs : DP_PIXELS;
    l->network = n;
    take_entries(arena, n->latents, &l->low);
    take_entries(arena, n->latents, &l->high);
    take_entries(arena, n->latents, &l->hint);
    l->terms = dp_take(arena, n->latents / 2 + 1, sizeof *l->terms);
    l->sums = dp_take(arena, outputs, sizeof *l->sums);
    l->wide_sums = dp_take(arena, DP_PIXELS, sizeof *l->wide_sums);
}

/* List the latents of a position; channels are `places` values apart. */
static TARGET void list_latents(struct latents *l, const int32_t *from, size_t places)
{
    const struct dp_network *n = l->network;
    l->low.count = l->high.count = l->hint.count = 0;
    for (size_t c = 0; c < n->latents; c++, from += places) {
        int32_t value = *from;
        if (value == 0) {
            continue;
        }
        int32_t spread = n->spread[c], half = spread > 0 ? 1 << (spread - 1) : 0;
        int32_t hint = limited((value + half) >> spread, -128, 127);
        if (hint) {
            add_entry(&l->hint, c, hint);
        }
        if (value < INT16_MIN || value > INT16_MAX) {
            int32_t high = (value + (1 << (HIGH_SHIFT - 1))) >> HIGH_SHIFT;
            add_entry(&l->high, c, high);
            value -= high * (1 << HIGH_SHIFT);
        }
        add_entry(&l->low, c, value);
    }
    end_entries(&l->low);
    end_entries(&l->high);
    end_entries(&l->hint);
}

/* Return the end of a group of entries whose sums stay within 32 bits in any order. */
static TARGET size_t group_end(const struct dp_latent_sum *layer, const struct entries *entries,
                               size_t first)
{
    int64_t bound = 0;
    for (size_t at = first; at < entries->count; at++) {
        int64_t value = entries->value[at];
        bound += (value < 0 ? -value : value) * layer->largest[entries->channel[at]];
        if (bound > LARGEST_GROUP) {
            return at - (at - first) % 2;
        }
    }
    return entries->count;
}

/* Compute the sums of a group of entries. */
static TARGET void sum_group(struct latents *l, const struct dp_latent_sum *layer,
                             const struct entries *entries, size_t first, size_t last)
{
    size_t count = 0, outputs = layer->outputs;
    for (size_t at = first; at < last; at += 2) {
        const uint16_t *channel = entries->channel + at;
        l->terms[count++] =
            make_term(layer->rows + channel[0] * outputs, layer->rows + channel[1] * outputs,
                      entries->value + at);
    }
    memset(l->sums, 0, outputs * sizeof *l->sums);
    add_terms(l->terms, count, outputs, l->sums);
}

/* Add sums over all entries, times 2^shift, in 64 bits. */
static TARGET void sum_wide(struct latents *l, const struct entries *entries, int shift)
{
    const struct dp_latent_sum *layer = &l->network->linear;
    for (size_t first = 0, last; first < entries->count; first = last) {
        last = group_end(layer, entries, first);
        sum_group(l, layer, entries, first, last);
        for (size_t o = 0; o < DP_PIXELS; o++) {
            l->wide_sums[o] += (int64_t)l->sums[o] * (1 << shift);
        }
    }
}

/* Compute the linear picture of a block, [plane][row][column]. */
static TARGET void sum_linear(struct latents *l, int16_t *out)
{
    const struct dp_latent_sum *layer = &l->network->linear;
    size_t end = group_end(layer, &l->low, 0);
    if (l->high.count == 0 && end == l->low.count) { /* the usual case */
        sum_group(l, layer, &l->low, 0, end);
        for (size_t o = 0; o < DP_PIXELS; o++) {
            int32_t value = (l->sums[o] + layer->bias[o]) >> DP_LINEAR_SHIFT;
            out[o] = (int16_t)limited(value, -8192, 8191);
        }
        return;
    }
    for (size_t o = 0; o < DP_PIXELS; o++) {
        l->wide_sums[o] = layer->bias[o];
    }
    sum_wide(l, &l->low, 0);
    sum_wide(l, &l->high, HIGH_SHIFT);
    for (size_t o = 0; o < DP_PIXELS; o++) {
        int64_t value = l->wide_sums[o] >> DP_LINEAR_SHIFT;
        out[o] = (int16_t)(value < -8192 ? -8192 : value > 8191 ? 8191 : value);
    }
}

/* Compute the hint of a latent: 2 x 2 positions at 1/8, whose rows are `line` values apart. */
static TARGET void sum_hint(struct latents *l, size_t line, int16_t *out)
{
    const struct dp_network *n = l->network;
    const size_t wide = 2 * n->coarse;
    const int32_t low = n->hint_low, high = n->hint_high;
    sum_group(l, &n->hint, &l->hint, 0, l->hint.count);
    for (size_t r = 0; r < 2; r++) {
        const int32_t *sum = l->sums + r * wide, *bias = n->hint.bias + r * wide;
        const int32_t *shift = n->hint_shift + r * wide;
        for (size_t o = 0; o < wide; o++) {
            out[r * line + o] = (int16_t)limited((sum[o] + bias[o]) >> shift[o], low, high);
        }
    }
}

#endif
