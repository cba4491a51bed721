/* quantise.c - activations as bytes with AVX-512; the same bytes as plain C. */
#include "../fill.h"
#include "../int8.h"
#include "../simd.h"

static float pixel_peak(const uint16_t *x, int channels) {
    const __m512i positive = _mm512_set1_epi16(0x7fff);
    __m512i top = _mm512_setzero_si512();
    for (int c = 0; c < channels; c += 32) {
        const __mmask32 live = channels - c < 32 ? (1u << (channels - c)) - 1u : ~0u;
        top = _mm512_max_epu16(top, _mm512_and_si512(_mm512_maskz_loadu_epi16(live, x + c), positive));
    }
    /* the larger of each pair of neighbours, in 32-bit lanes, which have a reduction */
    const __m512i low = _mm512_and_si512(top, _mm512_set1_epi32(0xffff)), high = _mm512_srli_epi32(top, 16);
    return rf__bf16_to_f32((uint16_t)_mm512_reduce_max_epu32(_mm512_max_epu32(low, high)));
}

static void peak(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_quantise_args *a = args;
    for (int64_t p = begin; p < end; p++) a->peak[p] = pixel_peak((const uint16_t *)a->x + p * a->channels, a->channels);
}

/* Compared as the bits of positive numbers, so that a NaN comes out on top. */
static float group_peak(const float *peaks, int64_t n) {
    __m512i top = _mm512_setzero_si512();
    for (int64_t i = 0; i < n; i += VW) {
        const __mmask16 live = n - i < VW ? v_lanes((int)(n - i)) : 0xffff;
        top = _mm512_max_epu32(top, _mm512_maskz_loadu_epi32(live, peaks + i));
    }
    union { uint32_t u; float f; } v = {_mm512_reduce_max_epu32(top)};
    return v.f;
}

static void pixel(const uint16_t *x, int channels, float inverse, uint8_t *q) {
    const vf factor = v_set(inverse);
    for (int c = 0; c < channels; c += VW) {
        const __mmask16 live = channels - c < VW ? v_lanes(channels - c) : 0xffff;
        const vf value = v_from_bf16(_mm256_maskz_loadu_epi16(live, x + c));
        const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(v_mul(value, factor)), _mm512_set1_epi32(128));
        _mm512_mask_cvtepi32_storeu_epi8(q + c, live, whole);
    }
}

static void quantise(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_quantise_args *a = args;
    float inverse = 0, scale;
    for (int64_t p = begin; p < end; p++) {
        const uint16_t *x = (const uint16_t *)a->x + p * a->channels;
        const int64_t group = p / a->group;
        if (p == begin || p % a->group == 0) {
            inverse = rf__int8_inverse(a->peak ? group_peak(a->peak + group * a->group, a->group) : pixel_peak(x, a->channels), &scale);
            if (p % a->group == 0) a->scale[group] = scale;
        }
        if (inverse == 0) memset(a->q + p * a->channels, 128, (size_t)a->channels);
        else pixel(x, a->channels, inverse, a->q + p * a->channels);
    }
}

void rf__fill_avx512_quantise(rf_kernels *table) {
    table->fn[RF_K_peak] = peak;
    table->fn[RF_K_quantise] = quantise;
}
