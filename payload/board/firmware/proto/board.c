/* The board's protocol state machine, step for step as in link/serial/board.py. */
#include "proto.h"

#include <string.h>

enum { HEADER = 5, CRC = 4 };

static const uint8_t MAGIC[4] = {'D', 'P', 'S', 'L'};
static const char TOO_LONG[] = "the finished tile is larger than the board can send";

/* ---- little-endian fields */

static uint32_t get(const uint8_t *at, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)at[i] << (8u * i);
    }
    return value;
}

static uint64_t get64(const uint8_t *at)
{
    return (uint64_t)get(at, 4) | (uint64_t)get(at + 4, 4) << 32;
}

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

/* ---- slots and errors */

static struct dp_slot *slot_of(struct dp_board *b, uint32_t job)
{
    return &b->slots[job % b->own.slots];
}

static uint32_t chunks(const struct dp_board *b, uint32_t bytes)
{
    return bytes / b->chunk + (bytes % b->chunk != 0u);
}

static bool has_come(const struct dp_slot *s, uint32_t index)
{
    return (((uint32_t)s->come[index / 8u] >> (index % 8u)) & 1u) != 0u;
}

static void clear(struct dp_slot *s)
{
    /* The buffers keep their contents: they are always written before they are read. */
    memset(s, 0, offsetof(struct dp_slot, tile));
    s->said = true;
}

static void refuse(struct dp_board *b, uint32_t session, uint8_t code, uint32_t job,
                   uint32_t detail)
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
    refuse(b, session, DP_CODE_VERSION, 0, DP_VERSION | DP_VERSION << 8);
}

/* ---- sessions */

static void open_session(struct dp_board *b, uint32_t session, const uint8_t *f)
{
    uint32_t boot = get(f + 4, 4);
    uint32_t window = f[9], chunk = get(f + 10, 2);
    uint32_t number = dp_crc32(f, 8); /* over the two nonces, which are adjacent in OPEN */
    if (number == 0u) {
        number = 1u;
    }
    if (boot != b->boot_nonce) {
        refuse(b, session, DP_CODE_WRONG_BOOT, 0, b->boot_nonce);
        return;
    }
    if (f[8] != DP_VERSION) {
        refuse_version(b, session);
        return;
    }
    if (session != number) {
        refuse(b, session, DP_CODE_MALFORMED, 0, DP_KIND_OPEN);
        return;
    }
    for (uint32_t i = 0; i < b->dead_count && i < DP_DEAD_REMEMBERED; i++) {
        if (b->dead[i] == session) {
            refuse(b, session, DP_CODE_DEAD_SESSION, 0, 0);
            return;
        }
    }
    if (memcmp(f + 12, b->own.fingerprint, 8) != 0) {
        refuse(b, session, DP_CODE_WRONG_MODEL, 0, 0);
        return;
    }
    if (window < 1u || window > DP_LARGEST_WINDOW) {
        refuse(b, session, DP_CODE_BAD_PARAMETER, 0, 1);
        return;
    }
    if (chunk < DP_SMALLEST_CHUNK || chunk > b->own.chunk) {
        refuse(b, session, DP_CODE_BAD_PARAMETER, 0, 2);
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

/* ---- receiving a tile */

/* Read a JOB's fields; false if they do not describe a valid tile. */
static bool read_form(const uint8_t *f, struct dp_form *form)
{
    form->tile_bytes = get(f, 4);
    form->tile_crc = get(f + 4, 4);
    form->columns = (uint16_t)get(f + 8, 2);
    form->rows = (uint16_t)get(f + 10, 2);
    form->bands = (uint16_t)get(f + 12, 2);
    form->bit_depth = f[14];
    form->sample = f[15];
    form->flags = f[16];
    form->setting_kind = f[17];
    form->nodata = (int32_t)get(f + 18, 4);
    form->setting = get(f + 22, 4);
    memcpy(form->rotation, f + 26, sizeof form->rotation);
    if (form->sample > 2u || form->setting_kind > 2u) {
        return false;
    }
    if ((form->flags & DP_JOB_NEGATIVE) != 0u && form->sample != DP_SAMPLE_INT16) {
        return false;
    }
    uint32_t size = form->sample == DP_SAMPLE_UINT8 ? 1u : 2u;
    uint64_t bytes = (uint64_t)form->columns * form->rows * form->bands * size;
    return bytes != 0u && bytes == form->tile_bytes && form->bit_depth >= 1u
           && form->bit_depth <= 8u * size && (form->flags & ~7u) == 0u;
}

static bool same_form(const struct dp_form *a, const struct dp_form *b)
{
    return a->tile_bytes == b->tile_bytes && a->tile_crc == b->tile_crc
           && a->columns == b->columns && a->rows == b->rows && a->bands == b->bands
           && a->bit_depth == b->bit_depth && a->sample == b->sample && a->flags == b->flags
           && a->setting_kind == b->setting_kind && a->nodata == b->nodata
           && a->setting == b->setting && memcmp(a->rotation, b->rotation, sizeof a->rotation) == 0;
}

/* A quaternion is required if the codec rotates bands (feature 6), four zeros if it does not. */
static bool is_rotation_right(const struct dp_form *form, bool rotates)
{
    bool any = false;
    for (uint32_t i = 0; i < 4u; i++) {
        if (rotates && form->rotation[i] == -128) {
            return false;
        }
        any = any || form->rotation[i] != 0;
    }
    return any == rotates;
}

static bool can_sample(const struct dp_capabilities *own, uint8_t sample)
{
    switch (sample) {
    case DP_SAMPLE_UINT16:
        return (own->features & DP_FEATURE_UINT16) != 0u;
    case DP_SAMPLE_INT16:
        return (own->features & DP_FEATURE_INT16) != 0u;
    default:
        return sample == DP_SAMPLE_UINT8;
    }
}

static bool can_setting(const struct dp_capabilities *own, uint8_t kind)
{
    switch (kind) {
    case DP_SETTING_QUALITY:
        return (own->features & DP_FEATURE_QUALITY) != 0u;
    case DP_SETTING_BYTES:
        return (own->features & DP_FEATURE_BYTES) != 0u;
    default:
        return kind == DP_SETTING_STEP && (own->features & DP_FEATURE_STEP) != 0u;
    }
}

/* The code and detail of the ERROR that refuses a tile; 0 if the board accepts it. */
static uint8_t refusal(const struct dp_board *b, const struct dp_form *form, uint32_t *detail)
{
    const struct dp_capabilities *own = &b->own;
    if (form->tile_bytes > own->largest_tile) {
        *detail = own->largest_tile;
        return DP_CODE_TOO_LARGE;
    }
    const bool unsupported[] = {
        [DP_UNSUPPORTED_COLUMNS] = form->columns > own->most_columns,
        [DP_UNSUPPORTED_ROWS] = form->rows > own->most_rows,
        [DP_UNSUPPORTED_BANDS] = form->bands > own->most_bands,
        [DP_UNSUPPORTED_BIT_DEPTH] = form->bit_depth > own->bit_depth,
        [DP_UNSUPPORTED_SAMPLE] = !can_sample(own, form->sample),
        [DP_UNSUPPORTED_FLAGS] = (form->flags & (DP_JOB_NODATA | DP_JOB_MASKS)) != 0u
                                 && (own->features & DP_FEATURE_NODATA) == 0u,
        [DP_UNSUPPORTED_SETTING] = !can_setting(own, form->setting_kind),
        [DP_UNSUPPORTED_CHUNKS] = chunks(b, form->tile_bytes) > DP_MOST_CHUNKS,
        [DP_UNSUPPORTED_ROTATION] =
            !is_rotation_right(form, (own->features & DP_FEATURE_ROTATION) != 0u),
    };
    *detail = DP_UNSUPPORTED_COLUMNS;
    while (*detail <= DP_UNSUPPORTED_ROTATION && !unsupported[*detail]) {
        (*detail)++;
    }
    return *detail <= DP_UNSUPPORTED_ROTATION ? DP_CODE_UNSUPPORTED : 0u;
}

static void take_job(struct dp_board *b, uint32_t job, struct dp_slot *s, const uint8_t *f,
                     uint64_t ticks)
{
    struct dp_form form;
    (void)read_form(f, &form); /* take_body has checked the fields */
    if (s->stage == DP_STAGE_FREE) {
        uint32_t detail = 0;
        uint8_t code = refusal(b, &form, &detail);
        if (code != 0u) {
            refuse(b, b->session, code, job, detail);
            return;
        }
        s->stage = DP_STAGE_LOADING;
        s->form = form;
        s->count = chunks(b, form.tile_bytes);
        s->began = ticks;
    } else if (s->stage != DP_STAGE_RELEASED && !same_form(&s->form, &form)) {
        refuse(b, b->session, DP_CODE_CONFLICT, job, 0);
        return;
    }
    s->said = false;
}

static void queue(struct dp_slot *s)
{
    if (s->run && s->first == s->count) {
        s->stage = DP_STAGE_QUEUED;
    }
}

static void load(struct dp_board *b, uint32_t job, struct dp_slot *s, const uint8_t *f,
                 uint32_t size, uint64_t ticks)
{
    if (s->stage == DP_STAGE_LOADING) {
        uint32_t index = get(f, 2);
        uint32_t length = 0;
        if (index < s->count) {
            uint32_t left = s->form.tile_bytes - index * b->chunk;
            length = left < b->chunk ? left : b->chunk;
        }
        if (size - 2u != length) {
            refuse(b, b->session, DP_CODE_MALFORMED, job, DP_KIND_LOAD);
            return;
        }
        if (!has_come(s, index)) {
            s->come[index / 8u] = (uint8_t)(s->come[index / 8u] | 1u << (index % 8u));
            memcpy(s->tile + index * b->chunk, f + 2, length);
            while (s->first < s->count && has_come(s, s->first)) {
                s->first++;
            }
            if (s->first == s->count) {
                if (dp_crc32(s->tile, s->form.tile_bytes) == s->form.tile_crc) {
                    s->receive_ticks = ticks - s->began;
                    queue(s);
                } else {
                    memset(s->come, 0, sizeof s->come);
                    s->first = 0;
                    s->round++;
                }
            }
        }
    }
    s->said = false;
}

/* ---- acknowledging and releasing a result */

static void got(struct dp_slot *s, const uint8_t *f)
{
    if (s->stage != DP_STAGE_DONE) {
        s->said = false;
        return;
    }
    uint32_t first = get(f + 1, 2);
    if ((f[0] & 1u) && s->frozen) {
        s->result = true;
    }
    if (s->fetched <= first && first <= s->next) {
        uint32_t by = first - s->fetched;
        uint32_t sent = s->next - first;
        uint64_t known = sent >= DP_LARGEST_WINDOW ? UINT64_MAX : ((uint64_t)1 << sent) - 1u;
        s->again = by >= 64u ? 0u : s->again >> by;
        s->fetched = first;
        s->again = (s->again | get64(f + 11)) & ~get64(f + 3) & known;
    }
}

static void release(struct dp_board *b, uint32_t job, struct dp_slot *s)
{
    s->stage = DP_STAGE_RELEASED;
    while (slot_of(b, b->lowest)->stage == DP_STAGE_RELEASED) {
        clear(slot_of(b, b->lowest));
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
    uint32_t job = get(f, 4);
    if (session != b->session || session == 0u) {
        refuse(b, session, DP_CODE_NO_SESSION, job, b->boot_nonce);
        return;
    }
    if (job < b->lowest) {
        b->old = job;
        b->owes_old = true;
        return;
    }
    if (job - b->lowest >= b->own.slots) {
        refuse(b, session, DP_CODE_AHEAD, job, b->lowest);
        return;
    }
    struct dp_slot *s = slot_of(b, job);
    switch (kind) {
    case DP_KIND_JOB:
        take_job(b, job, s, f + 4, ticks);
        break;
    case DP_KIND_LOAD:
        load(b, job, s, f + 4, size - 4u, ticks);
        break;
    case DP_KIND_RUN:
        s->said = false;
        if (s->stage == DP_STAGE_LOADING) {
            s->run = true;
            queue(s);
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
    if (size < HEADER) {
        refuse(b, 0, DP_CODE_MALFORMED, 0, kind);
        return;
    }
    uint32_t session = get(body + 1, 4);
    const uint8_t *f = body + HEADER;
    size -= HEADER;
    struct dp_form form;
    if (!right_size(kind, size) || (kind == DP_KIND_RESET && memcmp(f, MAGIC, sizeof MAGIC) != 0)
        || (kind == DP_KIND_JOB && !read_form(f + 4, &form))) {
        refuse(b, session, DP_CODE_MALFORMED, 0, kind);
        return;
    }
    switch (kind) {
    case DP_KIND_RESET:
        b->hello = get(f + 4, 4);
        b->owes_hello = true;
        break;
    case DP_KIND_QUERY:
        if (f[4] == DP_VERSION) {
            b->caps = get(f, 4);
            b->owes_caps = true;
        } else {
            refuse_version(b, session);
        }
        break;
    case DP_KIND_PING:
        b->pong = get(f, 4);
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
        if (size == SIZE_MAX || size <= CRC
            || dp_crc32(b->body, size - CRC) != get(b->body + size - CRC, 4)) {
            b->bad_frames++;
        } else {
            take_body(b, b->body, (uint32_t)(size - CRC), ticks);
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

/* ---- frames to send */

static size_t seal(struct dp_board *b, uint8_t *out, uint8_t *end, uint8_t kind, uint32_t session)
{
    b->body[0] = kind;
    (void)put(b->body + 1, session, 4);
    size_t size = (size_t)(end - b->body);
    (void)put(end, dp_crc32(b->body, size), CRC);
    out[0] = 0;
    size_t stuffed = dp_cobs_encode(b->body, size + CRC, out + 1);
    out[stuffed + 1u] = 0;
    return stuffed + 2u;
}

static uint8_t *put_state(uint8_t *at, const struct dp_board *b, uint32_t job,
                          const struct dp_slot *s)
{
    uint64_t received = 0;
    if (s->stage == DP_STAGE_LOADING) {
        for (uint32_t i = 0; i < DP_LARGEST_WINDOW && s->first + i < s->count; i++) {
            received |= (uint64_t)has_come(s, s->first + i) << i;
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
    uint8_t *f = b->body + HEADER;
    f = put(f, job, 4);
    f = put(f, index, 2);
    f = put_bytes(f, s->payload + start, left < b->chunk ? left : b->chunk);
    return seal(b, out, f, DP_KIND_DATA, b->session);
}

static size_t send_result(struct dp_board *b, uint8_t *out, uint32_t job, struct dp_slot *s,
                          uint64_t ticks)
{
    uint32_t count = chunks(b, s->length);
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
        uint8_t *f = b->body + HEADER;
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
    uint8_t *f = b->body + HEADER;
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
    uint8_t *f = b->body + HEADER;
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
        f = put_bytes(f, MAGIC, sizeof MAGIC);
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
        struct dp_slot *s = slot_of(b, b->lowest + i);
        if (!s->said) {
            s->said = true;
            return seal(b, out, put_state(f, b, b->lowest + i, s), DP_KIND_STATE, b->session);
        }
    }
    for (uint32_t i = 0; i < b->own.slots; i++) {
        struct dp_slot *s = slot_of(b, b->lowest + i);
        if (s->stage == DP_STAGE_DONE) {
            size_t size = send_result(b, out, b->lowest + i, s, ticks);
            if (size != 0u) {
                return size;
            }
        }
    }
    return 0;
}

/* ---- the encoder */

const struct dp_work *dp_board_take(struct dp_board *b)
{
    for (uint32_t i = 0; !b->busy && i < b->own.slots; i++) {
        struct dp_slot *s = slot_of(b, b->lowest + i);
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
    struct dp_slot *s = slot_of(b, b->work.job);
    if (length > b->own.largest_result || chunks(b, length) > DP_MOST_CHUNKS) {
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
