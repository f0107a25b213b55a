/* 256-bit vectors and the VEX form of VNNI, on processors without 512-bit vectors. */
#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* DP_EVEX_VNNI: the same in AVX-512's encoding, to test it on processors without the VEX form. */
#ifdef DP_EVEX_VNNI
#define TARGET __attribute__((target("avx2,avx512vl,avx512vnni")))
#define dot_pairs(sum, one, weights) _mm256_dpwssd_epi32(sum, one, weights)
#define dot_bytes(sum, one, weights) _mm256_dpbusd_epi32(sum, one, weights)
#else
#define TARGET __attribute__((target("avx2,avxvnni")))
#define dot_pairs(sum, one, weights) _mm256_dpwssd_avx_epi32(sum, one, weights)
#define dot_bytes(sum, one, weights) _mm256_dpbusd_avx_epi32(sum, one, weights)
#endif
#define LANES 8
#define WIDEST 3
#define PLACES 4
#define BYTES 1
#define FORM {.lanes = LANES, .widest = WIDEST, .bytes = 1, .mixed = 1}

typedef __m256i vector;
#define load(at) _mm256_loadu_si256((const __m256i *)(const void *)(at))
#define store(at, value) _mm256_storeu_si256((__m256i *)(void *)(at), value)
#define spread_bytes(four) spread_out(four)
#define mix_low(a, b) _mm256_unpacklo_epi16(a, b)
#define mix_high(a, b) _mm256_unpackhi_epi16(a, b)
#define mask_above mask_above

static inline TARGET vector spread_out(const uint8_t *four)
{
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm256_set1_epi32(value);
}

/* Return a mask of those of 16 values that are above a limit; see layers.h. */
static inline TARGET uint32_t mask_above(const int16_t *values, int16_t limit)
{
    __m256i above = _mm256_cmpgt_epi16(load(values), _mm256_set1_epi16(limit));
    __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(above), _mm256_extracti128_si256(above, 1));
    return (uint32_t)_mm_movemask_epi8(bytes);
}

#include "synthesis.h"

static int runs_here(void)
{
    unsigned a, b, c, d;
#ifdef DP_EVEX_VNNI
    (void)a, (void)b, (void)c, (void)d;
    return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#else
    /* If AVX2 is usable, the operating system saves 256-bit registers. */
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
           (a >> 4 & 1u);
#endif
}

const struct dp_variant dp_avxvnni = {"avxvnni", FORM, runs_here, synthesise};

#endif
