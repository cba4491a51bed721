/* quantise.c - activations as bytes, in plain C. */
#include "../int8.h"
#include "../scalar.h"
#include "memory.h"

/* |x| of bf16 orders as its bits do, and NaN comes out on top. */
static float pixel_peak(const uint16_t *x, int channels) {
    uint16_t top = 0;
    for (int c = 0; c < channels; c++)
        if ((x[c] & 0x7fff) > top) top = x[c] & 0x7fff;
    return rf__bf16_to_f32(top);
}

void rf__ref_peak(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_quantise_args *a = args;
    for (int64_t p = begin; p < end; p++) a->peak[p] = pixel_peak((const uint16_t *)a->x + p * a->channels, a->channels);
}

void rf__ref_quantise(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_quantise_args *a = args;
    float inverse = 0, scale;
    for (int64_t p = begin; p < end; p++) {
        const uint16_t *x = (const uint16_t *)a->x + p * a->channels;
        const int64_t group = p / a->group;
        if (p == begin || p % a->group == 0) {
            inverse = rf__int8_inverse(a->peak ? rf__int8_peak(a->peak + group * a->group, a->group) : pixel_peak(x, a->channels), &scale);
            if (p % a->group == 0) a->scale[group] = scale;
        }
        for (int c = 0; c < a->channels; c++)
            a->q[p * a->channels + c] = (uint8_t)(128 + rf__int8_round(rf__bf16_to_f32(x[c]), inverse));
    }
}
