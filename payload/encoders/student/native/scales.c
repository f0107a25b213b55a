/* Scales corrected by what goes on around: sums of magnitudes, their bins, a table. */
#include "writer.h"

#include <string.h>

static inline int32_t bin(uint32_t value, int32_t octave)
{
    int32_t high = dp_highest_bit(value);
    int32_t half = high > 0 ? (int32_t)(value >> (high - 1) & 1u) : 0;
    return dp_limited(2 * high + half - 2 * octave - 2, 0, 31);
}

void dp_look_back(struct writer *writer, const struct dp_group *group)
{
    int32_t plane = writer->plane, stride = writer->stride;
    memset(writer->size, 0, sizeof *writer->size * (size_t)plane);
    memset(writer->size_expected, 0, sizeof *writer->size_expected * (size_t)plane);
    for (int32_t c = group->first - group->window; c < group->first; c++) {
        const uint8_t *magnitude = writer->magnitude + (size_t)c * (size_t)plane;
        const uint16_t *expected = writer->expected + (size_t)c * (size_t)plane;
        uint16_t *size = writer->size;
        uint32_t *size_expected = writer->size_expected;
        for (int32_t p = 0; p < plane; p++) {
            size[p] = (uint16_t)(size[p] + magnitude[p]);
            size_expected[p] += expected[p];
        }
    }
    for (int32_t p = stride + 1; p < plane - stride - 1; p++) {
        const uint16_t *one = writer->size + p, *up = one - stride, *down = one + stride;
        uint32_t edges = (uint32_t)one[-1] + one[1] + up[0] + down[0];
        uint32_t corners = (uint32_t)up[-1] + up[1] + down[-1] + down[1];
        writer->around[p] = 8u * one[0] + 2u * edges + corners;
    }
    for (int32_t p = stride + 1; p < plane - stride - 1; p++) {
        const uint32_t *one = writer->size_expected + p, *up = one - stride, *down = one + stride;
        uint32_t edges = one[-1] + one[1] + up[0] + down[0];
        uint32_t corners = up[-1] + up[1] + down[-1] + down[1];
        writer->around_expected[p] = 8u * one[0] + 2u * edges + corners;
    }
}

/* S of a position, of magnitudes or expectations: its neighbours in phases coded before. */
#define OWN(type)                                                                                  \
    static inline uint32_t own_##type(const type *one, int32_t stride, uint32_t phase)             \
    {                                                                                              \
        uint32_t corners = 0, across = 0, down = 0;                                                \
        if (phase == 1 || phase == 3) {                                                            \
            corners =                                                                              \
                (uint32_t)one[-stride - 1] + one[-stride + 1] + one[stride - 1] + one[stride + 1]; \
        }                                                                                          \
        if (phase >= 2) {                                                                          \
            across = (uint32_t)one[-1] + one[1];                                                   \
            down = (uint32_t)one[-stride] + one[stride];                                           \
        }                                                                                          \
        return corners + 2 * (across + down);                                                      \
    }
OWN(uint8_t)
OWN(uint16_t)

/* Correct the scales of a part by the magnitudes around; inlined where the phase is known. */
static inline void correct(const struct writer *writer, int32_t number, uint32_t phase)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_group *group = &model->group[number];
    const int16_t *correction = model->correction + (size_t)(4 * number + (int32_t)phase) * 1024;
    const struct part *part = &writer->part[phase];
    const uint8_t *magnitude = writer->magnitude;
    const uint16_t *expected = writer->expected;
    const uint32_t *around = writer->around, *around_expected = writer->around_expected;
    uint32_t weight = group->window > 0 ? (uint32_t)group->window : 1u, count = part->count;
    int32_t octave = dp_highest_bit(weight), stride = writer->stride;
    struct spoken *one = part->spoken;
    for (uint32_t i = 0; i < count; i++, one++) {
        uint32_t own = own_uint8_t(magnitude + one->at, stride, phase);
        uint32_t own_expected = own_uint16_t(expected + one->at, stride, phase);
        uint32_t num = 16 * (weight * own + around[one->place]) + 2 * weight;
        uint32_t den = weight * own_expected + around_expected[one->place] + 2 * weight;
        int32_t more = correction[32 * bin(num, octave) + bin(den, octave)];
        one->index = (uint8_t)dp_index_of(one->level + more);
        one->table = (uint8_t)(one->index - 8 * dp_low_bits(one->index));
    }
}

void dp_find_tables(struct writer *writer, int32_t number, uint32_t phase)
{
    const struct part *part = &writer->part[phase];
    uint32_t next[DP_TABLES + 1] = {0};
    switch (phase) {
    case 0: correct(writer, number, 0); break;
    case 1: correct(writer, number, 1); break;
    case 2: correct(writer, number, 2); break;
    default: correct(writer, number, 3);
    }
    for (uint32_t i = 0; i < part->count; i++) {
        next[part->spoken[i].table + 1]++;
    }
    for (uint32_t t = 1; t < DP_TABLES; t++) {
        next[t] += next[t - 1];
    }
    for (uint32_t i = 0; i < part->count; i++) {
        writer->order[next[part->spoken[i].table]++] = i;
    }
}
