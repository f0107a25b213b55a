/* Reads the tiles that student_tiles.py packs from the file `tiles`. A bare core reads it by
   semihosting, from the computer that emulates the core. */
#ifndef TILES_H
#define TILES_H

#include "student.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static uint16_t two(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* Read the next tile; false at the file's end. A missing or truncated file ends the program. */
static bool next_tile(struct dp_nn_tile *tile)
{
    static uint8_t pixels[DP_NN_MOST_ROWS * DP_NN_MOST_COLUMNS * 3u];
    static FILE *in;
    uint8_t head[12];
    if (!in && !(in = fopen("tiles", "rb"))) {
        exit(1);
    }
    if (fread(head, 1, sizeof head, in) != sizeof head) {
        return false;
    }
    *tile = (struct dp_nn_tile){.pixels = pixels,
                                .rows = two(head),
                                .columns = two(head + 2),
                                .bands = (uint8_t)two(head + 4),
                                .quality = two(head + 6)};
    for (int i = 0; i < 4; i++) {
        tile->rotation[i] = (int8_t)head[8 + i];
    }
    size_t size = (size_t)tile->rows * tile->columns * tile->bands;
    if (size > sizeof pixels || fread(pixels, 1, size, in) != size) {
        exit(1);
    }
    return true;
}

#endif
