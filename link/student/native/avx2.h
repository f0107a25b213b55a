/* AVX2: products of 16 bits, two added up. Products of bytes are not exact. */
#ifndef DP_AVX2_H
#define DP_AVX2_H

#define TARGET __attribute__((target("avx2")))

#include "vectors_256.h"

#define dot_pairs(sum, one, weights) _mm256_add_epi32(sum, _mm256_madd_epi16(one, weights))

#endif
