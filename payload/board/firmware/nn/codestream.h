/* Write latents and side information to the range coder, in coding order. */
#ifndef DP_NN_CODESTREAM_H
#define DP_NN_CODESTREAM_H

#include "networks.h"
#include "rangecoder.h"

#include <stdbool.h>

void dp_write_side(const struct dp_latents *tile, struct dp_coder *coder, struct dp_pace *pace);
/* Write the latents; false if one is larger than any picture's. Stops once the coder is full. */
bool dp_write_latents(const struct dp_latents *tile, uint32_t quality, struct dp_memory *memory,
                      struct dp_coder *coder, struct dp_pace *pace);

#endif
