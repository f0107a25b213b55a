/*
 * The onboard networks for one set of vector instructions. A variant's file defines, and then
 * includes this:
 *
 *   TARGET                   attribute of all functions
 *   ACTIVATION               uint8_t or int16_t
 *   FORM                     struct dp_form's members
 *   LANES                    32-bit sums in a vector; FORM's lanes
 *   PLACES                   positions at once; DP_GROUP is a multiple of it
 *   vector, load, store, spread_out, dot     the kernel's few operations, see `DEFINE_SUMS`; or
 *   OWN_SUMS                 the variant has `sums` itself
 *   WIDE                     bytes of a vector, where it has what `mix_near` needs
 *   OWN_TURN, OWN_TRANSPOSE  the variant has `turn_pixels` or `transpose` itself
 *
 * A tile goes through all layers in rows, so that what is between layers stays in the cache: each
 * row of 16 x 16 blocks becomes bytes of its planes, then four rows of the fine grid, two of the
 * middle one and one of the coarse one, each as soon as the rows around it are there. Activations
 * lie channels last, so two neighbours are one position's inputs of the next coarser grid.
 */
#include "networks.h"
#include "scratch.h"

#include <string.h>

#define BYTES (sizeof(ACTIVATION) == 1)
#define BLOCK 16
#define CELL 4
#define CELL_INPUTS (DP_PLANES * CELL * CELL)
#define BLOCK_INPUTS (DP_PLANES * DP_PIXELS)
#define SLACK 64 /* behind rows that vectors may leave */
#define CHUNK 16 /* positions whose latents are finished together */

static const struct dp_form form = FORM;

/*
 * to[m][o] = from[m][o] + the sum over steps of four bytes of a[m] times the panel's weights;
 * `vectors` of outputs, PLACES positions.
 */
#ifndef OWN_SUMS
#define DEFINE_SUMS(COUNT)                                                                        \
    static TARGET void sums_##COUNT(const ACTIVATION *const *a, const void *weights,              \
                                    size_t steps, const int32_t *const *from, int32_t *to)        \
    {                                                                                             \
        vector sum[PLACES][COUNT];                                                                \
        const uint8_t *w = weights;                                                               \
        _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                                 \
        {                                                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                               \
            {                                                                                     \
                sum[m][v] = load(from[m] + v * LANES);                                            \
            }                                                                                     \
        }                                                                                         \
        for (size_t step = 0; step < steps; step++, w += COUNT * LANES * 4) {                     \
            _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                             \
            {                                                                                     \
                vector one = spread_out((const uint8_t *)a[m] + 4 * step);                        \
                _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                           \
                {                                                                                 \
                    sum[m][v] = dot(sum[m][v], one, load(w + v * LANES * 4));                     \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
        _Pragma("GCC unroll 16") for (int m = 0; m < PLACES; m++)                                 \
        {                                                                                         \
            _Pragma("GCC unroll 4") for (int v = 0; v < COUNT; v++)                               \
            {                                                                                     \
                store(to + (m * COUNT + v) * LANES, sum[m][v]);                                   \
            }                                                                                     \
        }                                                                                         \
    }
DEFINE_SUMS(1)
DEFINE_SUMS(2)
DEFINE_SUMS(3)

static TARGET void sums(size_t vectors, const ACTIVATION *const *a, const void *weights,
                        size_t steps, const int32_t *const *from, int32_t *to)
{
    if (vectors == 3) {
        sums_3(a, weights, steps, from, to);
    } else if (vectors == 2) {
        sums_2(a, weights, steps, from, to);
    } else {
        sums_1(a, weights, steps, from, to);
    }
}
#endif

static inline TARGET int32_t limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline TARGET size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Positions of a panel, some of them the last one again where there are fewer than PLACES. */
struct places {
    const ACTIVATION *in[PLACES];
    const int32_t *from[PLACES];
};

static inline TARGET void all_from(struct places *places, const int32_t *from, size_t step)
{
    for (size_t m = 0; m < PLACES; m++) {
        places->from[m] = from + m * step;
    }
}

static inline TARGET size_t steps_of(size_t inputs)
{
    return inputs * sizeof(ACTIVATION) / 4;
}

/* Sums of up to PLACES positions over all parts of a layer's panel, [PLACES][width]. */
static TARGET void sum_parts(const struct dp_mix *layer, const ACTIVATION *const *in, size_t first,
                             size_t count, size_t output, size_t width, const uint8_t *weights,
                             int32_t *acc)
{
    struct places places;
    size_t part = 0;
    all_from(&places, layer->bias + output, 0);
    do {
        for (size_t m = 0; m < PLACES; m++) {
            places.in[m] = in[part] + least(first + m, count - 1) * layer->inputs;
        }
        sums(width / LANES, places.in, weights + part * width * layer->inputs * sizeof(ACTIVATION),
             steps_of(layer->inputs), places.from, acc);
        all_from(&places, acc, width);
    } while (++part < layer->parts);
}

/* out = limited sums of `count` positions, of activations; `added` is added before, if given. */
static TARGET void mix(const struct dp_mix *layer, const ACTIVATION *const *in, size_t count,
                       const ACTIVATION *added, ACTIVATION *out)
{
    const uint8_t *weights = layer->weights;
    size_t outputs = layer->outputs, inputs = layer->inputs * layer->parts;
    for (size_t o = 0, width; o < outputs; o += width) {
        width = dp_panel(outputs, o, LANES);
        for (size_t p = 0; p < count; p += PLACES) {
            int32_t acc[PLACES * DP_WIDEST];
            sum_parts(layer, in, p, count, o, width, weights, acc);
            const int32_t *shift = layer->shift + o;
            for (size_t m = 0; m < PLACES && p + m < count; m++) {
                const int32_t *sum = acc + m * width;
                ACTIVATION *to = out + (p + m) * outputs + o;
                const ACTIVATION *more = added ? added + (p + m) * outputs + o : NULL;
                for (size_t i = 0; added && i < width; i++) {
                    to[i] = (ACTIVATION)limited((sum[i] >> shift[i]) + more[i], layer->low,
                                                layer->high);
                }
                for (size_t i = 0; !added && i < width; i++) {
                    to[i] = (ACTIVATION)limited(sum[i] >> shift[i], layer->low, layer->high);
                }
            }
        }
        weights += width * inputs * sizeof(ACTIVATION);
    }
}

/* out = limited sums, or out + limited sums, of 32 bits. */
static TARGET void mix_wide(const struct dp_mix *layer, const ACTIVATION *in, size_t count,
                            int add, int32_t *out)
{
    const uint8_t *weights = layer->weights;
    const ACTIVATION *const parts[1] = {in};
    size_t outputs = layer->outputs;
    for (size_t o = 0, width; o < outputs; o += width) {
        width = dp_panel(outputs, o, LANES);
        for (size_t p = 0; p < count; p += PLACES) {
            int32_t acc[PLACES * DP_WIDEST];
            sum_parts(layer, parts, p, count, o, width, weights, acc);
            const int32_t *shift = layer->shift + o;
            for (size_t m = 0; m < PLACES && p + m < count; m++) {
                const int32_t *sum = acc + m * width;
                int32_t *to = out + (p + m) * outputs + o;
                for (size_t i = 0; add && i < width; i++) {
                    to[i] += limited(sum[i] >> shift[i], layer->low, layer->high);
                }
                for (size_t i = 0; !add && i < width; i++) {
                    to[i] = limited(sum[i] >> shift[i], layer->low, layer->high);
                }
            }
        }
        weights += width * layer->inputs * sizeof(ACTIVATION);
    }
}

/*
 * A depthwise convolution of a row; rows begin with a position of zeros, and end with one. With
 * `add`, its input is added before outputs are limited.
 */
#ifdef WIDE
/* Four taps at a time, interleaved. Up to WIDE - 1 bytes behind a row are read and written. */
static TARGET void mix_near(const struct dp_near *layer, const ACTIVATION *const rows[3],
                            size_t count, int add, ACTIVATION *out)
{
    size_t channels = layer->channels, all = count * channels, number = 0;
    const vector low = fill_bytes(layer->low), high = fill_bytes(layer->high);
    const vector none = fill_bytes(0);
    for (size_t at = 0; at < all; at += WIDE, number++) {
        if (number == layer->period) {
            number = 0;
        }
        const int8_t *weights = layer->packed + number * 12 * WIDE;
        const int32_t *bias = layer->packed_bias + number * WIDE;
        const int32_t *shift = layer->packed_shift + number * WIDE;
        vector tap[12], sum[4];
        _Pragma("GCC unroll 9") for (size_t n = 0; n < 9; n++)
        {
            tap[n] = load(rows[n / 3] + at + n % 3 * channels);
        }
        tap[9] = tap[10] = tap[11] = none;
        _Pragma("GCC unroll 4") for (int q = 0; q < 4; q++) { sum[q] = load(bias + q * LANES); }
        _Pragma("GCC unroll 3") for (int n = 0; n < 3; n++, weights += 4 * WIDE)
        {
            vector ab_low = mix_bytes_low(tap[4 * n], tap[4 * n + 1]);
            vector ab_high = mix_bytes_high(tap[4 * n], tap[4 * n + 1]);
            vector cd_low = mix_bytes_low(tap[4 * n + 2], tap[4 * n + 3]);
            vector cd_high = mix_bytes_high(tap[4 * n + 2], tap[4 * n + 3]);
            sum[0] = dot(sum[0], mix_pairs_low(ab_low, cd_low), load(weights));
            sum[1] = dot(sum[1], mix_pairs_high(ab_low, cd_low), load(weights + WIDE));
            sum[2] = dot(sum[2], mix_pairs_low(ab_high, cd_high), load(weights + 2 * WIDE));
            sum[3] = dot(sum[3], mix_pairs_high(ab_high, cd_high), load(weights + 3 * WIDE));
        }
        _Pragma("GCC unroll 4") for (int q = 0; q < 4; q++)
        {
            sum[q] = shift_right(sum[q], load(shift + q * LANES));
        }
        /* Limits are within a byte's: what saturates on the way to 16 bits is limited anyway. */
        vector first = narrow_pairs(sum[0], sum[1]), second = narrow_pairs(sum[2], sum[3]);
        if (add) {
            first = add_pairs(first, mix_bytes_low(tap[4], none));
            second = add_pairs(second, mix_bytes_high(tap[4], none));
        }
        store(out + at, limit_bytes(narrow_bytes(first, second), low, high));
    }
}
#else
static TARGET void mix_near(const struct dp_near *layer, const ACTIVATION *const rows[3],
                            size_t count, int add, ACTIVATION *out)
{
    size_t channels = layer->channels;
    for (size_t s = 0; s < count; s++) {
        const ACTIVATION *above = rows[0] + s * channels, *here = rows[1] + s * channels;
        const ACTIVATION *below = rows[2] + s * channels;
        ACTIVATION *to = out + s * channels;
        for (size_t from = 0; from < channels; from += DP_CHANNELS) {
            int32_t sum[DP_CHANNELS];
            for (size_t i = 0; i < DP_CHANNELS; i++) {
                sum[i] = layer->bias[from + i];
            }
            for (size_t n = 0; n < 3; n++) {
                const int16_t *weights = layer->weights + n * channels + from;
                const ACTIVATION *first = above + n * channels + from;
                const ACTIVATION *second = here + n * channels + from;
                const ACTIVATION *third = below + n * channels + from;
                for (size_t i = 0; i < DP_CHANNELS; i++) {
                    sum[i] += weights[i] * first[i] + weights[3 * channels + i] * second[i] +
                              weights[6 * channels + i] * third[i];
                }
            }
            const ACTIVATION *own = here + channels + from;
            for (size_t i = 0; i < DP_CHANNELS; i++) {
                int32_t value = (sum[i] >> layer->shift[from + i]) + (add ? own[i] : 0);
                to[from + i] = (ACTIVATION)limited(value, layer->low, layer->high);
            }
        }
    }
}
#endif

/*
 * How a group of blocks' planes are told in bytes. Values have ten bits, but in most blocks they
 * are within 256 of each other, or the planes are much alike; 16-bit activations need nothing.
 */
enum plane_mode {
    PLANES_NARROW, /* value = fine + offset */
    PLANES_SHARED, /* value = 4 * coarse + fine + offset, with one `coarse` for all planes */
    PLANES_WIDE,   /* the same, with one for each plane */
};

/* A row of blocks in planes. */
struct plane_row {
    ACTIVATION *fine, *coarse; /* [columns][planes][pixels]; of grey [columns][pixels] */
    uint8_t *mode;             /* [groups] */
    int32_t *linear, *enter;   /* where sums begin, [columns][outputs] */
};

/* A grid's rows on their way through a block: depthwise, 1 x 1, added to what came in. */
struct grid {
    const struct dp_near *near;
    const struct dp_mix *mix;
    size_t rows, columns, channels;
    ACTIVATION *ring[3]; /* rows of inputs, with a position of zeros at each end */
    ACTIVATION *zeros;   /* such a row */
    ACTIVATION *between; /* after the depthwise convolution */
    ACTIVATION *pair[2]; /* rows of outputs */
};

struct analysis {
    const struct dp_networks *networks;
    const struct dp_tile *tile;
    size_t rows, columns;
    size_t planes_used; /* 1 where all three are equal */
    struct plane_row planes[3];
    ACTIVATION *cells, *coarse_cells; /* [4 blocks' cells of a group's row][CELL_INPUTS] */
    struct grid fine, middle, coarse;
    int32_t *latents;         /* [CHUNK][latents] */
    ACTIVATION *sizes;        /* likewise */
    ACTIVATION *side_pair[2]; /* rows of the hyper analysis' first layer, of even length */
    ACTIVATION *side_row;
    int32_t *side_end;
};

static void take_grid(struct dp_arena *arena, struct grid *grid, const struct dp_near *near,
                      const struct dp_mix *mix, size_t rows, size_t columns)
{
    size_t channels = near->channels;
    grid->near = near;
    grid->mix = mix;
    grid->rows = rows;
    grid->columns = columns;
    grid->channels = channels;
    for (int i = 0; i < 3; i++) {
        grid->ring[i] = dp_take(arena, (columns + 2) * channels + SLACK, sizeof(ACTIVATION));
    }
    grid->zeros = dp_take(arena, (columns + 2) * channels + SLACK, sizeof(ACTIVATION));
    grid->between = dp_take(arena, columns * channels + SLACK, sizeof(ACTIVATION));
    for (int i = 0; i < 2; i++) {
        grid->pair[i] = dp_take(arena, columns * channels, sizeof(ACTIVATION));
    }
}

static void take_all(struct dp_arena *arena, struct analysis *a)
{
    const struct dp_networks *n = a->networks;
    size_t columns = a->columns, even = columns + columns % 2;
    size_t groups = (columns + DP_GROUP - 1) / DP_GROUP;
    for (int i = 0; i < 3; i++) {
        struct plane_row *row = &a->planes[i];
        row->fine = dp_take(arena, columns * BLOCK_INPUTS, sizeof(ACTIVATION));
        row->coarse = dp_take(arena, BYTES ? columns * BLOCK_INPUTS : 0, sizeof(ACTIVATION));
        row->mode = dp_take(arena, groups, 1);
        row->linear = dp_take(arena, columns * n->linear.mix.outputs, sizeof(int32_t));
        row->enter = dp_take(arena, columns * n->enter.mix.outputs, sizeof(int32_t));
    }
    a->cells = dp_take(arena, DP_GROUP * CELL * CELL_INPUTS, sizeof(ACTIVATION));
    a->coarse_cells = dp_take(arena, DP_GROUP * CELL * CELL_INPUTS, sizeof(ACTIVATION));
    take_grid(arena, &a->fine, &n->fine_near, &n->fine, 4 * a->rows, 4 * columns);
    take_grid(arena, &a->middle, &n->middle_near, &n->middle, 2 * a->rows, 2 * columns);
    take_grid(arena, &a->coarse, &n->coarse_near, &n->coarse, a->rows, columns);
    a->latents = dp_take(arena, CHUNK * n->linear.mix.outputs, sizeof(int32_t));
    a->sizes = dp_take(arena, CHUNK * n->linear.mix.outputs, sizeof(ACTIVATION));
    for (int i = 0; i < 2; i++) {
        a->side_pair[i] = dp_take(arena, even * n->side_in.outputs, sizeof(ACTIVATION));
    }
    a->side_row = dp_take(arena, even / 2 * n->side_out.outputs, sizeof(ACTIVATION));
    a->side_end = dp_take(arena, even / 2 * n->side_end.outputs, sizeof(int32_t));
}

/* One row of 16 pixels on their natural axes. */
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

/* A block's planes, with the least and the largest value of each. */
static TARGET void turn_block(const uint8_t *pixels, size_t line, const int32_t *matrix,
                              int16_t *values, int16_t least_of[DP_PLANES],
                              int16_t largest_of[DP_PLANES])
{
    int16_t low[DP_PLANES][BLOCK], high[DP_PLANES][BLOCK];
    for (int r = 0; r < BLOCK; r++, pixels += line) {
        int16_t value[DP_PLANES][BLOCK];
        turn_pixels(pixels, matrix, value);
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

/* Where a block's sums begin: the bias, and a plane's offset times its weights. */
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

/* What a block's planes are more than the same coarse value of all, the second plane's. */
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

/* A group of blocks as bytes, or as they are where activations have 16 bits. */
static TARGET void make_group(const struct analysis *a, struct plane_row *row,
                              const uint8_t *pixels, size_t line, size_t first, size_t count)
{
    int16_t values[DP_GROUP][BLOCK_INPUTS], low[DP_GROUP][DP_PLANES], high[DP_GROUP][DP_PLANES];
    enum plane_mode mode = PLANES_NARROW;
    for (size_t b = 0; b < count; b++) {
        turn_block(pixels + b * BLOCK * 3, line, a->tile->matrix, values[b], low[b], high[b]);
    }
    if (BYTES && !all_within_bytes(low, high, count)) {
        mode = PLANES_SHARED;
        for (size_t b = 0; b < count; b++) {
            share_block(values[b], row->coarse + (first + b) * BLOCK_INPUTS, low[b], high[b]);
        }
        if (!all_within_bytes(low, high, count)) {
            mode = PLANES_WIDE;
            for (size_t b = 0; b < count; b++) {
                turn_block(pixels + b * BLOCK * 3, line, a->tile->matrix, values[b], low[b],
                           high[b]);
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
        begin_sums(&a->networks->linear, offset,
                   row->linear + (first + b) * a->networks->linear.mix.outputs);
        begin_sums(&a->networks->enter, offset,
                   row->enter + (first + b) * a->networks->enter.mix.outputs);
    }
}

/* A row of blocks of one band: pixels as they are, 2 * (pixel - 128) where there are 16 bits. */
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

static TARGET void make_planes(const struct analysis *a, struct plane_row *row, size_t number)
{
    size_t line = a->columns * BLOCK * (size_t)a->tile->bands;
    const uint8_t *pixels = a->tile->pixels + number * BLOCK * line;
    if (a->planes_used == 1) {
        make_grey(row, pixels, (size_t)a->tile->bands, a->columns);
        return;
    }
    for (size_t first = 0; first < a->columns; first += DP_GROUP) {
        make_group(a, row, pixels + first * BLOCK * 3, line, first,
                   least(DP_GROUP, a->columns - first));
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

/* Sums of a panel over bytes that are the same in all planes. */
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

/* Sums of a panel over three equal planes. */
static TARGET void sum_grey(const struct dp_plane_mix *layer, const ACTIVATION *const *in,
                            size_t output, size_t width, int32_t *acc)
{
    const int32_t *begin[PLACES];
    const int32_t *bias = BYTES ? layer->grey.bias : layer->mix.bias;
    for (size_t m = 0; m < PLACES; m++) {
        begin[m] = bias + output;
    }
    sum_equal(layer, in, output, width, acc);
    /* Bytes are pixels, of which planes have twice as much. */
    add_up(acc, BYTES ? 1 : 0, width, begin);
}

/* Sums of a panel over planes. */
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

/* Cells of one row of a group's blocks, of one plane after another; blocks lie `stride` apart. */
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

/* One row of the fine grid. */
static TARGET void enter(struct analysis *a, const struct plane_row *planes, size_t row,
                         ACTIVATION *out)
{
    const struct dp_plane_mix *layer = &a->networks->enter;
    const size_t outputs = layer->mix.outputs;
    size_t bands = a->planes_used, size = bands * CELL * CELL;
    for (size_t first = 0; first < a->columns; first += DP_GROUP) {
        size_t cells = CELL * least(DP_GROUP, a->columns - first);
        enum plane_mode mode = planes->mode[first / DP_GROUP];
        size_t shared = mode == PLANES_SHARED ? 1 : DP_PLANES;
        gather_cells(planes->fine + first * bands * DP_PIXELS, bands * DP_PIXELS, bands, row,
                     cells, a->cells);
        if (mode != PLANES_NARROW) {
            gather_cells(planes->coarse + first * BLOCK_INPUTS, BLOCK_INPUTS, shared, row, cells,
                         a->coarse_cells);
        }
        for (size_t o = 0, width; o < outputs; o += width) {
            width = dp_panel(outputs, o, LANES);
            for (size_t p = 0; p < cells; p += PLACES) {
                int32_t acc[PLACES * DP_WIDEST];
                const ACTIVATION *coarse[PLACES];
                struct places places;
                for (size_t m = 0; m < PLACES; m++) {
                    size_t at = least(p + m, cells - 1);
                    places.in[m] = a->cells + at * size;
                    coarse[m] = a->coarse_cells + at * shared * CELL * CELL;
                    places.from[m] = planes->enter + (first + at / CELL) * outputs + o;
                }
                if (bands == 1) {
                    sum_grey(layer, places.in, o, width, acc);
                } else {
                    sum_planes(layer, &places, coarse, mode, o, width, acc);
                }
                const int32_t *shift = layer->mix.shift + o;
                for (size_t m = 0; m < PLACES && p + m < cells; m++) {
                    ACTIVATION *to = out + (first * CELL + p + m) * outputs + o;
                    for (size_t i = 0; i < width; i++) {
                        to[i] = (ACTIVATION)limited(acc[m * width + i] >> shift[i],
                                                    layer->mix.low, layer->mix.high);
                    }
                }
            }
        }
    }
}

/* The linear transform of up to CHUNK blocks. */
static TARGET void transform(struct analysis *a, const struct plane_row *planes, size_t first,
                             size_t count)
{
    const struct dp_plane_mix *layer = &a->networks->linear;
    size_t outputs = layer->mix.outputs, bands = a->planes_used;
    for (size_t o = 0, width; o < outputs; o += width) {
        width = dp_panel(outputs, o, LANES);
        for (size_t p = 0; p < count; p += PLACES) {
            int32_t acc[PLACES * DP_WIDEST];
            const ACTIVATION *coarse[PLACES];
            struct places places;
            size_t group = (first + p) / DP_GROUP;
            for (size_t m = 0; m < PLACES; m++) {
                size_t at = first + least(p + m, count - 1);
                places.in[m] = planes->fine + at * bands * DP_PIXELS;
                coarse[m] = planes->coarse + (BYTES ? at * BLOCK_INPUTS : 0);
                places.from[m] = planes->linear + at * outputs + o;
            }
            if (bands == 1) {
                sum_grey(layer, places.in, o, width, acc);
            } else {
                sum_planes(layer, &places, coarse, planes->mode[group], o, width, acc);
            }
            const int32_t *shift = layer->mix.shift + o;
            for (size_t m = 0; m < PLACES && p + m < count; m++) {
                int32_t *to = a->latents + (p + m) * outputs + o;
                for (size_t i = 0; i < width; i++) {
                    to[i] = limited(acc[m * width + i] >> shift[i], layer->mix.low,
                                    layer->mix.high);
                }
            }
        }
    }
}

/* to[c][s] = from[s][c], for 16 channels and positions. */
#ifndef OWN_TRANSPOSE
static TARGET void transpose(const int32_t *from, size_t stride, int32_t *to, size_t step)
{
    for (size_t c = 0; c < CHUNK; c++) {
        for (size_t s = 0; s < CHUNK; s++) {
            to[c * step + s] = from[s * stride + c];
        }
    }
}
#endif

/* |y| in bytes, for the hyper analysis. */
static TARGET void find_sizes(const struct analysis *a, size_t count)
{
    size_t outputs = a->networks->linear.mix.outputs;
    for (size_t p = 0; p < count; p++) {
        const int32_t *y = a->latents + p * outputs;
        ACTIVATION *to = a->sizes + p * outputs;
        const uint8_t *spread = a->networks->spread;
        for (size_t c = 0; c < outputs; c++) {
            int32_t shift = spread[c], size = ((y[c] < 0 ? -y[c] : y[c]) + (1 << shift >> 1)) >> shift;
            to[c] = (ACTIVATION)(size > 255 ? 255 : size);
        }
    }
}

/* A finished pair of rows of the hyper analysis' first layer. */
static TARGET void finish_side(struct analysis *a, size_t row)
{
    const struct dp_networks *n = a->networks;
    size_t columns = (a->columns + 1) / 2, places = (a->rows + 1) / 2 * columns;
    const ACTIVATION *const pair[2] = {a->side_pair[0], a->side_pair[1]};
    mix(&n->side_out, pair, columns, NULL, a->side_row);
    mix_wide(&n->side_end, a->side_row, columns, 0, a->side_end);
    for (size_t c = 0; c < n->side; c++) {
        for (size_t s = 0; s < columns; s++) {
            a->tile->side[c * places + row * columns + s] = a->side_end[s * n->side_end.outputs + c];
        }
    }
}

/* Positions outside the tile: zeros into the hyper analysis. */
static TARGET void finish_outside(struct analysis *a, size_t row, size_t first, size_t last)
{
    const struct dp_mix *layer = &a->networks->side_in;
    memset(a->sizes, 0, layer->inputs * sizeof(ACTIVATION));
    const ACTIVATION *const in[1] = {a->sizes};
    for (size_t s = first; s < last; s++) {
        mix(layer, in, 1, NULL, a->side_pair[row % 2] + s * layer->outputs);
    }
}

/* A row of latents, once its branch is known: y, and the hyper analysis as far as that goes. */
static TARGET void finish_row(struct analysis *a, size_t row, const ACTIVATION *branch)
{
    const struct dp_networks *n = a->networks;
    size_t outputs = n->linear.mix.outputs, columns = a->columns, places = a->rows * columns;
    for (size_t first = 0; first < columns; first += CHUNK) {
        size_t count = least(CHUNK, columns - first);
        const ACTIVATION *const sizes[1] = {a->sizes};
        transform(a, &a->planes[row % 3], first, count);
        mix_wide(&n->leave, branch + first * n->leave.inputs, count, 1, a->latents);
        size_t c = 0;
        int32_t *y = a->tile->y + row * columns + first;
        for (; count == CHUNK && c + CHUNK <= n->latents; c += CHUNK) {
            transpose(a->latents + c, outputs, y + c * places, places);
        }
        for (; c < n->latents; c++) {
            for (size_t s = 0; s < count; s++) {
                y[c * places + s] = a->latents[s * outputs + c];
            }
        }
        find_sizes(a, count);
        mix(&n->side_in, sizes, count, NULL, a->side_pair[row % 2] + first * n->side_in.outputs);
    }
    finish_outside(a, row, columns, columns + columns % 2);
    if (row % 2 == 0 && row + 1 == a->rows) {
        finish_outside(a, row + 1, 0, columns + columns % 2);
    }
    if (row % 2 || row + 1 == a->rows) {
        finish_side(a, row / 2);
    }
}

/* One row of a grid's block; its neighbours are in the ring. */
static TARGET void mix_block(struct grid *grid, size_t row)
{
    const ACTIVATION *const rows[3] = {row > 0 ? grid->ring[(row - 1) % 3] : grid->zeros,
                                       grid->ring[row % 3],
                                       row + 1 < grid->rows ? grid->ring[(row + 1) % 3]
                                                            : grid->zeros};
    const ACTIVATION *const between[1] = {grid->between};
    mix_near(grid->near, rows, grid->columns, 0, grid->between);
    mix(grid->mix, between, grid->columns, rows[1] + grid->channels, grid->pair[row % 2]);
}

static inline TARGET ACTIVATION *row_of(struct grid *grid, size_t row)
{
    return grid->ring[row % 3] + grid->channels;
}

static TARGET void coarse_row(struct analysis *a, size_t row)
{
    mix_block(&a->coarse, row);
    finish_row(a, row, a->coarse.pair[row % 2]);
}

static TARGET void middle_row(struct analysis *a, size_t row)
{
    const ACTIVATION *const pair[2] = {a->middle.pair[0], a->middle.pair[1]};
    mix_block(&a->middle, row);
    if (row % 2) {
        size_t next = row / 2;
        mix(&a->networks->down_coarse, pair, a->coarse.columns, NULL, row_of(&a->coarse, next));
        if (next > 0) {
            coarse_row(a, next - 1);
        }
        if (next + 1 == a->coarse.rows) {
            coarse_row(a, next);
        }
    }
}

static TARGET void fine_row(struct analysis *a, size_t row)
{
    const ACTIVATION *const pair[2] = {a->fine.pair[0], a->fine.pair[1]};
    mix_block(&a->fine, row);
    if (row % 2) {
        size_t next = row / 2;
        mix(&a->networks->down_middle, pair, a->middle.columns, NULL, row_of(&a->middle, next));
        if (next > 0) {
            middle_row(a, next - 1);
        }
        if (next + 1 == a->middle.rows) {
            middle_row(a, next);
        }
    }
}

/* Whether a tile's planes are equal: one band, or three equal ones that are not rotated. */
static TARGET int is_grey(const struct dp_tile *tile)
{
    for (int at = 0; at < 9 && tile->bands > 1; at++) {
        if (tile->matrix[at] != (at % 4 == 0 ? 1 << 14 : 0)) {
            return 0;
        }
    }
    size_t line = (size_t)tile->columns * BLOCK;
    for (size_t r = 0; r < (size_t)tile->rows * BLOCK && tile->bands > 1; r++) {
        const uint8_t *pixel = tile->pixels + r * line * DP_PLANES;
        uint8_t differ = 0;
        for (size_t s = 0; s < line; s++, pixel += 3) {
            differ |= (uint8_t)((pixel[0] ^ pixel[1]) | (pixel[0] ^ pixel[2]));
        }
        if (differ) {
            return 0;
        }
    }
    return 1;
}

static TARGET int analyse(const struct dp_networks *networks, const struct dp_tile *tile)
{
    struct analysis a = {.networks = networks, .tile = tile};
    a.rows = (size_t)tile->rows;
    a.columns = (size_t)tile->columns;
    a.planes_used = is_grey(tile) ? 1 : DP_PLANES;
    struct dp_arena arena = {NULL, 0};
    take_all(&arena, &a);
    size_t size = arena.used;
    struct dp_scratch *scratch = dp_scratch_open(&arena);
    if (!scratch) {
        return 0;
    }
    memset(arena.at, 0, size);
    take_all(&arena, &a);
    for (size_t row = 0; row < a.rows; row++) {
        make_planes(&a, &a.planes[row % 3], row);
        for (size_t i = 0; i < CELL; i++) {
            size_t fine = CELL * row + i;
            enter(&a, &a.planes[row % 3], i, row_of(&a.fine, fine));
            if (fine > 0) {
                fine_row(&a, fine - 1);
            }
        }
    }
    fine_row(&a, a.fine.rows - 1);
    dp_scratch_close(scratch);
    return 1;
}

/* What the hyper synthesis works on. */
struct synthesis {
    ACTIVATION *side; /* [columns][side] */
    ACTIVATION *ring[3], *zeros;
    ACTIVATION *mixed;  /* [columns][channels] */
    ACTIVATION *up;     /* [columns][row, column][channels] */
    ACTIVATION *places; /* [2 * CHUNK][channels] */
    int32_t *scales;    /* [CHUNK][latents] */
    int32_t turned[CHUNK * CHUNK];
};

static void take_synthesis(struct dp_arena *arena, const struct dp_networks *n, size_t columns,
                           struct synthesis *s)
{
    size_t channels = n->scales_near.channels;
    s->side = dp_take(arena, columns * n->scales_in.inputs, sizeof(ACTIVATION));
    for (int i = 0; i < 3; i++) {
        s->ring[i] = dp_take(arena, (columns + 2) * channels + SLACK, sizeof(ACTIVATION));
    }
    s->zeros = dp_take(arena, (columns + 2) * channels + SLACK, sizeof(ACTIVATION));
    s->mixed = dp_take(arena, columns * channels + SLACK, sizeof(ACTIVATION));
    s->up = dp_take(arena, columns * n->scales_up.outputs, sizeof(ACTIVATION));
    s->places = dp_take(arena, CHUNK * n->scales_out.inputs, sizeof(ACTIVATION));
    s->scales = dp_take(arena, CHUNK * n->scales_out.outputs, sizeof(int32_t));
}

/* The log-scales of one row of side information: two rows of latents. */
static TARGET void finish_scales(const struct dp_networks *n, const struct dp_side *given,
                                 struct synthesis *s, size_t row)
{
    size_t columns = (size_t)given->columns, wide = 2 * columns;
    size_t channels = n->scales_out.inputs, outputs = n->scales_out.outputs;
    size_t places = 2 * (size_t)given->rows * wide;
    for (size_t half = 0; half < 2; half++) {
        for (size_t first = 0; first < wide; first += CHUNK) {
            size_t count = least(CHUNK, wide - first);
            for (size_t i = 0; i < count; i++) {
                size_t at = first + i;
                memcpy(s->places + i * channels,
                       s->up + (at / 2 * 4 + half * 2 + at % 2) * channels,
                       channels * sizeof(ACTIVATION));
            }
            mix_wide(&n->scales_out, s->places, count, 0, s->scales);
            int16_t *to = given->log_scales + (2 * row + half) * wide + first;
            size_t c = 0;
            for (; count == CHUNK && c + CHUNK <= n->latents; c += CHUNK) {
                transpose(s->scales + c, outputs, s->turned, CHUNK);
                for (size_t i = 0; i < CHUNK; i++) {
                    for (size_t k = 0; k < CHUNK; k++) {
                        to[(c + i) * places + k] = (int16_t)s->turned[i * CHUNK + k];
                    }
                }
            }
            for (; c < n->latents; c++) {
                for (size_t i = 0; i < count; i++) {
                    to[c * places + i] = (int16_t)s->scales[i * outputs + c];
                }
            }
        }
    }
}

static TARGET int find_scales(const struct dp_networks *n, const struct dp_side *given)
{
    size_t rows = (size_t)given->rows, columns = (size_t)given->columns;
    size_t channels = n->scales_near.channels, inputs = n->scales_in.inputs;
    struct synthesis s;
    struct dp_arena arena = {NULL, 0};
    take_synthesis(&arena, n, columns, &s);
    size_t size = arena.used;
    struct dp_scratch *scratch = dp_scratch_open(&arena);
    if (!scratch) {
        return 0;
    }
    memset(arena.at, 0, size);
    take_synthesis(&arena, n, columns, &s);
    for (size_t row = 0; row <= rows; row++) {
        if (row < rows) {
            const ACTIVATION *const side[1] = {s.side};
            for (size_t c = 0; c < n->side; c++) {
                for (size_t i = 0; i < columns; i++) {
                    int32_t value = given->side[(c * rows + row) * columns + i];
                    s.side[i * inputs + c] = (ACTIVATION)(value + (BYTES ? 128 : 0));
                }
            }
            mix(&n->scales_in, side, columns, NULL, s.ring[row % 3] + channels);
        }
        if (row > 0) {
            size_t at = row - 1;
            const ACTIVATION *const around[3] = {at > 0 ? s.ring[(at - 1) % 3] : s.zeros,
                                                 s.ring[at % 3],
                                                 row < rows ? s.ring[row % 3] : s.zeros};
            const ACTIVATION *const mixed[1] = {s.mixed};
            mix_near(&n->scales_near, around, columns, 1, s.mixed);
            mix(&n->scales_up, mixed, columns, NULL, s.up);
            finish_scales(n, given, &s, at);
        }
    }
    dp_scratch_close(scratch);
    return 1;
}
