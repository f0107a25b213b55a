/*
 * The student's onboard encoder: it codes a tile's pixels into a codestream that equals the Python
 * encoder's byte for byte (docs/codec-integers.md; docs/bitstream.md).
 *
 * It uses integers and static buffers only, and encodes one tile at a time: `poll` may not call
 * any function here. `python -m downpass.payload.board.firmware.weights --out DIR` generates the
 * weights. DIR must be on the include path, and its dp_model.c is compiled with nn/'s sources.
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
    uint8_t bands;    /* 3, or 1, which is repeated three times */
    int8_t rotation[4]; /* quaternion w, x, y, z */
    uint16_t quality; /* 0 to DP_NN_FINEST */
};

enum dp_nn_cause {
    DP_NN_DONE,
    DP_NN_LIMITS,  /* sides, bands, quality or rotation are out of range */
    DP_NN_ROOM,    /* the codestream is longer than `size` */
    DP_NN_LATENTS, /* a latent is larger than any picture's: the model is damaged */
};

/* Called about every DP_POLL_INSTRUCTIONS (pace.h), to keep the serial line going meanwhile. */
typedef void (*dp_nn_poll)(void *context);

/* Encode a tile; return the bytes written, or 0 if it fails (see dp_nn_why). `poll` may be null. */
uint32_t dp_nn_encode(const struct dp_nn_tile *tile, uint8_t *out, uint32_t size, dp_nn_poll poll,
                      void *context);
/* The cause with which the last dp_nn_encode ended. */
enum dp_nn_cause dp_nn_why(void);

/* Which kernels were compiled in: "plain", "neon", "dsp" or "helium". */
extern const char dp_nn_kernels[];
extern const uint8_t dp_nn_fingerprint[8];
extern const uint32_t dp_nn_golden_crc;
/* Encode the golden tile; return its codestream's CRC-32, which must equal dp_nn_golden_crc. */
uint32_t dp_nn_self_test(void);

#endif
