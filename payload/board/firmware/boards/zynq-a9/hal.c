/* Zynq-7000: Cadence UART 0 and the Cortex-A9's global timer (UG585, chapters 19 and 8). */
#include "../../hal/hal.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define UART_CONTROL REGISTER(0xE0000000u)
#define UART_STATUS REGISTER(0xE000002Cu)
#define UART_FIFO REGISTER(0xE0000030u)
#define TIMER_LOW REGISTER(0xF8F00200u)
#define TIMER_HIGH REGISTER(0xF8F00204u)
#define TIMER_CONTROL REGISTER(0xF8F00208u)

enum { RX_TX_ENABLE = 0x14, RX_TX_RESET = 0x03, RX_EMPTY = 0x02, TX_FULL = 0x10 };

void hal_init(void)
{
    UART_CONTROL = RX_TX_ENABLE | RX_TX_RESET;
    UART_CONTROL = RX_TX_ENABLE;
    TIMER_CONTROL = 1;
}

size_t hal_read(uint8_t *data, size_t size)
{
    size_t count = 0;
    while (count < size && !(UART_STATUS & RX_EMPTY)) {
        data[count++] = (uint8_t)UART_FIFO;
    }
    return count;
}

size_t hal_write(const uint8_t *data, size_t size)
{
    size_t count = 0;
    while (count < size && !(UART_STATUS & TX_FULL)) {
        UART_FIFO = data[count++];
    }
    return count;
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
    /* Half the processor's clock, 667 MHz; QEMU's model of the timer runs at 100 MHz. */
    return 100000000u;
}

uint32_t hal_boot_nonce(void)
{
    /* No source of chance: the time that it took to come here is all there is. A session ends
       with a boot all the same, because no session is open then. */
    return (uint32_t)hal_ticks() ^ 0x5A59u;
}
