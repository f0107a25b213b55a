#include "rangecoder.h"

void dp_coder_start(struct dp_coder *coder, uint8_t *out, uint32_t size)
{
    coder->low = 0;
    coder->span = UINT64_MAX;
    coder->out = out;
    coder->size = size;
    coder->length = 0;
    coder->zeros = coder->ones = true;
}

bool dp_coder_full(const struct dp_coder *coder)
{
    return !coder->zeros && !coder->ones;
}

void dp_coder_carry(struct dp_coder *coder)
{
    uint32_t at = coder->length;
    if (at > coder->size) {
        /* If all bytes beyond the end are ones, they become zeros and pass the carry on; otherwise
           the carry ends among them. */
        bool passed = coder->ones;
        coder->zeros = passed;
        coder->ones = false;
        if (!passed) {
            return;
        }
        at = coder->size;
    }
    while (at > 0 && ++coder->out[--at] == 0) {
    }
}

static void put(struct dp_coder *coder, uint32_t byte)
{
    if (coder->length < coder->size) {
        coder->out[coder->length] = (uint8_t)byte;
    } else {
        coder->zeros = coder->zeros && byte == 0;
        coder->ones = coder->ones && byte == 255;
    }
    coder->length++;
}

void dp_coder_put(struct dp_coder *coder, uint32_t word)
{
    put(coder, word >> 24);
    put(coder, word >> 16 & 255u);
    put(coder, word >> 8 & 255u);
    put(coder, word & 255u);
}

void dp_coder_share(struct dp_coder *coder, uint32_t start, uint32_t size)
{
    dp_coder_step(coder, &coder->low, &coder->span, start, size);
}

void dp_coder_table(struct dp_coder *coder, const uint16_t *sums, uint32_t count, uint32_t symbol)
{
    uint32_t start = dp_coder_start_of(sums, count, symbol);
    dp_coder_share(coder, start, dp_coder_start_of(sums, count, symbol + 1) - start);
}

void dp_coder_bits(struct dp_coder *coder, uint32_t value, uint32_t bits)
{
    dp_coder_share(coder, value << (24 - bits), 1u << (24 - bits));
}

uint32_t dp_coder_finish(struct dp_coder *coder)
{
    if (coder->span == UINT64_MAX && coder->length == 0) {
        return 0;
    }
    /* Find the smallest number of the fewest bytes that is at least low and below low + span. */
    uint32_t kept = 0;
    uint64_t value = 0;
    bool carried = false;
    for (;; kept++) {
        uint64_t below = kept == 0 ? UINT64_MAX : UINT64_MAX >> (8 * kept);
        value = (coder->low + below) & ~below;
        carried = value < coder->low;
        if (value - coder->low < coder->span) {
            break;
        }
    }
    if (carried) {
        dp_coder_carry(coder);
    }
    for (uint32_t i = 0; i < kept; i++) {
        put(coder, (uint32_t)(value >> (56 - 8 * i)) & 255u);
    }
    if (coder->length > coder->size) {
        if (!coder->zeros) {
            return 0;
        }
        coder->length = coder->size;
    }
    while (coder->length > 0 && coder->out[coder->length - 1] == 0) {
        coder->length--;
    }
    return coder->length;
}
