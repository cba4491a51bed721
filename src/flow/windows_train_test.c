/* windows_train_test.c - what training and checkpoints need of windows: the noise prediction both ways, exact look-up, features, shares of
 * steps, the Gaussian oracle, and metadata (perflow.md section 5, statements 1 to 4). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"

enum { TRAINED = 1000 };

static rf_windows windows_of(int count, rf_window_target target) {
    double alpha_bar[TRAINED];
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, count), RF_OK);
    rf__alpha_bar_scaled_linear(alpha_bar, TRAINED, 0.00085, 0.012);
    assert_int_equal(rf__windows_schedule(&windows, alpha_bar, TRAINED, target), RF_OK);
    return windows;
}

/* Statement 1: z_e = (lambda z_t + r eta eps) / (r + (1-r) lambda) with r what is left of the window, and the way back. */
static void prediction_and_end_of_window(void **state) {
    (void)state;
    for (int target = RF_WINDOW_DIFF_EPS; target <= RF_WINDOW_VELOCITY; target++) {
        rf_windows windows = windows_of(4, (rf_window_target)target);
        assert_int_equal(windows.noise, target != RF_WINDOW_VELOCITY);
        for (int i = 0; i < 400; i++) {
            int k = i % 4;
            double start = sin(7.0 * i), eps = cos(3.0 * i), lambda = windows.lambda[k], eta = windows.eta[k];
            double end = lambda * start + eta * eps, a = windows.edge[k], b = windows.edge[k + 1];
            double r = 1 - (i % 97) / 100.0, t = b - r * (b - a), x = end + r * (start - end), v = (end - start) / (b - a);
            double recovered = (lambda * x + r * eta * eps) / (r + (1 - r) * lambda);
            assert_true(fabs(recovered - end) < 1e-10);
            assert_true(fabs(rf__window_prediction(&windows, k, t, x, v) - eps) < 1e-10);
            if (t < b - 2 * RF_WINDOW_SLACK) assert_true(fabs(rf__window_velocity(&windows, t, x, eps) - v) < 1e-10);
            if (target == RF_WINDOW_VELOCITY) assert_true(fabs(eps - v) < 1e-12);
        }
    }
}

/* Statement 3. */
static void exact_look_up(void **state) {
    (void)state;
    rf_windows windows = windows_of(4, RF_WINDOW_VELOCITY);
    assert_int_equal(rf__windows_find_exact(&windows, 0.25), 1);
    assert_int_equal(rf__windows_find_exact(&windows, 0.25 - 1e-9), 0);
    assert_int_equal(rf__windows_find_exact(&windows, 0), 0);
    assert_int_equal(rf__windows_find_exact(&windows, nextafter(1, 0)), 3);
}

static void features_name_the_window(void **state) {
    (void)state;
    rf_windows windows = windows_of(4, RF_WINDOW_VELOCITY);
    float f[5];
    rf__windows_features(&windows, 2, 0.625, f);
    const float middle[] = {0, 0, 1, 0, 0.5f};
    for (int i = 0; i < 5; i++) assert_true(f[i] == middle[i]);
    rf__windows_features(&windows, 1, 0.25 - 1e-6, f); /* before its edge, inside the slack */
    assert_true(f[1] == 1 && f[4] == 0);
}

/* Statement 4, t = 1 is never asked, and too few steps are refused with both numbers. */
static void steps_are_shared_out(void **state) {
    (void)state;
    rf_windows windows = windows_of(4, RF_WINDOW_VELOCITY);
    rf_grid_opts opts = rf__grid_defaults();
    rf_grid grid;
    opts.windows = &windows;
    opts.steps = 6;
    assert_int_equal(rf__grid_build(&grid, rf__schedule_find("uniform"), &opts), RF_OK);
    const double expected[] = {0, 0.125, 0.25, 0.375, 0.5, 0.75, 1};
    for (int i = 0; i <= 6; i++) assert_true(grid.t[i] == expected[i]);
    rf__grid_fini(&grid);
    for (int steps = 4; steps < 40; steps++) {
        opts.steps = steps;
        assert_int_equal(rf__grid_build(&grid, rf__schedule_find("uniform"), &opts), RF_OK);
        int mine[4] = {0};
        for (int i = 0; i < steps; i++) {
            assert_true(grid.t[i] < 1);
            mine[rf__windows_find(&windows, grid.t[i])]++;
        }
        for (int k = 0; k < 4; k++) assert_int_equal(mine[k], steps / 4 + (k < steps % 4));
        rf__grid_fini(&grid);
    }
    opts.steps = 3;
    assert_int_equal(rf__grid_build(&grid, rf__schedule_find("uniform"), &opts), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "steps is 3, expected at least 4"));
    opts.steps = 8;
    assert_int_equal(rf__grid_build(&grid, rf__schedule_find("sigmoid"), &opts), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "0.25"));
}

/* Statement 2: data N(m, s^2), windows of any widths. Euler at the left edges of the straightened field is the teacher's map, and the end of
 * window k has the mean and variance of the start of window k+1. */
static void gaussian_oracle(void **state) {
    (void)state;
    const double m = 1.5, s = 0.4, edge[] = {0, 0.1, 0.45, 0.7, 1};
    rf_windows windows;
    assert_int_equal(rf__windows_between(&windows, edge, 4), RF_OK);
    for (int i = 0; i < 20; i++) {
        double x0 = -2 + 0.2 * i, x = x0;
        for (int k = 0; k < 4; k++) {
            double a = edge[k], b = edge[k + 1], va = (1 - a) * (1 - a) + a * a * s * s, vb = (1 - b) * (1 - b) + b * b * s * s, rho = sqrt(vb / va);
            double v = m + (rho - 1) * (x - a * m) / (b - a); /* the field at the left edge */
            for (int j = 0; j < 3; j++) { /* and anywhere on the line */
                double part = 0.3 * j, t = a + part * (b - a), on = x + part * (b - a) * v;
                assert_true(fabs(m + (rho - 1) * (on - t * m) / ((b - a) * (1 + part * (rho - 1))) - v) < 1e-12 * (1 + fabs(v)));
            }
            x += (b - a) * v;
            double law = sqrt(vb) * x0 + b * m; /* x0 standard normal: mean b m, variance V_b */
            assert_true(fabs(x - law) < 1e-12 * (1 + fabs(law)));
        }
    }
}

static void metadata_goes_both_ways(void **state) {
    (void)state;
    for (int target = RF_WINDOW_DIFF_EPS; target <= RF_WINDOW_VELOCITY; target++) {
        rf_windows windows = windows_of(3, (rf_window_target)target), back;
        char *text = rf__windows_text(&windows);
        assert_int_equal(rf__windows_parse(&back, text), RF_OK);
        assert_memory_equal(&windows, &back, sizeof back);
        free(text);
    }
}

static void bad_windows_are_refused(void **state) {
    (void)state;
    static const struct { const char *json, *word; } cases[] = {
        {"[]", "not an object"},
        {"{\"edges\":[0],\"predicts\":\"velocity\"}", "1 edges"},
        {"{\"edges\":[0,0.5,0.4,1],\"predicts\":\"velocity\"}", "0.5 and 0.4"},
        {"{\"edges\":[0.1,0.5,1],\"predicts\":\"velocity\"}", "from 0.1 to 1"},
        {"{\"edges\":[0,\"x\",1],\"predicts\":\"velocity\"}", "0 and 0"},
        {"{\"edges\":[0,0.5,1],\"predicts\":\"score\"}", "score"},
        {"{\"edges\":[0,0.5,1]}", "nothing"},
        {"{\"edges\":[0,0.5,1],\"predicts\":\"noise\",\"lambda\":[1]}", "1 numbers, expected 2"},
        {"{\"edges\":[0,0.5,1],\"predicts\":\"noise\",\"eta\":[1,0]}", "window 1 is 0"},
    };
    rf_windows windows;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rf__windows_parse(&windows, cases[i].json), RF_EFORMAT);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
        assert_int_equal(windows.count, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prediction_and_end_of_window), cmocka_unit_test(exact_look_up),
        cmocka_unit_test(features_name_the_window),     cmocka_unit_test(steps_are_shared_out),
        cmocka_unit_test(gaussian_oracle),              cmocka_unit_test(metadata_goes_both_ways),
        cmocka_unit_test(bad_windows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
