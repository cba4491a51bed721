/* limits.c - as many f32 multiply-adds as 8 lanes do, and as many bytes as they read. */
#include <immintrin.h>

#include "../limits.h"

/* Named variables, because gcc keeps an array of vectors in memory; the empty assembly keeps it from computing the answer itself. */
#define CHAINS(X) X(a0) X(a1) X(a2) X(a3) X(a4) X(a5) X(a6) X(a7) X(a8) X(a9) X(a10) X(a11)
enum { COUNT = 12 /* more than latency times units */ };

double rf__peak_fma_avx2(void *memory, long n) {
    (void)memory;
    __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
#define X(a) __m256 a = _mm256_setzero_ps();
    CHAINS(X)
#undef X
    for (long k = 0; k < n; k++) {
#define X(a)                          \
    a = _mm256_fmadd_ps(a, x, y);     \
    __asm__ volatile("" : "+x"(a));
        CHAINS(X)
#undef X
    }
    return 2.0 * 8 * COUNT * (double)n;
}

double rf__read_avx2(const void *memory, size_t bytes, long n) {
    const __m256i *p = memory;
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (long k = 0; k < n; k++) {
        for (size_t i = 0; i < bytes / 32; i += 4) {
            a = _mm256_or_si256(a, p[i]);
            b = _mm256_or_si256(b, p[i + 1]);
            c = _mm256_or_si256(c, p[i + 2]);
            d = _mm256_or_si256(d, p[i + 3]);
        }
        __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d) : : "memory");
    }
    return (double)bytes * (double)n;
}
