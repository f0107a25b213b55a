/* A range coder with an interval of 64 bits, words of 32 and probabilities in units of 2^-24:
   constriction's, as docs/bitstream.md writes it down. */
#ifndef DP_NN_RANGECODER_H
#define DP_NN_RANGECODER_H

#include <stdbool.h>
#include <stdint.h>

struct dp_coder {
    uint64_t low, span;
    uint8_t *out;
    uint32_t size, length; /* bytes there are, bytes written */
    /* Words that no longer fit: zeros at the end are cut, and all ones become zeros by a carry. */
    bool zeros, ones;
};

void dp_coder_start(struct dp_coder *coder, uint8_t *out, uint32_t size);
/* True when the codestream is longer than the room for it. */
bool dp_coder_full(const struct dp_coder *coder);
/* A symbol of a table of `count` sums of frequencies. */
void dp_coder_table(struct dp_coder *coder, const uint16_t *sums, uint32_t count, uint32_t symbol);
/* A number of `bits` bits (1 to 16), all alike. */
void dp_coder_bits(struct dp_coder *coder, uint32_t value, uint32_t bits);
/* End the codestream; return its bytes, 0 where it is full. */
uint32_t dp_coder_finish(struct dp_coder *coder);

#endif
