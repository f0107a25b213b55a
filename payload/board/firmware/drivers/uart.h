/*
 * A UART that works by interrupts between two rings. The board's interrupt handler calls
 * uart_interrupt; whatever else calls these holds interrupts off.
 */
#ifndef DP_UART_H
#define DP_UART_H

#include "../hal/ring.h"

#include <stdbool.h>

extern struct ring uart_come, uart_go;

/* Set the line up; `clock` is what feeds the UART, in Hz; 0 leaves the rate as it is. */
void uart_init(uint32_t clock, uint32_t baud);
/* Move what has come into its ring, as far as that has room. */
void uart_receive(void);
/* Move what waits to go onto the line, as far as that takes it. */
void uart_send(void);
/* Do either as the line asks for it. */
void uart_interrupt(void);

#endif
