/* What the parts of the tile writer share: one tile on its way into a codestream. */
#ifndef DP_WRITER_H
#define DP_WRITER_H

#include "rangecoder.h"
#include "tilewriter.h"

/* Row and column parity of the positions coded first, second, third and last; and the reverse. */
extern const uint8_t dp_phase_row[4], dp_phase_column[4], dp_phase_at[2][2];

#define DP_LARGEST_MAGNITUDE 255
#define DP_LARGEST_SYMBOL (1 << 20)

/* A latent that is not silent. */
struct spoken {
    uint32_t at, place; /* in all planes and in its own, borders included */
    uint32_t from;      /* in its channel of the tile */
    int32_t symbol;
    int16_t level; /* log-scale + 130, before any correction */
    uint8_t index; /* of the scale, corrected */
    uint8_t table;
};

/* A group's spoken latents in one phase, in order of channel and position. */
struct part {
    struct spoken *spoken;
    uint32_t count;
};

struct writer {
    const struct dp_entropy *model;
    const struct dp_planes *tile;
    struct dp_coder coder;
    double rounding[DP_SCALES]; /* in steps */
    int32_t stride, plane;      /* of planes with a border of one position all around */
    uint8_t *magnitude;         /* [latents][plane] */
    uint16_t *expected;         /* [latents][plane] */
    double *decoded;            /* [plane][predicted] */
    double *mean;               /* [positions of a phase][channels of a leading group] */
    uint16_t *size;             /* [plane], sums over a window's channels */
    uint32_t *size_expected;    /* [plane], likewise */
    uint32_t *around;           /* [plane], F */
    uint32_t *around_expected;  /* [plane], F_E */
    struct part part[4];
    uint32_t *order;
};

static inline int32_t dp_limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline int32_t dp_highest_bit(uint32_t value)
{
#if defined(__GNUC__)
    return 31 - __builtin_clz(value);
#else
    int32_t at = 0;
    while (value >>= 1) {
        at++;
    }
    return at;
#endif
}

/* How many low bits of a scale's symbols go uncoded. */
static inline uint32_t dp_low_bits(uint32_t index)
{
    return index < DP_TABLES ? 0 : (index - DP_TABLES) / 8 + 1;
}

/* The scale index of a log-scale + 130. */
static inline int32_t dp_index_of(int32_t level)
{
    return dp_limited(level >> 2, 0, DP_SCALES - 1);
}

/* Fill in the parts of a group: what its spoken latents are, symbols and first scales. */
void dp_find_symbols(struct writer *writer, const struct dp_group *group);
/* The same of a leading group, whose latents are told as differences from their means. */
void dp_find_leading_symbols(struct writer *writer, const struct dp_group *group,
                             const double *weights);

/* F and F_E at every position: the channels just before the group, with weights 8, 2 and 1. */
void dp_look_back(struct writer *writer, const struct dp_group *group);
/* Correct the scales of a part by the magnitudes around, and put it in order of tables, stably. */
void dp_find_tables(struct writer *writer, int32_t number, uint32_t phase);

/* Write the side information, by phase, channel and context; 0 where memory is short. */
int dp_write_side(struct writer *writer);
/* Write a part by table, then low bits, then what is beyond the tables; 0 likewise. */
int dp_write_part(struct writer *writer, const struct part *part);
/* Make room for so many symbols more; 0 likewise. */
int dp_reserve(struct dp_coder *coder, size_t symbols);

#endif
