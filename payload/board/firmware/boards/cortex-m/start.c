/* Start-up code for any Cortex-M (ARM DDI 0403, B1.5): vectors, memory, and the call of main. */
#include "../../hal/start.h"

#include <stdint.h>

int main(void);

extern uint32_t stack_top[], data_start[], data_end[], data_kept[], bss_start[], bss_end[];

void start(void);

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define ICSR REGISTER(0xE000ED04u)
#define AIRCR REGISTER(0xE000ED0Cu)
#define CPACR REGISTER(0xE000ED88u)
#define MOST_INTERRUPTS 160

void board_restart(void)
{
    AIRCR = 0x05FA0004u; /* SYSRESETREQ */
    for (;;) {
    }
}

static void fault(void)
{
    board_restart();
}

static void interrupt(void)
{
    board_interrupt((ICSR & 0x1FFu) - 16u);
}

void start(void)
{
    CPACR |= 0xFu << 20; /* enable the FPU, whose registers Helium uses, too */
    __asm__ volatile("dsb\n\tisb");
    for (uint32_t *to = data_start, *from = data_kept; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    (void)main();
    board_restart();
}

struct vectors {
    uint32_t *stack;
    void (*handler[15 + MOST_INTERRUPTS])(void);
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    stack_top,
    {start, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault,
     board_tick, [15 ... 14 + MOST_INTERRUPTS] = interrupt}};
