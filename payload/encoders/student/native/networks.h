/*
 * The onboard networks in integers: pixels to latents y and side information, and side information
 * to log-scales. docs/codec.md ("Data flow", "Exactness") has the layers and the arithmetic; the
 * result is that of ground/training/export/integer_networks.py to the bit.
 *
 * Each variant is the same code (layers.h) for one set of vector instructions. Where a processor
 * multiplies bytes and adds four products in 32 bits without saturation (VNNI, Arm's dot products),
 * activations and weights are bytes; elsewhere they are 16 bits wide.
 */
#ifndef DP_NETWORKS_H
#define DP_NETWORKS_H

#include <stddef.h>
#include <stdint.h>

#define DP_PIXELS 256 /* of a block in one plane */
#define DP_PLANES 3
#define DP_LEAST_PLANE (-512) /* what a plane's values are limited to */
#define DP_LARGEST_PLANE 511
#define DP_GROUP 8      /* blocks whose planes are brought to bytes in the same way */
#define DP_GREY_SHIFT 7 /* weights of equal planes, added up: 128 * high + low */
#define DP_WIDEST 48    /* outputs of a panel */
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

/* A layer as integers.npz has it; sums are limited after (sum + bias + half) >> shift. */
struct dp_given_layer {
    const int8_t *weight; /* [outputs][inputs] */
    const int32_t *bias;  /* [outputs] */
    const int8_t *shift;  /* [outputs] */
    int32_t outputs, inputs, low, high;
};

/* How a variant reads activations and weights. */
struct dp_form {
    size_t bytes; /* of an activation and of a weight: 1 or 2 */
    size_t lanes; /* 32-bit sums in a vector; a panel has up to three vectors */
    int planar;   /* a panel's weights of one input lie together, not those of one output */
    int32_t zero; /* what is taken off an unsigned byte before it is multiplied */
    size_t wide;  /* bytes of a vector where depthwise layers are packed, too; else 0 */
};

/* A 1 x 1 convolution. Weights are [panel][part][step][output of the panel][4 bytes of inputs]. */
struct dp_mix {
    size_t outputs; /* padded */
    size_t parts;   /* rows of positions that are folded into channels */
    size_t inputs;  /* padded; of one part */
    void *weights;
    int32_t *bias; /* with half, and with what zero points add */
    int32_t *shift;
    int32_t low, high;
};

/* A depthwise 3 x 3 convolution. */
struct dp_near {
    size_t channels;  /* padded */
    int16_t *weights; /* [9][channels] */
    int32_t *bias;    /* with half */
    int32_t *shift;
    int32_t low, high;
    /*
     * For vectors of `wide` channels, one after another over channels and positions, until they
     * begin with the first channel again: [period][3][4][wide / 4][4 taps]. A vector's quarter q
     * has its bytes 4 * q to 4 * q + 3 of every 16, as instructions that interleave give them.
     */
    size_t period;
    int8_t *packed;
    int32_t *packed_bias, *packed_shift; /* [period][4][wide / 4] */
};

/* A 1 x 1 convolution of the planes, [plane][pixels]; `mix` is of their values as they are. */
struct dp_plane_mix {
    struct dp_mix mix;
    int32_t *sums[DP_PLANES]; /* of a plane's weights, for each output */
    /* Of what all planes share: weights added up; in bytes 2^DP_GREY_SHIFT * high + low. */
    struct dp_mix grey, grey_high;
    uint8_t *has_high; /* for each vector of outputs: `grey_high` is not all zero */
};

struct dp_networks {
    const struct dp_variant *variant;
    void *memory; /* holds all arrays */
    size_t latents, side;
    uint8_t *spread; /* [latents]: shift of |y| for the hyper analysis */
    struct dp_plane_mix linear, enter;
    struct dp_near fine_near, middle_near, coarse_near, scales_near;
    struct dp_mix fine, down_middle, middle, down_coarse, coarse, leave;
    struct dp_mix side_in, side_out, side_end, scales_in, scales_up, scales_out;
};

/* A tile, sides in latents. */
struct dp_tile {
    const uint8_t *pixels; /* [16 * rows][16 * columns][bands] */
    int32_t rows, columns;
    int32_t bands;          /* 3, or 1 for three equal planes that are not rotated */
    const int32_t *matrix;  /* [9], in 2^-14; not read where there is one band */
    int32_t *y;             /* [latents][rows][columns] */
    int32_t *side;          /* [side][(rows + 1) / 2][(columns + 1) / 2] */
};

struct dp_side {
    const int32_t *side; /* [side][rows][columns], -128 to 127 */
    int32_t rows, columns;
    int16_t *log_scales; /* [latents][2 * rows][2 * columns] */
};

struct dp_variant {
    const char *name;
    struct dp_form form;
    int (*runs_here)(void);
    /* Both return 0 where memory is short. */
    int (*analyse)(const struct dp_networks *networks, const struct dp_tile *tile);
    int (*find_scales)(const struct dp_networks *networks, const struct dp_side *side);
};

/* From the fastest to the slowest, null at the end; the last one runs everywhere. */
extern const struct dp_variant *const dp_variants[];

/*
 * Bring networks into a variant's form. Returns null, and in `why` what does not fit (null where
 * memory is short): shapes, or sums that could leave 32 bits.
 */
struct dp_networks *dp_make_networks(const struct dp_variant *variant,
                                     const struct dp_given_layer given[DP_LAYERS],
                                     const int8_t *spread, const char **why);
void dp_free_networks(struct dp_networks *networks);
/* Return why layers do not fit each other or 32 bits; null where they do. */
const char *dp_why_not(const struct dp_given_layer given[DP_LAYERS], const int8_t *spread);

/* Outputs of the panel that begins at `output`: up to three vectors, and never one after three. */
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
