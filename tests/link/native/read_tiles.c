/*
 * Reads codestreams of one tile for test_tile_reader.py, as a program of its own so that it can be
 * compiled with the sanitizers.
 *
 *   read_tiles IN OUT
 *
 * IN holds 32-bit integers: predicted, side channels, rows, columns, and the number of values of
 * each table of EntropyModel.reader_tables; then these tables, the gains and the log-scales; then
 * the codestreams, each after its length. OUT gets the latents of those that are read.
 */
#include "tile_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_all(FILE *file, size_t count, size_t size)
{
    void *out = malloc(count * size); /* of this size exactly: the sanitizer watches its end */
    if ((!out && count > 0) || fread(out, size, count, file) != count) {
        fprintf(stderr, "cannot read %zu values\n", count);
        exit(2);
    }
    return out;
}

int main(int count, char **arguments)
{
    FILE *in = count == 3 ? fopen(arguments[1], "rb") : NULL;
    FILE *out = in ? fopen(arguments[2], "wb") : NULL;
    if (!out) {
        return 2;
    }
    int32_t *head = read_all(in, 4 + 11, 4);
    size_t sizes[11];
    for (int at = 0; at < 11; at++) {
        sizes[at] = (size_t)head[4 + at];
    }
    struct dp_channel_group *group = read_all(in, sizes[0], 4);
    int32_t groups = (int32_t)(sizes[0] / 3), latents = group[groups - 1].last;
    uint16_t *mantissas = read_all(in, sizes[1], 2), *expected = read_all(in, sizes[2], 2);
    int16_t *correction = read_all(in, sizes[3], 2);
    double *means = read_all(in, sizes[4], 8);
    uint32_t *latent_shares = read_all(in, sizes[5], 4);
    int32_t *latent_start = read_all(in, sizes[6], 4);
    uint32_t *side_shares = read_all(in, sizes[7], 4);
    int8_t *side_weights = read_all(in, sizes[8], 1);
    int32_t *side_bias = read_all(in, sizes[9], 4), *thresholds = read_all(in, sizes[10], 4);
    int16_t *gain = read_all(in, (size_t)latents, 2);
    size_t values = (size_t)latents * (size_t)head[2] * (size_t)head[3];
    int16_t *scales = read_all(in, values, 2);
    const struct dp_reader_model model = {.latents = latents,
                                          .side = head[1],
                                          .predicted = head[0],
                                          .groups = groups,
                                          .group = group,
                                          .gain = gain,
                                          .mantissas = mantissas,
                                          .expected = expected,
                                          .correction = correction,
                                          .means = means,
                                          .latent_shares = latent_shares,
                                          .latent_start = latent_start,
                                          .side_shares = side_shares,
                                          .side_rule = {side_weights, side_bias, thresholds}};
    int32_t rows = (head[2] + 1) / 2, columns = (head[3] + 1) / 2;
    size_t halves = (size_t)head[1] * (size_t)rows * (size_t)columns;
    uint32_t size;
    while (fread(&size, 4, 1, in) == 1) {
        uint8_t *data = read_all(in, size, 1);
        int8_t *side = calloc(halves, 1);
        const struct dp_tile_planes tile = {
            .rows = head[2], .columns = head[3], .scales = scales, .latents = calloc(values, 4)};
        if (!side || !tile.latents) {
            return 2;
        }
        struct dp_range_reader reader;
        dp_reader_start(&reader, data, size);
        if (dp_read_side(&reader, &model, rows, columns, side) == DP_READ &&
            dp_read_latents(&reader, &model, &tile) == DP_READ && dp_reader_ends(&reader)) {
            fwrite(tile.latents, 4, values, out);
        }
        free(data);
        free(side);
        free(tile.latents);
    }
    void *all[] = {head, group, mantissas, expected, correction, means, latent_shares,
                   latent_start, side_shares, side_weights, side_bias, thresholds, gain, scales};
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        free(all[at]);
    }
    return fclose(out) || fclose(in) ? 2 : 0;
}
