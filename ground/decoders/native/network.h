/*
 * The decoder's synthesis network in integers: decoded latents to pixels. docs/codec.md ("Data
 * flow") has the layers, docs/codec-integers.md the arithmetic. The results equal those of
 * ground/training/export/integer_networks.py bit for bit.
 *
 * Each variant is the same code (layers.h, synthesis.h) for one set of vector instructions.
 * Activations have 16 bits. Where a convolution reads values from 0 to 255 and the processor adds
 * up products of bytes without saturation, they are bytes.
 */
#ifndef DP_NETWORK_H
#define DP_NETWORK_H

#include "given_layer.h"

#include <stddef.h>
#include <stdint.h>

#define DP_BLOCK 16   /* side of a latent's block of pixels */
#define DP_PIXELS 768 /* values of a block: [plane][row][column] */
#define DP_CELL 48    /* values of a cell of 4 x 4 pixels: [plane][row][column] */
#define DP_MULTIPLE 32  /* outputs of sparse sums are padded to a multiple of this */
#define DP_BYTE 255   /* largest byte; what activations exceed it by is added separately */
#define DP_LINEAR_SHIFT 17      /* of the linear path's sums */
#define DP_LARGEST_LATENT (1 << 28)
#define DP_MOST_BLOCKS 64

/* A change of grid: (value + half) >> shift, then limited; a negative shift multiplies. */
struct dp_move {
    int32_t shift, low, high;
};

struct dp_given_block {
    struct dp_move entering;
    struct dp_given_layer first, second;
    const int32_t *table; /* [qualities][channels]: biases of `first` */
};

/* The network as stored. `fine` and `coarse` are the channels at 1/4 and 1/8. */
struct dp_given {
    int32_t latents, fine, coarse, qualities;
    const int32_t *linear_weight; /* [DP_PIXELS][latents] */
    const int64_t *linear_bias;   /* [DP_PIXELS] */
    const int8_t *spread;         /* [latents] */
    const int16_t *postfilter;    /* [written][read]; null if there is none */
    struct dp_given_layer latent_in, enter, down, up, leave;
    struct dp_move to_down, to_up, to_leave;
    int32_t depth[3]; /* residual blocks at 1/4, at 1/8, and at 1/4 again */
    struct dp_given_block block[DP_MOST_BLOCKS];
};

/* The form in which a variant reads activations and weights. */
struct dp_form {
    size_t lanes;  /* 32-bit sums in a vector */
    size_t widest; /* vectors of outputs in a panel */
    int bytes;     /* whether it multiplies bytes */
    int32_t zero;  /* subtracted from an unsigned byte before it is multiplied */
    int planar;    /* a panel's weights of one input of 16 bits lie together */
    int mixed;     /* rows of weights are in the order that interleaving two of them undoes */
};

/*
 * A convolution whose inputs are `parts` runs of `inputs` neighbouring values: rows of a 3 x 3
 * convolution or of folded positions. Weights are [panel][part][step][output of the panel][4 bytes
 * of inputs], or [panel][part][input][output of the panel] if they are planar.
 */
struct dp_conv {
    size_t outputs, parts, inputs;
    int bytes; /* inputs and weights are bytes, not 16 bits wide */
    void *weights;
    int32_t *bias; /* includes half */
    int32_t *zero; /* [part][outputs]: the zero point's share, if inputs are bytes with one */
    int32_t *shift;
    int32_t low, high;
    /*
     * The weights again, for few inputs at a time: [part][input][dp_padded(outputs)]. Null if the
     * layer has no such inputs.
     */
    int16_t *rows;
};

/* Sums over latents, most of which are zero. */
struct dp_latent_sum {
    size_t outputs;   /* a multiple of DP_MULTIPLE */
    int16_t *rows;    /* [latent][outputs] */
    int32_t *bias;    /* includes half */
    int32_t *largest; /* [latent]: largest magnitude of its weights */
};

struct dp_block {
    struct dp_move entering;
    struct dp_conv first, second;
    int32_t *table; /* [qualities][channels]: the first convolution's `bias` */
};

struct dp_network {
    const struct dp_variant *variant;
    size_t latents, fine, coarse, qualities;
    struct dp_latent_sum linear, hint;
    int32_t *hint_shift;
    int32_t hint_low, hint_high;
    uint8_t *spread;
    int32_t *postfilter; /* [difference][pixel across the boundary]; null if there is none */
    struct dp_conv enter, down, up[2], leave; /* up: for either row of the finer grid */
    struct dp_move to_down, to_up, to_leave;
    size_t depth[3];
    struct dp_block block[DP_MOST_BLOCKS];
};

/* A window of a frame; its sides are in latents. */
struct dp_window {
    const int32_t *latents; /* [latents][rows][columns] */
    size_t rows, columns;
    /* Whether boundaries between rows and columns of blocks lie inside a tile. */
    const uint8_t *joined_rows, *joined_columns; /* [rows - 1], [columns - 1] */
    size_t quality;
    const int32_t *matrix; /* [9], in 2^-14: pixel = planes times matrix */
    uint8_t *pixels;       /* [16 * rows][16 * columns][3] */
};

struct dp_variant {
    struct dp_form form;
    /* Returns 0 if memory is short. */
    int (*synthesise)(const struct dp_network *network, const struct dp_window *window);
};

/*
 * Convert a network to a variant's form, in one allocation. If it does not fit, the function returns
 * null and writes the reason to `why`; if memory is short, both are null.
 */
struct dp_network *dp_make_network(const struct dp_variant *variant, const struct dp_given *given,
                                   const char **why);
/* Return why layers do not fit each other, 16 or 32 bits; null if they do. */
const char *dp_why_not(const struct dp_given *given);

/* Return the outputs of the panel that begins at `output`; panels are about equally wide. */
static inline size_t dp_panel(const struct dp_form *form, size_t outputs, size_t output)
{
    size_t left = (outputs - output) / form->lanes;
    size_t panels = (left + form->widest - 1) / form->widest;
    return (left + panels - 1) / panels * form->lanes;
}

static inline size_t dp_padded(size_t outputs)
{
    return (outputs + DP_MULTIPLE - 1) / DP_MULTIPLE * DP_MULTIPLE;
}

static inline size_t dp_blocks(const size_t depth[3])
{
    return depth[0] + depth[1] + depth[2];
}

#endif
