/*
 * A number that differs from boot to boot.
 *
 * Two words lie in memory that no start-up code clears, at an address that the linker script fixes.
 * `boots` counts on: it makes the boots after a reset differ. `seed` is what made the boots after a
 * loss of power differ: whatever the memory holds then, which on real boards is part chance, part
 * habit; a source of chance where the board has one; and in an emulator, whose memory begins as
 * zeros and whose clock counts instructions, what the one who starts it puts there.
 */
#ifndef DP_BOOT_H
#define DP_BOOT_H

#include <stdint.h>

/* `chance`: whatever the board knows that it did not know at its last boot. */
uint32_t boot_nonce(uint64_t chance);

#endif
