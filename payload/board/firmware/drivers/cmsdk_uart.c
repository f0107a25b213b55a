/* Driver of the UART in Arm's Cortex-M System Design Kit (ARM DDI 0479, 4.3). It buffers one byte
   each way. */
#include "uart.h"

#define REGISTER(offset) (*(volatile uint32_t *)(uintptr_t)(UART_BASE + (offset)))
#define DATA REGISTER(0x00u)
#define STATE REGISTER(0x04u)
#define CONTROL REGISTER(0x08u)
#define INTERRUPTS REGISTER(0x0Cu)
#define DIVIDER REGISTER(0x10u)

enum { TX_FULL = 1, RX_FULL = 2 };
enum { TX_ENABLE = 0x01, RX_ENABLE = 0x02, TX_INTERRUPT = 0x04, RX_INTERRUPT = 0x08 };
enum { TX_DONE = 1, RX_CAME = 2 };

struct ring uart_come, uart_go;

void uart_init(uint32_t clock, uint32_t baud)
{
    DIVIDER = clock / baud;
    CONTROL = TX_ENABLE | RX_ENABLE | TX_INTERRUPT | RX_INTERRUPT;
}

void uart_receive(void)
{
    INTERRUPTS = RX_CAME;
    while ((STATE & RX_FULL) && ring_held(&uart_come) < RING_SIZE) {
        ring_put(&uart_come, (uint8_t)DATA);
    }
}

void uart_send(void)
{
    INTERRUPTS = TX_DONE;
    while (ring_held(&uart_go) != 0u && !(STATE & TX_FULL)) {
        DATA = ring_take(&uart_go);
    }
}

void uart_interrupt(void)
{
    uart_receive();
    uart_send();
}
