/* The board's protocol state machine, step for step as in link/serial/board.py: sessions, received
   frames and the encoder. tile.c takes JOB and LOAD, answers.c sends. */
#include "parts.h"

#include <string.h>

static const char TOO_LONG[] = "the finished tile is larger than the board can send";

/* ---- slots and errors */

static void clear(struct dp_slot *s)
{
    /* The buffers keep their contents: they are always written before they are read. */
    memset(s, 0, offsetof(struct dp_slot, tile));
    s->said = true;
}

void dp_refuse(struct dp_board *b, uint32_t session, uint8_t code, uint32_t job, uint32_t detail)
{
    if (b->error_count < DP_ERRORS_WAITING) {
        struct dp_error *error = &b->errors[b->error_count++];
        error->session = session;
        error->code = code;
        error->job = job;
        error->detail = detail;
    }
}

static void refuse_version(struct dp_board *b, uint32_t session)
{
    dp_refuse(b, session, DP_CODE_VERSION, 0, DP_VERSION | DP_VERSION << 8);
}

/* ---- sessions */

static void open_session(struct dp_board *b, uint32_t session, const uint8_t *f)
{
    uint32_t boot = dp_get(f + 4, 4);
    uint32_t window = f[9], chunk = dp_get(f + 10, 2);
    uint32_t number = dp_crc32(f, 8); /* over the two nonces, which are adjacent in OPEN */
    if (number == 0u) {
        number = 1u;
    }
    if (boot != b->boot_nonce) {
        dp_refuse(b, session, DP_CODE_WRONG_BOOT, 0, b->boot_nonce);
        return;
    }
    if (f[8] != DP_VERSION) {
        refuse_version(b, session);
        return;
    }
    if (session != number) {
        dp_refuse(b, session, DP_CODE_MALFORMED, 0, DP_KIND_OPEN);
        return;
    }
    for (uint32_t i = 0; i < b->dead_count && i < DP_DEAD_REMEMBERED; i++) {
        if (b->dead[i] == session) {
            dp_refuse(b, session, DP_CODE_DEAD_SESSION, 0, 0);
            return;
        }
    }
    if (memcmp(f + 12, b->own.fingerprint, 8) != 0) {
        dp_refuse(b, session, DP_CODE_WRONG_MODEL, 0, 0);
        return;
    }
    if (window < 1u || window > DP_LARGEST_WINDOW) {
        dp_refuse(b, session, DP_CODE_BAD_PARAMETER, 0, 1);
        return;
    }
    if (chunk < DP_SMALLEST_CHUNK || chunk > b->own.chunk) {
        dp_refuse(b, session, DP_CODE_BAD_PARAMETER, 0, 2);
        return;
    }
    if (session != b->session) {
        if (b->session != 0u) {
            b->dead[b->dead_count % DP_DEAD_REMEMBERED] = b->session;
            b->dead_count++;
        }
        b->session = session;
        b->chunk = chunk;
        b->window = window;
        b->lowest = 0;
        b->owes_old = false;
        for (uint32_t i = 0; i < b->own.slots; i++) {
            clear(&b->slots[i]);
        }
    }
    b->owes_ready = true;
}

/* ---- acknowledging and releasing a result */

static void got(struct dp_slot *s, const uint8_t *f)
{
    if (s->stage != DP_STAGE_DONE) {
        s->said = false;
        return;
    }
    uint32_t first = dp_get(f + 1, 2);
    if ((f[0] & 1u) && s->frozen) {
        s->result = true;
    }
    if (s->fetched <= first && first <= s->next) {
        uint32_t by = first - s->fetched;
        uint32_t sent = s->next - first;
        uint64_t known = sent >= DP_LARGEST_WINDOW ? UINT64_MAX : ((uint64_t)1 << sent) - 1u;
        s->again = by >= 64u ? 0u : s->again >> by;
        s->fetched = first;
        s->again = (s->again | dp_get64(f + 11)) & ~dp_get64(f + 3) & known;
    }
}

static void release(struct dp_board *b, uint32_t job, struct dp_slot *s)
{
    s->stage = DP_STAGE_RELEASED;
    while (dp_slot_of(b, b->lowest)->stage == DP_STAGE_RELEASED) {
        clear(dp_slot_of(b, b->lowest));
        b->lowest++;
    }
    if (job < b->lowest) {
        b->old = job;
        b->owes_old = true;
    }
}

/* ---- received frames */

/* Whether `size` bytes of fields are valid for this kind of message. */
static bool right_size(uint8_t kind, uint32_t size)
{
    switch (kind) {
    case DP_KIND_RESET:
        return size >= 10u;
    case DP_KIND_QUERY:
        return size == 5u;
    case DP_KIND_OPEN:
        return size == 20u;
    case DP_KIND_JOB:
        return size == 34u;
    case DP_KIND_LOAD:
        return size >= 7u && size <= 6u + DP_LARGEST_CHUNK;
    case DP_KIND_RUN:
    case DP_KIND_RELEASE:
    case DP_KIND_PING:
        return size == 4u;
    case DP_KIND_GOT:
        return size == 23u;
    default:
        return false;
    }
}

static void about_job(struct dp_board *b, uint8_t kind, uint32_t session, const uint8_t *f,
                      uint32_t size, uint64_t ticks)
{
    uint32_t job = dp_get(f, 4);
    if (session != b->session || session == 0u) {
        dp_refuse(b, session, DP_CODE_NO_SESSION, job, b->boot_nonce);
        return;
    }
    if (job < b->lowest) {
        b->old = job;
        b->owes_old = true;
        return;
    }
    if (job - b->lowest >= b->own.slots) {
        dp_refuse(b, session, DP_CODE_AHEAD, job, b->lowest);
        return;
    }
    struct dp_slot *s = dp_slot_of(b, job);
    switch (kind) {
    case DP_KIND_JOB:
        dp_take_job(b, job, s, f + 4, ticks);
        break;
    case DP_KIND_LOAD:
        dp_load(b, job, s, f + 4, size - 4u, ticks);
        break;
    case DP_KIND_RUN:
        s->said = false;
        if (s->stage == DP_STAGE_LOADING) {
            s->run = true;
            dp_queue(s);
        }
        break;
    case DP_KIND_GOT:
        got(s, f + 4);
        break;
    default: /* RELEASE */
        s->said = false;
        if (s->stage != DP_STAGE_RUNNING) {
            release(b, job, s);
        }
        break;
    }
}

static void take_body(struct dp_board *b, const uint8_t *body, uint32_t size, uint64_t ticks)
{
    uint8_t kind = body[0];
    if (kind >= DP_FIRST_ANSWER) {
        return; /* an echo of a board's frame: answering it would loop for ever */
    }
    if (size < DP_HEADER_BYTES) {
        dp_refuse(b, 0, DP_CODE_MALFORMED, 0, kind);
        return;
    }
    uint32_t session = dp_get(body + 1, 4);
    const uint8_t *f = body + DP_HEADER_BYTES;
    size -= DP_HEADER_BYTES;
    struct dp_form form;
    if (!right_size(kind, size)
        || (kind == DP_KIND_RESET && memcmp(f, DP_MAGIC, DP_MAGIC_BYTES) != 0)
        || (kind == DP_KIND_JOB && !dp_read_form(f + 4, &form))) {
        dp_refuse(b, session, DP_CODE_MALFORMED, 0, kind);
        return;
    }
    switch (kind) {
    case DP_KIND_RESET:
        b->hello = dp_get(f + 4, 4);
        b->owes_hello = true;
        break;
    case DP_KIND_QUERY:
        if (f[4] == DP_VERSION) {
            b->caps = dp_get(f, 4);
            b->owes_caps = true;
        } else {
            refuse_version(b, session);
        }
        break;
    case DP_KIND_PING:
        b->pong = dp_get(f, 4);
        b->owes_pong = true;
        break;
    case DP_KIND_OPEN:
        open_session(b, session, f);
        break;
    default:
        about_job(b, kind, session, f, size, ticks);
        break;
    }
}

static void end_of_frame(struct dp_board *b, uint64_t ticks)
{
    if (b->overrun) {
        b->bad_frames++;
    } else if (b->held != 0u) {
        size_t size = dp_cobs_decode(b->stuffed, b->held, b->body);
        if (size == SIZE_MAX || size <= DP_CRC_BYTES
            || dp_crc32(b->body, size - DP_CRC_BYTES) != dp_get(b->body + size - DP_CRC_BYTES, 4)) {
            b->bad_frames++;
        } else {
            take_body(b, b->body, (uint32_t)(size - DP_CRC_BYTES), ticks);
        }
    }
    b->held = 0;
    b->overrun = false;
}

void dp_board_receive(struct dp_board *b, const uint8_t *data, size_t size, uint64_t ticks)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == 0u) {
            end_of_frame(b, ticks);
        } else if (b->overrun) {
            continue;
        } else if (b->held == DP_LARGEST_STUFFED) {
            b->overrun = true;
        } else {
            b->stuffed[b->held++] = data[i];
        }
    }
}

/* ---- the encoder */

const struct dp_work *dp_board_take(struct dp_board *b)
{
    for (uint32_t i = 0; !b->busy && i < b->own.slots; i++) {
        struct dp_slot *s = dp_slot_of(b, b->lowest + i);
        if (s->stage == DP_STAGE_QUEUED) {
            s->stage = DP_STAGE_RUNNING;
            b->busy = true;
            b->work.session = b->session;
            b->work.job = b->lowest + i;
            b->work.form = s->form;
            b->work.tile = s->tile;
            b->work.payload = s->payload;
            b->work.payload_size = b->own.largest_result;
            return &b->work;
        }
    }
    return NULL;
}

void dp_board_finish(struct dp_board *b, enum dp_status status, uint32_t length,
                     uint64_t encode_ticks)
{
    if (!b->busy) {
        return;
    }
    b->busy = false;
    if (b->work.session != b->session) {
        return;
    }
    struct dp_slot *s = dp_slot_of(b, b->work.job);
    if (length > b->own.largest_result || dp_chunks(b, length) > DP_MOST_CHUNKS) {
        length = sizeof TOO_LONG - 1u;
        if (length > b->own.largest_result) {
            length = b->own.largest_result;
        }
        memcpy(s->payload, TOO_LONG, length);
        status = DP_STATUS_FAILED;
    }
    s->stage = DP_STAGE_DONE;
    s->status = (uint8_t)status;
    s->length = length;
    s->crc = dp_crc32(s->payload, length);
    s->encode_ticks = encode_ticks;
    if (length == 0u) {
        s->frozen = s->result = true;
    }
}

bool dp_board_init(struct dp_board *b, const struct dp_capabilities *own, uint32_t boot_nonce)
{
    if (own->slots < 1u || own->slots > DP_SLOTS || own->largest_tile > DP_LARGEST_TILE
        || own->largest_tile < 1u || own->largest_result > DP_LARGEST_RESULT
        || own->largest_result < 1u || own->chunk < DP_SMALLEST_CHUNK
        || own->chunk > DP_LARGEST_CHUNK || own->window < 1u
        || own->window > DP_LARGEST_WINDOW || own->bit_depth < 1u || own->bit_depth > 16u
        || own->tick_rate == 0u) {
        return false;
    }
    memset(b, 0, sizeof *b);
    b->own = *own;
    b->boot_nonce = boot_nonce;
    b->chunk = DP_SMALLEST_CHUNK;
    b->window = 1;
    b->owes_hello = true; /* with host nonce 0: announces the boot */
    for (uint32_t i = 0; i < DP_SLOTS; i++) {
        clear(&b->slots[i]);
    }
    return true;
}
