/* Memory for one tile: one block, from which arrays are taken, and which the next tile reuses. */
#ifndef DP_SCRATCH_H
#define DP_SCRATCH_H

#include "arena.h"

struct dp_scratch;

/* Give an arena the memory that it has counted; return null if memory is short. */
struct dp_scratch *dp_scratch_open(struct dp_arena *arena);
/* Return the memory. One block is kept for the next tile if it is not too large. */
void dp_scratch_close(struct dp_scratch *scratch);

#endif
