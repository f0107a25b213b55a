/* 256-bit vectors and the VEX form of VNNI, on processors without 512-bit vectors. */
#include "processor.h"

#ifdef DP_X86

#include "avxvnni.h"
#include "mask_256.h"

#define WIDEST 3
#define PLACES 4
#define BYTES 1
#define FORM {.lanes = LANES, .widest = WIDEST, .bytes = 1, .mixed = 1}

#include "synthesis.h"

const struct dp_variant dp_avxvnni = {FORM, synthesise};

#endif
