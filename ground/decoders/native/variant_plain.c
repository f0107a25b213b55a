/* Plain C for any processor: 16-bit integers, 32-bit sums. */
#include <stddef.h>
#include <stdint.h>

#define TARGET
#define LANES 16
#define WIDEST 1
#define PLACES 2
#define OWN_PAIRS
#define FORM {.lanes = LANES, .widest = WIDEST, .planar = 1}

#include "layers.h"

/* See layers.h. Channels are multiples of 16, so all panels have LANES outputs. */
static void sums_pairs(size_t vectors, const struct panel *panel, const int32_t *bias, int32_t *to,
                       size_t stride)
{
    (void)vectors;
    for (size_t m = 0; m < PLACES; m++) {
        int32_t sum[LANES];
        for (size_t o = 0; o < LANES; o++) {
            sum[o] = bias[o];
        }
        for (size_t part = 0; part < panel->parts; part++) {
            const int16_t *w = (const int16_t *)(const void *)panel->weights[part];
            const int16_t *in = (const int16_t *)(const void *)panel->in[part][m];
            for (size_t i = 0; i < 2 * panel->steps; i++, w += LANES) {
                for (size_t o = 0; o < LANES; o++) {
                    sum[o] += in[i] * w[o];
                }
            }
        }
        for (size_t o = 0; o < LANES; o++) {
            to[m * stride + o] = sum[o];
        }
    }
}

#include "synthesis.h"

const struct dp_variant dp_plain = {FORM, synthesise};
