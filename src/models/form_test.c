/* form_test.c - the folded form against the denoiser it comes from and against exact velocities (rectified-flow.md sections 5 and 7); networks that
 * answer in each form against the same weights asked by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model_field.h"
#include "network_test.h"

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

enum { ROWS = 6, MOST = 8 * 8 * 2 };

/* Velocities of a network of these settings and random weights at ROWS rows. */
static void velocities(const char *kind, const char *const *settings, const float *x, const float *t, float *v) {
    rf_model *model = network_of(kind, settings, 5, 0.1f);
    rf_model_field *field;
    rf_pool *pool = rf__pool_create(1);
    rf_cond cond[ROWS];
    for (int r = 0; r < ROWS; r++) cond[r] = (rf_cond){.label = r % 3};
    assert_non_null(pool);
    assert_int_equal(rf__model_field_open(&field, model, RF_F32, pool, ROWS), RF_OK);
    const rf_field view = rf__model_field_view(field);
    assert_int_equal(view.velocity(view.self, ROWS, x, t, cond, v), RF_OK);
    rf__model_field_close(&field);
    rf__pool_free(&pool);
    rf__model_free(&model);
}

static const float at[ROWS] = {0, 0.003f, 0.1f, 0.5f, 0.9f, 1};

/* The same weights as a velocity network, asked where the form says and put together as it says; at the ends too, where noise is held. */
static void same_by_hand(const char *kind, const char *const *plain, const char *const *formed, bool edm, int n) {
    float x[ROWS * MOST], in[ROWS * MOST], told[ROWS], f[ROWS * MOST], v[ROWS * MOST];
    for (int i = 0; i < ROWS * n; i++) x[i] = (float)(i * 37 % 19) / 6 - 1.5f;
    for (int r = 0; r < ROWS; r++) {
        const rf_edm_fold fold = rf__edm_fold((double)at[r], 0.7, 0.002, 50);
        const rf_vp_place place = rf__vp_place((double)at[r]);
        told[r] = (float)(edm ? fold.noise : fmin(place.tau, 1));
        for (int i = r * n; i < (r + 1) * n; i++) in[i] = (float)(edm ? fold.in : place.scale) * x[i];
    }
    velocities(kind, plain, in, told, f);
    velocities(kind, formed, x, at, v);
    for (int i = 0; i < ROWS * n; i++) {
        const double t = (double)at[i / n];
        const rf_edm_fold fold = rf__edm_fold(t, (double)0.7f, (double)0.002f, 50);
        const double want = edm ? fold.skip * (double)x[i] + fold.out * (double)f[i] : ((double)x[i] - (double)f[i]) / fmax(t, RF_VP_LEAST);
        const double size = edm ? 1 : 1 / fmax(t, RF_VP_LEAST);
        if (!(fabs((double)v[i] - want) < 2e-5 * size)) fail_msg("%s, edm %d, t %g: %g, expected %g", kind, edm, t, (double)v[i], want);
    }
}

static void networks_of_each_form(void **state) {
    (void)state;
#define SMALL "height=8", "width=8", "channels=2", "classes=3"
#define UNET SMALL, "base=8", "multipliers=[1,2]", "blocks=1", "attention=[4]"
#define DIT SMALL, "depth=2", "hidden=32", "heads=2"
#define EDM "form=edm", "sigma_data=0.7", "sigma_most=50"
    same_by_hand("mlp", SETTINGS("classes=3"), SETTINGS("classes=3", EDM), true, 2);
    same_by_hand("mlp", SETTINGS("classes=3"), SETTINGS("classes=3", "form=vp"), false, 2);
    same_by_hand("unet", SETTINGS(UNET), SETTINGS(UNET, EDM), true, 8 * 8 * 2);
    same_by_hand("unet", SETTINGS(UNET), SETTINGS(UNET, "form=vp"), false, 8 * 8 * 2);
    same_by_hand("dit", SETTINGS(DIT), SETTINGS(DIT, EDM), true, 8 * 8 * 2);
    same_by_hand("dit", SETTINGS(DIT), SETTINGS(DIT, "form=vp"), false, 8 * 8 * 2);
}

/* A refiner corrects velocities, so it has no form of its own. */
static void refiners_have_none(void **state) {
    (void)state;
    const rf_model_kind *kind = rf__model_kind_find("mlp");
    void *config = config_of(kind, SETTINGS("refines=plain", "form=vp"));
    rf_model *model;
    assert_int_equal(rf__model_create(&model, kind, config, 0), RF_EINVAL);
    assert_string_equal(rf_last_error(), "form is vp, expected velocity of a network that refines one");
    free(config);
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
    assert_true(fabs(rf__vp_place(RF_VP_LEAST).tau - 1) < 1e-5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(folded_is_the_velocity), cmocka_unit_test(ends_are_finite), cmocka_unit_test(vp_places),
                                       cmocka_unit_test(networks_of_each_form), cmocka_unit_test(refiners_have_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
