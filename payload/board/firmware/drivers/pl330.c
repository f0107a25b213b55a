/*
 * Reads a UART's FIFO with the DMA controller (ARM DDI 0424, UG585 chapter 9).
 *
 * Only emulated boards use this. In QEMU, each access of the processor to a device ends a block of
 * translated code, takes a lock and wakes the thread that waits for it: some ten microseconds a
 * byte. A burst of the controller takes one such access. Caches are not maintained.
 */
#include "pl330.h"

#define REGISTER(offset) (*(volatile uint32_t *)(uintptr_t)(0xF8003000u + (offset)))
#define DEBUG_COMMAND REGISTER(0xD04u)
#define DEBUG_INSTRUCTION_0 REGISTER(0xD08u)
#define DEBUG_INSTRUCTION_1 REGISTER(0xD0Cu)

/* Instructions (ARM DDI 0424, 4.3). */
enum { DMAGO = 0xA0, DMAMOV = 0xBC, DMALD = 0x04, DMAST = 0x08, DMAEND = 0x00 };
enum { TO_SOURCE = 0, TO_CONTROL = 1, TO_DESTINATION = 2 };
/* Bursts of PL330_BURST bytes from a fixed address to increasing ones (3.3.18, CCR). */
enum { CONTROL = (PL330_BURST - 1) << 4 | 1 << 14 | (PL330_BURST - 1) << 18 };

static uint8_t program[21];
static uint8_t bytes[PL330_BURST];

static uint8_t *move(uint8_t *at, uint8_t to, uint32_t value)
{
    *at++ = DMAMOV;
    *at++ = to;
    for (unsigned i = 0; i < 4u; i++) {
        *at++ = (uint8_t)(value >> (8u * i));
    }
    return at;
}

void pl330_init(uint32_t from)
{
    uint8_t *at = move(program, TO_CONTROL, CONTROL);
    at = move(at, TO_SOURCE, from);
    at = move(at, TO_DESTINATION, (uint32_t)(uintptr_t)bytes);
    *at++ = DMALD;
    *at++ = DMAST;
    *at = DMAEND;
    /* The manager thread executes DMAGO for channel 0: two bytes of opcode, four of address. */
    DEBUG_INSTRUCTION_0 = (uint32_t)DMAGO << 16;
    DEBUG_INSTRUCTION_1 = (uint32_t)(uintptr_t)program;
}

const uint8_t *pl330_fetch(void)
{
    __asm__ volatile("dsb" ::: "memory");
    DEBUG_COMMAND = 0; /* this write returns when the channel has stopped */
    __asm__ volatile("dsb" ::: "memory");
    return bytes;
}
