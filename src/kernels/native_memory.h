/* native_memory.h - what the native kernels that move, map, normalise and sum agree on; for kernel files only.
 * Each family is one native_*.inc for both vector widths; avx2/ and avx512/ include it and so give it their flags.
 *
 * Every kernel runs whole vectors and then one short vector under a mask, never a scalar tail: an element gets the
 * same bytes wherever a range is cut. Bodies are forced inline so that dtype and activation become constants. */
#ifndef RF_KERNELS_NATIVE_MEMORY_H
#define RF_KERNELS_NATIVE_MEMORY_H
#include "fill.h"
#include "simd_math.h"

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
#else
static inline vf v_keep_n(vf a, int n) { return _mm256_and_ps(a, _mm256_castsi256_ps(v_lanes(n))); }
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

/* Lanes of the vector that starts at i when the row ends at n. */
static inline int lanes_at(int64_t i, int64_t n) { return n - i < VW ? (int)(n - i) : VW; }

#endif
