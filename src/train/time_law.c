/* time_law.c - the table of densities of t: pdf, cdf and inverse in closed form, so that tests can compare them and logs can bin them. */
#include <math.h>

#include "batch.h"

static double uniform_pdf(double t, double shape) {
    (void)shape;
    return t >= 0 && t <= 1 ? 1 : 0;
}

static double uniform_cdf(double t, double shape) {
    (void)shape;
    return t < 0 ? 0 : t > 1 ? 1 : t;
}

static double uniform_inverse(double u, double shape) {
    (void)shape;
    return u;
}

static const rf_time_law time_uniform = {
    {"uniform", "Liu et al. 2022, arXiv 2209.03003", "every t of [time_eps, 1] alike"},
    uniform_pdf, uniform_cdf, uniform_inverse};

/* ---- U-shaped: a cosh(a (t - 1/2)) / (2 sinh(a/2)); the formula printed in the paper is not U-shaped, its code is (rfpp.md section 2) ---- */

static double steepness(double shape) { return shape > 0 ? shape : 4; }

static double cosh_pdf(double t, double shape) {
    double a = steepness(shape);
    return t >= 0 && t <= 1 ? a * cosh(a * (t - 0.5)) / (2 * sinh(a / 2)) : 0;
}

static double cosh_cdf(double t, double shape) {
    double a = steepness(shape);
    return t < 0 ? 0 : t > 1 ? 1 : 0.5 + sinh(a * (t - 0.5)) / (2 * sinh(a / 2));
}

static double cosh_inverse(double u, double shape) {
    double a = steepness(shape);
    return 0.5 + asinh((2 * u - 1) * sinh(a / 2)) / a;
}

static const rf_time_law time_cosh = {
    {"cosh", "Lee et al. 2024 (rf++), arXiv 2405.20320", "both ends more often; time_shape: its steepness (0: 4)"},
    cosh_pdf, cosh_cdf, cosh_inverse};

/* ---- noise end: ln(b) b^-t / (1 - 1/b) ---- */

static double base_of(double shape) { return shape > 1 ? shape : 10; }

static double exponential_pdf(double t, double shape) {
    double b = base_of(shape);
    return t >= 0 && t <= 1 ? log(b) * pow(b, -t) / (1 - 1 / b) : 0;
}

static double exponential_cdf(double t, double shape) {
    double b = base_of(shape);
    return t < 0 ? 0 : t > 1 ? 1 : (1 - pow(b, -t)) / (1 - 1 / b);
}

static double exponential_inverse(double u, double shape) {
    double b = base_of(shape);
    return -log(1 - (1 - 1 / b) * u) / log(b);
}

static const rf_time_law time_exponential = {
    {"exponential", "Kim et al. 2024 (Simple ReFlow), arXiv 2410.07815", "the noise end more often, p ~ b^-t; time_shape: b (0: 10)"},
    exponential_pdf, exponential_cdf, exponential_inverse};

/* ---- middle: logit t ~ N(m, 1) ---- */

static double normal_cdf(double z) { return 0.5 * erfc(-z * 0.70710678118654752); }

static double logit_pdf(double t, double shape) {
    if (t <= 0 || t >= 1) return 0;
    double z = log(t / (1 - t)) - shape;
    return exp(-z * z / 2) * 0.39894228040143268 / (t * (1 - t));
}

static double logit_cdf(double t, double shape) {
    return t <= 0 ? 0 : t >= 1 ? 1 : normal_cdf(log(t / (1 - t)) - shape);
}

/* Bisection, then Newton steps: the normal quantile has no closed form. */
static double normal_quantile(double u) {
    double low = -9, high = 9;
    for (int i = 0; i < 20; i++) {
        double middle = (low + high) / 2;
        if (normal_cdf(middle) < u) low = middle;
        else high = middle;
    }
    double z = (low + high) / 2;
    for (int i = 0; i < 3; i++) z -= (normal_cdf(z) - u) / fmax(exp(-z * z / 2) * 0.39894228040143268, 1e-300);
    return z;
}

static double logit_inverse(double u, double shape) {
    if (u <= 0) return 0;
    double z = normal_quantile(u) + shape;
    return 1 / (1 + exp(-z));
}

static const rf_time_law time_logit_normal = {
    {"logit_normal", "Esser et al. 2024 (SD3), arXiv 2403.03206", "the middle more often: logit t ~ N(time_shape, 1)"},
    logit_pdf, logit_cdf, logit_inverse};

/* ---- the nodes of k equal steps, for distillation into k steps: 0, 1/k, ... (k-1)/k ---- */

static double steps_of(double shape) { return shape >= 1 ? floor(shape) : 1; }

static double nodes_pdf(double t, double shape) {
    double k = steps_of(shape);
    return t >= 0 && t < 1 && t * k == floor(t * k) ? 1 / k : 0;
}

static double nodes_cdf(double t, double shape) {
    double k = steps_of(shape);
    return t < 0 ? 0 : t >= 1 ? 1 : (floor(t * k) + 1) / k;
}

static double nodes_inverse(double u, double shape) {
    double k = steps_of(shape);
    return fmin(floor(u * k), k - 1) / k;
}

static const rf_time_law time_nodes = {
    {"nodes", "Liu et al. 2022, arXiv 2209.03003, distillation", "the times that k equal Euler steps ask at; time_shape: k (0: 1, which is t = 0 alone)"},
    nodes_pdf, nodes_cdf, nodes_inverse, .discrete = true};

const rf_plugin *const *rf__time_laws(void) {
    static const rf_plugin *const table[] = {&time_uniform.is, &time_cosh.is, &time_exponential.is, &time_logit_normal.is, &time_nodes.is, NULL};
    return table;
}
