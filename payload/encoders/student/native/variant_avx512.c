/* 512-bit vectors and VNNI: products of bytes, four added up in 32 bits, nothing saturates. */
#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define ACTIVATION uint8_t
#define LANES 16
#define PLACES 8
#define FORM {.bytes = 1, .lanes = LANES}

typedef __m512i vector;
#define load(at) _mm512_loadu_si512(at)
#define store(at, value) _mm512_storeu_si512(at, value)
#define dot(sum, one, weights) _mm512_dpbusd_epi32(sum, one, weights)

static inline TARGET vector spread_out(const uint8_t *four)
{
    int32_t value;
    memcpy(&value, four, sizeof value);
    return _mm512_set1_epi32(value);
}

#include "layers.h"

static int runs_here(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

const struct dp_variant dp_avx512 = {"avx512", FORM, runs_here, analyse, find_scales};

#endif
