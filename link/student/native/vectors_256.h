/* Vectors of 256 bits on x86-64. The header of an instruction set defines TARGET before. */
#ifndef DP_VECTORS_256_H
#define DP_VECTORS_256_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 8

typedef __m256i vector;
#define load(at) _mm256_loadu_si256((const __m256i *)(const void *)(at))
#define store(at, value) _mm256_storeu_si256((__m256i *)(void *)(at), value)
#define mix_pairs_low(a, b) _mm256_unpacklo_epi16(a, b)
#define mix_pairs_high(a, b) _mm256_unpackhi_epi16(a, b)

static inline TARGET vector spread_pairs(const uint8_t *four)
{
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm256_set1_epi32(value);
}

#endif
