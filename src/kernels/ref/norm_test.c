/* norm_test.c - the plain C normalisations against formulas in double, and their gradients against finite differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "memory_test.h"

enum { B = 2, P = 6, C = 6, G = 3, N = B * P * C };

static void group_norm_gradients(void **state) {
    (void)state;
    for (int act = 0; act < 2; act++) {
        float x[N], y[N], dy[N], dx[N], gamma[C], beta[C], stats[B * G * 2], partial[B * 2 * C], dgamma[C], dbeta[C];
        randomise(x, N, 0.5f, 2);
        randomise(dy, N, 0, 1);
        randomise(gamma, C, 1, 0.5f);
        randomise(beta, C, 0, 0.5f);
        rf_group_norm_args a = {.batch = B, .pixels = P, .channels = C, .groups = G, .eps = 1e-5f,
                                .act = act ? RF_ACT_SILU : RF_ACT_NONE, .x = x, .gamma = gamma, .beta = beta, .y = y, .stats = stats,
                                .dy = dy, .dx = dx, .partial = partial};
        rf__ref_group_norm(&a, 0, B, NULL);
        rf__ref_group_norm_bwd(&a, 0, B, NULL);
        for (int c = 0; c < C; c++) dgamma[c] = partial[c] + partial[2 * C + c], dbeta[c] = partial[C + c] + partial[3 * C + c];
        probe p = {rf__ref_group_norm, &a, B, y, dy, N};
        check_gradient(&p, x, dx, N, "group_norm dx");
        check_gradient(&p, gamma, dgamma, C, "group_norm dgamma");
        check_gradient(&p, beta, dbeta, C, "group_norm dbeta");
    }
}

static void group_norm_values(void **state) {
    (void)state;
    float x[N], y[N], gamma[C], beta[C], stats[B * G * 2];
    randomise(x, N, 3, 2);
    randomise(gamma, C, 1, 0.5f);
    randomise(beta, C, 0, 0.5f);
    rf_group_norm_args a = {.batch = B, .pixels = P, .channels = C, .groups = G, .eps = 0.01f, .act = RF_ACT_SILU, .x = x,
                            .gamma = gamma, .beta = beta, .y = y, .stats = stats};
    rf__ref_group_norm(&a, 0, B, NULL);
    for (int b = 0; b < B; b++)
        for (int g = 0; g < G; g++) {
            double sum = 0, square = 0;
            for (int k = 0; k < P * 2; k++) {
                double v = (double)x[(b * P + k / 2) * C + 2 * g + k % 2];
                sum += v;
                square += v * v;
            }
            double mean = sum / (P * 2), rstd = 1 / sqrt(square / (P * 2) - mean * mean + 0.01);
            close_to((double)stats[(b * G + g) * 2], mean, 1e-6, "mean", g);
            close_to((double)stats[(b * G + g) * 2 + 1], rstd, 1e-6, "1/sd", g);
            for (int k = 0; k < P * 2; k++) {
                int c = 2 * g + k % 2, i = (b * P + k / 2) * C + c;
                double n = ((double)x[i] - mean) * rstd * (double)gamma[c] + (double)beta[c];
                close_to((double)y[i], n / (1 + exp(-n)), 2e-6, "group_norm", i);
            }
        }
}

/* form: bit 0 one_plus, bit 1 no vectors at all */
static void layer_norm_gradients(void **state) {
    (void)state;
    for (int form = 0; form < 3; form++) {
        float x[N], y[N], dy[N], dx[N], mul[B * C], shift[B * C], stats[B * P * 2], partial[B * 2 * C], dmul[B * C], dshift[B * C];
        randomise(x, N, -0.5f, 2);
        randomise(dy, N, 0, 1);
        randomise(mul, B * C, 0.3f, 1);
        randomise(shift, B * C, 0, 1);
        rf_layer_norm_args a = {.batch = B, .tokens = P, .channels = C, .eps = 1e-5f, .one_plus = form & 1, .x = x,
                                .mul = form & 2 ? NULL : mul, .shift = form & 2 ? NULL : shift, .mul_stride = C, .shift_stride = C,
                                .y = y, .stats = stats, .dy = dy, .dx = dx, .partial = partial};
        rf__ref_layer_norm(&a, 0, B, NULL);
        rf__ref_layer_norm_bwd(&a, 0, B, NULL);
        for (int i = 0; i < B * C; i++) dmul[i] = partial[i / C * 2 * C + i % C], dshift[i] = partial[(i / C * 2 + 1) * C + i % C];
        probe p = {rf__ref_layer_norm, &a, B, y, dy, N};
        check_gradient(&p, x, dx, N, "layer_norm dx");
        if (form & 2) continue;
        check_gradient(&p, mul, dmul, B * C, "layer_norm dmul");
        check_gradient(&p, shift, dshift, B * C, "layer_norm dshift");
    }
}

static void layer_norm_values(void **state) {
    (void)state;
    float x[N], y[N], mul[C], shift[C];
    randomise(x, N, 3, 2);
    randomise(mul, C, 0, 1);
    randomise(shift, C, 0, 1);
    rf_layer_norm_args a = {.batch = B, .tokens = P, .channels = C, .eps = 0.01f, .one_plus = true, .x = x, .mul = mul, .shift = shift, .y = y};
    rf__ref_layer_norm(&a, 0, B, NULL); /* stride 0: one vector for all */
    for (int r = 0; r < B * P; r++) {
        double sum = 0, square = 0;
        for (int c = 0; c < C; c++) sum += (double)x[r * C + c], square += (double)x[r * C + c] * (double)x[r * C + c];
        double mean = sum / C, rstd = 1 / sqrt(square / C - mean * mean + 0.01);
        for (int c = 0; c < C; c++)
            close_to((double)y[r * C + c], ((double)x[r * C + c] - mean) * rstd * (1 + (double)mul[c]) + (double)shift[c], 2e-6,
                     "layer_norm", r * C + c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_norm_values), cmocka_unit_test(group_norm_gradients), cmocka_unit_test(layer_norm_values),
        cmocka_unit_test(layer_norm_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
