/* Arm's dot products of bytes (ARMv8.2 and later). */
#include "processor.h"

#ifdef DP_ARM

#include "neon.h"

#define ACTIVATION uint8_t
#define PLACES 8
#define FORM {.bytes = 1, .lanes = LANES, .zero = 128}
#define spread_out(four) spread_bytes(four)
#define dot(sum, one, weights) dot_bytes(sum, one, weights)

#include "analysis.h"
#include "synthesis.h"

const struct dp_variant dp_neon = {FORM, analyse, find_scales};

#endif
