/* map.c - elementwise kernels in plain C, and the optimiser. */
#include "../scalar.h"
#include "memory.h"

/* act'(x) */
static float act_slope(rf_act act, float x) {
    switch (act) {
    case RF_ACT_NONE: return 1.0f;
    case RF_ACT_SILU: {
        float s = 1.0f / (1.0f + expf(-x));
        return s * (1.0f + x * (1.0f - s));
    }
    case RF_ACT_GELU_TANH: {
        float t = tanhf(0.79788456f * (x + 0.044715f * x * x * x));
        return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.79788456f * (1.0f + 3.0f * 0.044715f * x * x);
    }
    case RF_ACT_GELU_ERF:
        return 0.5f * (1.0f + erff(x * 0.70710678f)) + x * 0.39894228f * expf(-0.5f * x * x);
    case RF_ACT_RELU: return x > 0.0f ? 1.0f : 0.0f;
    case RF_ACT_TANH: {
        float t = tanhf(x);
        return 1.0f - t * t;
    }
    case RF_ACT_SIGMOID: {
        float s = 1.0f / (1.0f + expf(-x));
        return s * (1.0f - s);
    }
    }
    return 1.0f;
}

void rf__ref_act(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_map_args *a = args;
    (void)scratch;
    for (int64_t i = begin; i < end; i++) rf__put(a->dtype, a->y, i, rf__act_value(a->act, rf__get(a->dtype, a->x, i)));
}

void rf__ref_act_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_map_args *a = args;
    (void)scratch;
    for (int64_t i = begin; i < end; i++)
        rf__put(a->dtype, a->y, i, act_slope(a->act, rf__get(a->dtype, a->x, i)) * rf__get(a->dtype, a->z, i));
}

void rf__ref_axpby(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_map_args *a = args;
    (void)scratch;
    for (int64_t i = begin; i < end; i++) {
        float y = a->a * rf__get(a->dtype, a->x, i);
        rf__put(a->dtype, a->y, i, a->z ? y + a->b * rf__get(a->dtype, a->z, i) : y);
    }
}

void rf__ref_mul(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_map_args *a = args;
    (void)scratch;
    for (int64_t i = begin; i < end; i++)
        rf__put(a->dtype, a->y, i, a->a * rf__get(a->dtype, a->x, i) * rf__get(a->dtype, a->z, i));
}

void rf__ref_cast(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_map_args *a = args;
    (void)scratch;
    for (int64_t i = begin; i < end; i++) rf__put(a->y_dtype, a->y, i, rf__get(a->dtype, a->x, i));
}

void rf__ref_adam(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_adam_args *a = args;
    (void)scratch;
    for (int64_t i = begin; i < end; i++) {
        float g = a->g[i] * a->grad_scale;
        float m = a->m[i] = a->beta1 * a->m[i] + (1.0f - a->beta1) * g;
        float v = a->v[i] = a->beta2 * a->v[i] + (1.0f - a->beta2) * g * g;
        float step = m * a->c1 / (sqrtf(v * a->c2) + a->eps) + a->decay * a->w[i];
        float w = a->w[i] = a->w[i] - a->lr * step;
        if (a->ema) a->ema[i] += (1.0f - a->ema_beta) * (w - a->ema[i]);
    }
}
