/* State that the parts of the tile reader share while they read one tile's latents. */
#ifndef DP_LATENTS_H
#define DP_LATENTS_H

#include "context.h"
#include "tile_reader.h"

/* Coded latents of a step (one group in one phase) are in the order of channel, row and column. */
struct latents {
    const struct dp_reader_model *model;
    const struct dp_tile_planes *tile;
    struct dp_range_reader reader;
    struct dp_context context;
    size_t cleared; /* bytes at the beginning of the memory that are set to zero */
    double *mean;   /* [positions of a row][channels of a predicted group] */
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
/* Find the scale indices of a step's coded latents. */
void dp_find_indices(struct latents *latents, int32_t number, uint32_t phase);
/* Read the symbols of a step. */
enum dp_reading dp_read_symbols(struct latents *latents, uint32_t count);

#endif
