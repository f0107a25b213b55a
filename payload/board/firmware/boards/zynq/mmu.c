/*
 * Address translation of the real Zynq-7000 boards, which their caches need: an identity map in
 * sections of 1 MB (ARM DDI 0406, B3.5.1). The first 1 GB is DDR: normal memory, write-back.
 * Everything above is devices (UG585, table 4-1), except on-chip memory, which is not used here.
 *
 * UG585 3.2.4 gives the order: invalidate the caches' contents, then enable the caches.
 */
#include "mmu.h"

#include <stdint.h>

enum {
    SECTION = 0x2,
    EXECUTE_NEVER = 0x10,
    FULL_ACCESS = 0x3 << 10,
    DEVICE = 0x4,                     /* TEX 000, C 0, B 1 */
    NORMAL_WRITE_BACK = 0x1000 | 0xC, /* TEX 001, C 1, B 1 */
    SECTIONS_OF_DDR = 1024,
    SCTLR_MMU = 0x1,
    SCTLR_DATA = 0x4,
    SCTLR_PREDICTION = 0x800,
    SCTLR_INSTRUCTIONS = 0x1000,
};

static uint32_t table[4096] __attribute__((aligned(16384)));

/* Level 1 data cache: 4 ways of 256 sets of 32 bytes. */
static void invalidate_data(void)
{
    for (uint32_t way = 0; way < 4u; way++) {
        for (uint32_t set = 0; set < 256u; set++) {
            __asm__ volatile("mcr p15, 0, %0, c7, c6, 2" : : "r"(way << 30 | set << 5)); /* DCISW */
        }
    }
    __asm__ volatile("dsb" ::: "memory");
}

void mmu_on(void)
{
    for (uint32_t i = 0; i < 4096u; i++) {
        table[i] = i << 20 | FULL_ACCESS | SECTION
                   | (i < SECTIONS_OF_DDR ? NORMAL_WRITE_BACK : DEVICE | EXECUTE_NEVER);
    }
    invalidate_data();
    uint32_t zero = 0, everything = 0xFFFFFFFFu, control;
    __asm__ volatile("mcr p15, 0, %0, c8, c7, 0\n\t"  /* TLBIALL */
                     "mcr p15, 0, %0, c7, c5, 0\n\t"  /* ICIALLU */
                     "mcr p15, 0, %0, c7, c5, 6\n\t"  /* BPIALL */
                     "mcr p15, 0, %0, c2, c0, 2\n\t"  /* TTBCR: table 0 only */
                     "mcr p15, 0, %1, c2, c0, 0\n\t"  /* TTBR0 */
                     "mcr p15, 0, %2, c3, c0, 0\n\t"  /* DACR: no domain is checked */
                     "dsb\n\tisb"
                     :
                     : "r"(zero), "r"((uint32_t)(uintptr_t)table), "r"(everything)
                     : "memory");
    __asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(control));
    control |= SCTLR_MMU | SCTLR_DATA | SCTLR_PREDICTION | SCTLR_INSTRUCTIONS;
    __asm__ volatile("mcr p15, 0, %0, c1, c0, 0\n\tdsb\n\tisb" : : "r"(control) : "memory");
}
