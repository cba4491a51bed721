/* limits.c - as many f32 multiply-adds and int8 dot products as 16 lanes do (avx2/limits.c says why it is written so). */
#include <immintrin.h>

#include "../limits.h"

#define CHAINS(X) \
    X(a0) X(a1) X(a2) X(a3) X(a4) X(a5) X(a6) X(a7) X(a8) X(a9) X(a10) X(a11) X(a12) X(a13) X(a14) X(a15) X(a16) X(a17) X(a18) X(a19)
enum { COUNT = 20 };

double rf__peak_fma_avx512(void *memory, long n) {
    (void)memory;
    __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
#define X(a) __m512 a = _mm512_setzero_ps();
    CHAINS(X)
#undef X
    for (long k = 0; k < n; k++) {
#define X(a)                          \
    a = _mm512_fmadd_ps(a, x, y);     \
    __asm__ volatile("" : "+v"(a));
        CHAINS(X)
#undef X
    }
    return 2.0 * 16 * COUNT * (double)n;
}

__attribute__((target("avx512vnni"))) double rf__peak_dot_int8(void *memory, long n) {
    (void)memory;
    __m512i x = _mm512_set1_epi32(0x11223344), y = _mm512_set1_epi32(0x01020304);
#define X(a) __m512i a = _mm512_setzero_si512();
    CHAINS(X)
#undef X
    for (long k = 0; k < n; k++) {
#define X(a)                              \
    a = _mm512_dpbusd_epi32(a, x, y);     \
    __asm__ volatile("" : "+v"(a));
        CHAINS(X)
#undef X
    }
    return 2.0 * 64 * COUNT * (double)n;
}
