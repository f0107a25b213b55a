/* 256-bit vectors: products of 16 bits, two added up. */
#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define LANES 8
#define WIDEST 2
#define PLACES 4
#define FORM {.lanes = LANES, .widest = WIDEST, .mixed = 1}

typedef __m256i vector;
#define load(at) _mm256_loadu_si256((const __m256i *)(const void *)(at))
#define store(at, value) _mm256_storeu_si256((__m256i *)(void *)(at), value)
#define dot_pairs(sum, one, weights) _mm256_add_epi32(sum, _mm256_madd_epi16(one, weights))
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
    return __builtin_cpu_supports("avx2") != 0;
}

const struct dp_variant dp_avx2 = {"avx2", FORM, runs_here, synthesise};

#endif
