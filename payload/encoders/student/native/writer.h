/* What the parts of the tile writer share: one tile on its way into a codestream. */
#ifndef DP_WRITER_H
#define DP_WRITER_H

#include "entropy.h"
#include "tilewriter.h"

#define DP_LARGEST_SYMBOL (1 << 20)

#define DP_SKIPPED 255     /* in place of a scale index */

struct writer {
    const struct dp_entropy *model;
    const struct dp_planes *tile;
    struct dp_coder coder;
    double rounding[DP_SCALES]; /* in steps */
    int32_t expected_of[DP_SCALES];
    int32_t stride, plane;      /* of planes with a border of one position all around */
    size_t cleared;             /* bytes of memory, from its beginning, that begin as zeros */
    uint8_t *magnitude;         /* [latents][plane] */
    uint16_t *expected;         /* [latents][plane] */
    double *decoded;            /* [plane][predicted] */
    double *mean;               /* [positions of a phase][channels of a leading group] */
    uint16_t *size;             /* [plane], sums over a window's channels */
    uint32_t *size_expected;    /* [plane], likewise */
    uint32_t *around;           /* [plane], F */
    uint32_t *around_expected;  /* [plane], F_E */
    /* Of the group that is being written: */
    uint8_t *active; /* [channels]: not skipped everywhere */
    int32_t *symbol; /* [channels][plane], where a latent is not skipped */
    uint8_t *index;  /* [channels][plane]: of the scale, corrected; DP_SKIPPED; borders are not set */
    uint16_t *bins;  /* [2][columns]: where corrections of two rows are in their table */
    uint32_t *neighbours[4]; /* [columns]: all ones at odd columns; everywhere; nowhere; even ones */
    uint8_t table_of[256];            /* by index; DP_TABLES of DP_SKIPPED */
    uint32_t count[4][DP_TABLES + 1]; /* of a phase's symbols, by table; skipped ones last */
    uint32_t *sorted; /* a phase after another, by table, channel and position: symbol and index */
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

/* Find a group's symbols, and put their sizes where neighbours look. */
void dp_find_symbols(struct writer *writer, const struct dp_channel_group *group);
/* The same of a leading group, whose latents are told as differences from their means. */
void dp_find_leading_symbols(struct writer *writer, const struct dp_channel_group *group,
                             const double *weights);

/* F and F_E at every position: the channels just before the group, with weights 8, 2 and 1. */
void dp_look_back(struct writer *writer, const struct dp_channel_group *group);
/* Find a group's scales, corrected by the magnitudes around, and count symbols by table. */
void dp_find_tables(struct writer *writer, int32_t number);
/* Put a group's symbols in order. */
void dp_sort_symbols(struct writer *writer, const struct dp_channel_group *group);

/* Write the side information, by phase, channel and context; 0 where memory is short. */
int dp_write_side(struct writer *writer);
/* Write a phase by table, then low bits, then what is beyond the tables; 0 likewise. */
int dp_write_phase(struct writer *writer, uint32_t phase);
/* Make room for so many symbols more; 0 likewise. */
int dp_reserve(struct dp_coder *coder, size_t symbols);

#endif
