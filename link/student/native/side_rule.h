/* The contexts of the side information as arguments of the extension modules' functions. */
#ifndef DP_SIDE_RULE_H
#define DP_SIDE_RULE_H

#include "arguments.h"
#include "entropy.h"

/* Return whether an array has `count` values that leave a 32-bit sum room for the others. */
static inline bool dp_side_sums_fit(const Py_buffer *array, Py_ssize_t count)
{
    const int32_t *values = array->buf;
    bool fit = array->len == count * 4;
    for (Py_ssize_t at = 0; fit && at < count; at++) {
        fit = values[at] >= -DP_LARGEST_SIDE_SUM && values[at] <= DP_LARGEST_SIDE_SUM;
    }
    return fit;
}

/* Return whether three arrays are the weights, biases and thresholds of so many channels. */
static inline bool dp_side_rule_fits(const Py_buffer *arrays, int32_t channels)
{
    return channels >= 1 && channels <= DP_MOST_CHANNELS &&
           arrays[0].len == (Py_ssize_t)channels * 8 * channels &&
           dp_side_sums_fit(&arrays[1], (Py_ssize_t)channels * 4) &&
           dp_side_sums_fit(&arrays[2], (Py_ssize_t)channels * (DP_SIDE_CONTEXTS - 1));
}

static inline struct dp_side_rule dp_side_rule_of(const Py_buffer *arrays)
{
    return (struct dp_side_rule){
        .weights = arrays[0].buf, .bias = arrays[1].buf, .thresholds = arrays[2].buf};
}

#endif
