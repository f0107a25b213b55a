#include "tilewriter.h"

#include "rangecoder.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET 130 /* of log-scales, in the index */
#define SPOKEN 4   /* the least log-scale + OFFSET whose index is not 0: others are silent */
#define SIDE_LOWEST (-32)
#define NO_CONTEXT (DP_SIDE_CONTEXTS - 1)
#define LARGEST_MAGNITUDE 255
#define MOST_BYTES 16 /* of one symbol: escape, low bits, sign, and what the coder holds back */

/* Row and column parity of the positions coded first, second, third and last; and the reverse. */
static const uint8_t phase_row[4] = {0, 1, 0, 1}, phase_column[4] = {0, 1, 1, 0};
static const uint8_t phase_at[2][2] = {{0, 2}, {3, 1}};

/* A latent that is not silent. */
struct spoken {
    uint32_t at, place; /* in all planes and in its own, borders included */
    uint32_t from;      /* in its channel of the tile */
    int32_t symbol;
    int16_t level; /* log-scale + OFFSET, before any correction */
    uint8_t index; /* of the scale, corrected */
    uint8_t table;
};

/* A group's spoken latents in one phase, in order of channel and position. */
struct part {
    struct spoken *spoken;
    uint32_t count;
};

struct writer {
    const struct dp_entropy *model;
    const struct dp_planes *tile;
    struct dp_coder coder;
    double rounding[DP_SCALES];    /* in steps */
    int32_t stride, plane;         /* of planes with a border of one position all around */
    uint8_t *magnitude;            /* [latents][plane] */
    uint16_t *expected;            /* [latents][plane] */
    double *decoded;               /* [plane][predicted] */
    double *mean;                  /* [positions of a phase][channels of a leading group] */
    uint16_t *size;                /* [plane], sums over a window's channels */
    uint32_t *size_expected;       /* [plane] */
    uint32_t *around, *around_expected; /* [plane], F and F_E */
    struct part part[4];
    uint32_t *order;
};

static inline int32_t limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline int32_t highest_bit(uint32_t value)
{
#if defined(__GNUC__)
    return 31 - __builtin_clz(value);
#else
    int32_t at = 0;
    while (value >>= 1) {
        at++;
    }
    return at;
#endif
}

static inline int32_t bin(uint32_t value, int32_t octave)
{
    int32_t high = highest_bit(value);
    int32_t half = high > 0 ? (int32_t)(value >> (high - 1) & 1u) : 0;
    return limited(2 * high + half - 2 * octave - 2, 0, 31);
}

/* How many low bits of a scale's symbols go uncoded. */
static inline uint32_t low_bits(uint32_t index)
{
    return index < DP_TABLES ? 0 : (index - DP_TABLES) / 8 + 1;
}

/* What |y - mean| is multiplied with; the products have less than 53 bits. */
static double step_of(const struct dp_entropy *model, int32_t gain)
{
    return ldexp(model->mantissas[gain & 31], (gain >> 5) - 16);
}

/* What |k| is multiplied with to give |decoded - mean|. */
static double back_of(const struct dp_entropy *model, int32_t gain)
{
    return ldexp(model->mantissas[-gain & 31], (-gain >> 5) + 4 - 12);
}

static inline int32_t index_of(int32_t level)
{
    return limited(level >> 2, 0, DP_SCALES - 1);
}

/* Quantise what a latent differs by from its mean, and put its size where its neighbours look. */
static inline void speak(struct writer *writer, struct spoken *one, double rest, double step)
{
    int32_t index = index_of(one->level);
    int32_t size = (int32_t)(fabs(rest) * step + writer->rounding[index]);
    one->symbol = rest < 0 ? -size : size;
    writer->magnitude[one->at] = (uint8_t)(size > LARGEST_MAGNITUDE ? LARGEST_MAGNITUDE : size);
    writer->expected[one->at] = writer->model->expected[index];
}

/* Put a channel's spoken latents into their parts, where they are and how wide. */
static void find_spoken(struct writer *writer, int32_t channel)
{
    const struct dp_planes *tile = writer->tile;
    int32_t rows = tile->rows, columns = tile->columns;
    int32_t add = OFFSET + writer->model->gain[channel];
    uint32_t plane = (uint32_t)(channel * writer->plane);
    const int16_t *scales = tile->scales + (size_t)channel * (size_t)rows * (size_t)columns;
    for (uint32_t phase = 0; phase < 4; phase++) {
        struct part *part = &writer->part[phase];
        struct spoken *next = part->spoken + part->count;
        for (int32_t r = phase_row[phase]; r < rows; r += 2) {
            uint32_t place = (uint32_t)((r + 1) * writer->stride + 1);
            for (int32_t s = phase_column[phase]; s < columns; s += 2) {
                /* Written always, kept where it is spoken: no branch to be foretold. */
                int32_t from = r * columns + s, level = scales[from] + add;
                next->place = place + (uint32_t)s;
                next->at = plane + next->place;
                next->from = (uint32_t)from;
                next->level = (int16_t)level;
                next += level >= SPOKEN;
            }
        }
        part->count = (uint32_t)(next - part->spoken);
    }
}

/* Fill in the parts of a group without means. */
static void find_symbols(struct writer *writer, const struct dp_group *group)
{
    const struct dp_planes *tile = writer->tile;
    for (int32_t c = group->first; c < group->last; c++) {
        const int32_t *y = tile->y + (size_t)c * (size_t)tile->rows * (size_t)tile->columns;
        double step = step_of(writer->model, writer->model->gain[c]);
        uint32_t before[4];
        for (uint32_t phase = 0; phase < 4; phase++) {
            before[phase] = writer->part[phase].count;
        }
        find_spoken(writer, c);
        for (uint32_t phase = 0; phase < 4; phase++) {
            const struct part *part = &writer->part[phase];
            for (struct spoken *one = part->spoken + before[phase];
                 one < part->spoken + part->count; one++) {
                speak(writer, one, y[one->from], step);
            }
        }
    }
}

/* Add what a neighbour's `known` channels say of a group's `wide` ones. Sums are whole numbers
   (times 2^-14) below 2^53, so neither their order nor a fused product shows. */
static void add_near(double *mean, const double *weights, const double *near, int32_t known,
                     int32_t wide)
{
    for (int32_t c = 0; c < known; c++, weights += wide) {
        for (int32_t o = 0; o < wide; o++) {
            mean[o] += weights[o] * near[c];
        }
    }
}

#if defined(__GNUC__)
/* Left to itself, GCC goes along the channels that are known, which is slower. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));

#define ADD_NEAR(wide)                                                                           \
    VECTORS static void add_near_##wide(double *mean, const double *weights, const double *near, \
                                        int32_t known)                                           \
    {                                                                                            \
        const lanes *own = (const lanes *)weights;                                               \
        lanes sum[wide / 4];                                                                     \
        memcpy(sum, mean, sizeof sum);                                                           \
        for (int32_t c = 0; c < known; c++, own += wide / 4) {                                   \
            for (int32_t o = 0; o < wide / 4; o++) {                                             \
                sum[o] += own[o] * near[c];                                                      \
            }                                                                                    \
        }                                                                                        \
        memcpy(mean, sum, sizeof sum);                                                           \
    }
#else
#define ADD_NEAR(wide)                                                                           \
    static void add_near_##wide(double *mean, const double *weights, const double *near,         \
                                int32_t known)                                                   \
    {                                                                                            \
        add_near(mean, weights, near, known, wide);                                              \
    }
#endif
ADD_NEAR(4)
ADD_NEAR(8)
ADD_NEAR(16)

/* Means of a leading group's latents in one phase, of what is decoded around them. */
static void find_means(struct writer *writer, const struct dp_group *group, uint32_t phase,
                       const double *weights)
{
    const struct dp_planes *tile = writer->tile;
    int32_t wide = group->last - group->first, predicted = writer->model->predicted;
    double *mean = writer->mean;
    for (int32_t r = phase_row[phase]; r < tile->rows; r += 2) {
        for (int32_t s = phase_column[phase]; s < tile->columns; s += 2, mean += wide) {
            for (int32_t o = 0; o < wide; o++) {
                mean[o] = 0.5;
            }
            for (int32_t n = 0; n < 9; n++) {
                int32_t row = r + n / 3, column = s + n % 3; /* with the border before them */
                const double *near =
                    writer->decoded + (size_t)(row * writer->stride + column) * (size_t)predicted;
                const double *own = weights + (size_t)(n * group->last) * (size_t)wide;
                /* Of positions coded later only the groups before this one are known. */
                uint32_t there = phase_at[(row + 1) & 1][(column + 1) & 1];
                int32_t known = there < phase ? group->last : group->first;
                switch (wide) {
                case 4: add_near_4(mean, own, near, known); break;
                case 8: add_near_8(mean, own, near, known); break;
                case 16: add_near_16(mean, own, near, known); break;
                default: add_near(mean, own, near, known, wide);
                }
            }
        }
    }
}

/* Fill in the parts of a leading group; its latents are told as differences from their means. */
static void find_leading_symbols(struct writer *writer, const struct dp_group *group,
                                 const double *weights)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    int32_t wide = group->last - group->first, rows = tile->rows, columns = tile->columns;
    for (uint32_t phase = 0; phase < 4; phase++) {
        struct part *part = &writer->part[phase];
        find_means(writer, group, phase, weights + (size_t)(phase * 9) * (size_t)(group->last * wide));
        for (int32_t c = group->first; c < group->last; c++) {
            size_t plane = (size_t)c * (size_t)rows * (size_t)columns;
            double step = step_of(model, model->gain[c]), back = back_of(model, model->gain[c]);
            const double *mean = writer->mean + (c - group->first);
            for (int32_t r = phase_row[phase]; r < rows; r += 2) {
                for (int32_t s = phase_column[phase]; s < columns; s += 2, mean += wide) {
                    int32_t from = r * columns + s, place = (r + 1) * writer->stride + s + 1;
                    int32_t level = tile->scales[plane + (size_t)from] + OFFSET + model->gain[c];
                    double value = floor(*mean);
                    if (level >= SPOKEN) {
                        struct spoken *one = &part->spoken[part->count++];
                        double rest = tile->y[plane + (size_t)from] - value;
                        one->place = (uint32_t)place;
                        one->at = (uint32_t)(c * writer->plane + place);
                        one->from = (uint32_t)from;
                        one->level = (int16_t)level;
                        speak(writer, one, rest, step);
                        value += copysign(floor(abs(one->symbol) * back + 0.5), rest);
                    }
                    writer->decoded[(size_t)place * (size_t)model->predicted + (size_t)c] = value;
                }
            }
        }
    }
}

/* F and F_E at every position: the channels just before the group, with weights 8, 2 and 1. */
static void look_back(struct writer *writer, const struct dp_group *group)
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
        const uint16_t *one = writer->size + p;
        const uint32_t *two = writer->size_expected + p;
        writer->around[p] = 8u * one[0] + 2u * ((uint32_t)one[-1] + one[1] + one[-stride] + one[stride]) +
                            one[-stride - 1] + one[-stride + 1] + one[stride - 1] + one[stride + 1];
        writer->around_expected[p] = 8u * two[0] + 2u * (two[-1] + two[1] + two[-stride] + two[stride]) +
                                     two[-stride - 1] + two[-stride + 1] + two[stride - 1] +
                                     two[stride + 1];
    }
}

/* S of a position, of magnitudes or expectations: its neighbours in phases coded before. */
#define OWN(type)                                                                                \
    static inline uint32_t own_##type(const type *one, int32_t stride, uint32_t phase)           \
    {                                                                                            \
        uint32_t corners = 0, across = 0, down = 0;                                              \
        if (phase == 1 || phase == 3) {                                                          \
            corners = (uint32_t)one[-stride - 1] + one[-stride + 1] + one[stride - 1] +          \
                      one[stride + 1];                                                           \
        }                                                                                        \
        if (phase >= 2) {                                                                        \
            across = (uint32_t)one[-1] + one[1];                                                 \
            down = (uint32_t)one[-stride] + one[stride];                                         \
        }                                                                                        \
        return corners + 2 * (across + down);                                                    \
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
    int32_t octave = highest_bit(weight), stride = writer->stride;
    struct spoken *one = part->spoken;
    for (uint32_t i = 0; i < count; i++, one++) {
        uint32_t own = own_uint8_t(magnitude + one->at, stride, phase);
        uint32_t own_expected = own_uint16_t(expected + one->at, stride, phase);
        uint32_t num = 16 * (weight * own + around[one->place]) + 2 * weight;
        uint32_t den = weight * own_expected + around_expected[one->place] + 2 * weight;
        int32_t more = correction[32 * bin(num, octave) + bin(den, octave)];
        one->index = (uint8_t)index_of(one->level + more);
        one->table = (uint8_t)(one->index - 8 * low_bits(one->index));
    }
}

/* Correct the scales of a part, and put it in order of tables, stably. */
static void find_tables(struct writer *writer, int32_t number, uint32_t phase)
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

/* Make room for so many symbols more; 0 where memory is short. */
static int reserve(struct dp_coder *coder, size_t symbols)
{
    size_t needed = coder->length + (symbols + 1) * MOST_BYTES;
    if (needed <= coder->size) {
        return 1;
    }
    needed += needed / 2;
    uint8_t *out = needed > UINT32_MAX ? NULL : realloc(coder->out, needed);
    if (!out) {
        return 0;
    }
    coder->out = out;
    coder->size = (uint32_t)needed;
    return 1;
}

/* Elias gamma, then the sign. */
static void write_escape(struct dp_coder *coder, uint32_t size, int negative)
{
    int32_t length = highest_bit(size);
    for (int32_t i = 0; i < length; i++) {
        dp_coder_bits(coder, 0, 1);
    }
    for (int32_t i = length; i >= 0; i--) {
        dp_coder_bits(coder, size >> i & 1u, 1);
    }
    dp_coder_bits(coder, negative ? 1u : 0u, 1);
}

/* What tables code of a symbol. */
static inline int32_t high_part(const struct spoken *one)
{
    uint32_t low = low_bits(one->index);
    return (one->symbol + (int32_t)(1u << low >> 1)) >> low;
}

/* By how much a symbol is beyond its table; 0 or less where it is within. */
static inline int32_t beyond(const struct dp_entropy *model, const struct spoken *one)
{
    const int32_t *start = model->latent_start + one->table;
    int32_t high = high_part(one);
    return (high < 0 ? -high : high) - (start[1] - start[0] - 2) / 2;
}

/* The part's symbols by table, then low bits, then what is beyond the tables. */
static int write_part(struct writer *writer, const struct part *part)
{
    const struct dp_entropy *model = writer->model;
    struct dp_coder *coder = &writer->coder;
    uint32_t escapes = 0, most_low = 0;
    if (!reserve(coder, part->count)) {
        return 0;
    }
    for (uint32_t i = 0; i < part->count; i++) {
        const struct spoken *one = &part->spoken[writer->order[i]];
        uint32_t start = (uint32_t)model->latent_start[one->table];
        uint32_t count = (uint32_t)model->latent_start[one->table + 1] - start;
        uint32_t symbol = count - 1, low = low_bits(one->index);
        if (beyond(model, one) > 0) {
            escapes++;
        } else {
            symbol = (uint32_t)(high_part(one) + (int32_t)(count - 2) / 2);
        }
        dp_coder_table(coder, model->latent_sums + start, count, symbol);
        most_low = low > most_low ? low : most_low;
    }
    for (uint32_t low = 1; low <= most_low; low++) {
        for (uint32_t i = 0; i < part->count; i++) {
            const struct spoken *one = &part->spoken[writer->order[i]];
            if (low_bits(one->index) == low) {
                uint32_t value = (uint32_t)one->symbol + (1u << low >> 1);
                dp_coder_bits(coder, value & ((1u << low) - 1), low);
            }
        }
    }
    for (uint32_t i = 0; escapes > 0; i++) {
        const struct spoken *one = &part->spoken[writer->order[i]];
        int32_t size = beyond(model, one);
        if (size > 0) {
            escapes--;
            write_escape(coder, (uint32_t)size, one->symbol < 0);
        }
    }
    return 1;
}

static int write_latents(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    const double *weights = model->means;
    for (int32_t number = 0; number < model->groups; number++) {
        const struct dp_group *group = &model->group[number];
        for (uint32_t phase = 0; phase < 4; phase++) {
            writer->part[phase].count = 0;
        }
        if (group->first < model->predicted) {
            find_leading_symbols(writer, group, weights);
            weights += 4 * 9 * group->last * (group->last - group->first);
        } else {
            find_symbols(writer, group);
        }
        look_back(writer, group);
        for (uint32_t phase = 0; phase < 4; phase++) {
            find_tables(writer, number, phase);
            if (!write_part(writer, &writer->part[phase])) {
                return 0;
            }
        }
    }
    return 1;
}

/* The context of a value of the side information: the mean of its coded neighbours. */
static int32_t side_context(const int8_t *side, int32_t rows, int32_t columns, uint32_t phase,
                            int32_t row, int32_t column)
{
    int32_t sum = 0, count = 0;
    for (int32_t n = 0; phase > 0 && n < 9; n++) {
        /* Corners in the second phase, edges in the last two, nothing in the first. */
        int looked_at = n != 4 && (n % 2 == 0) == (phase == 1);
        int32_t y = row + n / 3 - 1, x = column + n % 3 - 1;
        if (looked_at && y >= 0 && y < rows && x >= 0 && x < columns) {
            sum += side[y * columns + x];
            count++;
        }
    }
    if (count == 0) {
        return NO_CONTEXT;
    }
    /* Rounded half up: 64 is taken off again after a division of what is not negative. */
    return limited((2 * sum + count + 128 * count) / (2 * count) - 64, -2, 2) + 2;
}

/* Write the side information, by phase, channel and context. */
static int write_side(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    int32_t rows = (writer->tile->rows + 1) / 2, columns = (writer->tile->columns + 1) / 2;
    size_t places = (size_t)rows * (size_t)columns;
    uint8_t *contexts = malloc(places);
    if (!contexts || !reserve(&writer->coder, places * (size_t)model->side)) {
        free(contexts);
        return 0;
    }
    for (uint32_t phase = 0; phase < 4; phase++) {
        for (int32_t c = 0; c < model->side; c++) {
            const int8_t *side = writer->tile->side + (size_t)c * places;
            for (int32_t r = phase_row[phase]; r < rows; r += 2) {
                for (int32_t s = phase_column[phase]; s < columns; s += 2) {
                    contexts[r * columns + s] =
                        (uint8_t)side_context(side, rows, columns, phase, r, s);
                }
            }
            for (int32_t context = 0; context <= NO_CONTEXT; context++) {
                const uint16_t *sums =
                    model->side_sums + (size_t)(c * DP_SIDE_CONTEXTS + context) * DP_SIDE_SYMBOLS;
                for (int32_t r = phase_row[phase]; r < rows; r += 2) {
                    for (int32_t s = phase_column[phase]; s < columns; s += 2) {
                        int32_t at = r * columns + s;
                        if (contexts[at] == context) {
                            dp_coder_table(&writer->coder, sums, DP_SIDE_SYMBOLS,
                                           (uint32_t)(side[at] - SIDE_LOWEST));
                        }
                    }
                }
            }
        }
    }
    free(contexts);
    return 1;
}

/* Give the writer its memory; 0 where there is none. */
static int prepare(struct writer *writer)
{
    const struct dp_entropy *model = writer->model;
    const struct dp_planes *tile = writer->tile;
    size_t plane = (size_t)writer->plane, latents = (size_t)model->latents, largest = 0;
    size_t positions = ((size_t)tile->rows + 1) / 2 * (((size_t)tile->columns + 1) / 2);
    for (int32_t g = 0; g < model->groups; g++) {
        size_t wide = (size_t)(model->group[g].last - model->group[g].first);
        largest = wide > largest ? wide : largest;
    }
    writer->magnitude = calloc(latents * plane, sizeof *writer->magnitude);
    writer->expected = calloc(latents * plane, sizeof *writer->expected);
    writer->decoded = calloc((size_t)model->predicted * plane + 1, sizeof *writer->decoded);
    writer->mean = malloc(largest * positions * sizeof *writer->mean);
    writer->size = malloc(plane * sizeof *writer->size);
    writer->size_expected = malloc(plane * sizeof *writer->size_expected);
    writer->around = malloc(plane * sizeof *writer->around);
    writer->around_expected = malloc(plane * sizeof *writer->around_expected);
    writer->order = malloc(largest * positions * sizeof *writer->order);
    int enough = writer->magnitude && writer->expected && writer->decoded && writer->mean &&
                 writer->size && writer->size_expected && writer->around &&
                 writer->around_expected && writer->order;
    for (uint32_t phase = 0; phase < 4; phase++) {
        /* One more is written and not kept. */
        writer->part[phase].spoken = malloc((largest * positions + 1) * sizeof(struct spoken));
        enough = enough && writer->part[phase].spoken;
    }
    return enough;
}

static void release(struct writer *writer)
{
    free(writer->magnitude);
    free(writer->expected);
    free(writer->decoded);
    free(writer->mean);
    free(writer->size);
    free(writer->size_expected);
    free(writer->around);
    free(writer->around_expected);
    free(writer->order);
    for (uint32_t phase = 0; phase < 4; phase++) {
        free(writer->part[phase].spoken);
    }
}

uint8_t *dp_write_tile(const struct dp_entropy *model, const struct dp_planes *tile, size_t *size)
{
    struct writer writer = {.model = model, .tile = tile};
    writer.stride = tile->columns + 2;
    writer.plane = (tile->rows + 2) * writer.stride;
    for (int32_t index = 0; index < DP_SCALES; index++) {
        writer.rounding[index] = model->rounding[index] / 256.0;
    }
    dp_coder_start(&writer.coder, NULL, 0);
    int done = prepare(&writer) && write_side(&writer) && write_latents(&writer) &&
               reserve(&writer.coder, 1);
    release(&writer);
    if (!done) {
        free(writer.coder.out);
        return NULL;
    }
    *size = dp_coder_finish(&writer.coder);
    return writer.coder.out;
}
