/*
 * Read symbols with the range coder of docs/bitstream.md ("Range coder"): the inverse of
 * rangecoder.h. A model is where each symbol's share of the interval begins, in units of 2^-24, and
 * 2^24 at the end.
 */
#ifndef DP_RANGE_READER_H
#define DP_RANGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DP_WHOLE (1u << 24)

struct dp_range_reader {
    const uint8_t *data;
    size_t size;
    size_t next;    /* number of bytes read; those beyond `size` are zeros */
    uint64_t last;  /* the last eight bytes read */
    uint64_t span;  /* of the interval */
    uint64_t ahead; /* distance of the number read from the interval's lower end, below `span` */
};

static inline void dp_next_word(struct dp_range_reader *reader)
{
    uint32_t word = 0;
    for (int i = 0; i < 4; i++, reader->next++) {
        word = word << 8 | (reader->next < reader->size ? reader->data[reader->next] : 0u);
    }
    reader->last = reader->last << 32 | word;
    reader->ahead = reader->ahead << 32 | word;
}

static inline void dp_reader_start(struct dp_range_reader *reader, const uint8_t *data, size_t size)
{
    *reader = (struct dp_range_reader){.data = data, .size = size, .span = UINT64_MAX};
    dp_next_word(reader);
    dp_next_word(reader);
}

/* Narrow the interval to a symbol's share, which holds the number. */
static inline void dp_take_share(struct dp_range_reader *reader, uint64_t scale, uint32_t start,
                                 uint32_t size)
{
    reader->ahead -= scale * start;
    reader->span = scale * size;
    if (reader->span >> 32 == 0) {
        reader->span <<= 32;
        dp_next_word(reader);
    }
}

/*
 * Return a symbol of a model of `count` symbols; -1 if no symbol has these bytes. It is found faster
 * if it is the one that is `likely`.
 */
static inline int32_t dp_read_symbol(struct dp_range_reader *reader, const uint32_t *starts,
                                     uint32_t count, uint32_t likely)
{
    uint64_t scale = reader->span >> 24;
    if (reader->ahead >= scale << 24) {
        return -1;
    }
    const uint32_t *found = starts + likely;
    if (reader->ahead < scale * found[0] || reader->ahead >= scale * found[1]) {
        /* The last symbol that does not begin behind the number, found without branches. */
        found = starts;
        for (uint32_t left = count; left > 1;) {
            uint32_t half = left / 2;
            found += scale * found[half] <= reader->ahead ? half : 0;
            left -= half;
        }
    }
    dp_take_share(reader, scale, found[0], found[1] - found[0]);
    return (int32_t)(found - starts);
}

/* Return a number of `bits` bits (1 to 16), all values being equally probable; -1 as above. */
static inline int32_t dp_read_bits(struct dp_range_reader *reader, uint32_t bits)
{
    uint64_t scale = reader->span >> 24, at = reader->ahead / scale;
    if (at >= DP_WHOLE) {
        return -1;
    }
    uint32_t value = (uint32_t)at >> (24 - bits);
    dp_take_share(reader, scale, value << (24 - bits), 1u << (24 - bits));
    return (int32_t)value;
}

/*
 * Return whether an encoder of the symbols read so far writes these bytes: the smallest number of
 * the fewest bytes inside the last interval, without zeros at its end.
 */
static inline bool dp_reader_ends(const struct dp_range_reader *reader)
{
    if (reader->span == UINT64_MAX && reader->next == 8) {
        return reader->size == 0; /* no symbols */
    }
    if (reader->size > reader->next ||
        (reader->size > 0 && reader->data[reader->size - 1] == 0)) {
        return false;
    }
    /* Both ends of the interval modulo 2^64. At least 2^32 wide, it holds a multiple of 2^32. */
    uint64_t low = reader->last - reader->ahead;
    for (uint32_t kept = 0; kept < 4; kept++) {
        uint64_t up = (0 - low) & UINT64_MAX >> 8 * kept; /* to the next number of `kept` bytes */
        if (up < reader->span) {
            return up == reader->ahead;
        }
    }
    return ((0 - low) & UINT32_MAX) == reader->ahead;
}

/* Return whether the shares of a model of `count` symbols are in order, none of them empty. */
static inline bool dp_is_model(const uint32_t *starts, size_t count)
{
    bool ordered = starts[0] == 0 && starts[count] == DP_WHOLE;
    for (size_t i = 0; i < count; i++) {
        ordered &= starts[i] < starts[i + 1];
    }
    return ordered;
}

#endif
