#include "processor.h"

#ifdef DP_X86
#include <cpuid.h>

int dp_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

int dp_has_avxvnni(void)
{
    unsigned a, b, c, d;
    /* If AVX2 is usable, the operating system saves 256-bit registers. */
    return dp_has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1u);
}

int dp_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}
#endif

#ifdef DP_ARM
#include <sys/auxv.h>

int dp_has_dotprod(void)
{
    return (getauxval(AT_HWCAP) >> 20 & 1u) != 0; /* HWCAP_ASIMDDP */
}
#endif
