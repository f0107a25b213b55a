/* Encodes every tile of a file: run_tiles IN OUT. On a board without an operating system the files
   are those of the computer that emulates it (semihosting). */
#include "student.h"

#include <stdio.h>
#include <stdlib.h>

#define LARGEST 65536u

int main(void);

static uint8_t pixels[DP_NN_MOST_ROWS * DP_NN_MOST_COLUMNS * 3u];
static uint8_t out[LARGEST];

static uint16_t two(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

int main(void)
{
    FILE *in = fopen("tiles", "rb"), *to = fopen("streams", "wb");
    uint8_t head[12];
    if (!in || !to) {
        return 1;
    }
    if (dp_nn_self_test() != dp_nn_golden_crc) {
        puts("the golden tile differs");
        return 1;
    }
    while (fread(head, 1, sizeof head, in) == sizeof head) {
        struct dp_nn_tile tile = {.pixels = pixels,
                                  .rows = two(head),
                                  .columns = two(head + 2),
                                  .bands = (uint8_t)two(head + 4),
                                  .quality = two(head + 6)};
        for (int i = 0; i < 4; i++) {
            tile.turn[i] = (int8_t)head[8 + i];
        }
        size_t size = (size_t)tile.rows * tile.columns * tile.bands;
        if (size > sizeof pixels || fread(pixels, 1, size, in) != size) {
            return 1;
        }
        uint32_t length = dp_nn_encode(&tile, out, LARGEST, NULL, NULL);
        uint8_t said[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), 0};
        fwrite(said, 1, 4, to);
        fwrite(out, 1, length, to);
    }
    fclose(to);
    puts(dp_nn_kernels);
    return 0;
}
