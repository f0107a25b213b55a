/*
 * What a board must give the firmware: a serial line, a clock, a number that differs per boot.
 *
 * The line works by interrupts: what comes waits in a ring until hal_read takes it, what
 * hal_write was given leaves by itself. Everything here is called from the main loop alone.
 */
#ifndef DP_HAL_H
#define DP_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void hal_init(void);
/* Take up to `size` bytes that have come; return how many. Never waits. */
size_t hal_read(uint8_t *data, size_t size);
/* Hand over up to `size` bytes; return how many were taken. Never waits. */
size_t hal_write(const uint8_t *data, size_t size);
/* Sleep until an interrupt, unless bytes have come or can be handed over since the last time. */
void hal_wait(void);
/* Ticks since boot, at hal_tick_rate() a second. */
uint64_t hal_ticks(void);
uint32_t hal_tick_rate(void);
/* The processor's clock in Hz; 0 where nobody knows. */
uint32_t hal_clock(void);
/* Another number at every boot, as far as the board can; see its board.c. */
uint32_t hal_boot_nonce(void);
/* Begin or end a stretch of computing in which no interrupt may take time. Empty on real boards,
   whose UART would run over. */
void hal_quiet(bool quiet);
/* Stop for good, and do nothing that a host could take for a board. */
void hal_dead(void) __attribute__((noreturn));

#endif
