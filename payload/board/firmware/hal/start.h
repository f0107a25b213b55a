/* Between a board's start-up code and the rest of it. */
#ifndef DP_START_H
#define DP_START_H

#include <stdint.h>

/* Begin anew, as after power came: what a fault ends in. */
void board_restart(void) __attribute__((noreturn));
#ifdef __ARM_ARCH_PROFILE
#if __ARM_ARCH_PROFILE == 'M'
/* An interrupt by its number in the NVIC, and SysTick. */
void board_interrupt(uint32_t number);
void board_tick(void);
#else
void board_interrupt(void);
#endif
#endif

#endif
