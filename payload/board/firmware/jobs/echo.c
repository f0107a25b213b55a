/*
 * No encoder: what lines, drivers and clocks are tested and timed with.
 *
 * Gives the tile back as it came, or the first of 1 + (step >> 24) equal parts of it, after as many
 * turns of a loop as the rest of the step says.
 */
#include "job.h"

#include <string.h>

enum { TURNS_BETWEEN_POLLS = 8192 };

void job_describe(struct dp_capabilities *own)
{
    own->features = DP_FEATURE_STEP;
    own->software = "downpass echo";
}

bool job_self_test(void)
{
    return true;
}

/* Two instructions a turn, whatever compiler and core. */
static void spin(uint32_t turns)
{
    if (turns != 0u) {
        __asm__ volatile("1:\tsubs %0, %0, #1\n\tbne 1b" : "+r"(turns) : : "cc");
    }
}

uint32_t job_run(const struct dp_work *work, enum dp_status *status, void (*poll)(void *context))
{
    uint32_t turns = work->form.setting & 0xFFFFFFu;
    while (turns > TURNS_BETWEEN_POLLS) {
        spin(TURNS_BETWEEN_POLLS);
        turns -= TURNS_BETWEEN_POLLS;
        poll(NULL);
    }
    spin(turns);
    uint32_t length = work->form.tile_bytes / (1u + (work->form.setting >> 24));
    memcpy(work->payload, work->tile, length);
    *status = DP_STATUS_CODED;
    return length;
}
