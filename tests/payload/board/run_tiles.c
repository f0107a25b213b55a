/* Encodes every tile of the file `tiles` and writes the codestreams to the file `streams`. */
#include "tiles.h"

#define LARGEST 65536u

int main(void);

static uint8_t out[LARGEST];

int main(void)
{
    FILE *to = fopen("streams", "wb");
    struct dp_nn_tile tile;
    if (!to) {
        return 1;
    }
    if (dp_nn_self_test() != dp_nn_golden_crc) {
        puts("the golden tile differs");
        return 1;
    }
    while (next_tile(&tile)) {
        uint32_t length = dp_nn_encode(&tile, out, LARGEST, NULL, NULL);
        uint8_t said[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), 0};
        fwrite(said, 1, 4, to);
        fwrite(out, 1, length, to);
    }
    fclose(to);
    puts(dp_nn_kernels);
    return 0;
}
