/* Plain C for any processor: 16-bit integers, 32-bit sums. */
#include <stdint.h>

#define TARGET
#define ACTIVATION int16_t
#define LANES 8
#define PLACES 4
#define FORM {.bytes = 2, .lanes = LANES, .planar = 1}
#define OWN_SUMS

#include <stddef.h>

static inline void sum_panel(size_t width, const int16_t *const *a, const int16_t *w, size_t steps,
                             const int32_t *const *from, int32_t *to)
{
    for (size_t m = 0; m < PLACES; m++) {
        const int16_t *in = a[m], *at = w;
        int32_t sum[3 * LANES];
        for (size_t o = 0; o < width; o++) {
            sum[o] = from[m][o];
        }
        for (size_t step = 0; step < steps; step++, in += 2, at += 2 * width) {
            for (size_t o = 0; o < width; o++) {
                sum[o] += in[0] * at[o] + in[1] * at[width + o];
            }
        }
        for (size_t o = 0; o < width; o++) {
            to[m * width + o] = sum[o];
        }
    }
}

static void sums(size_t vectors, const int16_t *const *a, const void *weights, size_t steps,
                 const int32_t *const *from, int32_t *to)
{
    if (vectors == 3) {
        sum_panel(3 * LANES, a, weights, steps, from, to);
    } else if (vectors == 2) {
        sum_panel(2 * LANES, a, weights, steps, from, to);
    } else {
        sum_panel(LANES, a, weights, steps, from, to);
    }
}

#include "analysis.h"
#include "synthesis.h"

const struct dp_variant dp_plain = {FORM, analyse, find_scales};
