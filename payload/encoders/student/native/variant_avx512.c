/* 512-bit vectors and VNNI: four products of bytes are added up in 32 bits without saturation. */
#include "processor.h"

#ifdef DP_X86

#include "avx512.h"

#define ACTIVATION uint8_t
#define PLACES 8
#define WIDE 64
#define FORM {.bytes = 1, .lanes = LANES, .wide = WIDE}
#define OWN_TURN
#define OWN_TRANSPOSE
#define spread_out(four) spread_bytes(four)
#define dot(sum, one, weights) dot_bytes(sum, one, weights)
#define fill_bytes(value) _mm512_set1_epi8((char)(value))
#define mix_bytes_low(a, b) _mm512_unpacklo_epi8(a, b)
#define mix_bytes_high(a, b) _mm512_unpackhi_epi8(a, b)
#define shift_right(value, by) _mm512_srav_epi32(value, by)
#define narrow_pairs(a, b) _mm512_packs_epi32(a, b)
#define narrow_bytes(a, b) _mm512_packus_epi16(a, b)
#define add_pairs(a, b) _mm512_adds_epi16(a, b)
#define limit_bytes(value, low, high) _mm512_min_epu8(_mm512_max_epu8(value, low), high)

/* See layers.h. Pixels' bands are in pairs of 16 bits, (red, green) and (blue, 1). */
static inline TARGET void turn_pixels(const uint8_t *pixels, const int32_t *matrix,
                                      int16_t value[3][16])
{
    /* Each lane of 128 bits gets four pixels, which are twelve bytes. */
    const vector lanes = _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    const vector first = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1));
    const vector third = _mm512_broadcast_i32x4(
        _mm_setr_epi8(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
    vector all = _mm512_permutexvar_epi32(lanes, _mm512_maskz_loadu_epi32(0x0fff, pixels));
    vector pair = _mm512_shuffle_epi8(all, first), blue = _mm512_shuffle_epi8(all, third);
    for (int p = 0; p < 3; p++) {
        const int32_t *row = matrix + 3 * p;
        int32_t begin = (1 << 12) - 128 * (row[0] + row[1] + row[2]);
        uint32_t weights = (uint32_t)(uint16_t)row[0] | (uint32_t)row[1] << 16;
        vector sum = _mm512_set1_epi32(begin);
        sum = _mm512_dpwssd_epi32(sum, pair, _mm512_set1_epi32((int32_t)weights));
        sum = _mm512_dpwssd_epi32(sum, blue, _mm512_set1_epi32((uint16_t)row[2]));
        sum = _mm512_srai_epi32(sum, 13);
        sum = _mm512_min_epi32(_mm512_max_epi32(sum, _mm512_set1_epi32(-512)),
                               _mm512_set1_epi32(511));
        _mm256_storeu_si256((__m256i *)(void *)value[p], _mm512_cvtepi32_epi16(sum));
    }
}

/* See layers.h. Pairs, fours, and then lanes of 128 bits are exchanged. */
static inline TARGET void transpose(const int32_t *from, size_t stride, int32_t *to, size_t step)
{
    vector a[16], b[16];
    _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) { a[i] = load(from + (size_t)i * stride); }
    _Pragma("GCC unroll 8") for (int i = 0; i < 16; i += 2)
    {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 16; i += 4)
    {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++)
    {
        vector even_low = _mm512_shuffle_i32x4(a[i], a[4 + i], 0x88);
        vector odd_low = _mm512_shuffle_i32x4(a[i], a[4 + i], 0xdd);
        vector even_high = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0x88);
        vector odd_high = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0xdd);
        store(to + (size_t)i * step, _mm512_shuffle_i32x4(even_low, even_high, 0x88));
        store(to + (size_t)(8 + i) * step, _mm512_shuffle_i32x4(even_low, even_high, 0xdd));
        store(to + (size_t)(4 + i) * step, _mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
        store(to + (size_t)(12 + i) * step, _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd));
    }
}

#include "analysis.h"
#include "synthesis.h"

const struct dp_variant dp_avx512 = {FORM, analyse, find_scales};

#endif
