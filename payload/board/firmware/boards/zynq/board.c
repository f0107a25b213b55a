/*
 * Zynq-7000 (UG585): one Cortex-A9, an interrupt-driven UART and the global timer. The emulated and
 * the real boards differ only in macros: UART_BASE, UART_INTERRUPT, DP_EMULATED, and DP_CLOCK_HZ if
 * the clocks are an emulator's.
 */
#include "../../drivers/uart.h"
#include "../../hal/boot.h"
#include "../../hal/hal.h"
#include "../../hal/start.h"
#include "mmu.h"

#ifndef UART_INTERRUPT
#define UART_INTERRUPT 59u /* UART 0; UART 1 has 82 (UG585, table 7-4) */
#endif
#ifndef DP_BAUD
#define DP_BAUD 921600u
#endif
#ifndef PS_CLOCK
#define PS_CLOCK 33333333u /* the crystal of ZedBoard and MicroZed */
#endif

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define BYTE(address) (*(volatile uint8_t *)(uintptr_t)(address))

/* UG585, B.28: clocks and resets. */
#define SLCR_UNLOCK REGISTER(0xF8000008u)
#define ARM_PLL REGISTER(0xF8000100u)
#define DDR_PLL REGISTER(0xF8000104u)
#define IO_PLL REGISTER(0xF8000108u)
#define ARM_CLOCK REGISTER(0xF8000120u)
#define UART_CLOCK REGISTER(0xF8000154u)
#define SYSTEM_RESET REGISTER(0xF8000200u)
/* The Cortex-A9's own: GIC and global timer (UG585, chapters 7 and 8; ARM IHI 0048). */
#define GIC_CONTROL REGISTER(0xF8F00100u)
#define GIC_PRIORITY_MASK REGISTER(0xF8F00104u)
#define GIC_ACKNOWLEDGE REGISTER(0xF8F0010Cu)
#define GIC_END REGISTER(0xF8F00110u)
#define TIMER_LOW REGISTER(0xF8F00200u)
#define TIMER_HIGH REGISTER(0xF8F00204u)
#define TIMER_CONTROL REGISTER(0xF8F00208u)
#define GIC_DISTRIBUTOR REGISTER(0xF8F01000u)
#define GIC_ENABLE(id) REGISTER(0xF8F01100u + 4u * ((id) / 32u))
#define GIC_PRIORITY(id) BYTE(0xF8F01400u + (id))
#define GIC_TARGET(id) BYTE(0xF8F01800u + (id))

enum { SPURIOUS = 1023, HIGHEST_PRIORITIES = 0xF0, MIDDLE_PRIORITY = 0xA0, FIRST_CORE = 1 };

static uint64_t chance;
static bool quiet_now;

static void hold_off(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
}

static void let_in(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

/* A PLL's output in Hz: the crystal's rate times PLL_FDIV, bits 18 to 12. */
static uint32_t pll(uint32_t control)
{
    return PS_CLOCK * (control >> 12 & 0x7Fu);
}

/* A clock in Hz: SRCSEL (bits 5 and 4) selects one of three PLLs, DIVISOR (13 to 8) divides. */
static uint32_t divided(uint32_t control, uint32_t pll0, uint32_t pll2, uint32_t pll3)
{
    uint32_t from = control >> 4 & 3u, divisor = control >> 8 & 0x3Fu;
    uint32_t rate = pll(from == 3u ? pll3 : from == 2u ? pll2 : pll0);
    return divisor != 0u ? rate / divisor : rate;
}

void hal_init(void)
{
    chance = hal_ticks(); /* the time that the boot loader took varies */
#ifndef DP_EMULATED
    mmu_on();
#endif
    TIMER_CONTROL = 1;
    uart_init(divided(UART_CLOCK, IO_PLL, ARM_PLL, DDR_PLL), DP_BAUD);
    GIC_PRIORITY(UART_INTERRUPT) = MIDDLE_PRIORITY;
    GIC_TARGET(UART_INTERRUPT) = FIRST_CORE;
    GIC_ENABLE(UART_INTERRUPT) = 1u << (UART_INTERRUPT % 32u);
    GIC_PRIORITY_MASK = HIGHEST_PRIORITIES;
    GIC_DISTRIBUTOR = 1;
    GIC_CONTROL = 1;
    let_in();
}

void board_interrupt(void)
{
    uint32_t what = GIC_ACKNOWLEDGE;
    if ((what & 0x3FFu) == UART_INTERRUPT) {
        uart_interrupt();
    }
    if ((what & 0x3FFu) != SPURIOUS) {
        GIC_END = what;
    }
}

void board_restart(void)
{
    SLCR_UNLOCK = 0xDF0Du;
    SYSTEM_RESET = 1;
    for (;;) {
    }
}

size_t hal_read(uint8_t *data, size_t size)
{
    bool full = ring_held(&uart_come) > RING_SIZE / 2u;
    size_t count = ring_take_some(&uart_come, data, size);
    if (full && count != 0u) {
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
        uart_interrupt(); /* cheaper than entering the handler */
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
#ifdef DP_EMULATED
    quiet_now = quiet;
#endif
    if (quiet_now) {
        hold_off();
    } else {
        let_in();
    }
    (void)quiet;
}

uint64_t hal_ticks(void)
{
    uint32_t high, low;
    do {
        high = TIMER_HIGH;
        low = TIMER_LOW;
    } while (high != TIMER_HIGH);
    return (uint64_t)high << 32 | low;
}

uint32_t hal_tick_rate(void)
{
#ifdef DP_EMULATED
    return 100000000u; /* QEMU's timer, whatever the clocks are set to */
#else
    return hal_clock() / 2u; /* CPU_3x2x (UG585, 8.4) */
#endif
}

uint32_t hal_clock(void)
{
#ifdef DP_CLOCK_HZ
    return DP_CLOCK_HZ;
#else
    return divided(ARM_CLOCK, ARM_PLL, DDR_PLL, IO_PLL);
#endif
}

uint32_t hal_boot_nonce(void)
{
    return boot_nonce(chance);
}
