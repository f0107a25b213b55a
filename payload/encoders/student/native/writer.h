/* State that the parts of the tile writer share while they write one tile's codestream. */
#ifndef DP_WRITER_H
#define DP_WRITER_H

#include "context.h"
#include "entropy.h"
#include "tilewriter.h"

#define DP_SKIPPED 255 /* in place of a scale index */

struct writer {
    const struct dp_entropy *model;
    const struct dp_planes *tile;
    struct dp_coder coder;
    double rounding[DP_SCALES]; /* in steps */
    uint32_t of_index[DP_SCALES]; /* rounding in 1/256 step, and above its 8 bits the expectation */
    int32_t expected_of[DP_SCALES];
    struct dp_context context;
    size_t cleared; /* bytes at the beginning of the memory that are set to zero */
    double *mean;   /* [positions of a phase][channels of a predicted group] */
    uint32_t *corners, *edges; /* [plane]: all ones where a position's ones are coded before it */
    uint16_t *phases;          /* [plane]: where the corrections of a position's phase begin */
    /* For the group that is being written: */
    int32_t *symbol; /* [channels][plane], valid for coded latents only */
    uint8_t *index;  /* [channels][plane]: corrected scale or DP_SKIPPED; borders are not set */
    uint16_t *bins;  /* [plane]: places of a channel's corrections in their table */
    uint8_t table_of[256];            /* by index; DP_TABLES for DP_SKIPPED */
    uint32_t count[4][DP_TABLES + 1]; /* symbols of a phase by table; skipped latents last */
    uint32_t *sorted; /* symbol and index, by phase, table, channel and position */
};

/* A symbol of up to 21 bits and its scale index, together. */
static inline uint32_t dp_packed(int32_t symbol, uint32_t index)
{
    return (uint32_t)symbol << 7 | index;
}

static inline int32_t dp_symbol_of(uint32_t packed)
{
    return (int32_t)packed >> 7;
}

static inline uint32_t dp_scale_of(uint32_t packed)
{
    return packed & 127u;
}

/* Find a group's symbols, and store their magnitudes as neighbours' context. Return whether any of
   its latents may be coded. */
bool dp_find_symbols(struct writer *writer, const struct dp_channel_group *group);
/* The same for a predicted group, whose symbols are differences from predicted means. */
void dp_find_predicted_symbols(struct writer *writer, const struct dp_channel_group *group,
                               const double *weights);

/* Correct a group's scales by the magnitudes around each latent, and count symbols by table. */
void dp_find_tables(struct writer *writer, int32_t number);
/* Sort a group's symbols into coding order. */
void dp_sort_symbols(struct writer *writer, const struct dp_channel_group *group);

/* Write the side information by phase, channel and context. Returns 0 if memory is short. */
int dp_write_side(struct writer *writer);
/* Write a phase's symbols by table, then low bits, then escapes. Returns 0 if memory is short. */
int dp_write_phase(struct writer *writer, uint32_t phase);
/* Make room for this many more symbols. Returns 0 if memory is short. */
int dp_reserve(struct dp_coder *coder, size_t symbols);

#endif
