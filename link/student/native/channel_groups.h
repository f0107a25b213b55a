/* Groups of channels in coding order, and what holds for those of every model. */
#ifndef DP_CHANNEL_GROUPS_H
#define DP_CHANNEL_GROUPS_H

#include "given_layer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DP_LARGEST_WINDOW 256 /* sums of this many magnitudes fit 16 bits */

/* Channels from `first` to before `last`; `window` channels before them are their context. */
struct dp_channel_group {
    int32_t first, last, window;
};

/* Return the number of weights of a predicted group's means: [4][9][last][last - first]. */
static inline size_t dp_mean_weights(const struct dp_channel_group *group)
{
    return (size_t)4 * 9 * (size_t)group->last * (size_t)(group->last - group->first);
}

/*
 * Return whether groups follow each other up to the last latent, and the predicted channels end
 * with one. `weights` is how many weights the predicted ones' means have.
 */
static inline bool dp_groups_fit(const struct dp_channel_group *group, int32_t count,
                                 int32_t latents, int32_t predicted, size_t *weights)
{
    int32_t end = 0, predicted_end = 0;
    *weights = 0;
    for (int32_t g = 0; g < count; g++, group++) {
        if (group->first != end || group->last <= end || group->last > DP_MOST_CHANNELS ||
            group->window < 0 || group->window > group->first ||
            group->window > DP_LARGEST_WINDOW || (group->window & (group->window - 1))) {
            return false;
        }
        end = group->last;
        if (group->first < predicted) {
            predicted_end = end;
            *weights += dp_mean_weights(group);
        }
    }
    return end > 0 && end == latents && predicted_end == predicted;
}

#endif
