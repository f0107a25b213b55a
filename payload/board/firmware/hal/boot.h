/*
 * The boot nonce: a number that differs from boot to boot.
 *
 * Two words are in memory that no start-up code clears, at an address that the linker script fixes.
 * `boots` is a counter, so boots after a reset differ. Boots after a loss of power differ by
 * `seed`, which is never written here: on real boards it is what the memory holds at power-up,
 * which is only partly random. In an emulator memory starts as zeros and the clock counts
 * instructions, so whoever starts the emulator sets `seed`. A board with a random number generator
 * adds its output as `chance`.
 */
#ifndef DP_BOOT_H
#define DP_BOOT_H

#include <stdint.h>

/* `chance`: any value that the board can expect to differ from its last boot. */
uint32_t boot_nonce(uint64_t chance);

#endif
