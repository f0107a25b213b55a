#include "boot.h"

#include "../proto/proto.h"

struct kept {
    uint32_t boots, seed;
};

static struct kept kept __attribute__((section(".kept")));

uint32_t boot_nonce(uint64_t chance)
{
    volatile struct kept *words = &kept; /* volatile: nothing here writes them before this */
    words->boots++;
    uint32_t mixed[4] = {words->boots, words->seed, (uint32_t)chance, (uint32_t)(chance >> 32)};
    return dp_crc32((const uint8_t *)mixed, sizeof mixed);
}
