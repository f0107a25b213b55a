/* State that the parts of the tile reader share while they read one tile's latents. */
#ifndef DP_LATENTS_H
#define DP_LATENTS_H

#include "tile_reader.h"

#define DP_LARGEST_SYMBOL (1 << 20) /* no picture has larger symbols k or latents */

/*
 * Planes have a border of zeros, one position wide on all sides, so that sums over neighbours need
 * no conditions. Coded latents of a step (one group in one phase) are in the order of channel, row
 * and column.
 */
struct latents {
    const struct dp_reader_model *model;
    const struct dp_tile_planes *tile;
    struct dp_range_reader reader;
    int32_t stride;            /* columns of a plane */
    size_t plane;              /* positions of a plane */
    size_t cleared;            /* bytes at the beginning of the memory that are set to zero */
    uint16_t *expected;        /* [latents][plane], E of coded latents, else 0 */
    uint8_t *magnitude;        /* [latents][plane], min(|k|, 255) of those read so far */
    uint8_t *active;           /* [latents]: 1 if any latent of the channel is coded */
    double *decoded;           /* [plane][predicted], y^ of the predicted channels read so far */
    double *mean;              /* [positions of a row][channels of a predicted group] */
    uint16_t *size;            /* [plane], sums of magnitudes over a window's channels */
    uint32_t *size_expected;   /* [plane], the same of expectations */
    uint32_t *around;          /* [plane], F */
    uint32_t *around_expected; /* [plane], F_E */
    /* For the step that is being read: */
    uint32_t *channel_end; /* [channels of a group]: number of coded latents up to each channel */
    uint32_t *at;          /* position in `magnitude` and `expected` */
    uint32_t *to;          /* position in the tile */
    int32_t *level;        /* log-scale + 130 + log-gain */
    uint8_t *index;        /* corrected scale index */
    uint32_t *sorted;      /* numbers of the coded latents in the order of the codestream */
    int32_t *symbol;       /* k */
    uint8_t *low;          /* low bits of k */
};

/* Find a group's channels with coded latents; return whether there are any. */
bool dp_find_active(struct latents *latents, const struct dp_channel_group *group);
/* List the coded latents of a group in a phase and store what is expected of them; return their
   number. */
uint32_t dp_list_coded(struct latents *latents, const struct dp_channel_group *group,
                       uint32_t phase);
/* Compute the window sums F and F_E at every position: the channels just before the group, with
   weights 8, 2 and 1. */
void dp_sum_window(struct latents *latents, const struct dp_channel_group *group);
/* Find the scale indices of a step's coded latents. */
void dp_find_indices(struct latents *latents, int32_t number, uint32_t phase);
/* Read the symbols of a step. */
enum dp_reading dp_read_symbols(struct latents *latents, uint32_t count);

/* Predict the means of a group in a phase, and store them as its latents. */
void dp_find_means(struct latents *latents, const struct dp_channel_group *group, uint32_t phase,
                   const double *weights);
/* Return whether all latents of a predicted group in a phase are within a picture's bounds. */
bool dp_is_bounded(const struct latents *latents, const struct dp_channel_group *group,
                   uint32_t phase);

#endif
