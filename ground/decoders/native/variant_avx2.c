/* 256-bit vectors: products of 16 bits, two added up. */
#include "processor.h"

#ifdef DP_X86

#include "avx2.h"
#include "mask_256.h"

#define WIDEST 2
#define PLACES 4
#define FORM {.lanes = LANES, .widest = WIDEST, .mixed = 1}

#include "synthesis.h"

const struct dp_variant dp_avx2 = {FORM, synthesise};

#endif
