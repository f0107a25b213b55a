/*
 * Runs one variant of the onboard networks for test_native_networks.py, if the variant needs
 * another processor or instruction encoding than the extension module uses here. The compiler gets
 * VARIANT, and RUNS_HERE: whether the processor can run it.
 *
 *   networks_driver IN OUT
 *
 * IN holds 32-bit integers: outputs, inputs, low, high of every layer; rows, columns, bands; the
 * matrix; whether there is a prefilter; then for each layer its biases, and then all bytes: weights
 * and shifts of each layer, the spread, the prefilter's weights in 16 bits, the pixels. OUT gets
 * latents, side information (32 bits) and log-scales (16 bits).
 */
#include "networks.h"
#include "processor.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct dp_variant VARIANT;

static void *read_all(FILE *file, size_t count, size_t size)
{
    void *out = malloc(count * size + 1);
    if (!out || fread(out, size, count, file) != count) {
        fprintf(stderr, "cannot read %zu values\n", count);
        exit(2);
    }
    return out;
}

int main(int count, char **arguments)
{
    struct dp_given_layer layers[DP_LAYERS];
    FILE *in = count == 3 ? fopen(arguments[1], "rb") : NULL;
    FILE *out = in ? fopen(arguments[2], "wb") : NULL;
    if (!out) {
        return 2;
    }
    int32_t *head = read_all(in, 4 * DP_LAYERS + 3 + 9 + 1, 4);
    for (int i = 0; i < DP_LAYERS; i++) {
        const int32_t *sizes = head + 4 * i;
        layers[i] = (struct dp_given_layer){
            .outputs = sizes[0], .inputs = sizes[1], .low = sizes[2], .high = sizes[3]};
        layers[i].bias = read_all(in, (size_t)sizes[0], 4);
    }
    for (int i = 0; i < DP_LAYERS; i++) {
        size_t outputs = (size_t)layers[i].outputs;
        layers[i].weight = read_all(in, outputs * (size_t)layers[i].inputs, 1);
        layers[i].shift = read_all(in, outputs, 1);
    }
    const int8_t *spread = read_all(in, (size_t)layers[DP_LINEAR].outputs, 1);
    const int32_t *sides = head + 4 * DP_LAYERS;
    const int16_t *prefilter = sides[12] ? read_all(in, DP_FILTER_WEIGHTS, 2) : NULL;
    size_t places = (size_t)sides[0] * (size_t)sides[1];
    size_t half_rows = ((size_t)sides[0] + 1) / 2, half_columns = ((size_t)sides[1] + 1) / 2;
    const char *why;
    struct dp_networks *networks = dp_make_networks(&VARIANT, layers, spread, prefilter, &why);
    if (!networks || !RUNS_HERE) {
        fprintf(stderr, "%s\n", networks ? "not on this processor" : why);
        return 3;
    }
    size_t latents = networks->latents * places, side = networks->side * half_rows * half_columns;
    size_t scales = 4 * networks->latents * half_rows * half_columns;
    struct dp_tile tile = {.pixels = read_all(in, 256 * places * (size_t)sides[2], 1),
                           .rows = sides[0],
                           .columns = sides[1],
                           .bands = sides[2],
                           .matrix = sides + 3,
                           .y = malloc(latents * 4),
                           .side = malloc(side * 4)};
    struct dp_side given = {.side = tile.side,
                            .rows = (int32_t)half_rows,
                            .columns = (int32_t)half_columns,
                            .log_scales = malloc(scales * 2)};
    if (!VARIANT.analyse(networks, &tile) || !VARIANT.find_scales(networks, &given)) {
        return 4;
    }
    fwrite(tile.y, 4, latents, out);
    fwrite(tile.side, 4, side, out);
    fwrite(given.log_scales, 2, scales, out);
    free(networks);
    return fclose(out) ? 5 : 0;
}
