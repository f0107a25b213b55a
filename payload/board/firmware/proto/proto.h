/*
 * The board's side of the serial protocol (docs/serial-protocol.md), equal to link/serial/board.py.
 *
 * There is no I/O, no timer and no malloc. All state is in struct dp_board, whose size the DP_
 * macros below fix. dp_board_receive takes received bytes and dp_board_send returns frames to send;
 * dp_board_take hands a tile to the encoder and dp_board_finish takes its result. Call them from
 * one context only, or with interrupts disabled.
 */
#ifndef DP_PROTO_H
#define DP_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#ifndef DP_LARGEST_TILE
#define DP_LARGEST_TILE 12288u /* bytes of samples: 64 x 64 x 3 */
#endif
#ifndef DP_LARGEST_RESULT
#define DP_LARGEST_RESULT 14336u /* bytes of an encoded tile; finest noise takes 11.7 kB */
#endif
#ifndef DP_SLOTS
#define DP_SLOTS 4u /* tiles held at once: four keep a line with 8 ms of latency each way busy */
#endif

#define DP_LARGEST_STUFFED (DP_LARGEST_BODY + (DP_LARGEST_BODY + 253u) / 254u)
#define DP_LARGEST_FRAME (DP_LARGEST_STUFFED + 3u)
#define DP_DEAD_REMEMBERED 8u
#define DP_ERRORS_WAITING 4u
#define DP_CHUNKS_OF_TILE ((DP_LARGEST_TILE + DP_SMALLEST_CHUNK - 1u) / DP_SMALLEST_CHUNK)

/* The capabilities that the board reports; they may not exceed the sizes of its buffers. */
struct dp_capabilities {
    uint32_t memory, largest_tile, largest_result;
    uint16_t most_columns, most_rows, most_bands;
    uint8_t bit_depth, slots, window, codec, features, tick_kind;
    uint16_t chunk;
    uint32_t tick_rate, clock_hz;
    uint8_t fingerprint[8];
    const char *name, *software; /* at most 48 bytes each */
};

/* A tile's size and sample format, and the setting to encode it with. */
struct dp_form {
    uint32_t tile_bytes, tile_crc;
    uint16_t columns, rows, bands;
    uint8_t bit_depth, sample, flags, setting_kind;
    int32_t nodata;
    uint32_t setting;
    int8_t rotation[4]; /* quaternion w, x, y, z of the three bands; zeros without rotation */
};

/* A tile to encode. The encoder reads `tile` and writes its result to `payload`. */
struct dp_work {
    uint32_t session, job;
    struct dp_form form;
    const uint8_t *tile;
    uint8_t *payload;
    uint32_t payload_size;
};

struct dp_slot {
    uint8_t stage, round, status;
    bool run, said, result, frozen, sending;
    struct dp_form form;
    uint32_t first, count;            /* chunks of the tile: first missing, total */
    uint32_t length, crc;             /* of the payload, in bytes; its CRC-32 */
    uint32_t next, fetched;           /* payload chunks: next to send, first the host lacks */
    uint64_t again, began, receive_ticks, encode_ticks, send_ticks;
    uint8_t come[(DP_CHUNKS_OF_TILE + 7u) / 8u];
    uint8_t tile[DP_LARGEST_TILE];
    uint8_t payload[DP_LARGEST_RESULT];
};

struct dp_error {
    uint32_t session, job, detail;
    uint8_t code;
};

struct dp_board {
    struct dp_capabilities own;
    uint32_t boot_nonce, session, bad_frames;
    uint32_t dead[DP_DEAD_REMEMBERED];
    uint32_t dead_count;
    uint32_t chunk, window, lowest;
    uint32_t hello, caps, pong, old;
    bool owes_hello, owes_caps, owes_pong, owes_old, owes_ready;
    bool busy, overrun;
    struct dp_work work;
    struct dp_error errors[DP_ERRORS_WAITING];
    uint32_t error_count;
    uint32_t held;
    uint8_t stuffed[DP_LARGEST_STUFFED];
    uint8_t body[DP_LARGEST_BODY];
    struct dp_slot slots[DP_SLOTS];
};

uint32_t dp_crc32(const uint8_t *data, size_t size);

/* COBS. Decoding returns the size, or SIZE_MAX if the data are not valid COBS. It may write over
   its input: `out` may equal `in`. */
size_t dp_cobs_decode(const uint8_t *in, size_t size, uint8_t *out);
size_t dp_cobs_encode(const uint8_t *in, size_t size, uint8_t *out);

/* Initialise the board; false if the capabilities exceed the buffers or the protocol's limits. */
bool dp_board_init(struct dp_board *board, const struct dp_capabilities *own, uint32_t boot_nonce);
void dp_board_receive(struct dp_board *board, const uint8_t *data, size_t size, uint64_t ticks);
/* Write the next frame to `out` (DP_LARGEST_FRAME bytes); return its size, 0 if none is due. */
size_t dp_board_send(struct dp_board *board, uint8_t *out, uint64_t ticks);
/* The next tile to encode; NULL if there is none or the encoder still has one. */
const struct dp_work *dp_board_take(struct dp_board *board);
/* Report the end of an encoding: `length` bytes are in work->payload. A length above payload_size
   makes the job fail. */
void dp_board_finish(struct dp_board *board, enum dp_status status, uint32_t length,
                     uint64_t encode_ticks);

#endif
