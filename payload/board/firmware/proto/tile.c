/* A tile on its way to the board: which JOBs are valid and accepted, and the chunks of LOAD. */
#include "parts.h"

#include <string.h>

bool dp_read_form(const uint8_t *f, struct dp_form *form)
{
    form->tile_bytes = dp_get(f, 4);
    form->tile_crc = dp_get(f + 4, 4);
    form->columns = (uint16_t)dp_get(f + 8, 2);
    form->rows = (uint16_t)dp_get(f + 10, 2);
    form->bands = (uint16_t)dp_get(f + 12, 2);
    form->bit_depth = f[14];
    form->sample = f[15];
    form->flags = f[16];
    form->setting_kind = f[17];
    form->nodata = (int32_t)dp_get(f + 18, 4);
    form->setting = dp_get(f + 22, 4);
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
        [DP_UNSUPPORTED_CHUNKS] = dp_chunks(b, form->tile_bytes) > DP_MOST_CHUNKS,
        [DP_UNSUPPORTED_ROTATION] =
            !is_rotation_right(form, (own->features & DP_FEATURE_ROTATION) != 0u),
    };
    *detail = DP_UNSUPPORTED_COLUMNS;
    while (*detail <= DP_UNSUPPORTED_ROTATION && !unsupported[*detail]) {
        (*detail)++;
    }
    return *detail <= DP_UNSUPPORTED_ROTATION ? DP_CODE_UNSUPPORTED : 0u;
}

void dp_take_job(struct dp_board *b, uint32_t job, struct dp_slot *s, const uint8_t *f,
                 uint64_t ticks)
{
    struct dp_form form;
    (void)dp_read_form(f, &form); /* take_body has checked the fields */
    if (s->stage == DP_STAGE_FREE) {
        uint32_t detail = 0;
        uint8_t code = refusal(b, &form, &detail);
        if (code != 0u) {
            dp_refuse(b, b->session, code, job, detail);
            return;
        }
        s->stage = DP_STAGE_LOADING;
        s->form = form;
        s->count = dp_chunks(b, form.tile_bytes);
        s->began = ticks;
    } else if (s->stage != DP_STAGE_RELEASED && !same_form(&s->form, &form)) {
        dp_refuse(b, b->session, DP_CODE_CONFLICT, job, 0);
        return;
    }
    s->said = false;
}

void dp_queue(struct dp_slot *s)
{
    if (s->run && s->first == s->count) {
        s->stage = DP_STAGE_QUEUED;
    }
}

void dp_load(struct dp_board *b, uint32_t job, struct dp_slot *s, const uint8_t *f, uint32_t size,
             uint64_t ticks)
{
    if (s->stage == DP_STAGE_LOADING) {
        uint32_t index = dp_get(f, 2);
        uint32_t length = 0;
        if (index < s->count) {
            uint32_t left = s->form.tile_bytes - index * b->chunk;
            length = left < b->chunk ? left : b->chunk;
        }
        if (size - 2u != length) {
            dp_refuse(b, b->session, DP_CODE_MALFORMED, job, DP_KIND_LOAD);
            return;
        }
        if (!dp_has_come(s, index)) {
            s->come[index / 8u] = (uint8_t)(s->come[index / 8u] | 1u << (index % 8u));
            memcpy(s->tile + index * b->chunk, f + 2, length);
            while (s->first < s->count && dp_has_come(s, s->first)) {
                s->first++;
            }
            if (s->first == s->count) {
                if (dp_crc32(s->tile, s->form.tile_bytes) == s->form.tile_crc) {
                    s->receive_ticks = ticks - s->began;
                    dp_queue(s);
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
