/*
 * The student's whole encoder: a tile's pixels in, its finished codestream out, to the byte what
 * the encoder in Python writes (docs/codec.md, docs/bitstream.md "The student's codestream").
 *
 * Integers and static buffers only. One tile at a time: nothing here may be called again from
 * within `poll`. The weights are made by `python -m downpass.payload.board.firmware.weights --out DIR`,
 * whose folder is on the include path and whose dp_model.c is compiled beside nn/'s sources.
 */
#ifndef DP_NN_STUDENT_H
#define DP_NN_STUDENT_H

#include <stdint.h>

#define DP_NN_MOST_ROWS 64u
#define DP_NN_MOST_COLUMNS 64u
#define DP_NN_FINEST 256u /* the finest quality */

struct dp_nn_tile {
    const uint8_t *pixels; /* rows * columns * bands, interleaved */
    uint16_t rows, columns;
    uint8_t bands;    /* 3, or 1: repeated three times */
    int8_t rotation[4]; /* quaternion w, x, y, z */
    uint16_t quality; /* 0 to DP_NN_FINEST */
};

enum dp_nn_cause {
    DP_NN_DONE,
    DP_NN_LIMITS,  /* sides, bands, quality or rotation are none that an encoder takes */
    DP_NN_ROOM,    /* the codestream is longer than `size` */
    DP_NN_LATENTS, /* latents beyond any picture's: the model is damaged */
};

/* Called about every DP_POLL_INSTRUCTIONS (pace.h), so that the line goes on meanwhile. */
typedef void (*dp_nn_poll)(void *context);

/* Bytes written, or 0 and a cause, see dp_nn_why. `poll` may be null. */
uint32_t dp_nn_encode(const struct dp_nn_tile *tile, uint8_t *out, uint32_t size, dp_nn_poll poll,
                      void *context);
/* How the last call of dp_nn_encode ended. */
enum dp_nn_cause dp_nn_why(void);

/* Which kernels were compiled in: "plain", "neon", "dsp" or "helium". */
extern const char dp_nn_kernels[];
extern const uint8_t dp_nn_fingerprint[8];
extern const uint32_t dp_nn_golden_crc;
/* Encodes the golden tile; returns the CRC-32 of its codestream, dp_nn_golden_crc if all is well. */
uint32_t dp_nn_self_test(void);

#endif
