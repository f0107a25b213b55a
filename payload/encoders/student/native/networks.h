/*
 * The onboard networks in integers: pixels to latents y and side information, and side information
 * to log-scales. docs/codec.md ("Data flow") has the layers, docs/codec-integers.md the
 * arithmetic. The results equal those of ground/training/export/integer_networks.py bit for bit.
 *
 * Each variant is the same code (layers.h) for one set of vector instructions. If a processor
 * multiplies bytes and adds four products in 32 bits without saturation (VNNI, Arm's dot products),
 * activations and weights are bytes; otherwise they are 16 bits wide.
 */
#ifndef DP_NETWORKS_H
#define DP_NETWORKS_H

#include "given_layer.h"

#include <stddef.h>
#include <stdint.h>

#define DP_PIXELS 256 /* pixels of a block in one plane */
#define DP_PLANES 3
#define DP_LEAST_PLANE (-512) /* lower limit of a plane's values */
#define DP_LARGEST_PLANE 511
#define DP_LAPPED_FRACTION 12  /* weights of the prefilter are in 2^-12 */
#define DP_GROUP 8      /* blocks whose planes have the same mode (planes.h) */
#define DP_GREY_SHIFT 7 /* sums of equal planes' weights are 128 * high + low */
#define DP_WIDEST 48    /* most outputs of a panel */
#define DP_CHANNELS 16  /* channels of an activation are padded to a multiple of this */

enum dp_layer_name {
    DP_LINEAR,
    DP_ENTER,
    DP_FINE_NEAR,
    DP_FINE_MIX,
    DP_DOWN_MIDDLE,
    DP_MIDDLE_NEAR,
    DP_MIDDLE_MIX,
    DP_DOWN_COARSE,
    DP_COARSE_NEAR,
    DP_COARSE_MIX,
    DP_LEAVE,
    DP_SIDE_IN,
    DP_SIDE_OUT,
    DP_SIDE_END,
    DP_SCALES_IN,
    DP_SCALES_NEAR,
    DP_SCALES_UP,
    DP_SCALES_OUT,
    DP_LAYERS
};

/* The form in which a variant reads activations and weights. */
struct dp_form {
    size_t bytes; /* of an activation and of a weight: 1 or 2 */
    size_t lanes; /* 32-bit sums in a vector; a panel has up to three vectors */
    int planar;   /* a panel's weights of one input lie together, not those of one output */
    int32_t zero; /* subtracted from an unsigned byte before it is multiplied */
    size_t wide;  /* bytes of a vector if depthwise layers are packed, too; else 0 */
};

/* A 1 x 1 convolution. Weights are [panel][part][step][output of the panel][4 bytes of inputs]. */
struct dp_mix {
    size_t outputs; /* padded */
    size_t parts;   /* rows of positions that are folded into channels */
    size_t inputs;  /* padded; of one part */
    void *weights;
    int32_t *bias; /* includes half and the zero points' share */
    int32_t *shift;
    int32_t low, high;
};

/* A depthwise 3 x 3 convolution. */
struct dp_near {
    size_t channels;  /* padded */
    int16_t *weights; /* [9][channels] */
    int32_t *bias;    /* includes half */
    int32_t *shift;
    int32_t low, high;
    /*
     * Weights for vectors of `wide` channels, in turn over channels and positions, until a vector
     * begins with the first channel again: [period][3][4][wide / 4][4 taps]. A vector's quarter q
     * has its bytes 4 * q to 4 * q + 3 of every 16, as interleaving instructions order them.
     */
    size_t period;
    int8_t *packed;
    int32_t *packed_bias, *packed_shift; /* [period][4][wide / 4] */
};

/* A 1 x 1 convolution of the planes, [plane][pixels]; `mix` has the weights for their values. */
struct dp_plane_mix {
    struct dp_mix mix;
    int32_t *sums[DP_PLANES]; /* sum of a plane's weights for each output */
    /* For values that all planes share: summed weights, as bytes 2^DP_GREY_SHIFT * high + low. */
    struct dp_mix grey, grey_high;
    uint8_t *has_high; /* for each vector of outputs: `grey_high` is not all zero */
};

/* The filter across block boundaries, prefilter.h. */
struct dp_prefilter {
    int16_t weights[DP_REACH][DP_REACH]; /* V, the same for all planes */
    /*
     * The same for the 16 pixels around a boundary, from left to right, [pair of distances][pixel]
     * [2]: those after the boundary have the opposite sign, those before it the opposite order.
     */
    int16_t along[DP_REACH / 2 * 2 * DP_REACH * 2];
};

struct dp_networks {
    const struct dp_variant *variant;
    size_t latents, side;
    uint8_t *spread; /* [latents]: shift of |y| for the hyper analysis */
    struct dp_prefilter *prefilter; /* null if the model has none */
    struct dp_plane_mix linear, enter;
    struct dp_near fine_near, middle_near, coarse_near, scales_near;
    struct dp_mix fine, down_middle, middle, down_coarse, coarse, leave;
    struct dp_mix side_in, side_out, side_end, scales_in, scales_up, scales_out;
};

/* A tile; its sides are in latents. */
struct dp_tile {
    const uint8_t *pixels; /* [16 * rows][16 * columns][bands] */
    int32_t rows, columns;
    int32_t bands;          /* 3, or 1 for three equal planes that are not rotated */
    const int32_t *matrix;  /* [9], in 2^-14; not read if there is one band */
    int32_t *y;             /* [latents][rows][columns] */
    int32_t *side;          /* [side][(rows + 1) / 2][(columns + 1) / 2] */
};

struct dp_side {
    const int32_t *side; /* [side][rows][columns], -128 to 127 */
    int32_t rows, columns;
    int16_t *log_scales; /* [latents][2 * rows][2 * columns] */
};

struct dp_variant {
    struct dp_form form;
    /* Both return 0 if memory is short. */
    int (*analyse)(const struct dp_networks *networks, const struct dp_tile *tile);
    int (*find_scales)(const struct dp_networks *networks, const struct dp_side *side);
};

/*
 * Convert networks to a variant's form, in one allocation. If shapes do not fit or sums could
 * exceed 32 bits, it returns null and writes the reason to `why`; if memory is short, both are null.
 * `prefilter` has the weights [DP_REACH][DP_REACH], or is null for none.
 */
struct dp_networks *dp_make_networks(const struct dp_variant *variant,
                                     const struct dp_given_layer given[DP_LAYERS],
                                     const int8_t *spread, const int16_t *prefilter,
                                     const char **why);
/* Return why layers do not fit each other or 32 bits; null if they do. */
const char *dp_why_not(const struct dp_given_layer given[DP_LAYERS], const int8_t *spread,
                       const int16_t *prefilter);

/* Return the outputs of the panel that begins at `output`: up to three vectors, never one after
   three. */
static inline size_t dp_panel(size_t outputs, size_t output, size_t lanes)
{
    size_t left = (outputs - output) / lanes;
    return lanes * (left == 4 ? 2 : left > 3 ? 3 : left);
}

static inline size_t dp_padded(size_t count)
{
    return (count + DP_CHANNELS - 1) / DP_CHANNELS * DP_CHANNELS;
}

#endif
