/* Convert pixels to planes in bytes, and compute the first layers' sums over them (layers.h). */
#ifndef DP_PLANES_H
#define DP_PLANES_H

#include "layers.h"
#include "prefilter.h"

#define CELL 4
#define CELL_INPUTS (DP_PLANES * CELL * CELL)
#define BLOCK_INPUTS (DP_PLANES * DP_PIXELS)

/*
 * Representations of a group of blocks' planes in bytes. Values have ten bits, but in most blocks
 * they are within 256 of each other, or the planes are similar. Activations of 16 bits need none.
 */
enum plane_mode {
    PLANES_NARROW, /* value = fine + offset */
    PLANES_SHARED, /* value = 4 * coarse + fine + offset, with one `coarse` for all planes */
    PLANES_WIDE,   /* the same, with one `coarse` for each plane */
};

/* A row of blocks in planes, and its first sums. */
struct plane_row {
    ACTIVATION *fine, *coarse; /* [columns][planes][pixels]; if grey, [columns][pixels] */
    uint8_t *mode;             /* [groups] */
    int32_t *linear, *enter;   /* initial sums, [columns][outputs] */
};

/* Rotate one row of 16 pixels to their natural axes. */
#ifndef OWN_TURN
static inline TARGET void turn_pixels(const uint8_t *pixels, const int32_t *matrix,
                                      int16_t value[DP_PLANES][BLOCK])
{
    int32_t red[BLOCK], green[BLOCK], blue[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        red[i] = pixels[3 * i] - 128;
        green[i] = pixels[3 * i + 1] - 128;
        blue[i] = pixels[3 * i + 2] - 128;
    }
    for (int p = 0; p < DP_PLANES; p++) {
        const int32_t *row = matrix + 3 * p;
        for (int i = 0; i < BLOCK; i++) {
            int32_t sum = row[0] * red[i] + row[1] * green[i] + row[2] * blue[i] + (1 << 12);
            value[p][i] = (int16_t)limited(sum >> 13, DP_LEAST_PLANE, DP_LARGEST_PLANE);
        }
    }
}

#endif

/* Where a row of blocks comes from: pixels, or planes after the prefilter, if there is one. */
struct block_source {
    const uint8_t *pixels; /* [BLOCK][columns][16][bands] */
    const int32_t *matrix;
    const struct lines *filtered; /* null if there is no prefilter */
    size_t columns, bands;
};

/* Get the planes of a line of a block. */
static inline TARGET void read_line(const struct block_source *from, size_t block, size_t line,
                                    int16_t value[DP_PLANES][BLOCK])
{
    size_t at = (line * from->columns + block) * BLOCK;
    if (from->filtered) {
        for (size_t p = 0; p < from->filtered->planes; p++) {
            memcpy(value[p], from->filtered->plane[p] + at, sizeof value[p]);
        }
    } else {
        turn_pixels(from->pixels + at * DP_PLANES, from->matrix, value);
    }
}

/* Get a block's planes, and the least and the largest value of each. */
static TARGET void read_block(const struct block_source *from, size_t block, int16_t *values,
                              int16_t least_of[DP_PLANES], int16_t largest_of[DP_PLANES])
{
    int16_t low[DP_PLANES][BLOCK], high[DP_PLANES][BLOCK];
    for (size_t r = 0; r < BLOCK; r++) {
        int16_t value[DP_PLANES][BLOCK];
        read_line(from, block, r, value);
        for (int p = 0; p < DP_PLANES; p++) {
            for (int i = 0; i < BLOCK; i++) {
                int16_t one = value[p][i];
                low[p][i] = r == 0 || one < low[p][i] ? one : low[p][i];
                high[p][i] = r == 0 || one > high[p][i] ? one : high[p][i];
            }
            memcpy(values + p * DP_PIXELS + r * BLOCK, value[p], sizeof value[p]);
        }
    }
    for (int p = 0; p < DP_PLANES; p++) {
        least_of[p] = low[p][0];
        largest_of[p] = high[p][0];
        for (int i = 1; i < BLOCK; i++) {
            least_of[p] = low[p][i] < least_of[p] ? low[p][i] : least_of[p];
            largest_of[p] = high[p][i] > largest_of[p] ? high[p][i] : largest_of[p];
        }
    }
}

/* Compute a block's initial sums: the bias, plus each plane's offset times its weights. */
static TARGET void begin_sums(const struct dp_plane_mix *layer, const int32_t offset[DP_PLANES],
                              int32_t *out)
{
    const int32_t *bias = layer->mix.bias;
    const int32_t *const *sums_of = (const int32_t *const *)layer->sums;
    for (size_t o = 0; o < layer->mix.outputs; o++) {
        out[o] = bias[o] + offset[0] * sums_of[0][o] + offset[1] * sums_of[1][o] +
                 offset[2] * sums_of[2][o];
    }
}

/* Subtract the second plane's coarse values from all planes of a block. */
static TARGET void share_block(int16_t *values, ACTIVATION *coarse, int16_t least_of[DP_PLANES],
                               int16_t largest_of[DP_PLANES])
{
    for (int i = 0; i < DP_PIXELS; i++) {
        coarse[i] = (ACTIVATION)((values[DP_PIXELS + i] - DP_LEAST_PLANE) >> 2);
    }
    for (int p = 0; p < DP_PLANES; p++) {
        int16_t *value = values + p * DP_PIXELS, low = INT16_MAX, high = INT16_MIN;
        for (int i = 0; i < DP_PIXELS; i++) {
            value[i] = (int16_t)(value[i] - 4 * coarse[i]);
            low = value[i] < low ? value[i] : low;
            high = value[i] > high ? value[i] : high;
        }
        least_of[p] = low;
        largest_of[p] = high;
    }
}

static TARGET int all_within_bytes(int16_t low[][DP_PLANES], int16_t high[][DP_PLANES],
                                   size_t count)
{
    for (size_t b = 0; b < count; b++) {
        for (size_t p = 0; p < DP_PLANES; p++) {
            if (high[b][p] - low[b][p] > 255) {
                return 0;
            }
        }
    }
    return 1;
}

/* Store a group of blocks as bytes, or unchanged if activations have 16 bits. */
static TARGET void make_group(const struct dp_networks *n, const struct block_source *from,
                              struct plane_row *row, size_t first, size_t count)
{
    int16_t values[DP_GROUP][BLOCK_INPUTS], low[DP_GROUP][DP_PLANES], high[DP_GROUP][DP_PLANES];
    enum plane_mode mode = PLANES_NARROW;
    for (size_t b = 0; b < count; b++) {
        read_block(from, first + b, values[b], low[b], high[b]);
    }
    if (BYTES && !all_within_bytes(low, high, count)) {
        mode = PLANES_SHARED;
        for (size_t b = 0; b < count; b++) {
            share_block(values[b], row->coarse + (first + b) * BLOCK_INPUTS, low[b], high[b]);
        }
        if (!all_within_bytes(low, high, count)) {
            mode = PLANES_WIDE;
            for (size_t b = 0; b < count; b++) {
                read_block(from, first + b, values[b], low[b], high[b]);
            }
        }
    }
    row->mode[first / DP_GROUP] = (uint8_t)mode;
    for (size_t b = 0; b < count; b++) {
        int32_t offset[DP_PLANES] = {0};
        for (size_t p = 0; p < DP_PLANES; p++) {
            size_t at = ((first + b) * DP_PLANES + p) * DP_PIXELS;
            const int16_t *value = values[b] + p * DP_PIXELS;
            ACTIVATION *fine = row->fine + at;
            if (!BYTES) {
                memcpy(fine, value, DP_PIXELS * sizeof *fine);
            } else if (mode == PLANES_WIDE) {
                ACTIVATION *coarse = row->coarse + at;
                for (size_t i = 0; i < DP_PIXELS; i++) {
                    uint16_t above = (uint16_t)(value[i] - DP_LEAST_PLANE);
                    coarse[i] = (ACTIVATION)(above >> 2);
                    fine[i] = (ACTIVATION)(above & 3);
                }
                offset[p] = DP_LEAST_PLANE + 5 * form.zero;
            } else {
                for (size_t i = 0; i < DP_PIXELS; i++) {
                    fine[i] = (ACTIVATION)(value[i] - low[b][p]);
                }
                offset[p] = low[b][p] + (mode == PLANES_SHARED ? 5 : 1) * form.zero;
            }
        }
        begin_sums(&n->linear, offset,
                   row->linear + (first + b) * n->linear.mix.outputs);
        begin_sums(&n->enter, offset,
                   row->enter + (first + b) * n->enter.mix.outputs);
    }
}

/* Rotate the pixels of a row of blocks, line by line; equal planes are not rotated. */
static TARGET void turn_lines(const struct block_source *from, const struct lines *to)
{
    for (size_t at = 0; at < BLOCK * from->columns; at++) {
        const uint8_t *pixels = from->pixels + at * BLOCK * from->bands;
        int16_t value[DP_PLANES][BLOCK];
        if (to->planes == 1) {
            for (size_t i = 0; i < BLOCK; i++) {
                value[0][i] = (int16_t)(2 * (pixels[i * from->bands] - 128));
            }
        } else {
            turn_pixels(pixels, from->matrix, value);
        }
        for (size_t p = 0; p < to->planes; p++) {
            memcpy(to->plane[p] + at * BLOCK, value[p], sizeof value[p]);
        }
    }
}

/* Do the same as `make_group` for blocks whose planes are equal after the prefilter. */
static TARGET void make_equal_group(const struct dp_networks *n, const struct lines *from,
                                    struct plane_row *row, size_t columns, size_t first,
                                    size_t count)
{
    int16_t values[DP_GROUP][DP_PIXELS], low[DP_GROUP];
    enum plane_mode mode = PLANES_NARROW;
    for (size_t b = 0; b < count; b++) {
        int16_t least_of[BLOCK], largest_of[BLOCK], high = INT16_MIN;
        for (size_t i = 0; i < BLOCK; i++) {
            least_of[i] = INT16_MAX;
            largest_of[i] = INT16_MIN;
        }
        for (size_t r = 0; r < BLOCK; r++) {
            int16_t *line = values[b] + r * BLOCK;
            memcpy(line, from->plane[0] + (r * columns + first + b) * BLOCK, BLOCK * sizeof *line);
            for (size_t i = 0; i < BLOCK; i++) {
                least_of[i] = line[i] < least_of[i] ? line[i] : least_of[i];
                largest_of[i] = line[i] > largest_of[i] ? line[i] : largest_of[i];
            }
        }
        low[b] = INT16_MAX;
        for (size_t i = 0; i < BLOCK; i++) {
            low[b] = least_of[i] < low[b] ? least_of[i] : low[b];
            high = largest_of[i] > high ? largest_of[i] : high;
        }
        if (BYTES && high - low[b] > 255) {
            mode = PLANES_SHARED;
        }
    }
    row->mode[first / DP_GROUP] = (uint8_t)mode;
    for (size_t b = 0; b < count; b++) {
        ACTIVATION *fine = row->fine + (first + b) * DP_PIXELS;
        int32_t offset = 0;
        if (!BYTES) {
            memcpy(fine, values[b], DP_PIXELS * sizeof *fine);
        } else if (mode == PLANES_SHARED) {
            ACTIVATION *coarse = row->coarse + (first + b) * BLOCK_INPUTS;
            for (size_t i = 0; i < DP_PIXELS; i++) {
                uint16_t above = (uint16_t)(values[b][i] - DP_LEAST_PLANE);
                coarse[i] = (ACTIVATION)(above >> 2);
                fine[i] = (ACTIVATION)(above & 3);
            }
            offset = DP_LEAST_PLANE + 5 * form.zero;
        } else {
            for (size_t i = 0; i < DP_PIXELS; i++) {
                fine[i] = (ACTIVATION)(values[b][i] - low[b]);
            }
            offset = low[b] + form.zero;
        }
        const int32_t offsets[DP_PLANES] = {offset, offset, offset};
        begin_sums(&n->linear, offsets, row->linear + (first + b) * n->linear.mix.outputs);
        begin_sums(&n->enter, offsets, row->enter + (first + b) * n->enter.mix.outputs);
    }
}

/* Store a row of one band's blocks: pixels unchanged, or 2 * (pixel - 128) in 16 bits. */
static TARGET void make_grey(struct plane_row *row, const uint8_t *pixels, size_t bands,
                             size_t columns)
{
    for (size_t b = 0; b < columns; b++) {
        for (size_t r = 0; r < BLOCK; r++) {
            const uint8_t *from = pixels + (r * columns + b) * BLOCK * bands;
            ACTIVATION *to = row->fine + b * DP_PIXELS + r * BLOCK;
            for (size_t i = 0; i < BLOCK; i++) {
                int32_t value = from[i * bands];
                to[i] = (ACTIVATION)(BYTES ? value : 2 * (value - 128));
            }
        }
    }
}

static const int32_t nothing[DP_WIDEST];

/* acc = acc * 2^shift + from */
static TARGET void add_up(int32_t *acc, int shift, size_t width, const int32_t *const *from)
{
    for (size_t m = 0; m < PLACES; m++) {
        for (size_t i = 0; i < width; i++) {
            acc[m * width + i] = acc[m * width + i] * (1 << shift) + from[m][i];
        }
    }
}

/* Compute sums of a panel over bytes that are the same in all planes. */
static TARGET void sum_equal(const struct dp_plane_mix *layer, const ACTIVATION *const *in,
                             size_t output, size_t width, int32_t *acc)
{
    size_t inputs = layer->grey.inputs, at = output * inputs * sizeof(ACTIVATION);
    const int32_t *zeros[PLACES], *from[PLACES];
    int has_high = 0;
    for (size_t v = 0; v < width / LANES; v++) {
        has_high |= layer->has_high[output / LANES + v];
    }
    for (size_t m = 0; m < PLACES; m++) {
        zeros[m] = nothing;
        from[m] = has_high ? acc + m * width : nothing;
    }
    if (has_high) {
        sums(width / LANES, in, (const uint8_t *)layer->grey_high.weights + at, steps_of(inputs),
             zeros, acc);
        add_up(acc, DP_GREY_SHIFT, width, zeros);
    }
    sums(width / LANES, in, (const uint8_t *)layer->grey.weights + at, steps_of(inputs), from,
         acc);
}

/* Compute sums of a panel over three equal planes. */
static TARGET void sum_grey(const struct dp_plane_mix *layer, const ACTIVATION *const *in,
                            size_t output, size_t width, int32_t *acc)
{
    const int32_t *begin[PLACES];
    const int32_t *bias = BYTES ? layer->grey.bias : layer->mix.bias;
    for (size_t m = 0; m < PLACES; m++) {
        begin[m] = bias + output;
    }
    sum_equal(layer, in, output, width, acc);
    /* Bytes are pixels, and planes have twice their values. */
    add_up(acc, BYTES ? 1 : 0, width, begin);
}

/* Compute sums of a panel over three planes that are equal after the prefilter. */
static TARGET void sum_filtered_grey(const struct dp_plane_mix *layer, const struct places *places,
                                     const ACTIVATION *const *coarse, enum plane_mode mode,
                                     size_t output, size_t width, int32_t *acc)
{
    sum_equal(layer, places->in, output, width, acc);
    if (mode == PLANES_SHARED) {
        int32_t above[PLACES * DP_WIDEST];
        struct places more;
        sum_equal(layer, coarse, output, width, above);
        all_from(&more, acc, width);
        add_up(above, 2, width, more.from);
        memcpy(acc, above, PLACES * width * sizeof *acc);
    }
    add_up(acc, 0, width, places->from);
}

/* Compute sums of a panel over planes. */
static TARGET void sum_planes(const struct dp_plane_mix *layer, const struct places *places,
                              const ACTIVATION *const *coarse, enum plane_mode mode, size_t output,
                              size_t width, int32_t *acc)
{
    size_t inputs = layer->mix.inputs;
    const uint8_t *weights =
        (const uint8_t *)layer->mix.weights + output * inputs * sizeof(ACTIVATION);
    struct places more = *places;
    if (mode != PLANES_NARROW) {
        if (mode == PLANES_SHARED) {
            sum_equal(layer, coarse, output, width, acc);
        } else {
            all_from(&more, nothing, 0);
            sums(width / LANES, coarse, weights, steps_of(inputs), more.from, acc);
        }
        add_up(acc, 2, width, places->from);
        all_from(&more, acc, width);
    }
    sums(width / LANES, places->in, weights, steps_of(inputs), more.from, acc);
}

/* Collect the cells of one row of a group's blocks, plane by plane; blocks are `stride` apart. */
static TARGET void gather_cells(const ACTIVATION *blocks, size_t stride, size_t planes, size_t row,
                                size_t count, ACTIVATION *cells)
{
    for (size_t at = 0; at < count; at++) {
        const ACTIVATION *from = blocks + at / CELL * stride + at % CELL * CELL;
        for (size_t p = 0; p < planes; p++) {
            for (size_t r = 0; r < CELL; r++, cells += CELL) {
                memcpy(cells, from + p * DP_PIXELS + (CELL * row + r) * BLOCK,
                       CELL * sizeof *cells);
            }
        }
    }
}

#endif
