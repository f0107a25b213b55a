/* The VEX form of VNNI, for processors without 512-bit vectors: products of bytes or 16 bits. */
#ifndef DP_AVXVNNI_H
#define DP_AVXVNNI_H

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
#define spread_bytes(four) spread_pairs(four)

#include "vectors_256.h"

#endif
