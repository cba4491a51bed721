/* native_memory.h - what the native kernels that move, map, normalise and sum agree on; for kernel files only.
 * Each family is one native_*.inc for both vector widths; avx2/ and avx512/ include it and so give it their flags.
 *
 * Every kernel runs whole vectors and then one short vector under a mask, never a scalar tail: an element gets the
 * same bytes wherever a range is cut. Bodies are forced inline so that dtype and activation become constants. */
#ifndef RF_KERNELS_NATIVE_MEMORY_H
#define RF_KERNELS_NATIVE_MEMORY_H
#include "fill.h"
#include "simd_math.h"

#define RF_BODY static inline __attribute__((always_inline))

#if defined(__AVX512BF16__)
#define RF_ISA(name) rf__avx512bf16_##name
#elif defined(__AVX512F__)
#define RF_ISA(name) rf__avx512_##name
#else
#define RF_ISA(name) rf__avx2_##name
#endif

#ifdef __AVX512F__
/* the first n lanes, zeros after them */
static inline vf v_keep_n(vf a, int n) { return _mm512_maskz_mov_ps(v_lanes(n), a); }
static inline vf v_rough_inverse(vf a) { return _mm512_rcp14_ps(a); } /* 2^-14 */
/* z - floor(z), and p 2^floor(z); both saturate by themselves */
static inline vf v_fraction(vf z) { return _mm512_reduce_ps(z, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
static inline vf v_power2(vf z, vf p) { return _mm512_scalef_ps(p, z); }
static inline vf v_exponent(vf z) { return z; }
#else
static inline vf v_keep_n(vf a, int n) { return _mm256_and_ps(a, _mm256_castsi256_ps(v_lanes(n))); }
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
#endif

/* Each writes the table entries of its family. */
void RF_ISA(fill_map)(rf_kernels *table);
void RF_ISA(fill_group_norm)(rf_kernels *table);
void RF_ISA(fill_layer_norm)(rf_kernels *table);
void RF_ISA(fill_rows)(rf_kernels *table);
void RF_ISA(fill_move)(rf_kernels *table);
void RF_ISA(fill_pool)(rf_kernels *table);
void RF_ISA(fill_dropout)(rf_kernels *table);
/* All that avx512/ has in files with AVX-512 BF16. */
void rf__avx512bf16_fill(rf_kernels *table);

/* 1 + e^-x good to 7.5e-5, for values that are rounded to bf16 (2e-3) afterwards: the cubic for 2^r, 0 <= r < 1, with the
 * smallest relative error. The vector units take two operations a cycle, whatever they are, so their number is what counts. */
RF_BODY vf v_rough_one_plus_exp(vf x) {
    vf z = v_exponent(v_mul(x, v_set(-1.44269504f))), r = v_fraction(z);
    vf p = v_fma(v_set(0.0780245215f), r, v_set(0.226067156f));
    p = v_fma(p, r, v_set(0.695833564f));
    p = v_fma(p, r, v_set(0.999925196f));
    return v_add(v_set(1.0f), v_power2(z, p));
}

/* By the type of the values: where it is a constant, one of the two is left. */
RF_BODY vf sigmoid_of(rf_dtype dtype, vf x) {
    return dtype == RF_BF16 ? v_rough_inverse(v_rough_one_plus_exp(x)) : v_sigmoid(x);
}
/* x sigmoid(by); a division costs no more than the rough inverse and a product */
RF_BODY vf gated(rf_dtype dtype, vf x, vf by) {
    return dtype == RF_BF16 ? v_div(x, v_rough_one_plus_exp(by)) : v_mul(x, v_sigmoid(by));
}
/* d silu(x) / dx */
RF_BODY vf silu_slope_of(rf_dtype dtype, vf x) {
    vf s = sigmoid_of(dtype, x), one = v_set(1.0f);
    return v_mul(s, v_fma(x, v_sub(one, s), one));
}

/* Lanes of the vector that starts at i when the row ends at n. */
static inline int lanes_at(int64_t i, int64_t n) { return n - i < VW ? (int)(n - i) : VW; }

#endif
