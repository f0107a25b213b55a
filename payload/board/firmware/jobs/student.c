/* The learned encoder as a board's job: one triple of bands makes one codestream. */
#include "job.h"

#include "../nn/student.h"

#include <string.h>

enum { STUDENT = 16 }; /* the codec's number in the frame container */

static char software[DP_LONGEST_TEXT + 1u] = "downpass student, kernels: ";

void job_describe(struct dp_capabilities *own)
{
    own->codec = STUDENT;
    own->features = DP_FEATURE_STEP | DP_FEATURE_ROTATION;
    memcpy(own->fingerprint, dp_nn_fingerprint, sizeof own->fingerprint);
    (void)strncat(software, dp_nn_kernels, DP_LONGEST_TEXT - strlen(software));
    own->software = software;
}

bool job_self_test(void)
{
    return dp_nn_self_test() == dp_nn_golden_crc;
}

static uint32_t fail(const struct dp_work *work, enum dp_status *status, const char *why)
{
    size_t size = strlen(why);
    *status = DP_STATUS_FAILED;
    memcpy(work->payload, why, size);
    return (uint32_t)size;
}

uint32_t job_run(const struct dp_work *work, enum dp_status *status, void (*poll)(void *context))
{
    const struct dp_form *form = &work->form;
    struct dp_nn_tile tile = {.pixels = work->tile,
                              .rows = form->rows,
                              .columns = form->columns,
                              .bands = (uint8_t)form->bands,
                              .quality = (uint16_t)form->setting};
    memcpy(tile.rotation, form->rotation, sizeof tile.rotation);
    if (form->setting > DP_NN_FINEST) {
        return fail(work, status, "this step is none that student has: 0 to 256");
    }
    if (form->bands != 1u && form->bands != 3u) {
        return fail(work, status, "student takes 1 or 3 bands");
    }
    if (form->bit_depth != 8u || form->flags != 0u) {
        return fail(work, status, "student takes bit depth 8 and no flags");
    }
    uint32_t length = dp_nn_encode(&tile, work->payload, work->payload_size, poll, NULL);
    switch (dp_nn_why()) {
    case DP_NN_DONE:
        *status = DP_STATUS_CODED;
        return length;
    case DP_NN_ROOM:
        return fail(work, status, "the finished tile is larger than the board's buffer");
    case DP_NN_LATENTS:
        return fail(work, status, "latents beyond any picture's: the model is damaged");
    default:
        return fail(work, status, "sides, quality or rotation are none that student takes");
    }
}
