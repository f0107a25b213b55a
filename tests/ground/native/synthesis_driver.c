/*
 * Runs one variant of the synthesis network for test_compiled_synthesis.py, if the variant needs
 * another processor or instruction encoding than the extension module uses here. The compiler gets
 * VARIANT, and RUNS_HERE: whether the processor can run it.
 *
 *   synthesis_driver IN OUT
 *
 * IN holds 32-bit integers: latents, channels at 1/4 and at 1/8, qualities, depth (3); rows,
 * columns, quality; whether there is a postfilter; the matrix; shift, low, high of three moves; then for each layer its outputs,
 * inputs, low, high, shifts of 8 bits, biases of 32 and weights of 8, in the order of the struct;
 * for each block shift, low, high, two layers, the table. Then the linear weights (32 bits), its
 * biases (64), the spread (8), the latents (32), the postfilter (16) if there is one, and whether
 * boundaries of rows and columns of blocks are inside a tile (8). OUT gets the pixels.
 */
#include "network.h"
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

static struct dp_move read_move(FILE *file)
{
    const int32_t *three = read_all(file, 3, 4);
    return (struct dp_move){three[0], three[1], three[2]};
}

static struct dp_given_layer read_layer(FILE *file)
{
    const int32_t *head = read_all(file, 4, 4);
    struct dp_given_layer out = {
        .outputs = head[0], .inputs = head[1], .low = head[2], .high = head[3]};
    out.shift = read_all(file, (size_t)out.outputs, 1);
    out.bias = read_all(file, (size_t)out.outputs, 4);
    out.weight = read_all(file, (size_t)out.outputs * (size_t)out.inputs, 1);
    return out;
}

int main(int count, char **arguments)
{
    FILE *in = count == 3 ? fopen(arguments[1], "rb") : NULL;
    FILE *out = in ? fopen(arguments[2], "wb") : NULL;
    if (!out) {
        return 2;
    }
    struct dp_given given = {0};
    const int32_t *head = read_all(in, 7 + 4 + 9, 4);
    given.latents = head[0];
    given.fine = head[1];
    given.coarse = head[2];
    given.qualities = head[3];
    given.to_down = read_move(in);
    given.to_up = read_move(in);
    given.to_leave = read_move(in);
    struct dp_given_layer *const layers[] = {&given.latent_in, &given.enter, &given.down, &given.up,
                                             &given.leave};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        *layers[i] = read_layer(in);
    }
    int32_t blocks = 0;
    for (int i = 0; i < 3; i++) {
        given.depth[i] = head[4 + i];
        blocks += head[4 + i];
    }
    for (int32_t i = 0; i < blocks; i++) {
        struct dp_given_block *block = &given.block[i];
        block->entering = read_move(in);
        block->first = read_layer(in);
        block->second = read_layer(in);
        block->table =
            read_all(in, (size_t)given.qualities * (size_t)block->first.outputs, 4);
    }
    given.linear_weight = read_all(in, (size_t)DP_PIXELS * (size_t)given.latents, 4);
    given.linear_bias = read_all(in, DP_PIXELS, 8);
    given.spread = read_all(in, (size_t)given.latents, 1);
    size_t places = (size_t)head[7] * (size_t)head[8];
    struct dp_window window = {.latents = read_all(in, places * (size_t)given.latents, 4),
                               .rows = (size_t)head[7],
                               .columns = (size_t)head[8],
                               .quality = (size_t)head[9],
                               .matrix = head + 11,
                               .pixels = malloc(places * DP_PIXELS)};
    if (head[10]) {
        given.postfilter = read_all(in, DP_FILTER_WEIGHTS, 2);
    }
    window.joined_rows = read_all(in, window.rows - 1, 1);
    window.joined_columns = read_all(in, window.columns - 1, 1);
    const char *why;
    struct dp_network *network = dp_make_network(&VARIANT, &given, &why);
    if (!network || !RUNS_HERE) {
        fprintf(stderr, "%s\n", network ? "not on this processor" : why);
        return 3;
    }
    if (!VARIANT.synthesise(network, &window)) {
        return 4;
    }
    fwrite(window.pixels, 1, places * DP_PIXELS, out);
    free(network);
    return fclose(out) ? 5 : 0;
}
