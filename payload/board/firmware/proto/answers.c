/* The frames that a board sends, in the order in which it owes them. */
#include "parts.h"

#include <string.h>

/* ---- fields */

static uint8_t *put(uint8_t *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> (8u * i));
    }
    return at + size;
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t size = strlen(text);
    if (size > DP_LONGEST_TEXT) {
        size = DP_LONGEST_TEXT;
    }
    *at++ = (uint8_t)size;
    return put_bytes(at, text, size);
}

/* ---- frames */

static size_t seal(struct dp_board *b, uint8_t *out, uint8_t *end, uint8_t kind, uint32_t session)
{
    b->body[0] = kind;
    (void)put(b->body + 1, session, 4);
    size_t size = (size_t)(end - b->body);
    (void)put(end, dp_crc32(b->body, size), DP_CRC_BYTES);
    out[0] = 0;
    size_t stuffed = dp_cobs_encode(b->body, size + DP_CRC_BYTES, out + 1);
    out[stuffed + 1u] = 0;
    return stuffed + 2u;
}

static uint8_t *put_state(uint8_t *at, const struct dp_board *b, uint32_t job,
                          const struct dp_slot *s)
{
    uint64_t received = 0;
    if (s->stage == DP_STAGE_LOADING) {
        for (uint32_t i = 0; i < DP_LARGEST_WINDOW && s->first + i < s->count; i++) {
            received |= (uint64_t)dp_has_come(s, s->first + i) << i;
        }
    }
    at = put(at, job, 4);
    at = put(at, b->lowest, 4);
    at = put(at, s->stage, 1);
    at = put(at, s->run ? 1u : 0u, 1);
    at = put(at, s->round, 1);
    at = put(at, s->first, 2);
    return put(at, received, 8);
}

static size_t send_data(struct dp_board *b, uint8_t *out, uint32_t job, struct dp_slot *s,
                        uint32_t index)
{
    uint32_t start = index * b->chunk;
    uint32_t left = s->length - start;
    uint8_t *f = b->body + DP_HEADER_BYTES;
    f = put(f, job, 4);
    f = put(f, index, 2);
    f = put_bytes(f, s->payload + start, left < b->chunk ? left : b->chunk);
    return seal(b, out, f, DP_KIND_DATA, b->session);
}

static size_t send_result(struct dp_board *b, uint8_t *out, uint32_t job, struct dp_slot *s,
                          uint64_t ticks)
{
    uint32_t count = dp_chunks(b, s->length);
    if (s->again != 0u) {
        uint32_t bit = 0;
        while (!(s->again >> bit & 1u)) {
            bit++;
        }
        s->again &= s->again - 1u;
        return send_data(b, out, job, s, s->fetched + bit);
    }
    if (s->next < count && s->next < s->fetched + b->window) {
        if (!s->sending) {
            s->sending = true;
            s->began = ticks;
        }
        s->next++;
        if (s->next == count) {
            s->send_ticks = ticks - s->began;
            s->frozen = s->result = true;
        }
        return send_data(b, out, job, s, s->next - 1u);
    }
    if (s->result) {
        uint8_t *f = b->body + DP_HEADER_BYTES;
        s->result = false;
        f = put(f, job, 4);
        f = put(f, s->status, 1);
        f = put(f, s->length, 4);
        f = put(f, s->crc, 4);
        f = put(f, s->form.tile_crc, 4);
        f = put(f, s->receive_ticks, 8);
        f = put(f, s->encode_ticks, 8);
        f = put(f, s->send_ticks, 8);
        return seal(b, out, f, DP_KIND_RESULT, b->session);
    }
    return 0;
}

static size_t send_caps(struct dp_board *b, uint8_t *out)
{
    const struct dp_capabilities *own = &b->own;
    uint8_t *f = b->body + DP_HEADER_BYTES;
    f = put(f, b->caps, 4);
    f = put(f, b->boot_nonce, 4);
    f = put(f, own->memory, 4);
    f = put(f, own->largest_tile, 4);
    f = put(f, own->largest_result, 4);
    f = put(f, own->most_columns, 2);
    f = put(f, own->most_rows, 2);
    f = put(f, own->most_bands, 2);
    f = put(f, own->bit_depth, 1);
    f = put(f, own->slots, 1);
    f = put(f, own->window, 1);
    f = put(f, own->codec, 1);
    f = put(f, own->features, 1);
    f = put(f, own->tick_kind, 1);
    f = put(f, own->chunk, 2);
    f = put(f, own->tick_rate, 4);
    f = put(f, own->clock_hz, 4);
    f = put_bytes(f, own->fingerprint, 8);
    f = put_text(f, own->name);
    f = put_text(f, own->software);
    return seal(b, out, f, DP_KIND_CAPS, 0);
}

size_t dp_board_send(struct dp_board *b, uint8_t *out, uint64_t ticks)
{
    uint8_t *f = b->body + DP_HEADER_BYTES;
    if (b->owes_pong) {
        b->owes_pong = false;
        f = put(f, b->pong, 4);
        f = put(f, b->boot_nonce, 4);
        f = put(f, b->session, 4);
        f = put(f, b->bad_frames, 4);
        f = put(f, ticks, 8);
        return seal(b, out, f, DP_KIND_PONG, 0);
    }
    if (b->owes_hello) {
        b->owes_hello = false;
        f = put_bytes(f, DP_MAGIC, DP_MAGIC_BYTES);
        f = put(f, b->hello, 4);
        f = put(f, b->boot_nonce, 4);
        f = put(f, DP_VERSION, 1);
        f = put(f, DP_VERSION, 1);
        return seal(b, out, f, DP_KIND_HELLO, 0);
    }
    if (b->owes_caps) {
        b->owes_caps = false;
        return send_caps(b, out);
    }
    if (b->owes_ready) {
        b->owes_ready = false;
        f = put(f, DP_VERSION, 1);
        f = put(f, b->window, 1);
        f = put(f, b->chunk, 2);
        return seal(b, out, f, DP_KIND_READY, b->session);
    }
    if (b->error_count != 0u) {
        struct dp_error error = b->errors[0];
        b->error_count--;
        memmove(b->errors, b->errors + 1, b->error_count * sizeof b->errors[0]);
        f = put(f, error.code, 1);
        f = put(f, error.job, 4);
        f = put(f, error.detail, 4);
        return seal(b, out, f, DP_KIND_ERROR, error.session);
    }
    if (b->owes_old) {
        b->owes_old = false;
        f = put(f, b->old, 4);
        f = put(f, b->lowest, 4);
        f = put(f, DP_STAGE_RELEASED, 1);
        f = put(f, 0, 4);
        f = put(f, 0, 8);
        return seal(b, out, f, DP_KIND_STATE, b->session);
    }
    for (uint32_t i = 0; i < b->own.slots; i++) {
        struct dp_slot *s = dp_slot_of(b, b->lowest + i);
        if (!s->said) {
            s->said = true;
            return seal(b, out, put_state(f, b, b->lowest + i, s), DP_KIND_STATE, b->session);
        }
    }
    for (uint32_t i = 0; i < b->own.slots; i++) {
        struct dp_slot *s = dp_slot_of(b, b->lowest + i);
        if (s->stage == DP_STAGE_DONE) {
            size_t size = send_result(b, out, b->lowest + i, s, ticks);
            if (size != 0u) {
                return size;
            }
        }
    }
    return 0;
}
