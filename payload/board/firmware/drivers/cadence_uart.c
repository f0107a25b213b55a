/*
 * Interrupt-driven driver of the Zynq-7000's UART (UG585, chapter 19 and appendix B.33).
 *
 * Register accesses are slow, and cost a microsecond each in an emulator. One read of the status
 * therefore serves for many bytes: at the trigger level, that many are in the FIFO.
 */
#include "pl330.h"
#include "uart.h"

#ifndef UART_BASE
#define UART_BASE 0xE0000000u
#endif

#define REGISTER(offset) (*(volatile uint32_t *)(uintptr_t)(UART_BASE + (offset)))
#define CONTROL REGISTER(0x00u)
#define MODE REGISTER(0x04u)
#define INTERRUPT_ENABLE REGISTER(0x08u)
#define INTERRUPT_DISABLE REGISTER(0x0Cu)
#define INTERRUPT_STATUS REGISTER(0x14u)
#define BAUD_GENERATOR REGISTER(0x18u)
#define RX_TIMEOUT REGISTER(0x1Cu)
#define RX_TRIGGER REGISTER(0x20u)
#define STATUS REGISTER(0x2Cu)
#define FIFO REGISTER(0x30u)
#define BAUD_DIVIDER REGISTER(0x34u)

enum { RX_RESET = 0x01, TX_RESET = 0x02, RX_ENABLE = 0x04, TX_ENABLE = 0x10, TIMER_RESTART = 0x40 };
enum { MODE_8N1 = 0x20 };
/* Bits of INTERRUPT_*; the first three are also in STATUS. */
enum { RX_AT_TRIGGER = 0x01, RX_EMPTY = 0x02, TX_EMPTY = 0x08, TX_FULL = 0x10 };
enum { RX_TIMED_OUT = 0x100, ALL = 0x1FFF };
#ifdef DP_EMULATED
enum { TRIGGER = PL330_BURST, TX_DEPTH = 16 }; /* the size of QEMU's FIFOs */
#else
enum { TRIGGER = 32, TX_DEPTH = 64 };
#endif
enum { TIMEOUT = 10 /* in units of four bits: the time of four bytes */ };
enum { FEWEST_BAUD_DIVIDER = 4, MOST_BAUD_DIVIDER = 255 };

struct ring uart_come, uart_go;
static bool asking, filling; /* receive and send interrupts are enabled */

/* Set the nearest rate: baud = clock / (generator x (divider + 1)), with divider from 4 to 255. */
static void set_rate(uint32_t clock, uint32_t baud)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t divider = FEWEST_BAUD_DIVIDER; divider <= MOST_BAUD_DIVIDER; divider++) {
        uint32_t step = baud * (divider + 1u);
        uint32_t generator = (clock + step / 2u) / step;
        if (generator == 0u || generator > 65535u) {
            continue;
        }
        uint32_t made = generator * step;
        uint32_t off = made > clock ? made - clock : clock - made;
        if (off < best) {
            best = off;
            BAUD_GENERATOR = generator;
            BAUD_DIVIDER = divider;
        }
    }
}

void uart_init(uint32_t clock, uint32_t baud)
{
    CONTROL = 0x28; /* both off: the rate may not change while they run */
    INTERRUPT_DISABLE = ALL;
    if (clock != 0u) {
        set_rate(clock, baud);
    }
    MODE = MODE_8N1; /* after the rate: QEMU computes a byte's duration here */
    RX_TRIGGER = TRIGGER;
#ifdef DP_EMULATED
    pl330_init(UART_BASE + 0x30u);
#endif
    RX_TIMEOUT = TIMEOUT;
    CONTROL = RX_ENABLE | TX_ENABLE | RX_RESET | TX_RESET;
    CONTROL = RX_ENABLE | TX_ENABLE | TIMER_RESTART;
    INTERRUPT_STATUS = ALL;
    INTERRUPT_ENABLE = RX_AT_TRIGGER | RX_TIMED_OUT;
    asking = true;
}

/* Empty the FIFO into the ring. Once the FIFO is empty, the interrupt is acknowledged and the FIFO
   is checked again, so that no byte is missed in between. */
void uart_receive(void)
{
    uint32_t room = RING_SIZE - ring_held(&uart_come);
    bool acknowledged = false;
    while (room >= TRIGGER) {
        uint32_t status = STATUS;
        if (status & RX_EMPTY) {
            if (acknowledged) {
                break;
            }
            INTERRUPT_STATUS = RX_AT_TRIGGER | RX_TIMED_OUT;
            acknowledged = true;
            continue;
        }
        uint32_t sure = status & RX_AT_TRIGGER ? TRIGGER : 1u;
        room -= sure;
        acknowledged = false;
#ifdef DP_EMULATED
        if (sure == TRIGGER) {
            (void)ring_put_some(&uart_come, pl330_fetch(), TRIGGER);
            INTERRUPT_STATUS = RX_AT_TRIGGER | RX_TIMED_OUT; /* the FIFO holds no more */
            acknowledged = true;
            continue;
        }
#endif
        while (sure-- > 0u) {
            ring_put(&uart_come, (uint8_t)FIFO);
        }
    }
    /* Without room, bytes stay in the FIFO until the main loop takes some from the ring. */
    if (asking != (room >= TRIGGER)) {
        asking = !asking;
        if (asking) {
            INTERRUPT_ENABLE = RX_AT_TRIGGER | RX_TIMED_OUT;
        } else {
            INTERRUPT_DISABLE = RX_AT_TRIGGER | RX_TIMED_OUT;
        }
    }
}

/* Fill the FIFO from the ring. An empty FIFO takes TX_DEPTH bytes without further status reads. */
void uart_send(void)
{
    uint32_t held = ring_held(&uart_go);
    while (held != 0u) {
        uint32_t status = STATUS;
        if (status & TX_FULL) {
            break;
        }
        uint32_t sure = !(status & TX_EMPTY) ? 1u : held < TX_DEPTH ? held : TX_DEPTH;
        for (uint32_t i = 0; i < sure; i++) {
            FIFO = ring_take(&uart_go);
        }
        held -= sure;
    }
    if (filling != (held != 0u)) {
        filling = !filling;
        if (filling) {
            INTERRUPT_STATUS = TX_EMPTY;
            INTERRUPT_ENABLE = TX_EMPTY;
        } else {
            INTERRUPT_DISABLE = TX_EMPTY;
        }
    } else if (filling) {
        INTERRUPT_STATUS = TX_EMPTY;
    }
}

void uart_interrupt(void)
{
    uart_receive();
    if (filling) {
        uart_send();
    }
}
