#include "systick.h"

#include <stdbool.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define CONTROL REGISTER(0xE000E010u)
#define RELOAD REGISTER(0xE000E014u)
#define CURRENT REGISTER(0xE000E018u)
#define ICSR REGISTER(0xE000ED04u)

#define TURN 0x1000000u /* 24 bits */
enum { ENABLE = 1, INTERRUPT = 2, PROCESSOR_CLOCK = 4 };
#define PENDING (1u << 26)

static volatile uint32_t turns;

void systick_init(void)
{
    RELOAD = TURN - 1u;
    CURRENT = 0;
    CONTROL = ENABLE | INTERRUPT | PROCESSOR_CLOCK;
}

void systick_interrupt(void)
{
    turns++;
}

uint64_t systick_now(void)
{
    uint32_t seen, left;
    bool pending;
    do {
        seen = turns;
        left = CURRENT;
        pending = (ICSR & PENDING) != 0u;
    } while (seen != turns);
    /* Add a turn that had ended before `left` was read but is not yet counted. */
    uint64_t whole = (uint64_t)seen + (pending && left > TURN / 2u ? 1u : 0u);
    return whole * TURN + (TURN - 1u - left);
}
