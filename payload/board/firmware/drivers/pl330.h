/* The Zynq-7000's DMA controller, an ARM PL330, as far as needed to read a FIFO. */
#ifndef DP_PL330_H
#define DP_PL330_H

#include <stdint.h>

enum { PL330_BURST = 16 };

/* Prepare channel 0 to read PL330_BURST bytes from one address. */
void pl330_init(uint32_t from);
/* Read them; return the bytes once all have arrived. */
const uint8_t *pl330_fetch(void);

#endif
