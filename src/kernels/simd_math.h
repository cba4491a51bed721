/* simd_math.h - exp, tanh, sigmoid, erf and the activations on vectors, good to about 1e-6 relative in f32
 * (erf, tanh: relative also near 0). Same formulas for both widths; not bit-equal to libm. */
#ifndef RF_KERNELS_SIMD_MATH_H
#define RF_KERNELS_SIMD_MATH_H
#include "simd.h"

/* Cody-Waite reduction to |r| <= ln2/2 and a degree-6 polynomial (Cephes expf); 0 below -104, inf above 88.73. */
static inline vf v_exp(vf x) {
    x = v_max(v_set(-104.5f), v_min(v_set(89.0f), x)); /* operand order keeps NaN */
    vf n = v_round(v_mul(x, v_set(1.44269504f)));
    vf r = v_fnma(n, v_set(-2.12194440e-4f), v_fnma(n, v_set(0.693359375f), x));
    vf p = v_set(1.9875691500e-4f);
    p = v_fma(p, r, v_set(1.3981999507e-3f));
    p = v_fma(p, r, v_set(8.3334519073e-3f));
    p = v_fma(p, r, v_set(4.1665795894e-2f));
    p = v_fma(p, r, v_set(1.6666665459e-1f));
    p = v_fma(p, r, v_set(5.0000001201e-1f));
    p = v_fma(p, v_mul(r, r), v_add(r, v_set(1.0f)));
    return v_scale2(p, n);
}

static inline vf v_sigmoid(vf x) { return v_div(v_set(1.0f), v_add(v_set(1.0f), v_exp(v_sub(v_zero(), x)))); }

/* Odd polynomial below 0.625 (Cephes tanhf), 1 - 2/(e^2|x| + 1) above. */
static inline vf v_tanh(vf x) {
    vf a = v_abs(x), s = v_mul(x, x);
    vf big = v_sub(v_set(1.0f), v_div(v_set(2.0f), v_add(v_exp(v_add(a, a)), v_set(1.0f))));
    vf p = v_set(-5.70498872745e-3f);
    p = v_fma(p, s, v_set(2.06390887954e-2f));
    p = v_fma(p, s, v_set(-5.37397155531e-2f));
    p = v_fma(p, s, v_set(1.33314422036e-1f));
    p = v_fma(p, s, v_set(-3.33332819422e-1f));
    vf small = v_fma(v_mul(p, s), x, x);
    return v_select_lt(a, v_set(0.625f), small, v_copysign(big, x));
}

/* x + x p(x^2) below 0.9277, 1 - exp(-q(|x|)) above; coefficients after N. Juffa's erff. */
static inline vf v_erf(vf x) {
    vf t = v_abs(x), s = v_mul(x, x);
    vf q = v_fma(v_set(-1.72853470e-5f), t, v_set(3.83197126e-4f));
    q = v_fma(q, s, v_fma(v_set(-3.88396438e-3f), t, v_set(2.42546219e-2f)));
    q = v_fma(q, t, v_set(-1.06777877e-1f));
    q = v_fma(q, t, v_set(-6.34846687e-1f));
    q = v_fma(q, t, v_set(-1.28717512e-1f));
    q = v_fma(q, t, v_sub(v_zero(), t));
    vf big = v_copysign(v_sub(v_set(1.0f), v_exp(q)), x);
    vf p = v_set(-5.96761703e-4f);
    p = v_fma(p, s, v_set(4.99119423e-3f));
    p = v_fma(p, s, v_set(-2.67681349e-2f));
    p = v_fma(p, s, v_set(1.12819925e-1f));
    p = v_fma(p, s, v_set(-3.76125336e-1f));
    p = v_fma(p, s, v_set(1.28379166e-1f));
    return v_select_lt(t, v_set(0.927734375f), v_fma(p, x, x), big);
}

/* The switch is on a value that does not change inside a loop; the branch predictor makes it free. */
static inline vf v_act(rf_act act, vf x) {
    const vf half = v_set(0.5f), one = v_set(1.0f);
    switch (act) {
    case RF_ACT_NONE: return x;
    case RF_ACT_SILU: return v_mul(x, v_sigmoid(x));
    case RF_ACT_GELU_TANH: {
        vf u = v_mul(v_set(0.79788456f), v_fma(v_mul(v_set(0.044715f), v_mul(x, x)), x, x));
        return v_mul(v_mul(half, x), v_add(one, v_tanh(u)));
    }
    case RF_ACT_GELU_ERF: return v_mul(v_mul(half, x), v_add(one, v_erf(v_mul(x, v_set(0.70710678f)))));
    case RF_ACT_RELU: return v_max(v_zero(), x);
    case RF_ACT_TANH: return v_tanh(x);
    case RF_ACT_SIGMOID: return v_sigmoid(x);
    }
    return x;
}

#endif
