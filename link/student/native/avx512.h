/* 512-bit vectors and VNNI: products of bytes or 16 bits, added up without saturation. */
#ifndef DP_AVX512_H
#define DP_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define LANES 16

typedef __m512i vector;
#define load(at) _mm512_loadu_si512(at)
#define store(at, value) _mm512_storeu_si512(at, value)
#define dot_pairs(sum, one, weights) _mm512_dpwssd_epi32(sum, one, weights)
#define dot_bytes(sum, one, weights) _mm512_dpbusd_epi32(sum, one, weights)
#define mix_pairs_low(a, b) _mm512_unpacklo_epi16(a, b)
#define mix_pairs_high(a, b) _mm512_unpackhi_epi16(a, b)
#define spread_bytes(four) spread_pairs(four)

static inline TARGET vector spread_pairs(const uint8_t *four)
{
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm512_set1_epi32(value);
}

#endif
