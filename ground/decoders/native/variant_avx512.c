/* 512-bit vectors and VNNI: products of bytes or of 16 bits, added up without saturation. */
#include "processor.h"

#ifdef DP_X86

#include "avx512.h"

#define WIDEST 4
#define PLACES 6
#define BYTES 1
#define FORM {.lanes = LANES, .widest = WIDEST, .bytes = 1, .mixed = 1}
#define mask_above(values, limit)                                                                 \
    _mm256_cmpgt_epi16_mask(_mm256_loadu_si256((const __m256i *)(const void *)(values)),          \
                            _mm256_set1_epi16(limit))

#include "synthesis.h"

const struct dp_variant dp_avx512 = {FORM, synthesise};

#endif
