/*
 * Compute a window's pixels from its latents (see layers.h). The streams at 1/4 and 1/8 are whole
 * planes in memory; a residual block goes through its stream once, row by row, with three rows of
 * either convolution's inputs in the cache.
 *
 *     latents ─┬─ linear ─┬────────────────────────────────────────────────── + ── pixels
 *              │          └─ enter ── blocks ─┬─────────────── + ── blocks ── leave
 *              └─ hint ─────────────── + ── down               up
 *                                      └──── blocks ───────────┘
 */
#ifndef DP_SYNTHESIS_H
#define DP_SYNTHESIS_H

#include "layers.h"
#include "memory.h"

#define CELL 4
#define HIGH_SHIFT 14 /* latents beyond 16 bits are high * 2^14 + low */
/* Largest magnitude of a group's sum, at least two products; the bias is added to it. */
#define LARGEST_GROUP (INT32_MAX - (1 << 28))

/* Three rows of a 3 x 3 convolution's inputs. */
struct ring {
    struct row row[3];
};

struct synthesis {
    const struct dp_network *network;
    const struct dp_window *window;
    size_t rows, columns; /* in latents */
    size_t outputs;       /* most of any sums, padded */
    int16_t *linear;      /* [3][16 * rows][16 * columns] */
    int16_t *fine;        /* [4 * rows][4 * columns][fine] */
    int16_t *coarse;      /* [2 * rows][2 * columns][coarse] */
    struct ring entering, inner;
    int16_t *moved[2];    /* rows of values on a convolution's grid */
    int16_t *seen;        /* [12][16 * columns] */
    int16_t *correction;  /* [4 * columns][DP_CELL] */
    int16_t *planes;      /* [3][16 * columns] */
    uint8_t *levels;      /* [3][16 * columns] */
    struct entries low, high, hint;
    struct term *terms;
    int32_t *begin;      /* [most outputs] */
    int32_t *sums;       /* [CHUNK][most outputs, padded] */
    int64_t *wide_sums;  /* [DP_PIXELS] */
};

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void take_entries(struct dp_arena *arena, size_t count, struct entries *entries)
{
    entries->channel = dp_take(arena, count + 1, sizeof *entries->channel);
    entries->value = dp_take(arena, count + 1, sizeof *entries->value);
}

static void take_ring(struct dp_arena *arena, size_t columns, size_t channels, struct ring *ring)
{
    for (int i = 0; i < 3; i++) {
        struct row *row = &ring->row[i];
        row->values = dp_take(arena, (columns + 2) * channels, sizeof(int16_t));
        row->start = dp_take(arena, columns + 1, sizeof *row->start);
        take_entries(arena, columns * channels, &row->sparse);
    }
}

static void take_all(struct dp_arena *arena, struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t places = s->rows * s->columns, wide = DP_BLOCK * s->columns;
    /* Rows at 1/4 and at 1/8 use the same memory. */
    size_t channels = most(most(n->fine, DP_CELL), n->coarse);
    s->outputs = dp_padded(most(most(4 * n->coarse, 2 * n->fine), DP_PIXELS));
    s->linear = dp_take(arena, places * DP_PIXELS, sizeof *s->linear);
    s->fine = dp_take(arena, 16 * places * n->fine, sizeof *s->fine);
    s->coarse = dp_take(arena, 4 * places * n->coarse, sizeof *s->coarse);
    take_ring(arena, CELL * s->columns, channels, &s->entering);
    take_ring(arena, CELL * s->columns, channels, &s->inner);
    for (int i = 0; i < 2; i++) {
        s->moved[i] = dp_take(arena, CELL * s->columns * channels, sizeof *s->moved[i]);
    }
    s->seen = dp_take(arena, 12 * wide, sizeof *s->seen);
    s->correction = dp_take(arena, CELL * s->columns * DP_CELL, sizeof *s->correction);
    s->planes = dp_take(arena, 3 * wide, sizeof *s->planes);
    s->levels = dp_take(arena, 3 * wide, sizeof *s->levels);
    take_entries(arena, n->latents, &s->low);
    take_entries(arena, n->latents, &s->high);
    take_entries(arena, n->latents, &s->hint);
    s->terms = dp_take(arena, most(n->latents, 9 * channels) / 2 + 1, sizeof *s->terms);
    s->begin = dp_take(arena, s->outputs, sizeof *s->begin);
    s->sums = dp_take(arena, CHUNK * s->outputs, sizeof *s->sums);
    s->wide_sums = dp_take(arena, DP_PIXELS, sizeof *s->wide_sums);
}

/* List the latents at a position that are not zero, for the linear path and for the hint. */
static TARGET void list_latents(struct synthesis *s, size_t place)
{
    const struct dp_network *n = s->network;
    size_t places = s->rows * s->columns;
    const int32_t *latents = s->window->latents + place;
    s->low.count = s->high.count = s->hint.count = 0;
    for (size_t c = 0; c < n->latents; c++, latents += places) {
        int32_t value = *latents;
        if (value == 0) {
            continue;
        }
        int32_t spread = n->spread[c], half = spread > 0 ? 1 << (spread - 1) : 0;
        int32_t hint = limited((value + half) >> spread, -128, 127);
        if (hint) {
            add_entry(&s->hint, c, hint);
        }
        if (value < INT16_MIN || value > INT16_MAX) {
            int32_t high = (value + (1 << (HIGH_SHIFT - 1))) >> HIGH_SHIFT;
            add_entry(&s->high, c, high);
            value -= high * (1 << HIGH_SHIFT);
        }
        add_entry(&s->low, c, value);
    }
    end_entries(&s->low);
    end_entries(&s->high);
    end_entries(&s->hint);
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
static TARGET void sum_group(struct synthesis *s, const struct dp_latent_sum *layer,
                             const struct entries *entries, size_t first, size_t last)
{
    size_t count = 0, outputs = layer->outputs;
    for (size_t at = first; at < last; at += 2) {
        const uint16_t *channel = entries->channel + at;
        s->terms[count++] =
            make_term(layer->rows + channel[0] * outputs, layer->rows + channel[1] * outputs,
                      entries->value + at);
    }
    memset(s->sums, 0, outputs * sizeof *s->sums);
    add_terms(s->terms, count, outputs, s->sums);
}

/* Add sums over all entries, times 2^shift, in 64 bits. */
static TARGET void sum_wide(struct synthesis *s, const struct entries *entries, int shift)
{
    const struct dp_latent_sum *layer = &s->network->linear;
    for (size_t first = 0, last; first < entries->count; first = last) {
        last = group_end(layer, entries, first);
        sum_group(s, layer, entries, first, last);
        for (size_t o = 0; o < DP_PIXELS; o++) {
            s->wide_sums[o] += (int64_t)s->sums[o] * (1 << shift);
        }
    }
}

/* Compute the linear picture of a block: sums in 32 bits if they fit, else in 64. */
static TARGET void block_linear(struct synthesis *s, size_t row, size_t column)
{
    const struct dp_latent_sum *layer = &s->network->linear;
    size_t wide = DP_BLOCK * s->columns, plane = DP_BLOCK * s->rows * wide;
    size_t end = group_end(layer, &s->low, 0);
    int16_t out[DP_PIXELS];
    if (s->high.count == 0 && end == s->low.count) {
        sum_group(s, layer, &s->low, 0, end);
        for (size_t o = 0; o < DP_PIXELS; o++) {
            int32_t value = (s->sums[o] + layer->bias[o]) >> DP_LINEAR_SHIFT;
            out[o] = (int16_t)limited(value, -8192, 8191);
        }
    } else {
        for (size_t o = 0; o < DP_PIXELS; o++) {
            s->wide_sums[o] = layer->bias[o];
        }
        sum_wide(s, &s->low, 0);
        sum_wide(s, &s->high, HIGH_SHIFT);
        for (size_t o = 0; o < DP_PIXELS; o++) {
            int64_t value = s->wide_sums[o] >> DP_LINEAR_SHIFT;
            out[o] = (int16_t)(value < -8192 ? -8192 : value > 8191 ? 8191 : value);
        }
    }
    int16_t *to = s->linear + row * DP_BLOCK * wide + column * DP_BLOCK;
    for (size_t p = 0; p < 3; p++) {
        for (size_t r = 0; r < DP_BLOCK; r++) {
            memcpy(to + p * plane + r * wide, out + (p * DP_BLOCK + r) * DP_BLOCK,
                   DP_BLOCK * sizeof *out);
        }
    }
}

/* Compute the hint of a latent: 2 x 2 positions at 1/8. */
static TARGET void block_hint(struct synthesis *s, size_t row, size_t column)
{
    const struct dp_network *n = s->network;
    const int32_t *bias = n->hint.bias, *shift = n->hint_shift;
    const int32_t low = n->hint_low, high = n->hint_high;
    sum_group(s, &n->hint, &s->hint, 0, s->hint.count);
    for (size_t r = 0; r < 2; r++) {
        int16_t *to = s->coarse + ((2 * row + r) * 2 * s->columns + 2 * column) * n->coarse;
        size_t from = r * 2 * n->coarse;
        for (size_t o = 0; o < 2 * n->coarse; o++) {
            to[o] = (int16_t)limited((s->sums[from + o] + bias[from + o]) >> shift[from + o], low,
                                     high);
        }
    }
}

/* Put zeros at both ends of a ring's rows. */
static void start_ring(struct ring *ring, const struct dp_conv *layer, size_t columns)
{
    size_t edge = layer->inputs / 3 * (layer->bytes ? 1 : 2);
    for (int i = 0; i < 3; i++) {
        uint8_t *values = ring->row[i].values;
        memset(values, 0, edge);
        memset(values + (columns + 1) * edge, 0, edge);
    }
}

/* Compute a row of a 3 x 3 convolution; its inputs and the rows around them are in the ring. */
static TARGET void near_row(struct synthesis *s, const struct dp_conv *layer, const int32_t *bias,
                            const struct ring *ring, size_t row, size_t rows, size_t columns,
                            enum finish finish, int16_t *out)
{
    const struct row *const around[3] = {row > 0 ? &ring->row[(row - 1) % 3] : NULL,
                                         &ring->row[row % 3],
                                         row + 1 < rows ? &ring->row[(row + 1) % 3] : NULL};
    struct convolution c = {.layer = layer,
                            .bias = bias,
                            .step = layer->inputs / 3,
                            .rows = layer->rows ? around : NULL,
                            .columns = columns,
                            .sums = s->sums,
                            .terms = s->terms};
    for (int i = 0; i < 3; i++) {
        c.in[i] = around[i] && around[i]->dense ? around[i]->values : NULL;
    }
    convolve(&c, s->begin, finish, out);
}

/* Apply a residual block to a stream in place. */
static TARGET void residual(struct synthesis *s, const struct dp_block *block, int16_t *stream,
                            size_t rows, size_t columns)
{
    const struct dp_conv *first = &block->first, *second = &block->second;
    size_t channels = first->outputs, wide = columns * channels;
    const int32_t *bias = block->table + s->window->quality * channels;
    start_ring(&s->entering, first, columns);
    start_ring(&s->inner, second, columns);
    for (size_t row = 0; row < rows + 2; row++) {
        if (row < rows) {
            move(&block->entering, stream + row * wide, wide, s->moved[0]);
            put_row(first, s->moved[0], columns, &s->entering.row[row % 3]);
        }
        if (row >= 1 && row - 1 < rows) {
            near_row(s, first, bias, &s->entering, row - 1, rows, columns, STORE, s->moved[0]);
            put_row(second, s->moved[0], columns, &s->inner.row[(row - 1) % 3]);
        }
        if (row >= 2) {
            near_row(s, second, second->bias, &s->inner, row - 2, rows, columns, ADD_THEN_LIMIT,
                     stream + (row - 2) * wide);
        }
    }
}

/* Put a row of cells of the linear picture into the ring that the first convolution reads. */
static TARGET void see_row(struct synthesis *s, size_t row)
{
    const struct dp_move seen = {.shift = 3, .low = -512, .high = 511};
    size_t wide = DP_BLOCK * s->columns, plane = DP_BLOCK * s->rows * wide;
    for (size_t p = 0; p < 3; p++) {
        move(&seen, s->linear + p * plane + row * CELL * wide, CELL * wide,
             s->seen + p * CELL * wide);
    }
    int16_t *to = s->moved[0];
    for (size_t column = 0; column < CELL * s->columns; column++, to += DP_CELL) {
        for (size_t line = 0; line < 12; line++) {
            memcpy(to + line * CELL, s->seen + line * wide + column * CELL, CELL * sizeof *to);
        }
    }
    put_row(&s->network->enter, s->moved[0], CELL * s->columns, &s->entering.row[row % 3]);
}

static TARGET void enter(struct synthesis *s)
{
    const struct dp_conv *layer = &s->network->enter;
    size_t rows = CELL * s->rows, columns = CELL * s->columns;
    start_ring(&s->entering, layer, columns);
    for (size_t row = 0; row <= rows; row++) {
        if (row < rows) {
            see_row(s, row);
        }
        if (row > 0) {
            near_row(s, layer, layer->bias, &s->entering, row - 1, rows, columns, STORE,
                     s->fine + (row - 1) * columns * layer->outputs);
        }
    }
}

/* Compute a 1 x 1 convolution of rows in `moved`, of which `step` values belong to a position. */
static TARGET void mix_row(struct synthesis *s, const struct dp_conv *layer, size_t step,
                           enum finish finish, int16_t *out)
{
    const struct convolution c = {.layer = layer,
                                  .bias = layer->bias,
                                  .in = {s->moved[0], s->moved[1]},
                                  .step = step,
                                  .columns = 2 * s->columns,
                                  .sums = s->sums};
    convolve(&c, s->begin, finish, out);
}

/* Add the stream at 1/4 to the hint at 1/8. */
static TARGET void down(struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t wide = CELL * s->columns * n->fine;
    for (size_t row = 0; row < 2 * s->rows; row++) {
        for (size_t r = 0; r < 2; r++) {
            move(&n->to_down, s->fine + (2 * row + r) * wide, wide, s->moved[r]);
        }
        mix_row(s, &n->down, 2 * n->fine, LIMIT_THEN_ADD,
                s->coarse + row * 2 * s->columns * n->coarse);
    }
}

/* Add the stream at 1/8 to the stream at 1/4. */
static TARGET void up(struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t wide = 2 * s->columns * n->coarse;
    for (size_t row = 0; row < 2 * s->rows; row++) {
        move(&n->to_up, s->coarse + row * wide, wide, s->moved[0]);
        for (size_t r = 0; r < 2; r++) {
            mix_row(s, &n->up[r], n->coarse, ADD_THEN_LIMIT,
                    s->fine + (2 * row + r) * CELL * s->columns * n->fine);
        }
    }
}

/* Write a row of pixels: the linear picture and the correction, rotated back. */
static TARGET void write_row(struct synthesis *s, size_t row)
{
    size_t wide = DP_BLOCK * s->columns, plane = DP_BLOCK * s->rows * wide;
    const int32_t *matrix = s->window->matrix;
    for (size_t p = 0; p < 3; p++) {
        const int16_t *from = s->linear + p * plane + row * wide;
        const int16_t *more = s->correction + (p * CELL + row % CELL) * CELL;
        int16_t *to = s->planes + p * wide;
        for (size_t column = 0; column < CELL * s->columns; column++) {
            for (size_t i = 0; i < CELL; i++) {
                to[column * CELL + i] =
                    (int16_t)(from[column * CELL + i] + more[column * DP_CELL + i]);
            }
        }
    }
    const int16_t *x = s->planes, *y = x + wide, *z = y + wide;
    for (size_t band = 0; band < 3; band++) {
        const int32_t a = matrix[band], b = matrix[3 + band], c = matrix[6 + band];
        uint8_t *to = s->levels + band * wide;
        for (size_t i = 0; i < wide; i++) {
            int32_t sum = x[i] * a + y[i] * b + z[i] * c + (128 << 18) + (1 << 17);
            to[i] = (uint8_t)limited(sum >> 18, 0, 255);
        }
    }
    uint8_t *to = s->window->pixels + row * wide * 3;
    const uint8_t *red = s->levels, *green = red + wide, *blue = green + wide;
    for (size_t i = 0; i < wide; i++) {
        to[3 * i] = red[i];
        to[3 * i + 1] = green[i];
        to[3 * i + 2] = blue[i];
    }
}

static TARGET void leave(struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t rows = CELL * s->rows, columns = CELL * s->columns, wide = columns * n->fine;
    start_ring(&s->entering, &n->leave, columns);
    for (size_t row = 0; row <= rows; row++) {
        if (row < rows) {
            move(&n->to_leave, s->fine + row * wide, wide, s->moved[0]);
            put_row(&n->leave, s->moved[0], columns, &s->entering.row[row % 3]);
        }
        if (row > 0) {
            near_row(s, &n->leave, n->leave.bias, &s->entering, row - 1, rows, columns, STORE,
                     s->correction);
            for (size_t i = 0; i < CELL; i++) {
                write_row(s, (row - 1) * CELL + i);
            }
        }
    }
}

static TARGET int synthesise(const struct dp_network *network, const struct dp_window *window)
{
    struct synthesis s = {
        .network = network, .window = window, .rows = window->rows, .columns = window->columns};
    struct dp_arena arena = {NULL, 0};
    take_all(&arena, &s);
    void *memory = dp_open(&arena);
    if (!memory) {
        return 0;
    }
    take_all(&arena, &s);
    memset(s.sums, 0, CHUNK * s.outputs * sizeof *s.sums);
    for (size_t row = 0; row < s.rows; row++) {
        for (size_t column = 0; column < s.columns; column++) {
            list_latents(&s, row * s.columns + column);
            block_linear(&s, row, column);
            block_hint(&s, row, column);
        }
    }
    const struct dp_block *block = network->block;
    enter(&s);
    for (size_t i = 0; i < network->depth[0]; i++) {
        residual(&s, block++, s.fine, CELL * s.rows, CELL * s.columns);
    }
    down(&s);
    for (size_t i = 0; i < network->depth[1]; i++) {
        residual(&s, block++, s.coarse, 2 * s.rows, 2 * s.columns);
    }
    up(&s);
    for (size_t i = 0; i < network->depth[2]; i++) {
        residual(&s, block++, s.fine, CELL * s.rows, CELL * s.columns);
    }
    leave(&s);
    free(memory);
    return 1;
}

#endif
