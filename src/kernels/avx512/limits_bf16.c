/* limits_bf16.c - as many bf16 dot products as 16 lanes do. */
#include <immintrin.h>

#include "../limits.h"

#define PEAK rf__peak_dot_bf16
#define ACC __m512
#define START _mm512_setzero_ps()
#define X __m512bh x = (__m512bh)_mm512_set1_epi32(0x3f7f3f7f)
#define Y __m512bh y = (__m512bh)_mm512_set1_epi32(0x3a833a83)
#define MADD(a) _mm512_dpbf16_ps(a, x, y)
#define WORK 2 * 32
#include "../native_limits.inc"
