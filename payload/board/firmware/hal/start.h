/* The interface between a board's start-up code and its board.c. */
#ifndef DP_START_H
#define DP_START_H

#include <stdint.h>

/* Restart the board, as at power-up. Every fault ends here. */
void board_restart(void) __attribute__((noreturn));
#ifdef __ARM_ARCH_PROFILE
#if __ARM_ARCH_PROFILE == 'M'
/* Handle the interrupt with this NVIC number, and SysTick. */
void board_interrupt(uint32_t number);
void board_tick(void);
#else
void board_interrupt(void);
#endif
#endif

#endif
