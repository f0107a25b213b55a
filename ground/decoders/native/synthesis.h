/*
 * Compute a window's pixels from its latents (see layers.h). The streams at 1/4 and 1/8 are whole
 * planes in memory; a residual block goes through its stream once, row by row, with three rows of
 * either convolution's inputs in the cache.
 *
 *     latents ─┬─ linear ── postfilter ─┬───────────────────────────────────── + ── pixels
 *              │                        └─ enter ── blocks ─┬── + ── blocks ── leave
 *              └─ hint ───────────────────────────── + ── down  up
 *                                                    └─ blocks ─┘
 */
#ifndef DP_SYNTHESIS_H
#define DP_SYNTHESIS_H

#include "latents.h"
#include "layers.h"
#include "postfilter.h"

#include <stdlib.h>

#define CELL 4

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
    struct latents latents;
    struct term *terms;
    int32_t *begin;      /* [most outputs] */
    int32_t *sums;       /* [CHUNK][most outputs, padded] */
};

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
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
    s->outputs = dp_padded(most(most(n->coarse, 2 * n->fine), DP_CELL));
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
    take_latents(arena, n, &s->latents);
    s->terms = dp_take(arena, 9 * channels / 2, sizeof *s->terms);
    s->begin = dp_take(arena, s->outputs, sizeof *s->begin);
    s->sums = dp_take(arena, CHUNK * s->outputs, sizeof *s->sums);
}

/* Compute what depends on latents alone: the linear picture, and the hint as the stream at 1/8. */
static TARGET void read_latents(struct synthesis *s)
{
    size_t wide = DP_BLOCK * s->columns, plane = DP_BLOCK * s->rows * wide;
    size_t places = s->rows * s->columns, channels = s->network->coarse;
    size_t line = 2 * s->columns * channels;
    for (size_t place = 0; place < places; place++) {
        size_t row = place / s->columns, column = place % s->columns;
        int16_t block[DP_PIXELS];
        list_latents(&s->latents, s->window->latents + place, places);
        sum_linear(&s->latents, block);
        int16_t *to = s->linear + row * DP_BLOCK * wide + column * DP_BLOCK;
        for (size_t p = 0; p < 3; p++) {
            for (size_t r = 0; r < DP_BLOCK; r++) {
                memcpy(to + p * plane + r * wide, block + (p * DP_BLOCK + r) * DP_BLOCK,
                       DP_BLOCK * sizeof *block);
            }
        }
        sum_hint(&s->latents, line, s->coarse + 2 * row * line + 2 * column * channels);
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
    void *memory = malloc(dp_block_size(&arena));
    if (!memory) {
        return 0;
    }
    dp_place(&arena, memory);
    take_all(&arena, &s);
    memset(s.sums, 0, CHUNK * s.outputs * sizeof *s.sums);
    read_latents(&s);
    postfilter(network, window, s.linear);
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
