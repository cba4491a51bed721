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

/* 2^z good to 7.5e-5, for values that are rounded to bf16 (2e-3) afterwards: the cubic for 2^r, 0 <= r < 1, with the
 * smallest relative error. The vector units take two operations a cycle, whatever they are, so their number is what counts. */
RF_BODY vf v_rough_exp2(vf z) {
    z = v_exponent(z);
    vf r = v_fraction(z), p = v_fma(v_set(0.0780245215f), r, v_set(0.226067156f));
    p = v_fma(p, r, v_set(0.695833564f));
    p = v_fma(p, r, v_set(0.999925196f));
    return v_power2(z, p);
}
RF_BODY vf v_rough_one_plus_exp(vf x) { /* 1 + e^-x */
    return v_add(v_set(1.0f), v_rough_exp2(v_mul(x, v_set(-1.44269504f))));
}

/* By the type of the values: where it is a constant, one of the two is left. */
RF_BODY vf v_sigmoid_of(rf_dtype dtype, vf x) {
    return dtype == RF_BF16 ? v_rough_inverse(v_rough_one_plus_exp(x)) : v_sigmoid(x);
}
/* x sigmoid(by); a division costs no more than the rough inverse and a product */
RF_BODY vf v_gated(rf_dtype dtype, vf x, vf by) {
    return dtype == RF_BF16 ? v_div(x, v_rough_one_plus_exp(by)) : v_mul(x, v_sigmoid(by));
}
/* d silu(x) / dx */
RF_BODY vf v_silu_slope_of(rf_dtype dtype, vf x) {
    vf s = v_sigmoid_of(dtype, x), one = v_set(1.0f);
    return v_mul(s, v_fma(x, v_sub(one, s), one));
}

/* 2u of gelu_tanh(x) = x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
RF_BODY vf v_gelu_inner(vf x) { return v_mul(v_set(2 * 0.79788456f), v_fma(v_mul(v_set(0.044715f), v_mul(x, x)), x, x)); }

/* Where the activation changes with a layer the switch is still on a value that does not change inside a loop. */
RF_BODY vf v_act(rf_dtype dtype, rf_act act, vf x) {
    switch (act) {
    case RF_ACT_NONE: return x;
    case RF_ACT_SILU: return v_gated(dtype, x, x);
    case RF_ACT_GELU_TANH: return v_gated(dtype, x, v_gelu_inner(x));
    case RF_ACT_GELU_ERF: return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1.0f), v_erf(v_mul(x, v_set(0.70710678f)))));
    case RF_ACT_RELU: return v_max(v_zero(), x);
    case RF_ACT_TANH: return v_tanh(x);
    case RF_ACT_SIGMOID: return v_sigmoid_of(dtype, x);
    }
    return x;
}

#endif
