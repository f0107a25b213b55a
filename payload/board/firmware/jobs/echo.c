/*
 * A stand-in for an encoder, to test and time serial lines, drivers and clocks.
 *
 * It returns the tile unchanged, or the first of 1 + (step >> 24) equal parts of it, after
 * (step & 0xFFFFFF) loops of delay.
 */
#include "job.h"

#include "../pace.h"

#include <string.h>

enum { INSTRUCTIONS_A_LOOP = 2, LOOPS_BETWEEN_POLLS = DP_POLL_INSTRUCTIONS / INSTRUCTIONS_A_LOOP };

void job_describe(struct dp_capabilities *own)
{
    own->features = DP_FEATURE_STEP;
    own->software = "downpass echo";
}

bool job_self_test(void)
{
    return true;
}

/* Each loop takes two instructions, on every compiler and core. */
static void spin(uint32_t loops)
{
    if (loops != 0u) {
        __asm__ volatile("1:\tsubs %0, %0, #1\n\tbne 1b" : "+r"(loops) : : "cc");
    }
}

uint32_t job_run(const struct dp_work *work, enum dp_status *status, void (*poll)(void *context))
{
    uint32_t loops = work->form.setting & 0xFFFFFFu;
    while (loops > LOOPS_BETWEEN_POLLS) {
        spin(LOOPS_BETWEEN_POLLS);
        loops -= LOOPS_BETWEEN_POLLS;
        poll(NULL);
    }
    spin(loops);
    uint32_t length = work->form.tile_bytes / (1u + (work->form.setting >> 24));
    memcpy(work->payload, work->tile, length);
    *status = DP_STATUS_CODED;
    return length;
}
