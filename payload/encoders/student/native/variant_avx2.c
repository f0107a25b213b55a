/* 256-bit vectors without exact sums of byte products: products of 16 bits, two added up. */
#include "processor.h"

#ifdef DP_X86

#include "avx2.h"

#define ACTIVATION int16_t
#define PLACES 4
#define FORM {.bytes = 2, .lanes = LANES}
#define spread_out(four) spread_pairs(four)
#define dot(sum, one, weights) dot_pairs(sum, one, weights)

#include "analysis.h"
#include "synthesis.h"

const struct dp_variant dp_avx2 = {FORM, analyse, find_scales};

#endif
