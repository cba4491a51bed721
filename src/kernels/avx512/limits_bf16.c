/* limits_bf16.c - as many bf16 dot products as 16 lanes do (avx2/limits.c says why it is written so). */
#include <immintrin.h>

#include "../limits.h"

#define CHAINS(X) \
    X(a0) X(a1) X(a2) X(a3) X(a4) X(a5) X(a6) X(a7) X(a8) X(a9) X(a10) X(a11) X(a12) X(a13) X(a14) X(a15) X(a16) X(a17) X(a18) X(a19)
enum { COUNT = 20 };

double rf__peak_dot_bf16(void *memory, long n) {
    (void)memory;
    __m512bh x = (__m512bh)_mm512_set1_epi32(0x3f7f3f7f), y = (__m512bh)_mm512_set1_epi32(0x3a833a83);
#define X(a) __m512 a = _mm512_setzero_ps();
    CHAINS(X)
#undef X
    for (long k = 0; k < n; k++) {
#define X(a)                            \
    a = _mm512_dpbf16_ps(a, x, y);      \
    __asm__ volatile("" : "+v"(a));
        CHAINS(X)
#undef X
    }
    return 2.0 * 32 * COUNT * (double)n;
}
