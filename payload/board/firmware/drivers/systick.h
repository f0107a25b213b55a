/* SysTick as a clock of 64 bits (ARM DDI 0403, B3.3): DWT's cycle counter reads 0 in QEMU. */
#ifndef DP_SYSTICK_H
#define DP_SYSTICK_H

#include <stdint.h>

void systick_init(void);
/* The board's handler calls this. */
void systick_interrupt(void);
/* Right also while interrupts are held off, for as long as one turn takes. */
uint64_t systick_now(void);

#endif
