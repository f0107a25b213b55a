/* 256-bit vectors and the VEX form of VNNI, on processors without 512-bit vectors. */
#include "processor.h"

#ifdef DP_X86

#include "avxvnni.h"

#define ACTIVATION uint8_t
#define PLACES 4
#define WIDE 32
#define FORM {.bytes = 1, .lanes = LANES, .wide = WIDE}
#define spread_out(four) spread_bytes(four)
#define dot(sum, one, weights) dot_bytes(sum, one, weights)
#define fill_bytes(value) _mm256_set1_epi8((char)(value))
#define mix_bytes_low(a, b) _mm256_unpacklo_epi8(a, b)
#define mix_bytes_high(a, b) _mm256_unpackhi_epi8(a, b)
#define shift_right(value, by) _mm256_srav_epi32(value, by)
#define narrow_pairs(a, b) _mm256_packs_epi32(a, b)
#define narrow_bytes(a, b) _mm256_packus_epi16(a, b)
#define add_pairs(a, b) _mm256_adds_epi16(a, b)
#define limit_bytes(value, low, high) _mm256_min_epu8(_mm256_max_epu8(value, low), high)

#include "analysis.h"
#include "synthesis.h"

const struct dp_variant dp_avxvnni = {FORM, analyse, find_scales};

#endif
