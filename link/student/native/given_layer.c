#include "given_layer.h"

#include <stdlib.h>

#define MOST_IN_ROW (1 << 16) /* of weights of a filter */

int dp_are_shifts(const int8_t *shift, int32_t count)
{
    for (int32_t at = 0; at < count; at++) {
        if (shift[at] < 0 || shift[at] > DP_MOST_SHIFT) {
            return 0;
        }
    }
    return 1;
}

int dp_sums_fit(const struct dp_given_layer *layer, int64_t reach, int64_t limit,
                  const int32_t *table, int32_t rows)
{
    for (int32_t o = 0; o < layer->outputs; o++) {
        int64_t total = 0, bias = dp_magnitude(layer->bias[o]);
        for (int32_t i = 0; i < layer->inputs; i++) {
            total += abs(layer->weight[(size_t)o * (size_t)layer->inputs + (size_t)i]);
        }
        for (int32_t row = 0; table && row < rows; row++) {
            int64_t other = dp_magnitude(table[(size_t)row * (size_t)layer->outputs + (size_t)o]);
            bias = other > bias ? other : bias;
        }
        if (reach * total + bias + (1 << DP_MOST_SHIFT) > limit) {
            return 0;
        }
    }
    return dp_are_shifts(layer->shift, layer->outputs);
}

int dp_is_filter(const int16_t weights[DP_FILTER_WEIGHTS])
{
    for (int row = 0; row < DP_REACH; row++) {
        int32_t total = 0;
        for (int i = 0; i < DP_REACH; i++, weights++) {
            if (*weights == INT16_MIN) {
                return 0;
            }
            total += abs(*weights);
        }
        if (total > MOST_IN_ROW) {
            return 0;
        }
    }
    return 1;
}
