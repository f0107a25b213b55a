/* What vector instructions a compiler knows, and whether this processor has them. */
#ifndef DP_PROCESSOR_H
#define DP_PROCESSOR_H

#if defined(__x86_64__) && defined(__GNUC__)
#define DP_X86
#elif defined(__aarch64__) && defined(__GNUC__) && defined(__linux__)
#define DP_ARM
#endif

#ifdef DP_X86
int dp_has_avx512(void); /* with its VNNI */
int dp_has_avxvnni(void);
int dp_has_avx2(void);
#endif
#ifdef DP_ARM
int dp_has_dotprod(void);
#endif

#endif
