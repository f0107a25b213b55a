/* What a board must give the firmware: a serial line, a clock, a number that differs per boot. */
#ifndef DP_HAL_H
#define DP_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void hal_init(void);
/* Take up to `size` bytes that have come; return how many. Never waits. */
size_t hal_read(uint8_t *data, size_t size);
/* Hand over up to `size` bytes; return how many the line took. Never waits. */
size_t hal_write(const uint8_t *data, size_t size);
/* Ticks since boot, at hal_tick_rate() a second. */
uint64_t hal_ticks(void);
uint32_t hal_tick_rate(void);
uint32_t hal_boot_nonce(void);

#endif
