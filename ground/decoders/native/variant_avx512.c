/* 512-bit vectors and VNNI: products of bytes or of 16 bits, added up without saturation. */
#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define LANES 16
#define WIDEST 4
#define PLACES 6
#define BYTES 1
#define FORM {.lanes = LANES, .widest = WIDEST, .bytes = 1, .mixed = 1}

typedef __m512i vector;
#define load(at) _mm512_loadu_si512(at)
#define store(at, value) _mm512_storeu_si512(at, value)
#define dot_pairs(sum, one, weights) _mm512_dpwssd_epi32(sum, one, weights)
#define dot_bytes(sum, one, weights) _mm512_dpbusd_epi32(sum, one, weights)
#define spread_bytes(four) spread_out(four)
#define mix_low(a, b) _mm512_unpacklo_epi16(a, b)
#define mix_high(a, b) _mm512_unpackhi_epi16(a, b)
#define mask_above(values, limit)                                                                 \
    _mm256_cmpgt_epi16_mask(_mm256_loadu_si256((const __m256i *)(const void *)(values)),          \
                            _mm256_set1_epi16(limit))

static inline TARGET vector spread_out(const uint8_t *four)
{
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm512_set1_epi32(value);
}

#include "synthesis.h"

static int runs_here(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

const struct dp_variant dp_avx512 = {"avx512", FORM, runs_here, synthesise};

#endif
