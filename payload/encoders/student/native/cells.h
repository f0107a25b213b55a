/* A tile's pixels on their natural axes, as the 8-bit networks read them. */
#ifndef DP_CELLS_H
#define DP_CELLS_H

#include <stddef.h>
#include <stdint.h>

#define DP_CELL 4                             /* pixels a side */
#define DP_CELL_BYTES (3 * DP_CELL * DP_CELL) /* row, column, plane */
#define DP_BLOCK_BYTES (16 * DP_CELL_BYTES)   /* of 4 x 4 cells */

/* What the networks read; bytes have the zero point 128, planes are 4 * high + low. */
struct dp_cells {
    int32_t copies;    /* of the high bytes in `entering` */
    uint8_t *entering; /* [4 * rows][4 * columns][copies + 1][DP_CELL_BYTES], low ones last */
    uint8_t *high;     /* [rows][columns][DP_BLOCK_BYTES] */
    uint8_t *low;      /* likewise */
};

/* Fill in the cells of rows * columns blocks of 16 x 16 pixels, [16 * rows][16 * columns][3]. */
void dp_write_cells(const uint8_t *pixels, int32_t rows, int32_t columns, const int32_t matrix[9],
                    const struct dp_cells *out);

#endif
