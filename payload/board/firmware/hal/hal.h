/*
 * What each board must provide: a serial line, a clock and a number that differs per boot.
 *
 * The line is driven by interrupts: received bytes wait in a ring until hal_read takes them, and
 * bytes given to hal_write are sent in the background. Only the main loop calls these functions.
 */
#ifndef DP_HAL_H
#define DP_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void hal_init(void);
/* Take up to `size` received bytes; return how many. Never waits. */
size_t hal_read(uint8_t *data, size_t size);
/* Queue up to `size` bytes for sending; return how many were queued. Never waits. */
size_t hal_write(const uint8_t *data, size_t size);
/* Sleep until the next interrupt, unless received bytes are waiting. */
void hal_wait(void);
/* Ticks since boot; hal_tick_rate() of them are a second. */
uint64_t hal_ticks(void);
uint32_t hal_tick_rate(void);
/* The processor's clock in Hz; 0 if unknown. */
uint32_t hal_clock(void);
/* A number that differs at every boot, as far as the board can provide one; see its board.c. */
uint32_t hal_boot_nonce(void);
/* Begin or end a computation whose timing no interrupt may disturb. This does nothing on real
   boards, whose UART would overrun. */
void hal_quiet(bool quiet);
/* Stop for good and send nothing, so that a host does not take this for a working board. */
void hal_dead(void) __attribute__((noreturn));

#endif
