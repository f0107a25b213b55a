/* Check that the C supports a network: shapes, limits of outputs, and sums within 32 bits. */
#include "networks.h"

#define LARGEST_BYTE 255
/* Bounds of |input| plus |zero point|, which one unit of weight adds to a sum at most. */
#define REACH_OF_BYTES 512
#define REACH_OF_PLANES 4096

const char *dp_why_not(const struct dp_given_layer given[DP_LAYERS], const int8_t *spread,
                       const int16_t *prefilter)
{
    /* Source of a layer's inputs, inputs per output of it (0: depthwise), limits of outputs. */
    enum { NOTHING = DP_LAYERS };
    static const struct {
        int source, times;
        int32_t low, high;
    } rules[DP_LAYERS] = {
        [DP_LINEAR] = {NOTHING, DP_PLANES * DP_PIXELS, -(1 << 24), 1 << 24},
        [DP_ENTER] = {NOTHING, DP_PLANES * 16, 0, LARGEST_BYTE},
        [DP_FINE_NEAR] = {DP_ENTER, 0, 0, LARGEST_BYTE},
        [DP_FINE_MIX] = {DP_FINE_NEAR, 1, 0, LARGEST_BYTE},
        [DP_DOWN_MIDDLE] = {DP_FINE_MIX, 4, 0, LARGEST_BYTE},
        [DP_MIDDLE_NEAR] = {DP_DOWN_MIDDLE, 0, 0, LARGEST_BYTE},
        [DP_MIDDLE_MIX] = {DP_MIDDLE_NEAR, 1, 0, LARGEST_BYTE},
        [DP_DOWN_COARSE] = {DP_MIDDLE_MIX, 4, 0, LARGEST_BYTE},
        [DP_COARSE_NEAR] = {DP_DOWN_COARSE, 0, 0, LARGEST_BYTE},
        [DP_COARSE_MIX] = {DP_COARSE_NEAR, 1, 0, LARGEST_BYTE},
        [DP_LEAVE] = {DP_COARSE_MIX, 1, -(1 << 24), 1 << 24},
        [DP_SIDE_IN] = {DP_LEAVE, 1, 0, LARGEST_BYTE},
        [DP_SIDE_OUT] = {DP_SIDE_IN, 4, 0, LARGEST_BYTE},
        [DP_SIDE_END] = {DP_SIDE_OUT, 1, -128, 127},
        [DP_SCALES_IN] = {DP_SIDE_END, 1, 0, LARGEST_BYTE},
        [DP_SCALES_NEAR] = {DP_SCALES_IN, 0, 0, LARGEST_BYTE},
        [DP_SCALES_UP] = {DP_SCALES_NEAR, 1, 0, LARGEST_BYTE},
        [DP_SCALES_OUT] = {DP_SCALES_UP, 1, INT16_MIN, INT16_MAX},
    };
    /* Layers that need equal numbers of outputs: those added up, and log-scales and latents. */
    static const int pairs[][2] = {{DP_FINE_MIX, DP_FINE_NEAR},
                                   {DP_MIDDLE_MIX, DP_MIDDLE_NEAR},
                                   {DP_COARSE_MIX, DP_COARSE_NEAR},
                                   {DP_LEAVE, DP_LINEAR},
                                   {DP_SCALES_OUT, DP_LINEAR}};
    for (int name = 0; name < DP_LAYERS; name++) {
        const struct dp_given_layer *layer = &given[name];
        int source = rules[name].source, times = rules[name].times;
        int depthwise = times == 0;
        int32_t found = source == NOTHING ? 1 : given[source].outputs;
        if (source == DP_SCALES_UP) {
            found /= 4;
        }
        if (layer->outputs < 1 || layer->outputs > DP_MOST_CHANNELS ||
            layer->inputs != (depthwise ? 9 : times * found) ||
            (depthwise && layer->outputs != found)) {
            return "layers that do not fit each other";
        }
        if (layer->low > layer->high || layer->low < rules[name].low ||
            layer->high > rules[name].high) {
            return "limits of outputs";
        }
        if (!dp_sums_fit(layer, source == NOTHING ? REACH_OF_PLANES : REACH_OF_BYTES, INT32_MAX,
                           NULL, 0)) {
            return "sums that may leave 32 bits";
        }
    }
    for (size_t at = 0; at < sizeof pairs / sizeof *pairs; at++) {
        if (given[pairs[at][0]].outputs != given[pairs[at][1]].outputs) {
            return "layers that do not fit each other";
        }
    }
    if (given[DP_SCALES_UP].outputs % 4) {
        return "layers that do not fit each other";
    }
    if (prefilter && !dp_is_filter(prefilter)) {
        return "weights of the prefilter that are too large";
    }
    return dp_are_shifts(spread, given[DP_LINEAR].outputs) ? NULL : "shifts of latents";
}
