/* Read the symbols of a step: table by table, then low bits, then escapes. */
#include "latents.h"

#include <string.h>

#define LONGEST_ESCAPE 20                      /* bits after the first of what exceeds a table */
#define FIRST_SPLIT (DP_TABLES - 8)            /* only tables from here on have low bits */

/* Sort a step's latents by table; return in `end` where each table's end. */
static void sort(struct latents *l, uint32_t count, uint32_t end[DP_TABLES])
{
    uint8_t table_of[DP_SCALES];
    for (uint32_t index = 0; index < DP_SCALES; index++) {
        table_of[index] = (uint8_t)dp_table_of(index);
    }
    memset(end, 0, DP_TABLES * sizeof *end);
    for (uint32_t i = 0; i < count; i++) {
        end[table_of[l->index[i]]]++;
    }
    for (uint32_t t = 0, begin = 0; t < DP_TABLES; t++) {
        uint32_t own = end[t];
        end[t] = begin;
        begin += own;
    }
    for (uint32_t i = 0; i < count; i++) {
        l->sorted[end[table_of[l->index[i]]]++] = i;
    }
}

/* Read the low bits of the latents of `sorted`; those of fewer bits come first. */
static bool read_low_bits(struct latents *l, const uint32_t *sorted, uint32_t count)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits = dp_low_bits(l->index[sorted[i]]);
        most = bits > most ? bits : most;
    }
    for (uint32_t bits = 1; bits <= most; bits++) {
        for (uint32_t i = 0; i < count; i++) {
            if (dp_low_bits(l->index[sorted[i]]) == bits) {
                int32_t low = dp_read_bits(&l->reader, bits);
                if (low < 0) {
                    return false;
                }
                l->low[sorted[i]] = (uint8_t)low;
            }
        }
    }
    return true;
}

/* Read by how much a symbol exceeds its table: Elias gamma code, then the sign. */
static enum dp_reading read_escape(struct dp_range_reader *reader, int32_t reach, int32_t *symbol)
{
    uint32_t length = 0;
    int32_t bit, size = 1;
    while ((bit = dp_read_bits(reader, 1)) == 0) {
        if (++length > LONGEST_ESCAPE) {
            return DP_ESCAPE_TOO_LONG;
        }
    }
    for (uint32_t i = 0; bit >= 0 && i < length; i++) {
        bit = dp_read_bits(reader, 1);
        size = 2 * size + (bit > 0);
    }
    bit = bit < 0 ? bit : dp_read_bits(reader, 1);
    *symbol = bit > 0 ? -(reach + size) : reach + size;
    return bit < 0 ? DP_NO_SYMBOLS : DP_READ;
}

enum dp_reading dp_read_symbols(struct latents *l, uint32_t count)
{
    const struct dp_reader_model *model = l->model;
    struct dp_range_reader reader = l->reader; /* a copy, which fits in registers */
    uint32_t end[DP_TABLES], escapes = 0, i = 0;
    sort(l, count, end);
    for (uint32_t t = 0; t < DP_TABLES; t++) {
        const uint32_t *shares = model->latent_shares + model->latent_start[t];
        uint32_t symbols = (uint32_t)(model->latent_start[t + 1] - model->latent_start[t]) - 1;
        int32_t reach = dp_reach(symbols);
        for (; i < end[t]; i++) {
            int32_t symbol = dp_read_symbol(&reader, shares, symbols, (uint32_t)reach);
            if (symbol < 0) {
                return DP_NO_SYMBOLS;
            }
            escapes += symbol > 2 * reach;
            l->symbol[l->sorted[i]] = symbol - reach;
        }
    }
    l->reader = reader;
    uint32_t split = end[FIRST_SPLIT - 1];
    if (!read_low_bits(l, l->sorted + split, count - split)) {
        return DP_NO_SYMBOLS;
    }
    i = 0;
    for (uint32_t t = 0; escapes > 0; t++) {
        int32_t reach =
            dp_reach((uint32_t)(model->latent_start[t + 1] - model->latent_start[t]) - 1);
        for (; escapes > 0 && i < end[t]; i++) {
            int32_t *symbol = &l->symbol[l->sorted[i]];
            if (*symbol > reach) {
                escapes--;
                enum dp_reading result = read_escape(&l->reader, reach, symbol);
                if (result != DP_READ) {
                    return result;
                }
            }
        }
    }
    for (i = split; i < count; i++) {
        uint32_t own = l->sorted[i], bits = dp_low_bits(l->index[own]);
        if (bits > 0) {
            l->symbol[own] = l->symbol[own] * (1 << bits) + l->low[own] - (1 << (bits - 1));
        }
    }
    return DP_READ;
}
