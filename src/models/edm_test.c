/* edm_test.c - the folded form against the denoiser it comes from and against exact velocities (rectified-flow.md sections 5 and 7). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "edm.h"

/* EDM's preconditioning as published. */
static double network(double in, double sd, double sigma, double data_sd) {
    /* F of the best denoiser of N(0, s^2): D = s^2/(s^2+sigma^2) y = c_skip y + c_out F(c_in y) */
    double skip = sd * sd / (sigma * sigma + sd * sd), out = sigma * sd / sqrt(sigma * sigma + sd * sd), c_in = 1 / sqrt(sigma * sigma + sd * sd);
    double y = in / c_in, d = data_sd * data_sd / (data_sd * data_sd + sigma * sigma) * y;
    return (d - skip * y) / out;
}

static double gaussian_velocity(double x, double t, double s) { return (t * s * s - (1 - t)) / ((1 - t) * (1 - t) + t * t * s * s) * x; }

static void folded_is_the_velocity(void **state) {
    (void)state;
    for (int k = 1; k < 100; k++)
        for (int j = 0; j < 3; j++) {
            double t = k / 100.0, s = 0.3 + 0.4 * j, sd = 0.5, x = 1.7, sigma = (1 - t) / t;
            rf_edm_fold f = rf__edm_fold(t, sd, 1e-9, 1e9);
            double v = f.skip * x + f.out * network(f.in * x, sd, sigma, s);
            assert_true(fabs(v - gaussian_velocity(x, t, s)) < 1e-10);
            assert_true(fabs(f.noise - log(sigma) / 4) < 1e-12);
            /* the input of F is that of the published form: c_in y */
            assert_true(fabs(f.in * x - x / t / sqrt(sigma * sigma + sd * sd)) < 1e-10);
        }
}

/* No 0/0 at the ends, and noise stays where the teacher was trained. */
static void ends_are_finite(void **state) {
    (void)state;
    const double ends[] = {0, 1e-12, 1 - 1e-12, 1};
    for (int k = 0; k < 4; k++) {
        rf_edm_fold f = rf__edm_fold(ends[k], 0.5, 0.002, 80);
        assert_true(isfinite(f.skip) && isfinite(f.out) && isfinite(f.in));
        assert_true(f.noise >= log(0.002) / 4 - 1e-12 && f.noise <= log(80) / 4 + 1e-12);
    }
    rf_edm_fold start = rf__edm_fold(0, 0.5, 0.002, 80), end = rf__edm_fold(1, 0.5, 0.002, 80);
    assert_true(fabs(start.skip + 1) < 1e-12 && fabs(start.in - 1) < 1e-12); /* x0 goes, F says where to */
    assert_true(fabs(end.skip - 1) < 1e-12 && fabs(end.out - 1) < 1e-12);
    assert_true(fabs(rf__edm_fold(1.0 / 81, 0.5, 0, 1e9).noise - log(80) / 4) < 1e-12); /* the page's places of sigma */
}

static rf_status answer(void *self, int64_t rows, const float *x, const float *noise, const rf_cond *cond, float *v) {
    (void)self, (void)cond;
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < 2; i++) v[2 * r + i] = (float)network((double)x[2 * r + i], 0.5, exp(4 * (double)noise[r]), 0.8);
    return RF_OK;
}

static void field_of_a_teacher(void **state) {
    (void)state;
    rf_edm_teacher teacher = {.network = {.scalars = 2, .null_label = -1, .velocity = answer}, .sigma_data = 0.5, .sigma_least = 1e-4, .sigma_most = 1e4};
    rf_field field = rf__edm_field(&teacher);
    const float x[6] = {1, -2, 0.5f, 3, -1, 0.1f}, t[3] = {0.1f, 0.5f, 0.9f};
    float v[6];
    assert_int_equal(field.velocity(field.self, 3, x, t, NULL, v), RF_OK);
    for (int i = 0; i < 6; i++) assert_true(fabs((double)v[i] - gaussian_velocity((double)x[i], (double)t[i / 2], 0.8)) < 1e-5);
}

/* Signal and noise of the VP process at tau are those of our path at t, up to the scale; t = 1/2 is tau 0.259, tau = 1 is t = 0.0065. */
static void vp_places(void **state) {
    (void)state;
    for (int k = 1; k < 20; k++) {
        double t = k / 20.0;
        rf_vp_place p = rf__vp_place(t);
        double alpha = exp(-0.5 * (0.1 * p.tau + 19.9 * p.tau * p.tau / 2)), noise = sqrt(1 - alpha * alpha);
        assert_true(fabs(alpha - p.scale * t) < 1e-12 && fabs(noise - p.scale * (1 - t)) < 1e-9);
    }
    assert_true(fabs(rf__vp_place(0.5).tau - 0.259) < 5e-4 && fabs(rf__vp_place(0.0065).tau - 1) < 5e-3);
    assert_true(rf__vp_place(1).tau == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(folded_is_the_velocity), cmocka_unit_test(ends_are_finite), cmocka_unit_test(field_of_a_teacher),
                                       cmocka_unit_test(vp_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
