/* Side information to log-scales, row by row (see layers.h). */
#ifndef DP_SYNTHESIS_H
#define DP_SYNTHESIS_H

#include "layers.h"
#include "scratch.h"

/* The hyper synthesis's arrays. */
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

/* Compute the log-scales of one row of side information: two rows of latents. */
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

#endif
