/* simd.h - one spelling for the vectors of AVX2 (8 floats) and AVX-512 (16 floats), picked by the flags of the file
 * that includes it; static inline only. VW is the number of f32 lanes. Loads and stores with a count touch exactly
 * the first n lanes' memory (0 < n <= VW); missing lanes read as 0. The functions of simd_math.h build on this. */
#ifndef RF_KERNELS_SIMD_H
#define RF_KERNELS_SIMD_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

/* A body whose arguments become constants where it is used */
#define RF_BODY static inline __attribute__((always_inline))

#if defined(__AVX512F__)

enum { VW = 16 };
typedef __m512 vf;
typedef __m512i vi;

static inline vf v_zero(void) { return _mm512_setzero_ps(); }
static inline vf v_set(float a) { return _mm512_set1_ps(a); }
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
static inline __mmask16 v_lanes(int n) { return (__mmask16)((1u << n) - 1u); }
static inline vf v_load_n(const float *p, int n) { return _mm512_maskz_loadu_ps(v_lanes(n), p); }
static inline void v_store_n(float *p, vf a, int n) { _mm512_mask_storeu_ps(p, v_lanes(n), a); }
static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }   /* a*b + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a*b */
/* max, min: the second operand when the first is NaN, so put the value to keep a NaN of second */
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }
static inline vf v_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf v_abs(vf a) { return _mm512_abs_ps(a); }
static inline vf v_copysign(vf a, vf sign) {
    const vi bit = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign), _mm512_castps_si512(a), 0xca));
}
/* x < y ? a : b */
static inline vf v_select_lt(vf x, vf y, vf a, vf b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
}
/* a * 2^n for integral n; underflows to 0 and overflows to inf as it should */
static inline vf v_scale2(vf a, vf n) { return _mm512_scalef_ps(a, n); }
static inline vf v_rough_inverse(vf a) { return _mm512_rcp14_ps(a); } /* 2^-14 */
/* z - floor(z), and p 2^floor(z); both saturate by themselves */
static inline vf v_fraction(vf z) { return _mm512_reduce_ps(z, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vf v_power2(vf z, vf p) { return _mm512_scalef_ps(p, z); }
static inline vf v_exponent(vf z) { return z; }
static inline float v_sum(vf a) { return _mm512_reduce_add_ps(a); }
static inline float v_hmax(vf a) { return _mm512_reduce_max_ps(a); }

static inline vf v_from_bf16(__m256i a) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16));
}
static inline vf v_load_bf16(const uint16_t *p) { return v_from_bf16(_mm256_loadu_si256((const void *)p)); }
static inline vf v_load_bf16_n(const uint16_t *p, int n) {
    return v_from_bf16(_mm256_maskz_loadu_epi16(v_lanes(n), p));
}
/* round to nearest even, NaN stays NaN: bit for bit rf__f32_to_bf16 (the instruction: but denormals become 0) */
static inline __m256i v_to_bf16(vf a) {
#if defined(__AVX512BF16__)
    return (__m256i)_mm512_cvtneps_pbh(a);
#else
    vi u = _mm512_castps_si512(a);
    vi odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    vi r = _mm512_srli_epi32(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    vi nan = _mm512_or_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(_mm512_mask_blend_epi32(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), r, nan));
#endif
}
static inline void v_store_bf16(uint16_t *p, vf a) { _mm256_storeu_si256((void *)p, v_to_bf16(a)); }
static inline void v_store_bf16_n(uint16_t *p, vf a, int n) { _mm256_mask_storeu_epi16(p, v_lanes(n), v_to_bf16(a)); }

/* VW pairs of bf16 in memory (p[0..2*VW)): the even and the odd elements, as f32 */
static inline vf v_pair_even(vi a) { return _mm512_castsi512_ps(_mm512_slli_epi32(a, 16)); }
static inline vf v_pair_odd(vi a) {
    return _mm512_castsi512_ps(_mm512_and_si512(a, _mm512_set1_epi32((int)0xffff0000u)));
}
/* the upper halves of two vectors' lanes as pairs */
static inline vi v_pair(vi low, vi high) {
    return _mm512_or_si512(_mm512_srli_epi32(low, 16), _mm512_and_si512(high, _mm512_set1_epi32((int)0xffff0000u)));
}
/* rows to columns, in place */
static inline void v_transpose(vf *r) {
    vf t[16];
    for (int i = 0; i < 16; i += 2) t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    for (int i = 0; i < 16; i += 4)
        for (int h = 0; h < 2; h++) {
            __m512d a = _mm512_castps_pd(t[i + h]), b = _mm512_castps_pd(t[i + 2 + h]);
            r[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    /* r[4k + c] now holds columns c, c+4, c+8, c+12 of rows 4k .. 4k+3 in its four lanes */
    for (int c = 0; c < 4; c++) {
        vf low0 = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x44), high0 = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xee);
        vf low1 = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x44), high1 = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xee);
        t[c] = _mm512_shuffle_f32x4(low0, low1, 0x88);
        t[4 + c] = _mm512_shuffle_f32x4(low0, low1, 0xdd);
        t[8 + c] = _mm512_shuffle_f32x4(high0, high1, 0x88);
        t[12 + c] = _mm512_shuffle_f32x4(high0, high1, 0xdd);
    }
    for (int i = 0; i < 16; i++) r[i] = t[i];
}
static inline vi v_load_i(const void *p) { return _mm512_loadu_si512(p); }
static inline vi v_set_i(uint32_t a) { return _mm512_set1_epi32((int)a); }

#elif defined(__AVX2__)

enum { VW = 8 };
typedef __m256 vf;
typedef __m256i vi;

static inline vf v_zero(void) { return _mm256_setzero_ps(); }
static inline vf v_set(float a) { return _mm256_set1_ps(a); }
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
static inline vi v_lanes(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf v_load_n(const float *p, int n) { return _mm256_maskload_ps(p, v_lanes(n)); }
static inline void v_store_n(float *p, vf a, int n) { _mm256_maskstore_ps(p, v_lanes(n), a); }
static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf v_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }
static inline vf v_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf v_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf v_copysign(vf a, vf sign) {
    const vf bit = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(bit, a), _mm256_and_ps(bit, sign));
}
static inline vf v_select_lt(vf x, vf y, vf a, vf b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ));
}
/* 2^n in two factors, because n reaches 128 and -150 where one exponent field cannot hold it */
static inline vf v_scale2(vf a, vf n) {
    vi whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), rest = _mm256_sub_epi32(whole, half);
    const vi bias = _mm256_set1_epi32(127);
    vf p = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    vf q = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
    return _mm256_mul_ps(_mm256_mul_ps(a, p), q);
}
/* rcpps gives 2^-11.4; one Newton step makes 2^-22 of it */
static inline vf v_rough_inverse(vf a) {
    vf r = _mm256_rcp_ps(a);
    return v_mul(r, v_fnma(a, r, v_set(2.0f)));
}
static inline vf v_fraction(vf z) { return v_sub(z, _mm256_floor_ps(z)); }
static inline vf v_power2(vf z, vf p) {
    vi n = _mm256_cvtps_epi32(_mm256_floor_ps(z));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(n, 23)));
}
/* so that 2^z stays a normal number; operand order keeps NaN */
static inline vf v_exponent(vf z) { return v_max(v_set(-125.0f), v_min(v_set(125.0f), z)); }
static inline float v_sum(vf a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
static inline float v_hmax(vf a) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline vf v_from_bf16(__m128i a) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16));
}
static inline vf v_load_bf16(const uint16_t *p) { return v_from_bf16(_mm_loadu_si128((const void *)p)); }
static inline vf v_load_bf16_n(const uint16_t *p, int n) {
    uint16_t b[8] = {0};
    for (int i = 0; i < n; i++) b[i] = p[i];
    return v_load_bf16(b);
}
static inline __m128i v_to_bf16(vf a) {
    vi u = _mm256_castps_si256(a);
    vi odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    vi r = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    vi nan = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
    r = _mm256_blendv_epi8(r, nan, _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q)));
    return _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
}
static inline void v_store_bf16(uint16_t *p, vf a) { _mm_storeu_si128((void *)p, v_to_bf16(a)); }
static inline void v_store_bf16_n(uint16_t *p, vf a, int n) {
    uint16_t b[8];
    v_store_bf16(b, a);
    for (int i = 0; i < n; i++) p[i] = b[i];
}

static inline vf v_pair_even(vi a) { return _mm256_castsi256_ps(_mm256_slli_epi32(a, 16)); }
/* The mask stays in memory: as an intrinsic it takes the sixteenth register of a 6x2 tile and gcc spills sums for it. */
static inline vf v_pair_odd(vi a) {
    static const uint32_t upper[8] __attribute__((aligned(32))) = {0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u,
                                                                    0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u};
    vi r;
    __asm__("vpand %2, %1, %0" : "=x"(r) : "x"(a), "m"(upper));
    return _mm256_castsi256_ps(r);
}
static inline vi v_pair(vi low, vi high) { return _mm256_blend_epi16(_mm256_srli_epi32(low, 16), high, 0xaa); }
static inline void v_transpose(vf *r) {
    vf t[8];
    for (int i = 0; i < 8; i += 2) t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    for (int i = 0; i < 8; i += 4)
        for (int h = 0; h < 2; h++) {
            __m256d a = _mm256_castps_pd(t[i + h]), b = _mm256_castps_pd(t[i + 2 + h]);
            r[i + 2 * h] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            r[i + 2 * h + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
    for (int c = 0; c < 4; c++) {
        t[c] = _mm256_permute2f128_ps(r[c], r[4 + c], 0x20);
        t[4 + c] = _mm256_permute2f128_ps(r[c], r[4 + c], 0x31);
    }
    for (int i = 0; i < 8; i++) r[i] = t[i];
}
static inline vi v_load_i(const void *p) { return _mm256_loadu_si256(p); }
static inline vi v_set_i(uint32_t a) { return _mm256_set1_epi32((int)a); }

#else
#error "simd.h belongs in the rooms avx2/ and avx512/ only"
#endif

/* By dtype: activations are f32 or bf16; i counts elements. `dtype` is a constant in most callers, so this folds. */
static inline vf v_get(rf_dtype dtype, const void *p, int64_t i) {
    return dtype == RF_BF16 ? v_load_bf16((const uint16_t *)p + i) : v_load((const float *)p + i);
}
static inline vf v_get_n(rf_dtype dtype, const void *p, int64_t i, int n) {
    if (n >= VW) return v_get(dtype, p, i);
    return dtype == RF_BF16 ? v_load_bf16_n((const uint16_t *)p + i, n) : v_load_n((const float *)p + i, n);
}
static inline void v_put(rf_dtype dtype, void *p, int64_t i, vf a) {
    if (dtype == RF_BF16) v_store_bf16((uint16_t *)p + i, a);
    else v_store((float *)p + i, a);
}
static inline void v_put_n(rf_dtype dtype, void *p, int64_t i, vf a, int n) {
    if (n >= VW) v_put(dtype, p, i, a);
    else if (dtype == RF_BF16) v_store_bf16_n((uint16_t *)p + i, a, n);
    else v_store_n((float *)p + i, a, n);
}

#endif
