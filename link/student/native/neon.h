/* Arm's dot products of bytes (ARMv8.2 and later). They are signed, so 128 is subtracted first. */
#ifndef DP_NEON_H
#define DP_NEON_H

#include <arm_neon.h>
#include <stdint.h>

#ifdef __clang__
#define TARGET __attribute__((target("dotprod")))
#else
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define LANES 4

typedef int32x4_t vector;
#define load(at) vld1q_s32((const int32_t *)(const void *)(at))
#define store(at, value) vst1q_s32((int32_t *)(void *)(at), value)
#define dot_bytes(sum, one, weights)                                                              \
    vdotq_s32(sum, vreinterpretq_s8_s32(one), vreinterpretq_s8_s32(weights))

static inline TARGET vector spread_bytes(const uint8_t *four)
{
    uint32x4_t one = vld1q_dup_u32((const uint32_t *)(const void *)four);
    return vreinterpretq_s32_u32(veorq_u32(one, vdupq_n_u32(0x80808080u)));
}

#endif
