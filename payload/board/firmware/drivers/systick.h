/* SysTick as a 64-bit clock (ARM DDI 0403, B3.3), because DWT's cycle counter reads 0 in QEMU. */
#ifndef DP_SYSTICK_H
#define DP_SYSTICK_H

#include <stdint.h>

void systick_init(void);
/* The board's SysTick handler calls this. */
void systick_interrupt(void);
/* Ticks since systick_init. Interrupts may be disabled for up to one turn of the counter. */
uint64_t systick_now(void);

#endif
