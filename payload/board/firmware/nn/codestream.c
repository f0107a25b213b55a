/* The board's entropy coder. docs/codec-integers.md, "Integers of the entropy path", has every
   formula. */
#include "codestream.h"

#include "entropy.h"

#define MOST_PHASE_PLACES DP_MOST_SIDE_PLACES /* a quarter of the positions, rounded up both ways */
#define MOST_PART (DP_LARGEST_GROUP * MOST_PHASE_PLACES)
#define LARGEST_LATENT (1 << 20)
/* The coded latents of one group in one phase, ordered by channel, then position. */
struct part {
    uint32_t count;
    int32_t symbols[MOST_PART];
    uint8_t index[MOST_PART];
};

struct neighbour {
    uint8_t place, phase, weight, tap; /* tap: 0 to 8, row by row */
};

struct coding {
    const struct dp_latents *tile;
    uint16_t *expected;  /* [channel][place] */
    uint8_t *magnitudes; /* [channel][place] */
    int16_t gain[DP_LATENTS];
    int32_t decoded[DP_MOST_PLACES][DP_PREDICTED]; /* of the predicted channels */
    uint32_t window[DP_MOST_PLACES], window_expected[DP_MOST_PLACES]; /* F and F_E */
    uint8_t places[4][MOST_PHASE_PLACES], place_count[4];             /* by phase */
    struct neighbour near[DP_MOST_PLACES][9];
    uint8_t near_count[DP_MOST_PLACES];
    struct part part;
    uint16_t order[MOST_PART];
};

static struct coding coding;

static inline uint32_t bin(uint32_t value, uint32_t octave)
{
    uint32_t high = dp_highest_bit(value);
    uint32_t half = high > 0 ? value >> (high - 1) & 1u : 0;
    int32_t at = (int32_t)(2 * high + half) - (int32_t)(2 * octave) - 2;
    return at < 0 ? 0 : at > DP_BINS - 1 ? DP_BINS - 1 : (uint32_t)at;
}

static void find_places(uint32_t rows, uint32_t columns)
{
    for (uint32_t phase = 0; phase < 4; phase++) {
        uint32_t count = 0;
        for (uint32_t r = dp_phase_row[phase]; r < rows; r += 2) {
            for (uint32_t s = dp_phase_column[phase]; s < columns; s += 2) {
                coding.places[phase][count++] = (uint8_t)(r * columns + s);
            }
        }
        coding.place_count[phase] = (uint8_t)count;
    }
    for (uint32_t p = 0; p < rows * columns; p++) {
        uint32_t r = p / columns, s = p % columns, count = 0;
        for (uint32_t n = 0; n < 9; n++) {
            uint32_t y = r + n / 3 - 1, x = s + n % 3 - 1;
            if (y < rows && x < columns) {
                coding.near[p][count++] = (struct neighbour){
                    .place = (uint8_t)(y * columns + x),
                    .phase = dp_phase_at[y % 2][x % 2],
                    .weight = n == 4 ? 8 : n % 2 == 1 ? 2 : 1,
                    .tap = (uint8_t)n};
            }
        }
        coding.near_count[p] = (uint8_t)count;
    }
}

/* Set the quality's gains, and the magnitudes expected from the uncorrected scales. */
static void begin(const struct dp_latents *tile, uint32_t quality, struct dp_pace *pace)
{
    uint32_t places = tile->places;
    find_places(tile->rows, tile->columns);
    for (uint32_t c = 0; c < DP_LATENTS; c++) {
        int32_t gain =
            dp_gain_row[quality] + dp_gain_channel[c] + dp_gain_rest[quality][c];
        coding.gain[c] = (int16_t)gain;
        for (uint32_t p = 0; p < places; p++) {
            uint32_t at = c * places + p;
            coding.expected[at] = dp_expected[dp_index_of(tile->scales[at] + gain + DP_LEVEL_OFFSET)];
            coding.magnitudes[at] = 0;
        }
        dp_pace(pace, 30u + 20u * places);
    }
}

/* Set F and F_E at every position: neighbour sums over the channels just before the group, with
   weights 8 (centre), 2 (edges) and 1 (corners). */
static void look_back(const struct dp_group *group, struct dp_pace *pace)
{
    uint32_t places = coding.tile->places, size[DP_MOST_PLACES], expected[DP_MOST_PLACES];
    uint32_t begin = (uint32_t)(group->first - group->window) * places;
    for (uint32_t p = 0; p < places; p++) {
        size[p] = expected[p] = 0;
        for (uint32_t at = begin + p; at < group->first * places; at += places) {
            size[p] += coding.magnitudes[at];
            expected[p] += coding.expected[at];
        }
        dp_pace(pace, 20u + 9u * group->window);
    }
    for (uint32_t p = 0; p < places; p++) {
        uint32_t near = 0, near_expected = 0;
        for (uint32_t n = 0; n < coding.near_count[p]; n++) {
            const struct neighbour *neighbour = &coding.near[p][n];
            near += neighbour->weight * size[neighbour->place];
            near_expected += neighbour->weight * expected[neighbour->place];
        }
        coding.window[p] = near;
        coding.window_expected[p] = near_expected;
    }
    dp_pace(pace, 60u * places);
}

/* The scale index of a latent, corrected by its context: the magnitudes coded around it. */
static uint32_t corrected_index(uint32_t number, uint32_t phase, uint32_t channel, uint32_t place,
                                int32_t base)
{
    const struct dp_group *group = &dp_groups[number];
    uint32_t weight = group->window > 0 ? group->window : 1u, octave = dp_highest_bit(weight);
    uint32_t at = channel * coding.tile->places, here = 0, here_expected = 0;
    for (uint32_t n = 0; n < coding.near_count[place]; n++) {
        const struct neighbour *neighbour = &coding.near[place][n];
        if (neighbour->phase < phase) {
            here += (uint32_t)neighbour->weight * coding.magnitudes[at + neighbour->place];
            here_expected += (uint32_t)neighbour->weight * coding.expected[at + neighbour->place];
        }
    }
    uint32_t num = 16 * (weight * here + coding.window[place]) + 2 * weight;
    uint32_t den = weight * here_expected + coding.window_expected[place] + 2 * weight;
    int32_t more = dp_correction[number][phase][bin(num, octave)][bin(den, octave)];
    return (uint32_t)dp_index_of(base + more + DP_LEVEL_OFFSET);
}

static int32_t mean_of(const struct dp_group *group, uint32_t phase, uint32_t channel,
                       uint32_t place)
{
    uint32_t last = group->last, wide = (uint32_t)(group->last - group->first);
    const int16_t *weights =
        group->means + (phase * wide + channel - group->first) * 9u * last;
    int64_t sum = 0;
    for (uint32_t n = 0; n < coding.near_count[place]; n++) {
        const struct neighbour *neighbour = &coding.near[place][n];
        const int32_t *decoded = coding.decoded[neighbour->place];
        const int16_t *tap = weights + neighbour->tap * last;
        /* At positions coded later, only the channels of earlier groups are known. */
        uint32_t known = neighbour->phase < phase ? last : group->first;
        for (uint32_t c = 0; c < known; c++) {
            sum += (int64_t)tap[c] * decoded[c];
        }
    }
    return (int32_t)((sum + (1 << 13)) >> 14);
}

/* Quantise |y - mean| at a gain; return |k|. */
static uint32_t quantise(uint32_t size, int32_t gain, uint32_t rounding)
{
    uint32_t scaled = (uint32_t)((uint64_t)size * dp_mantissas[gain & 31] >> (8 - (gain >> 5)));
    return (scaled + rounding) >> 8;
}

/* Dequantise |k|; return |decoded - mean|. */
static uint32_t rescale(uint32_t size, int32_t gain)
{
    uint64_t scaled = (uint64_t)size * dp_mantissas[-gain & 31] << ((-gain >> 5) + 4);
    return (uint32_t)((scaled + (1u << 11)) >> 12);
}

/* Code a latent that is not skipped; return its decoded value. */
static int32_t code_latent(uint32_t number, uint32_t phase, uint32_t channel, uint32_t place,
                     int32_t base, int32_t mean)
{
    struct part *part = &coding.part;
    uint32_t at = channel * coding.tile->places + place;
    int32_t gain = coding.gain[channel], rest = coding.tile->y[at] - mean;
    uint32_t index = corrected_index(number, phase, channel, place, base);
    /* The dead zone is the encoder's choice; the bitstream does not depend on it. */
    uint32_t rounding = dp_rounding[dp_index_of(base + DP_LEVEL_OFFSET)];
    uint32_t size = quantise((uint32_t)(rest < 0 ? -rest : rest), gain, rounding);
    part->symbols[part->count] = rest < 0 ? -(int32_t)size : (int32_t)size;
    part->index[part->count++] = (uint8_t)index;
    coding.magnitudes[at] = (uint8_t)(size > DP_LARGEST_MAGNITUDE ? DP_LARGEST_MAGNITUDE : size);
    int32_t back = (int32_t)rescale(size, gain);
    return mean + (rest < 0 ? -back : back);
}

/* Fill in the part; false if a latent is larger than any picture's. */
static bool find_symbols(uint32_t number, uint32_t phase, struct dp_pace *pace)
{
    const struct dp_group *group = &dp_groups[number];
    const struct dp_latents *tile = coding.tile;
    coding.part.count = 0;
    for (uint32_t c = group->first; c < group->last; c++) {
        const int16_t *scales = tile->scales + c * tile->places;
        int32_t gain = coding.gain[c];
        for (uint32_t i = 0; i < coding.place_count[phase]; i++) {
            uint32_t p = coding.places[phase][i];
            int32_t base = scales[p] + gain;
            if (group->means) {
                int32_t decoded = mean_of(group, phase, c, p);
                if (base + DP_LEVEL_OFFSET >= DP_CODED) {
                    decoded = code_latent(number, phase, c, p, base, decoded);
                }
                if (decoded > LARGEST_LATENT || decoded < -LARGEST_LATENT) {
                    return false;
                }
                coding.decoded[p][c] = decoded;
                dp_pace(pace, 300u + 40u * group->last);
            } else if (base + DP_LEVEL_OFFSET >= DP_CODED) {
                code_latent(number, phase, c, p, base, 0);
                dp_pace(pace, 250);
            }
        }
        dp_pace(pace, 10u + 15u * coding.place_count[phase]);
    }
    return true;
}

/* Sort the part's symbols by table; the sort is stable. */
static void sort(void)
{
    const struct part *part = &coding.part;
    uint16_t next[DP_TABLES + 1] = {0};
    for (uint32_t i = 0; i < part->count; i++) {
        next[dp_table_of(part->index[i]) + 1]++;
    }
    for (uint32_t t = 1; t < DP_TABLES; t++) {
        next[t] = (uint16_t)(next[t] + next[t - 1]);
    }
    for (uint32_t i = 0; i < part->count; i++) {
        coding.order[next[dp_table_of(part->index[i])]++] = (uint16_t)i;
    }
}

/* By how much a symbol exceeds its table; 0 or less if it is within. */
static int32_t beyond(int32_t high, uint32_t table)
{
    int32_t reach = dp_reach((uint32_t)(dp_latent_start[table + 1] - dp_latent_start[table]));
    return (high < 0 ? -high : high) - reach;
}

/* Write the part: its symbols by table, then the low bits, then the escapes. */
static void write_part(struct dp_coder *coder, struct dp_pace *pace)
{
    const struct part *part = &coding.part;
    uint32_t escapes = 0, most_low = 0;
    sort();
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t at = coding.order[i], low = dp_low_bits(part->index[at]);
        uint32_t table = dp_table_of(part->index[at]);
        uint32_t start = dp_latent_start[table], count = dp_latent_start[table + 1] - start;
        int32_t high = dp_high_part(part->symbols[at], low);
        uint32_t symbol = count - 1;
        if (beyond(high, table) > 0) {
            escapes++;
        } else {
            symbol = (uint32_t)(high + dp_reach(count));
        }
        dp_coder_table(coder, dp_latent_tables + start, count, symbol);
        most_low = low > most_low ? low : most_low;
        dp_pace(pace, 150);
    }
    for (uint32_t low = 1; low <= most_low; low++) {
        for (uint32_t i = 0; i < part->count; i++) {
            uint32_t at = coding.order[i];
            if (dp_low_bits(part->index[at]) == low) {
                dp_coder_bits(coder, dp_low_part(part->symbols[at], low), low);
                dp_pace(pace, 100);
            }
        }
        dp_pace(pace, 10u * part->count);
    }
    for (uint32_t i = 0; escapes > 0; i++) {
        uint32_t at = coding.order[i], index = part->index[at];
        int32_t high = dp_high_part(part->symbols[at], dp_low_bits(index));
        int32_t size = beyond(high, dp_table_of(index));
        if (size > 0) {
            escapes--;
            dp_write_escape(coder, (uint32_t)size, high < 0);
        }
        dp_pace(pace, size > 0 ? 1000 : 30);
    }
}

bool dp_write_latents(const struct dp_latents *tile, uint32_t quality, struct dp_memory *memory,
                      struct dp_coder *coder, struct dp_pace *pace)
{
    coding.tile = tile;
    coding.expected = memory->first.expected;
    coding.magnitudes = memory->second.magnitudes;
    begin(tile, quality, pace);
    for (uint32_t number = 0; number < DP_GROUPS && !dp_coder_full(coder); number++) {
        look_back(&dp_groups[number], pace);
        for (uint32_t phase = 0; phase < 4; phase++) {
            if (!find_symbols(number, phase, pace)) {
                return false;
            }
            write_part(coder, pace);
        }
    }
    return true;
}

void dp_write_side(const struct dp_latents *tile, struct dp_coder *coder, struct dp_pace *pace)
{
    static int16_t means[DP_SIDE * DP_MOST_SIDE_PLACES];
    static uint8_t contexts[DP_MOST_SIDE_PLACES];
    uint32_t rows = (tile->rows + 1) / 2, columns = (tile->columns + 1) / 2, places = rows * columns;
    for (uint32_t phase = 0; phase < 4; phase++) {
        for (uint32_t c = 0; c < DP_SIDE; c++) {
            const int8_t *side = tile->side + c * places;
            for (uint32_t r = dp_phase_row[phase]; r < rows; r += 2) {
                for (uint32_t s = dp_phase_column[phase]; s < columns; s += 2) {
                    uint32_t at = r * columns + s;
                    means[c * places + at] = dp_side_mean(side, rows, columns, phase, r, s);
                    contexts[at] = (uint8_t)dp_side_context(&dp_side_rule, DP_SIDE, c, phase,
                                                            means + at, tile->side + at, places);
                    dp_pace(pace, 250u + 10u * c);
                }
            }
            for (uint32_t context = 0; context < DP_SIDE_CONTEXTS; context++) {
                for (uint32_t r = dp_phase_row[phase]; r < rows; r += 2) {
                    for (uint32_t s = dp_phase_column[phase]; s < columns; s += 2) {
                        uint32_t at = r * columns + s;
                        if (contexts[at] == context) {
                            dp_coder_table(coder, dp_side_tables[c][context], DP_SIDE_SYMBOLS,
                                           (uint32_t)(side[at] - DP_SIDE_LOWEST));
                            dp_pace(pace, 150);
                        }
                    }
                }
                dp_pace(pace, 3u * places);
            }
        }
    }
}
