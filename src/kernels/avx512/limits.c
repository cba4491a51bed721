/* limits.c - as many f32 multiply-adds as 16 lanes do. */
#include <immintrin.h>

#include "../limits.h"

#define PEAK rf__peak_fma_avx512
#define ACC __m512
#define START _mm512_setzero_ps()
#define X __m512 x = _mm512_set1_ps(0.999f)
#define Y __m512 y = _mm512_set1_ps(1e-3f)
#define MADD(a) _mm512_fmadd_ps(a, x, y)
#define WORK 2 * 16
#include "../native_limits.inc"
