/* Layers and filters as `integers.npz` stores them, before they are packed for a variant. */
#ifndef DP_GIVEN_LAYER_H
#define DP_GIVEN_LAYER_H

#include <stddef.h>
#include <stdint.h>

#define DP_MOST_CHANNELS (1 << 12)
#define DP_MOST_SHIFT 24
#define DP_REACH 8 /* pixels on either side of a boundary of blocks that its filter changes */
#define DP_FILTER_WEIGHTS (DP_REACH * DP_REACH)

/* Outputs are (sum + bias + half) >> shift, then limited. */
struct dp_given_layer {
    const int8_t *weight; /* [outputs][inputs] */
    const int32_t *bias;  /* [outputs] */
    const int8_t *shift;  /* [outputs] */
    int32_t outputs, inputs, low, high;
};

static inline int64_t dp_magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Return what rounding adds to a sum. */
static inline int32_t dp_half(const struct dp_given_layer *layer, size_t output)
{
    return layer->shift[output] > 0 ? 1 << (layer->shift[output] - 1) : 0;
}

/* Return whether all shifts are to the right and by DP_MOST_SHIFT at most. */
int dp_are_shifts(const int8_t *shift, int32_t count);

/*
 * Return whether a layer's sums stay within `limit` in any order, for inputs up to `reach` from
 * their zero point, and with the biases in the rows of `table`, if there is one, in place of its
 * own; and whether its shifts are shifts.
 */
int dp_sums_fit(const struct dp_given_layer *layer, int64_t reach, int64_t limit,
                  const int32_t *table, int32_t rows);

/* Return whether weights of a filter across block boundaries are as link/student/lapped.py allows. */
int dp_is_filter(const int16_t weights[DP_FILTER_WEIGHTS]);

#endif
