/* What a board does with a tile. The build compiles in one of this folder's sources. */
#ifndef DP_JOB_H
#define DP_JOB_H

#include "../proto/proto.h"

/* Fill in the encoder's capabilities: codec, features, fingerprint, software. */
void job_describe(struct dp_capabilities *own);
/* Check the encoder; false if the board would return wrong tiles. */
bool job_self_test(void);
/* Encode into work->payload, set *status and return the length. If the job fails, the payload is
   the reason as text. `poll` is called about every DP_POLL_INSTRUCTIONS (pace.h). */
uint32_t job_run(const struct dp_work *work, enum dp_status *status, void (*poll)(void *context));

#endif
