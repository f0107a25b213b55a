/* Limits of values and numbers, in the code of a variant, which defines TARGET. */
#ifndef DP_LIMITED_H
#define DP_LIMITED_H

#include <stddef.h>
#include <stdint.h>

static inline TARGET int32_t limited(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline TARGET size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
