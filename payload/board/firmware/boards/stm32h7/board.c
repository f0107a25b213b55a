/*
 * NUCLEO-H743ZI2 (UM2407): STM32H743ZI with USART3 on PD8 and PD9, which the ST-LINK presents to a
 * computer as a serial port. Register names are RM0433's, and each block cites its chapter.
 *
 * The core runs at 400 MHz in voltage scale 1, from the internal 64 MHz oscillator through PLL1.
 * The USART's kernel clock is that oscillator itself, so the line does not depend on the PLL.
 */
#include "../../drivers/systick.h"
#include "../../drivers/uart.h"
#include "../../hal/boot.h"
#include "../../hal/hal.h"
#include "../../hal/start.h"

#ifndef DP_BAUD
#define DP_BAUD 921600u
#endif
#define INTERNAL_CLOCK 64000000u
#define CORE_CLOCK 400000000u

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Power (chapter 6). */
#define PWR_CR3 REGISTER(0x5802480Cu)
#define PWR_D3CR REGISTER(0x58024818u)
/* Flash (chapter 4). */
#define FLASH_ACR REGISTER(0x52002000u)
/* Reset and clocks (chapter 8). */
#define RCC_CR REGISTER(0x58024400u)
#define RCC_CFGR REGISTER(0x58024410u)
#define RCC_D1CFGR REGISTER(0x58024418u)
#define RCC_D2CFGR REGISTER(0x5802441Cu)
#define RCC_D3CFGR REGISTER(0x58024420u)
#define RCC_PLLCKSELR REGISTER(0x58024428u)
#define RCC_PLLCFGR REGISTER(0x5802442Cu)
#define RCC_PLL1DIVR REGISTER(0x58024430u)
#define RCC_PLL1FRACR REGISTER(0x58024434u)
#define RCC_D2CCIP2R REGISTER(0x58024454u)
#define RCC_AHB2ENR REGISTER(0x580244DCu)
#define RCC_AHB4ENR REGISTER(0x580244E0u)
#define RCC_APB1LENR REGISTER(0x580244E8u)
/* Pins (chapter 11): port D. */
#define GPIOD_MODER REGISTER(0x58020C00u)
#define GPIOD_OSPEEDR REGISTER(0x58020C08u)
#define GPIOD_PUPDR REGISTER(0x58020C0Cu)
#define GPIOD_AFRH REGISTER(0x58020C24u)
/* Random numbers (chapter 34). */
#define RNG_CR REGISTER(0x48021800u)
#define RNG_SR REGISTER(0x48021804u)
#define RNG_DR REGISTER(0x48021808u)
/* The core's caches (ARM DDI 0489, 4.3) and interrupts. */
#define CCR REGISTER(0xE000ED14u)
#define CCSIDR REGISTER(0xE000ED80u)
#define CSSELR REGISTER(0xE000ED84u)
#define ICIALLU REGISTER(0xE000EF50u)
#define DCISW REGISTER(0xE000EF60u)
#define NVIC_ENABLE(number) REGISTER(0xE000E100u + 4u * ((number) / 32u))

enum { USART3_INTERRUPT = 39 }; /* chapter 19, the table of vectors */

static uint64_t chance;

static void hold_off(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
}

static void let_in(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

static void power_and_clocks(void)
{
    PWR_CR3 = (PWR_CR3 & ~7u) | 2u; /* the board supplies the core from the LDO; writable once */
    while (!(PWR_D3CR & 1u << 13)) { /* VOSRDY */
    }
    PWR_D3CR = (PWR_D3CR & ~(3u << 14)) | 3u << 14; /* scale 1, up to 400 MHz */
    while (!(PWR_D3CR & 1u << 13)) {
    }
    FLASH_ACR = 0x24u; /* 4 wait states, WRHIGHFREQ 2 for AXI at 200 MHz */
    while ((FLASH_ACR & 0x3Fu) != 0x24u) {
    }

    RCC_CR |= 1u; /* HSI on, undivided */
    RCC_CR &= ~(3u << 3);
    while (!(RCC_CR & 1u << 2)) {
    }
    RCC_CFGR &= ~7u; /* run from it while PLL1 changes */
    while (RCC_CFGR >> 3 & 7u) {
    }
    RCC_CR &= ~(1u << 24);
    while (RCC_CR & 1u << 25) {
    }
    RCC_PLLCKSELR = (RCC_PLLCKSELR & ~0x3F3u) | 8u << 4; /* HSI / 8 = 8 MHz */
    /* Input 8 to 16 MHz, wide VCO range, integer mode, output P only. */
    RCC_PLLCFGR = (RCC_PLLCFGR & ~0x7000Fu) | 3u << 2 | 1u << 16;
    RCC_PLL1FRACR = 0;
    RCC_PLL1DIVR = 99u | 1u << 9 | 1u << 16 | 1u << 24; /* x 100 / 2 = 400 MHz */
    RCC_CR |= 1u << 24;
    while (!(RCC_CR & 1u << 25)) {
    }
    RCC_D1CFGR = 8u | 4u << 4; /* core undivided, AXI / 2, APB3 / 2 */
    RCC_D2CFGR = 4u << 4 | 4u << 8;
    RCC_D3CFGR = 4u << 4;
    RCC_CFGR = (RCC_CFGR & ~7u) | 3u;
    while ((RCC_CFGR >> 3 & 7u) != 3u) {
    }
}

static void caches(void)
{
    ICIALLU = 0;
    CSSELR = 0;
    uint32_t size = CCSIDR, sets = size >> 13 & 0x7FFFu, ways = size >> 3 & 0x3FFu;
    for (uint32_t set = 0; set <= sets; set++) {
        for (uint32_t way = 0; way <= ways; way++) {
            DCISW = way << 30 | set << 5; /* four ways of lines of 32 bytes */
        }
    }
    __asm__ volatile("dsb" ::: "memory");
    CCR |= 1u << 16 | 1u << 17;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

static void pins(void)
{
    RCC_AHB4ENR |= 1u << 3; /* port D */
    (void)RCC_AHB4ENR;
    GPIOD_AFRH = (GPIOD_AFRH & ~0xFFu) | 0x77u; /* alternate function 7 on PD8 and PD9 */
    GPIOD_OSPEEDR |= 0xAu << 16;
    GPIOD_PUPDR = (GPIOD_PUPDR & ~(0xFu << 16)) | 4u << 16; /* RX idles high, even unplugged */
    GPIOD_MODER = (GPIOD_MODER & ~(0xFu << 16)) | 0xAu << 16;
}

/* A word of the random number generator; 0 if it does not start. The nonce then relies on the rest
   of its inputs. */
static uint32_t random_word(void)
{
    RCC_CR |= 1u << 12; /* HSI48, the generator's clock after reset */
    for (uint32_t i = 0; i < 100000u && !(RCC_CR & 1u << 13); i++) {
    }
    RCC_AHB2ENR |= 1u << 6;
    (void)RCC_AHB2ENR;
    RNG_CR = 1u << 2;
    for (uint32_t i = 0; i < 100000u; i++) {
        if ((RNG_SR & 0x67u) == 1u) { /* ready, and no clock or seed error now or earlier */
            return RNG_DR;
        }
    }
    return 0;
}

void hal_init(void)
{
    power_and_clocks();
    caches();
    pins();
    chance = random_word();
    systick_init();
    RCC_D2CCIP2R = (RCC_D2CCIP2R & ~7u) | 3u; /* USART2 to 5 and 7, 8 from HSI */
    RCC_APB1LENR |= 1u << 18;                 /* USART3 */
    (void)RCC_APB1LENR;
    uart_init(INTERNAL_CLOCK, DP_BAUD);
    NVIC_ENABLE(USART3_INTERRUPT) = 1u << (USART3_INTERRUPT % 32);
    let_in();
}

void board_interrupt(uint32_t number)
{
    if (number == USART3_INTERRUPT) {
        uart_interrupt();
    }
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
        hold_off();
        uart_receive();
        let_in();
    }
    return count;
}

size_t hal_write(const uint8_t *data, size_t size)
{
    size_t count = ring_put_some(&uart_go, data, size);
    if (count != 0u) {
        hold_off();
        uart_send();
        let_in();
    }
    return count;
}

void hal_wait(void)
{
    hold_off();
    if (ring_held(&uart_come) == 0u) {
        __asm__ volatile("dsb\n\twfi" ::: "memory"); /* a masked interrupt ends it, too */
    }
    let_in();
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
    (void)quiet;
}

uint64_t hal_ticks(void)
{
    return systick_now();
}

uint32_t hal_tick_rate(void)
{
    return CORE_CLOCK;
}

uint32_t hal_clock(void)
{
    return CORE_CLOCK;
}

uint32_t hal_boot_nonce(void)
{
    return boot_nonce(chance);
}
