/*
 * What writer and reader of codestreams keep of the latents around one that is coded: magnitudes,
 * expectations and decoded values, and what both compute of them. docs/codec-integers.md
 * ("Integers of the entropy path") has the formulas of the window sums F and F_E and of the means.
 */
#ifndef DP_CONTEXT_H
#define DP_CONTEXT_H

#include "arena.h"
#include "channel_groups.h"
#include "entropy.h"

#include <stddef.h>
#include <stdint.h>

#define DP_LARGEST_SYMBOL (1 << 20) /* no picture has larger symbols k or latents */

/*
 * Planes have a border of zeros, one position wide on all sides, so that sums over neighbours need
 * no conditions.
 */
struct dp_context {
    int32_t predicted;         /* channels whose means are predicted */
    int32_t stride;            /* columns of a plane */
    size_t plane;              /* positions of a plane */
    uint8_t *magnitude;        /* [latents][plane], min(|k|, 255) of those coded so far */
    uint16_t *expected;        /* [latents][plane], E of coded latents, else 0 */
    uint8_t *active;           /* [latents]: 0 if no latent of the channel is coded */
    double *decoded;           /* [plane][predicted], y^ of those coded so far */
    uint16_t *size;            /* [plane], sums of magnitudes over a window's channels */
    uint32_t *size_expected;   /* [plane], the same of expectations */
    uint32_t *around;          /* [plane], F */
    uint32_t *around_expected; /* [plane], F_E */
};

/* Return an empty context for tiles of these sides. */
struct dp_context dp_context_of(int32_t rows, int32_t columns, int32_t predicted);
/* Assign the arrays that must be zeros at the beginning their memory. */
void dp_take_known(struct dp_arena *arena, struct dp_context *context, int32_t latents);
/* Assign the window sums their memory, of any content. */
void dp_take_sums(struct dp_arena *arena, struct dp_context *context);

/* Compute the window sums F and F_E at every position: the channels just before the group, with
   weights 8, 2 and 1. */
void dp_sum_window(struct dp_context *context, const struct dp_channel_group *group);

/* Return the number of positions that a row of a phase has. */
static inline int32_t dp_positions(const struct dp_context *context, uint32_t phase)
{
    return (context->stride - 2 - dp_phase_column[phase] + 1) / 2;
}

/*
 * Predict the means of a group's latents at a row's positions of a phase, from the decoded latents
 * around them. `weights` are those of the group; `mean` gets [positions][channels of the group],
 * with one half added, to be floored.
 */
void dp_predict_row(const struct dp_context *context, const struct dp_channel_group *group,
                    uint32_t phase, int32_t row, const double *weights, double *mean);

#endif
