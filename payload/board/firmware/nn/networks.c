/*
 * The onboard networks in integers.
 *
 * Activations are stored position by position, with the channels of a position side by side. On the
 * finer grids, positions are ordered so that each group of 2x2 is one position's input vector on
 * the next coarser grid: folding positions into channels moves no data. Pixels are stored as 4x4
 * blocks in the same order, so sixteen of these are also the input of the linear transform.
 */
#include "networks.h"

#include "../pace.h"
#include "kernels.h"

#include <stdbool.h>

#define CELL 48u /* planes x 4 x 4 pixels */

const char dp_nn_kernels[] = DP_KERNELS;

void dp_pace(struct dp_pace *pace, uint32_t instructions)
{
    pace->done += instructions;
    if (pace->done >= DP_POLL_INSTRUCTIONS) {
        pace->done = 0;
        if (pace->poll) {
            pace->poll(pace->context);
        }
    }
}

static inline int32_t clip(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A position's index: coarse positions row by row, each split into 2x2 finer ones, and so on. */
static uint32_t place(uint32_t row, uint32_t column, uint32_t coarse_columns, uint32_t levels)
{
    uint32_t at = (row >> levels) * coarse_columns + (column >> levels);
    while (levels-- > 0) {
        at = at * 4 + (row >> levels & 1u) * 2 + (column >> levels & 1u);
    }
    return at;
}

enum dp_mode { REPLACE, ADD };

static const int16_t nothing[DP_WIDEST_NEAR] DP_ALIGNED;

/* 1x1 convolution: out = clip(convolution), or clip(out + convolution). The vectors of `out` are
   `step` apart. */
static void mix(const struct dp_layer *layer, const int16_t *in, uint32_t stride, uint32_t places,
                int16_t *out, uint32_t step, enum dp_mode mode, struct dp_pace *pace)
{
    int32_t sums[4 * DP_BATCH] DP_ALIGNED;
    const int8_t *weights = layer->weights;
    for (uint32_t o = 0; o < layer->outputs; o += 4, weights += 4u * layer->inputs) {
        for (uint32_t p = 0; p < places; p += DP_BATCH) {
            uint32_t count = places - p < DP_BATCH ? places - p : DP_BATCH;
            dp_sums(weights, layer->inputs, in + p * stride, stride, count, sums);
            for (uint32_t i = 0; i < count; i++) {
                int16_t *to = out + (p + i) * step + o;
                dp_round(sums + 4 * i, layer->bias + o, layer->shift + o, layer->low, layer->high,
                         mode == ADD ? to : nothing, to);
            }
            dp_pace(pace, count * (DP_PACE(layer->inputs) + 60u));
        }
    }
}

/* The same for the latents, replacing them or added to them: 32 bits, [channel][place]. */
static void mix_latents(const struct dp_layer *layer, const int16_t *in, uint32_t stride,
                        uint32_t places, int32_t *y, enum dp_mode mode, struct dp_pace *pace)
{
    int32_t sums[4 * DP_BATCH] DP_ALIGNED;
    const int8_t *weights = layer->weights;
    for (uint32_t o = 0; o < DP_LATENTS; o += 4, weights += 4u * layer->inputs) {
        for (uint32_t p = 0; p < places; p += DP_BATCH) {
            uint32_t count = places - p < DP_BATCH ? places - p : DP_BATCH;
            dp_sums(weights, layer->inputs, in + p * stride, stride, count, sums);
            for (uint32_t i = 0; i < count; i++) {
                int32_t *to = y + o * places + p + i;
                dp_round_wide(sums + 4 * i, layer->bias + o, layer->shift + o, layer->low,
                              layer->high);
                for (uint32_t k = 0; k < 4; k++, to += places) {
                    *to = sums[4 * i + k] + (mode == ADD ? *to : 0);
                }
            }
            dp_pace(pace, count * (DP_PACE(layer->inputs) + 60u));
        }
    }
}

/* A depthwise 3x3 convolution on a grid of positions, with zeros outside the grid. */
static void near_mix(const struct dp_depthwise *layer, const int16_t *in, int16_t *out,
                     uint32_t rows, uint32_t columns, uint32_t levels, enum dp_mode mode,
                     struct dp_pace *pace)
{
    uint32_t channels = layer->channels, coarse = columns >> levels;
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t s = 0; s < columns; s++) {
            const int16_t *near[9];
            for (uint32_t n = 0; n < 9; n++) {
                /* One before the first wraps to a large number, which is outside the grid, too. */
                uint32_t y = r + n / 3 - 1, x = s + n % 3 - 1;
                near[n] = y < rows && x < columns ? in + place(y, x, coarse, levels) * channels
                                                  : nothing;
            }
            uint32_t at = place(r, s, coarse, levels) * channels;
            for (uint32_t c = 0; c < channels; c += 8) {
                int32_t sums[8] DP_ALIGNED;
                dp_near_sums(layer->weights, channels, near, c, sums);
                for (uint32_t k = c; k < c + 8; k += 4) {
                    dp_round(sums + (k - c), layer->bias + k, layer->shift + k, layer->low,
                             layer->high, mode == ADD ? in + at + k : nothing, out + at + k);
                }
            }
            dp_pace(pace, 300u + DP_NEAR_PACE * channels);
        }
    }
}

/* value * 2^14 / norm, rounded half up, without a 64-bit division; |value| <= norm < 2^17. */
static int32_t ratio(int32_t value, uint32_t norm)
{
    uint32_t size = (uint32_t)(value < 0 ? -value : value) << 15;
    if (value >= 0) {
        return (int32_t)((size + norm) / (2 * norm));
    }
    return size <= norm ? 0 : -(int32_t)((size - norm + 2 * norm - 1) / (2 * norm));
}

/* The integer matrix of a quaternion, in units of 2^-14 (link/student/rotation.py). False if the
   quaternion is zero. */
static bool rotation_matrix(const int8_t quaternion[4], int32_t matrix[9])
{
    int32_t w = quaternion[0], x = quaternion[1], y = quaternion[2], z = quaternion[3];
    int32_t norm = w * w + x * x + y * y + z * z;
    if (norm == 0) {
        return false;
    }
    const int32_t whole[9] = {
        norm - 2 * (y * y + z * z), 2 * (x * y - w * z),        2 * (x * z + w * y),
        2 * (x * y + w * z),        norm - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y),        2 * (y * z + w * x),        norm - 2 * (x * x + y * y)};
    for (uint32_t i = 0; i < 9; i++) {
        matrix[i] = ratio(whole[i], (uint32_t)norm);
    }
    return true;
}

/* Rotate the pixels to their natural axes and store them as 4x4 blocks. The last row and column
   are repeated to whole 16 x 16 blocks. */
static void turn_pixels(const struct dp_nn_tile *tile, const int32_t matrix[9], uint32_t rows,
                        uint32_t columns, int16_t *planes, struct dp_pace *pace)
{
    uint32_t green = tile->bands == 3 ? 1 : 0, blue = tile->bands == 3 ? 2 : 0;
    for (uint32_t r = 0; r < rows * DP_BLOCK; r++) {
        uint32_t from = r < tile->rows ? r : tile->rows - 1u;
        const uint8_t *line = tile->pixels + from * tile->columns * tile->bands;
        for (uint32_t s = 0; s < columns * DP_BLOCK; s++) {
            const uint8_t *pixel = line + (s < tile->columns ? s : tile->columns - 1u) * tile->bands;
            int32_t a = pixel[0] - 128, b = pixel[green] - 128, c = pixel[blue] - 128;
            int16_t *cell = planes + place(r / 4, s / 4, columns, 2) * CELL + r % 4 * 4 + s % 4;
            for (uint32_t k = 0; k < 3; k++) {
                int32_t sum = matrix[3 * k] * a + matrix[3 * k + 1] * b + matrix[3 * k + 2] * c;
                cell[16 * k] = (int16_t)clip((sum + (1 << 12)) >> 13, -512, 511);
            }
        }
        dp_pace(pace, columns * DP_BLOCK * 90u);
    }
}

#ifdef DP_LAPPED

#define SIDE_CELLS (DP_REACH / 4u) /* 4x4 blocks on one side of a boundary that a filter changes */

/* Functions of a pass are compiled for each pass, whose numbers are then constants. */
#define FOR_EACH_PASS __attribute__((always_inline)) static inline

/* The passes along rows and along columns, between which samples have three more binary digits. */
static const struct dp_pass along_rows = {1, 4, DP_WEIGHT_BITS + 1 - 3, -8192, 8191};
static const struct dp_pass along_columns = {4, 1, DP_WEIGHT_BITS + 1 + 3, -512, 511};

/* Filter four lines across a boundary between blocks. The generator checks that the sums fit 32
   bits; the differences fit 16, because samples have at most 14. */
FOR_EACH_PASS void filter_four(const int16_t weights[DP_REACH][DP_REACH],
                               const struct dp_pass *pass, int16_t *const cells[2 * SIDE_CELLS])
{
    for (uint32_t k = 0; k < 3; k++) {
        int16_t differences[4 * DP_REACH] DP_ALIGNED;
        int32_t sums[4 * DP_REACH] DP_ALIGNED;
        int16_t *before[DP_REACH], *after[DP_REACH];
        for (uint32_t j = 0; j < DP_REACH; j++) {
            uint32_t left = DP_REACH - 1 - j, right = DP_REACH + j;
            before[j] = cells[left / 4] + 16 * k + left % 4 * pass->along;
            after[j] = cells[right / 4] + 16 * k + right % 4 * pass->along;
            for (uint32_t n = 0; n < 4; n++) {
                int32_t a = before[j][n * pass->across], b = after[j][n * pass->across];
                sums[4 * j + n] = a + b;
                differences[DP_REACH * n + j] = (int16_t)(a - b);
            }
        }
        for (uint32_t i = 0; i < DP_REACH; i++) {
            dp_butterflies(weights[i], differences, sums + 4 * i, pass, before[i], after[i]);
        }
    }
}

/* Give samples that no boundary is near the units that a pass gives out. */
FOR_EACH_PASS void rescale(const struct dp_pass *pass, int16_t *cell)
{
    for (uint32_t n = 0; n < CELL; n++) {
        cell[n] = dp_passed(pass, cell[n] * (2 << DP_WEIGHT_BITS));
    }
}

FOR_EACH_PASS void filter_lines(const int16_t weights[DP_REACH][DP_REACH],
                                const struct dp_pass *pass, uint32_t rows, uint32_t columns,
                                int16_t *planes, struct dp_pace *pace)
{
    bool down = pass->along > pass->across;
    uint32_t lines = 4 * (down ? columns : rows), length = 4 * (down ? rows : columns);
    for (uint32_t line = 0; line < lines; line++) {
        for (uint32_t middle = 0; middle < length; middle += 4) {
            int16_t *cells[2 * SIDE_CELLS];
            for (uint32_t n = 0; n < 2 * SIDE_CELLS; n++) {
                /* The last cells of a line precede its first: none of them is near a boundary. */
                uint32_t at = (middle + length - SIDE_CELLS + n) % length;
                cells[n] = planes + CELL * (down ? place(at, line, columns, 2)
                                                 : place(line, at, columns, 2));
            }
            if (middle > 0) {
                filter_four(weights, pass, cells);
            } else {
                for (uint32_t n = 0; n < 2 * SIDE_CELLS; n++) {
                    rescale(pass, cells[n]);
                }
            }
            dp_pace(pace, 5000u);
        }
    }
}

/* Filter a tile's planes across the boundaries of its blocks, as link/student/lapped.py does. */
static void prefilter(const int16_t weights[DP_REACH][DP_REACH], uint32_t rows,
                      uint32_t columns, int16_t *planes, struct dp_pace *pace)
{
    filter_lines(weights, &along_rows, rows, columns, planes, pace);
    filter_lines(weights, &along_columns, rows, columns, planes, pace);
}

#endif

/* The hyper analysis' input: |y| in 8 bits, grouped by 2x2 positions, zero outside the tile. */
static void sizes_of(const struct dp_latents *tile, int16_t *sizes, struct dp_pace *pace)
{
    uint32_t half_rows = (tile->rows + 1) / 2, half_columns = (tile->columns + 1) / 2;
    for (uint32_t r = 0; r < 2 * half_rows; r++) {
        for (uint32_t s = 0; s < 2 * half_columns; s++) {
            int16_t *to = sizes + place(r, s, half_columns, 1) * DP_PADDED(DP_LATENTS);
            dp_pace(pace, DP_LATENTS * 14u);
            if (r >= tile->rows || s >= tile->columns) {
                for (uint32_t c = 0; c < DP_LATENTS; c++) {
                    to[c] = 0;
                }
                continue;
            }
            const int32_t *y = tile->y + r * tile->columns + s;
            for (uint32_t c = 0; c < DP_LATENTS; c++, y += tile->places) {
                uint32_t shift = dp_side_spread[c];
                int32_t size = ((*y < 0 ? -*y : *y) + (1 << shift >> 1)) >> shift;
                to[c] = (int16_t)(size > 255 ? 255 : size);
            }
        }
    }
}

static void analyse_latents(struct dp_latents *out, struct dp_memory *memory, struct dp_pace *pace)
{
    union dp_first *a = &memory->first;
    union dp_second *b = &memory->second;
    uint32_t rows = out->rows, columns = out->columns, places = out->places;
    const uint32_t fine = DP_PADDED(DP_FINE), middle = DP_PADDED(DP_MIDDLE),
                   coarse = DP_PADDED(DP_COARSE);

    mix_latents(&dp_linear, a->planes, 16 * CELL, places, out->y, REPLACE, pace);
    mix(&dp_enter, a->planes, CELL, 16 * places, b->fine, fine, REPLACE, pace);
    near_mix(&dp_fine_near, b->fine, a->fine_near, 4 * rows, 4 * columns, 2, REPLACE, pace);
    mix(&dp_fine_mix, a->fine_near, fine, 16 * places, b->fine, fine, ADD, pace);
    mix(&dp_down_middle, b->fine, 4 * fine, 4 * places, a->middle, middle, REPLACE, pace);
    near_mix(&dp_middle_near, a->middle, b->middle_near, 2 * rows, 2 * columns, 1, REPLACE, pace);
    mix(&dp_middle_mix, b->middle_near, middle, 4 * places, a->middle, middle, ADD, pace);
    mix(&dp_down_coarse, a->middle, 4 * middle, places, b->coarse, coarse, REPLACE, pace);
    near_mix(&dp_coarse_near, b->coarse, a->coarse_near, rows, columns, 0, REPLACE, pace);
    mix(&dp_coarse_mix, a->coarse_near, coarse, places, b->coarse, coarse, ADD, pace);
    mix_latents(&dp_leave, b->coarse, coarse, places, out->y, ADD, pace);
}

static void analyse_side(struct dp_latents *out, struct dp_memory *memory, struct dp_pace *pace)
{
    union dp_first *a = &memory->first;
    union dp_second *b = &memory->second;
    uint32_t places = (out->rows + 1) / 2 * ((out->columns + 1) / 2);
    const uint32_t hyper = DP_PADDED(DP_HYPER), side = DP_PADDED(DP_SIDE);

    sizes_of(out, a->sizes, pace);
    mix(&dp_side_in, a->sizes, DP_PADDED(DP_LATENTS), 4 * places, b->side_in, hyper, REPLACE, pace);
    mix(&dp_side_out, b->side_in, 4 * hyper, places, a->side_out, hyper, REPLACE, pace);
    mix(&dp_side_end, a->side_out, hyper, places, b->side_end, side, REPLACE, pace);
    for (uint32_t c = 0; c < DP_SIDE; c++) {
        for (uint32_t p = 0; p < places; p++) {
            out->side[c * places + p] = (int8_t)b->side_end[p * side + c];
        }
    }
}

static void scales_of_side(struct dp_latents *out, struct dp_memory *memory, struct dp_pace *pace)
{
    union dp_first *a = &memory->first;
    union dp_second *b = &memory->second;
    uint32_t half_rows = (out->rows + 1) / 2, half_columns = (out->columns + 1) / 2;
    uint32_t places = half_rows * half_columns;
    const uint32_t hyper = DP_PADDED(DP_HYPER), side = DP_PADDED(DP_SIDE);
    int32_t sums[4] DP_ALIGNED;

    /* analyse_side has left the side information in b->side_end. */
    mix(&dp_scales_in, b->side_end, side, places, a->scales_in, hyper, REPLACE, pace);
    near_mix(&dp_scales_near, a->scales_in, b->scales_near, half_rows, half_columns, 0, ADD, pace);
    mix(&dp_scales_up, b->scales_near, hyper, places, a->scales_up, 4 * hyper, REPLACE, pace);
    const struct dp_layer *layer = &dp_scales_out;
    for (uint32_t r = 0; r < out->rows; r++) {
        for (uint32_t s = 0; s < out->columns; s++) {
            const int16_t *in = a->scales_up + place(r, s, half_columns, 1) * hyper;
            const int8_t *weights = layer->weights;
            int16_t *to = out->scales + r * out->columns + s;
            for (uint32_t o = 0; o < DP_LATENTS; o += 4, weights += 4u * layer->inputs) {
                dp_sums(weights, layer->inputs, in, hyper, 1, sums);
                dp_round_wide(sums, layer->bias + o, layer->shift + o, layer->low, layer->high);
                for (uint32_t k = 0; k < 4; k++) {
                    to[(o + k) * out->places] = (int16_t)sums[k];
                }
                dp_pace(pace, DP_PACE(layer->inputs) + 60u);
            }
        }
    }
}

bool dp_analyse(const struct dp_nn_tile *tile, struct dp_latents *out, struct dp_memory *memory,
                struct dp_pace *pace)
{
    int32_t matrix[9];
    if (!rotation_matrix(tile->rotation, matrix)) {
        return false;
    }
    out->rows = (tile->rows + DP_BLOCK - 1u) / DP_BLOCK;
    out->columns = (tile->columns + DP_BLOCK - 1u) / DP_BLOCK;
    out->places = out->rows * out->columns;
    turn_pixels(tile, matrix, out->rows, out->columns, memory->first.planes, pace);
#ifdef DP_LAPPED
    prefilter(dp_prefilter, out->rows, out->columns, memory->first.planes, pace);
#endif
    analyse_latents(out, memory, pace);
    analyse_side(out, memory, pace);
    scales_of_side(out, memory, pace);
    return true;
}
