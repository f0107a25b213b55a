/* The Zynq-7000's DMA controller, an ARM PL330: as much of it as empties a FIFO. */
#ifndef DP_PL330_H
#define DP_PL330_H

#include <stdint.h>

enum { PL330_BURST = 16 };

/* Prepare channel 0 to read one address PL330_BURST times, a byte each. */
void pl330_init(uint32_t from);
/* Do so, and return the bytes when they are there. */
const uint8_t *pl330_fetch(void);

#endif
