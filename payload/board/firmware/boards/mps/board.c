/*
 * Arm's MPS boards as QEMU emulates them: AN500 (Cortex-M7, ARM DAI 0500) and AN547 (Cortex-M55,
 * ARM DAI 0547). Macros from the table of boards give the UART's address and the clock rate.
 */
#include "../../drivers/systick.h"
#include "../../drivers/uart.h"
#include "../../hal/boot.h"
#include "../../hal/hal.h"
#include "../../hal/start.h"

#ifndef DP_BAUD
#define DP_BAUD 921600u
#endif

#define NVIC_ENABLE(number) \
    (*(volatile uint32_t *)(uintptr_t)(0xE000E100u + 4u * ((number) / 32u)))

static bool quiet_now;

static void hold_off(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
}

static void let_in(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

void hal_init(void)
{
    systick_init();
    uart_init(SYSTEM_CLOCK, DP_BAUD);
    NVIC_ENABLE(UART_INTERRUPT) = 1u << (UART_INTERRUPT % 32u);
    NVIC_ENABLE(UART_INTERRUPT + 1u) = 1u << ((UART_INTERRUPT + 1u) % 32u);
    let_in();
}

void board_interrupt(uint32_t number)
{
    (void)number; /* only the UART's two interrupts are enabled */
    uart_interrupt();
}

void board_tick(void)
{
    systick_interrupt();
}

size_t hal_read(uint8_t *data, size_t size)
{
    bool full = ring_held(&uart_come) == RING_SIZE;
    size_t count = ring_take_some(&uart_come, data, size);
    if (full) {
        hold_off(); /* received bytes may be waiting for room */
        uart_receive();
        hal_quiet(quiet_now);
    }
    return count;
}

size_t hal_write(const uint8_t *data, size_t size)
{
    size_t count = ring_put_some(&uart_go, data, size);
    if (count != 0u) {
        hold_off();
        uart_send();
        hal_quiet(quiet_now);
    }
    return count;
}

void hal_wait(void)
{
    hold_off();
    if (ring_held(&uart_come) == 0u) {
        __asm__ volatile("dsb\n\twfi" ::: "memory"); /* a masked interrupt ends it, too */
    }
    hal_quiet(quiet_now);
}

void hal_dead(void)
{
    hold_off();
    for (;;) {
        __asm__ volatile("wfi");
    }
}

void hal_quiet(bool quiet)
{
    quiet_now = quiet;
    if (quiet) {
        hold_off();
    } else {
        let_in();
    }
}

uint64_t hal_ticks(void)
{
    return systick_now();
}

uint32_t hal_tick_rate(void)
{
    return SYSTEM_CLOCK;
}

uint32_t hal_clock(void)
{
    return DP_CLOCK_HZ;
}

uint32_t hal_boot_nonce(void)
{
    return boot_nonce(systick_now());
}
