/* limits_vnni.c - as many int8 dot products as 16 lanes do. */
#include <immintrin.h>

#include "../limits.h"

#define PEAK rf__peak_dot_int8
#define ACC __m512i
#define START _mm512_setzero_si512()
#define X __m512i x = _mm512_set1_epi32(0x11223344)
#define Y __m512i y = _mm512_set1_epi32(0x01020304)
#define MADD(a) _mm512_dpbusd_epi32(a, x, y)
#define WORK 2 * 64
#include "../native_limits.inc"
