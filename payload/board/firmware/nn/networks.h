/* The onboard networks: pixels to latents and side information, and side to log-scales. */
#ifndef DP_NN_NETWORKS_H
#define DP_NN_NETWORKS_H

#include "model.h"
#include "student.h"

#include <stdbool.h>

#define DP_BLOCK 16u /* a latent position is 16 x 16 pixels */
#define DP_MOST_PLACES (DP_NN_MOST_ROWS / DP_BLOCK * (DP_NN_MOST_COLUMNS / DP_BLOCK))
#define DP_MOST_SIDE_PLACES \
    ((DP_NN_MOST_ROWS / DP_BLOCK + 1u) / 2u * ((DP_NN_MOST_COLUMNS / DP_BLOCK + 1u) / 2u))

/* What the networks make of a tile, from which its codestream is coded. Places go row by row. */
struct dp_latents {
    uint32_t rows, columns, places;
    int32_t y[DP_LATENTS * DP_MOST_PLACES];      /* [channel][place] */
    int16_t scales[DP_LATENTS * DP_MOST_PLACES]; /* log-scales L, [channel][place] */
    int8_t side[DP_SIDE * DP_MOST_SIDE_PLACES];  /* [channel][place], half the sides */
};

/* Working memory that consecutive steps share. */
union dp_first {
    int16_t planes[DP_MOST_PLACES * 768u];
    int16_t fine_near[DP_MOST_PLACES * 16u * DP_PADDED(DP_FINE)];
    int16_t middle[DP_MOST_PLACES * 4u * DP_PADDED(DP_MIDDLE)];
    int16_t coarse_near[DP_MOST_PLACES * DP_PADDED(DP_COARSE)];
    int16_t sizes[DP_MOST_SIDE_PLACES * 4u * DP_PADDED(DP_LATENTS)];
    int16_t side_out[DP_MOST_SIDE_PLACES * DP_PADDED(DP_HYPER)];
    int16_t scales_in[DP_MOST_SIDE_PLACES * DP_PADDED(DP_HYPER)];
    int16_t scales_up[DP_MOST_SIDE_PLACES * 4u * DP_PADDED(DP_HYPER)];
    uint16_t expected[DP_LATENTS * DP_MOST_PLACES]; /* of codestream.c */
};
union dp_second {
    int16_t fine[DP_MOST_PLACES * 16u * DP_PADDED(DP_FINE)];
    int16_t middle_near[DP_MOST_PLACES * 4u * DP_PADDED(DP_MIDDLE)];
    int16_t coarse[DP_MOST_PLACES * DP_PADDED(DP_COARSE)];
    int16_t side_in[DP_MOST_SIDE_PLACES * 4u * DP_PADDED(DP_HYPER)];
    int16_t side_end[DP_MOST_SIDE_PLACES * DP_PADDED(DP_SIDE)];
    int16_t scales_near[DP_MOST_SIDE_PLACES * DP_PADDED(DP_HYPER)];
    uint8_t magnitudes[DP_LATENTS * DP_MOST_PLACES]; /* of codestream.c */
};
struct dp_memory {
    union dp_first first DP_ALIGNED;
    union dp_second second DP_ALIGNED;
};

/* Counts instructions, and calls `poll` when DP_POLL_INSTRUCTIONS have been reached. */
struct dp_pace {
    dp_nn_poll poll;
    void *context;
    uint32_t done;
};
void dp_pace(struct dp_pace *pace, uint32_t instructions);

/* Fill in y, side and scales of a tile that is within the limits; false if the rotation is zero. */
bool dp_analyse(const struct dp_nn_tile *tile, struct dp_latents *out, struct dp_memory *memory,
                 struct dp_pace *pace);

#endif
