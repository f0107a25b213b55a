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

/* Three rows of a convolution's inputs, with a position of zeros at each end. */
struct ring {
    size_t channels, size; /* size: bytes of a value */
    uint8_t *row[3], *zeros;
};

struct synthesis {
    const struct dp_network *network;
    const struct dp_window *window;
    size_t rows, columns; /* in latents */
    int16_t *linear;      /* [3][16 * rows][16 * columns] */
    int16_t *fine;        /* [4 * rows][4 * columns][fine] */
    int16_t *coarse;      /* [2 * rows][2 * columns][coarse] */
    struct ring entering, inner;
    uint8_t *moved[2];    /* rows of a stream that 1 x 1 convolutions read */
    int16_t *seen;        /* [12][16 * columns] */
    int16_t *correction;  /* [4 * columns][DP_CELL] */
    int16_t *planes;      /* [3][16 * columns] */
    uint8_t *levels;      /* [3][16 * columns] */
    struct entries low, high, hint;
    int32_t *sums;       /* [most outputs] */
    int64_t *wide_sums;  /* [DP_PIXELS] */
};

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void take_ring(struct dp_arena *arena, size_t columns, size_t channels, struct ring *ring)
{
    for (int i = 0; i < 3; i++) {
        ring->row[i] = dp_take(arena, (columns + 2) * channels, sizeof(int16_t));
    }
    ring->zeros = dp_take(arena, (columns + 2) * channels, sizeof(int16_t));
}

static void take_entries(struct dp_arena *arena, size_t latents, struct entries *entries)
{
    entries->channel = dp_take(arena, latents + 1, sizeof *entries->channel);
    entries->value = dp_take(arena, latents + 1, sizeof *entries->value);
}

static void take_all(struct dp_arena *arena, struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t places = s->rows * s->columns, wide = DP_BLOCK * s->columns;
    /* Rows at 1/4 and at 1/8 use the same rings. */
    size_t channels = most(most(n->fine, DP_CELL), n->coarse);
    s->linear = dp_take(arena, places * DP_PIXELS, sizeof *s->linear);
    s->fine = dp_take(arena, 16 * places * n->fine, sizeof *s->fine);
    s->coarse = dp_take(arena, 4 * places * n->coarse, sizeof *s->coarse);
    take_ring(arena, CELL * s->columns, channels, &s->entering);
    take_ring(arena, CELL * s->columns, channels, &s->inner);
    for (int i = 0; i < 2; i++) {
        s->moved[i] = dp_take(arena, CELL * s->columns * channels, sizeof(int16_t));
    }
    s->seen = dp_take(arena, 12 * wide, sizeof *s->seen);
    s->correction = dp_take(arena, CELL * s->columns * DP_CELL, sizeof *s->correction);
    s->planes = dp_take(arena, 3 * wide, sizeof *s->planes);
    s->levels = dp_take(arena, 3 * wide, sizeof *s->levels);
    take_entries(arena, n->latents, &s->low);
    take_entries(arena, n->latents, &s->high);
    take_entries(arena, n->latents, &s->hint);
    s->sums = dp_take(arena, most(DP_PIXELS, n->hint.outputs), sizeof *s->sums);
    s->wide_sums = dp_take(arena, DP_PIXELS, sizeof *s->wide_sums);
}

static TARGET void add_entry(struct entries *entries, size_t channel, int32_t value)
{
    entries->channel[entries->count] = (uint16_t)channel;
    entries->value[entries->count++] = (int16_t)value;
}

/* Make an entry's number even; the weights of channel `latents` are zero. */
static TARGET void end_entries(struct entries *entries, size_t latents)
{
    if (entries->count % 2) {
        add_entry(entries, latents, 0);
    }
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
    end_entries(&s->low, n->latents);
    end_entries(&s->high, n->latents);
    end_entries(&s->hint, n->latents);
}

/* Return the end of a group of entries whose sums stay within 32 bits in any order. */
static TARGET size_t group_end(const struct dp_latent_sum *layer, const struct entries *entries,
                               size_t first, size_t latents)
{
    int64_t bound = 0;
    for (size_t at = first; at < entries->count; at++) {
        int32_t value = entries->value[at];
        size_t channel = entries->channel[at];
        bound += (int64_t)(value < 0 ? -value : value) *
                 (channel < latents ? layer->largest[channel] : 0);
        if (bound > LARGEST_GROUP) {
            return at - (at - first) % 2;
        }
    }
    return entries->count;
}

static TARGET void sum_group(const struct dp_latent_sum *layer, const struct entries *entries,
                             size_t first, size_t last, int32_t *to)
{
    for (size_t o = 0; o < layer->outputs; o += DP_PANEL) {
        sum_entries(layer, entries, first, last, o, to + o);
    }
}

/* Add sums over all entries, times 2^shift, in 64 bits. */
static TARGET void sum_wide(struct synthesis *s, const struct entries *entries, int shift)
{
    const struct dp_latent_sum *layer = &s->network->linear;
    for (size_t first = 0, last; first < entries->count; first = last) {
        last = group_end(layer, entries, first, s->network->latents);
        sum_group(layer, entries, first, last, s->sums);
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
    size_t end = group_end(layer, &s->low, 0, s->network->latents);
    int16_t out[DP_PIXELS];
    if (s->high.count == 0 && end == s->low.count) {
        sum_group(layer, &s->low, 0, end, s->sums);
        for (size_t o = 0; o < DP_PIXELS; o++) {
            out[o] = (int16_t)limited((s->sums[o] + layer->bias[o]) >> DP_LINEAR_SHIFT, -8192, 8191);
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
    sum_group(&n->hint, &s->hint, 0, s->hint.count, s->sums);
    for (size_t r = 0; r < 2; r++) {
        int16_t *to = s->coarse + ((2 * row + r) * 2 * s->columns + 2 * column) * n->coarse;
        size_t from = r * 2 * n->coarse;
        for (size_t o = 0; o < 2 * n->coarse; o++) {
            to[o] = (int16_t)limited((s->sums[from + o] + bias[from + o]) >> shift[from + o], low,
                                     high);
        }
    }
}

static void start_ring(struct ring *ring, size_t columns, size_t channels, int bytes)
{
    ring->channels = channels;
    ring->size = bytes ? 1 : 2;
    size_t edge = channels * ring->size;
    for (int i = 0; i < 3; i++) {
        memset(ring->row[i], 0, edge);
        memset(ring->row[i] + (columns + 1) * edge, 0, edge);
    }
    memset(ring->zeros, 0, (columns + 2) * edge);
}

/* Return a ring's row, without the zeros before it. */
static uint8_t *row_of(const struct ring *ring, size_t row)
{
    return ring->row[row % 3] + ring->channels * ring->size;
}

/* Compute a row of a 3 x 3 convolution; its inputs and the rows around them are in the ring. */
static TARGET void near_row(const struct dp_conv *layer, const int32_t *bias,
                            const struct ring *ring, size_t row, size_t rows, size_t columns,
                            enum finish finish, void *out)
{
    const void *const in[3] = {row > 0 ? ring->row[(row - 1) % 3] : ring->zeros,
                               ring->row[row % 3],
                               row + 1 < rows ? ring->row[(row + 1) % 3] : ring->zeros};
    convolve(layer, bias, in, ring->channels, columns, finish, out);
}

/* Apply a residual block to a stream in place. */
static TARGET void residual(struct synthesis *s, const struct dp_block *block, int16_t *stream,
                            size_t rows, size_t columns)
{
    const struct dp_conv *first = &block->first, *second = &block->second;
    size_t channels = first->outputs, wide = columns * channels;
    const int32_t *bias = block->table + s->window->quality * channels;
    start_ring(&s->entering, columns, channels, first->bytes);
    start_ring(&s->inner, columns, channels, second->bytes);
    for (size_t row = 0; row < rows + 2; row++) {
        if (row < rows) {
            move(&block->entering, stream + row * wide, wide, first->bytes,
                 row_of(&s->entering, row));
        }
        if (row >= 1 && row - 1 < rows) {
            near_row(first, bias, &s->entering, row - 1, rows, columns,
                     second->bytes ? STORE_BYTES : STORE, row_of(&s->inner, row - 1));
        }
        if (row >= 2) {
            near_row(second, second->bias, &s->inner, row - 2, rows, columns, ADD_THEN_LIMIT,
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
        move(&seen, s->linear + p * plane + row * CELL * wide, CELL * wide, 0,
             s->seen + p * CELL * wide);
    }
    int16_t *to = (int16_t *)(void *)row_of(&s->entering, row);
    for (size_t column = 0; column < CELL * s->columns; column++, to += DP_CELL) {
        for (size_t line = 0; line < 12; line++) {
            memcpy(to + line * CELL, s->seen + line * wide + column * CELL, CELL * sizeof *to);
        }
    }
}

static TARGET void enter(struct synthesis *s)
{
    const struct dp_conv *layer = &s->network->enter;
    size_t rows = CELL * s->rows, columns = CELL * s->columns;
    start_ring(&s->entering, columns, DP_CELL, 0);
    for (size_t row = 0; row <= rows; row++) {
        if (row < rows) {
            see_row(s, row);
        }
        if (row > 0) {
            near_row(layer, layer->bias, &s->entering, row - 1, rows, columns, STORE,
                     s->fine + (row - 1) * columns * layer->outputs);
        }
    }
}

/* Add the stream at 1/4 to the hint at 1/8. */
static TARGET void down(struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t wide = CELL * s->columns * n->fine, columns = 2 * s->columns;
    const void *const in[2] = {s->moved[0], s->moved[1]};
    for (size_t row = 0; row < 2 * s->rows; row++) {
        for (size_t r = 0; r < 2; r++) {
            move(&n->to_down, s->fine + (2 * row + r) * wide, wide, n->down.bytes, s->moved[r]);
        }
        convolve(&n->down, n->down.bias, in, 2 * n->fine, columns, LIMIT_THEN_ADD,
                 s->coarse + row * columns * n->coarse);
    }
}

/* Add the stream at 1/8 to the stream at 1/4. */
static TARGET void up(struct synthesis *s)
{
    const struct dp_network *n = s->network;
    size_t columns = 2 * s->columns, wide = columns * n->coarse;
    const void *const in[1] = {s->moved[0]};
    for (size_t row = 0; row < 2 * s->rows; row++) {
        move(&n->to_up, s->coarse + row * wide, wide, n->up[0].bytes, s->moved[0]);
        for (size_t r = 0; r < 2; r++) {
            convolve(&n->up[r], n->up[r].bias, in, n->coarse, columns, ADD_THEN_LIMIT,
                     s->fine + (2 * row + r) * columns * 2 * n->fine);
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
    start_ring(&s->entering, columns, n->fine, n->leave.bytes);
    for (size_t row = 0; row <= rows; row++) {
        if (row < rows) {
            move(&n->to_leave, s->fine + row * wide, wide, n->leave.bytes,
                 row_of(&s->entering, row));
        }
        if (row > 0) {
            near_row(&n->leave, n->leave.bias, &s->entering, row - 1, rows, columns, STORE,
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
