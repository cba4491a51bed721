/* scalar.h - activations and typed loads for plain C kernels (libm decides; bf16 rounds to nearest even). */
#ifndef RF_KERNELS_SCALAR_H
#define RF_KERNELS_SCALAR_H
#include <math.h>

#include "kernels.h"

static inline float rf__get(rf_dtype dtype, const void *p, int64_t i) {
    return dtype == RF_BF16 ? rf__bf16_to_f32(((const uint16_t *)p)[i]) : ((const float *)p)[i];
}

static inline void rf__put(rf_dtype dtype, void *p, int64_t i, float value) {
    if (dtype == RF_BF16) ((uint16_t *)p)[i] = rf__f32_to_bf16(value);
    else ((float *)p)[i] = value;
}

static inline float rf__act_value(rf_act act, float x) {
    switch (act) {
    case RF_ACT_NONE: return x;
    case RF_ACT_SILU: return x / (1.0f + expf(-x));
    case RF_ACT_GELU_TANH: return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case RF_ACT_GELU_ERF: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case RF_ACT_RELU: return x > 0.0f ? x : 0.0f;
    case RF_ACT_TANH: return tanhf(x);
    case RF_ACT_SIGMOID: return 1.0f / (1.0f + expf(-x));
    }
    return x;
}

#endif
