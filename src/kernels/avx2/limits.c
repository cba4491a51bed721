/* limits.c - as many f32 multiply-adds as 8 lanes do, and as many bytes as they read. */
#include <immintrin.h>

#include "../limits.h"

#define PEAK rf__peak_fma_avx2
#define ACC __m256
#define START _mm256_setzero_ps()
#define X __m256 x = _mm256_set1_ps(0.999f)
#define Y __m256 y = _mm256_set1_ps(1e-3f)
#define MADD(a) _mm256_fmadd_ps(a, x, y)
#define WORK 2 * 8
#include "../native_limits.inc"

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
