/* What a board does with a tile: one of the sources beside this is compiled in. */
#ifndef DP_JOB_H
#define DP_JOB_H

#include "../proto/proto.h"

/* Of the capabilities: codec, features, fingerprint, software. */
void job_describe(struct dp_capabilities *own);
/* False where the board must not be trusted with tiles. */
bool job_self_test(void);
/* Write work->payload and return its length; where it fails, why, and *status. `poll` is called
   about every DP_POLL_INSTRUCTIONS (pace.h). */
uint32_t job_run(const struct dp_work *work, enum dp_status *status, void (*poll)(void *context));

#endif
