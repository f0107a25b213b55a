/* Compile functions for wide vectors, too, if compiler and system can choose at run time. */
#ifndef DP_VECTORS_H
#define DP_VECTORS_H

#include <stdint.h> /* any header of the C library defines __GLIBC__ if it is GNU's */

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && \
    defined(__GLIBC__)
#define VECTORS __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define VECTORS
#endif

#endif
