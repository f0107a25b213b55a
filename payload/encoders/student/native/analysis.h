/*
 * Compute latents and side information from pixels (see layers.h). A tile goes through all layers
 * row by row, so that data between layers stays in the cache. Each row of 16 x 16 blocks becomes
 * bytes of its planes, then four rows of the fine grid, two of the middle one and one of the coarse
 * one. Each row is computed as soon as the rows around it are complete.
 */
#ifndef DP_ANALYSIS_H
#define DP_ANALYSIS_H

#include "planes.h"
#include "scratch.h"

/* A grid's rows in a residual block: depthwise, then 1 x 1, then added to the block's input. */
struct grid {
    const struct dp_near *near;
    const struct dp_mix *mix;
    size_t rows, columns, channels;
    ACTIVATION *ring[3]; /* rows of inputs, with a position of zeros at each end */
    ACTIVATION *zeros;   /* a row of inputs that are all zero */
    ACTIVATION *between; /* outputs of the depthwise convolution */
    ACTIVATION *pair[2]; /* rows of outputs */
};

struct analysis {
    const struct dp_networks *networks;
    const struct dp_tile *tile;
    size_t rows, columns;
    size_t planes_used; /* 1 if all three are equal */
    struct lines lines[2]; /* for the prefilter: the row of blocks and the next one, in turn */
    struct plane_row planes[3];
    ACTIVATION *cells, *coarse_cells; /* [4 blocks' cells of a group's row][CELL_INPUTS] */
    struct grid fine, middle, coarse;
    int32_t *latents;         /* [CHUNK][latents] */
    ACTIVATION *sizes;        /* [CHUNK][latents] */
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
    for (int i = 0; n->prefilter && i < 2; i++) {
        a->lines[i].planes = a->planes_used;
        for (size_t p = 0; p < a->planes_used; p++) {
            a->lines[i].plane[p] = dp_take(arena, columns * DP_PIXELS, sizeof(int16_t));
        }
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

static TARGET struct block_source source_of(const struct analysis *a, size_t row)
{
    size_t bands = (size_t)a->tile->bands;
    return (struct block_source){.pixels =
                                     a->tile->pixels + row * a->columns * DP_PIXELS * bands,
                                 .matrix = a->tile->matrix,
                                 .columns = a->columns,
                                 .bands = bands};
}

/* Filter a row of blocks across its boundaries; those with the row before are done already. */
static TARGET const struct lines *prefilter(const struct analysis *a, size_t row)
{
    const struct dp_prefilter *filter = a->networks->prefilter;
    const struct lines *here = &a->lines[row % 2], *next = &a->lines[(row + 1) % 2];
    size_t width = a->columns * BLOCK;
    if (row == 0) {
        const struct block_source from = source_of(a, 0);
        turn_lines(&from, here);
        filter_lines(filter, here, a->columns);
        end_lines(here, 0, width);
    }
    if (row + 1 == a->rows) {
        end_lines(here, REACH, width);
        return here;
    }
    const struct block_source from = source_of(a, row + 1);
    turn_lines(&from, next);
    filter_lines(filter, next, a->columns);
    join_rows(filter, here, next, width);
    return here;
}

static TARGET void make_planes(const struct analysis *a, struct plane_row *to, size_t row)
{
    struct block_source from = source_of(a, row);
    if (a->planes_used == 1 && !a->networks->prefilter) {
        make_grey(to, from.pixels, from.bands, a->columns);
        return;
    }
    if (a->networks->prefilter) {
        from.filtered = prefilter(a, row);
    }
    for (size_t first = 0; first < a->columns; first += DP_GROUP) {
        size_t count = least(DP_GROUP, a->columns - first);
        if (a->planes_used == 1) {
            make_equal_group(a->networks, from.filtered, to, a->columns, first, count);
        } else {
            make_group(a->networks, &from, to, first, count);
        }
    }
}

/* Compute sums of a panel over whatever the planes are. */
static inline TARGET void sum_any(const struct analysis *a, const struct dp_plane_mix *layer,
                                  const struct places *places, const ACTIVATION *const *coarse,
                                  enum plane_mode mode, size_t output, size_t width, int32_t *acc)
{
    if (a->planes_used > 1) {
        sum_planes(layer, places, coarse, mode, output, width, acc);
    } else if (a->networks->prefilter) {
        sum_filtered_grey(layer, places, coarse, mode, output, width, acc);
    } else {
        sum_grey(layer, places->in, output, width, acc);
    }
}

/* Compute one row of the fine grid. */
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
                sum_any(a, layer, &places, coarse, mode, o, width, acc);
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

/* Compute the linear transform of up to CHUNK blocks. */
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
            sum_any(a, layer, &places, coarse, planes->mode[group], o, width, acc);
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

/* Compute |y| in bytes, for the hyper analysis. */
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

/* Process a finished pair of rows of the hyper analysis's first layer. */
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

/* Give the hyper analysis zeros at positions outside the tile. */
static TARGET void finish_outside(struct analysis *a, size_t row, size_t first, size_t last)
{
    const struct dp_mix *layer = &a->networks->side_in;
    memset(a->sizes, 0, layer->inputs * sizeof(ACTIVATION));
    const ACTIVATION *const in[1] = {a->sizes};
    for (size_t s = first; s < last; s++) {
        mix(layer, in, 1, NULL, a->side_pair[row % 2] + s * layer->outputs);
    }
}

/* Finish a row of latents from its branch: compute y and the hyper analysis's next rows. */
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

/* Compute one row of a grid's block; its neighbours are in the ring. */
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

/* Return whether a tile's planes are equal: one band, or three equal ones that are not rotated. */
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

#endif
