/* The operation `mask_above` of layers.h on vectors of 256 bits. */
#ifndef DP_MASK_256_H
#define DP_MASK_256_H

#include "vectors_256.h"

#define mask_above mask_above

/* Return a mask of those of 16 values that are above a limit. */
static inline TARGET uint32_t mask_above(const int16_t *values, int16_t limit)
{
    __m256i above = _mm256_cmpgt_epi16(load(values), _mm256_set1_epi16(limit));
    __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(above), _mm256_extracti128_si256(above, 1));
    return (uint32_t)_mm_movemask_epi8(bytes);
}

#endif
