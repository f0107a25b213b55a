/*
 * An interrupt-driven UART with a ring for each direction. The board's interrupt handler calls
 * uart_interrupt. Other callers disable interrupts first.
 */
#ifndef DP_UART_H
#define DP_UART_H

#include "../hal/ring.h"

#include <stdbool.h>

extern struct ring uart_come, uart_go;

/* Set up the line. `clock` is the UART's input clock in Hz; 0 leaves the rate unchanged. */
void uart_init(uint32_t clock, uint32_t baud);
/* Move received bytes to their ring, as far as it has room. */
void uart_receive(void);
/* Move bytes from the ring to the line, as far as the UART accepts them. */
void uart_send(void);
/* Do either, as the interrupt requires. */
void uart_interrupt(void);

#endif
