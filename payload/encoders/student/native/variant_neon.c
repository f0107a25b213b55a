/* Arm's dot products of bytes (ARMv8.2 and later). They are signed, so 128 is subtracted first. */
#if defined(__aarch64__) && defined(__GNUC__) && defined(__linux__)

#include <arm_neon.h>
#include <stdint.h>
#include <sys/auxv.h>

#ifdef __clang__
#define TARGET __attribute__((target("dotprod")))
#else
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define ACTIVATION uint8_t
#define LANES 4
#define PLACES 8
#define FORM {.bytes = 1, .lanes = LANES, .zero = 128}

typedef int32x4_t vector;
#define load(at) vld1q_s32((const int32_t *)(const void *)(at))
#define store(at, value) vst1q_s32((int32_t *)(void *)(at), value)
#define dot(sum, one, weights)                                                                    \
    vdotq_s32(sum, vreinterpretq_s8_s32(one), vreinterpretq_s8_s32(weights))

static inline TARGET vector spread_out(const uint8_t *four)
{
    uint32x4_t one = vld1q_dup_u32((const uint32_t *)(const void *)four);
    return vreinterpretq_s32_u32(veorq_u32(one, vdupq_n_u32(0x80808080u)));
}

#include "analysis.h"
#include "synthesis.h"

static int runs_here(void)
{
    return (getauxval(AT_HWCAP) >> 20 & 1u) != 0; /* HWCAP_ASIMDDP */
}

const struct dp_variant dp_neon = {"neon", FORM, runs_here, analyse, find_scales};

#endif
