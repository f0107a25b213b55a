/* The range coder of the constriction library, as docs/bitstream.md specifies it: an interval of 64
   bits, words of 32 bits and probabilities in units of 2^-24. */
#ifndef DP_NN_RANGECODER_H
#define DP_NN_RANGECODER_H

#include <stdbool.h>
#include <stdint.h>

struct dp_coder {
    uint64_t low, span;
    uint8_t *out;
    uint32_t size, length; /* bytes available, bytes written */
    /* Whether all bytes beyond `size` are 0, or all are 255. Zeros at the end are cut, and a carry
       turns all ones into zeros, so such a codestream may still fit. */
    bool zeros, ones;
};

void dp_coder_start(struct dp_coder *coder, uint8_t *out, uint32_t size);
/* Whether the codestream is certain not to fit in `size` bytes. */
bool dp_coder_full(const struct dp_coder *coder);
/* Add one to the bytes that were written. */
void dp_coder_carry(struct dp_coder *coder);
/* Write the four bytes of a word. */
void dp_coder_put(struct dp_coder *coder, uint32_t word);

/* Code a symbol whose share of the interval begins at `start` and has this size, in 2^-24. `low` and
   `span` are the coder's, or a caller's copies of them, which a loop can keep in registers. */
static inline void dp_coder_step(struct dp_coder *coder, uint64_t *low, uint64_t *span,
                                 uint32_t start, uint32_t size)
{
    uint64_t scale = *span >> 24;
    uint64_t more = scale * start;
    *low += more;
    if (*low < more) {
        dp_coder_carry(coder);
    }
    *span = scale * size;
    if (*span >> 32 == 0) {
        dp_coder_put(coder, (uint32_t)(*low >> 32));
        *low <<= 32;
        *span <<= 32;
    }
}

/* Where a symbol's share begins with a table of `count` cumulative frequencies, in 2^-24. */
static inline uint32_t dp_coder_start_of(const uint16_t *sums, uint32_t count, uint32_t symbol)
{
    uint32_t below = symbol < count ? sums[symbol] : 1u << 16;
    return (uint32_t)((uint64_t)below * ((1u << 24) - count) >> 16) + symbol;
}

/* Code a symbol whose share of the interval begins at `start` and has this size, in 2^-24. */
void dp_coder_share(struct dp_coder *coder, uint32_t start, uint32_t size);
/* Code a symbol with a table of `count` cumulative frequencies. */
void dp_coder_table(struct dp_coder *coder, const uint16_t *sums, uint32_t count, uint32_t symbol);
/* Code a number of `bits` bits (1 to 16), all values being equally probable. */
void dp_coder_bits(struct dp_coder *coder, uint32_t value, uint32_t bits);
/* End the codestream; return its length in bytes, 0 if it does not fit. */
uint32_t dp_coder_finish(struct dp_coder *coder);

#endif
