/* Minimal start-up code for bare cores: a stack, vectors, the vector unit and a clock. */
#include <stdint.h>
#include <stdlib.h>

int main(void);
void initialise_monitor_handles(void);
void begin(void);
uint64_t instructions(void);
extern uint32_t stack_top;

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

void begin(void)
{
    initialise_monitor_handles();
    exit(main());
}

/* newlib's exit calls this. */
void _fini(void);
void _fini(void)
{
}

#ifdef __ARM_ARCH_7A__
/* Put the second core to sleep and enable NEON. */
__attribute__((naked, section(".vectors"), used)) void start(void);
void start(void)
{
    __asm__("mrc p15, 0, r0, c0, c0, 5\n ands r0, r0, #3\n 1: wfene\n bne 1b\n"
            "ldr sp, =stack_top\n"
            "mrc p15, 0, r0, c1, c0, 2\n orr r0, r0, #0xF00000\n mcr p15, 0, r0, c1, c0, 2\n isb\n"
            "mov r0, #0x40000000\n .fpu neon\n vmsr fpexc, r0\n"
            "b begin\n .ltorg\n");
}

/* Read the global timer: 10 ns a tick in QEMU, 1 ns an instruction with -icount shift=0. */
uint64_t instructions(void)
{
    REGISTER(0xF8F00208u) = 1;
    uint32_t high, low;
    do {
        high = REGISTER(0xF8F00204u);
        low = REGISTER(0xF8F00200u);
    } while (high != REGISTER(0xF8F00204u));
    return ((uint64_t)high << 32 | low) * 10u;
}
#else
static void reset(void)
{
    REGISTER(0xE000ED88u) |= 0xF00000u; /* CPACR */
    __asm__ volatile("dsb\n isb");
    begin();
}

static void fault(void)
{
    exit(2);
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)&stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,      (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault};

/* Read SysTick, which has 24 bits and PICOSECONDS a tick. Call this at least once per turn. */
uint64_t instructions(void)
{
    static uint64_t ticks;
    static uint32_t last;
    if (!(REGISTER(0xE000E010u) & 1u)) {
        REGISTER(0xE000E014u) = 0xFFFFFFu;
        REGISTER(0xE000E018u) = 0;
        REGISTER(0xE000E010u) = 5;
        last = 0xFFFFFFu;
    }
    uint32_t now = REGISTER(0xE000E018u);
    ticks += (last - now) & 0xFFFFFFu;
    last = now;
    return ticks * PICOSECONDS / 1000u;
}
#endif
