/* windows_test.c - the window adapter of PeRFlow checkpoints: look-up, closed form, exactness on a piecewise linear field, grids that
 * would cross an edge, and histories that end there (streamflow.md section 7, statements 4 to 7). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "walk_test.h"

enum { WIDTH = 3, TRAINED = 1000 };

static rf_windows sd_windows(rf_window_target target) {
    double alpha_bar[TRAINED];
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, 4), RF_OK);
    rf__alpha_bar_scaled_linear(alpha_bar, TRAINED, 0.00085, 0.012);
    assert_int_equal(rf__windows_schedule(&windows, alpha_bar, TRAINED, target), RF_OK);
    return windows;
}

/* perflow.md section 2: the values of Stable Diffusion 1.5 with four windows. */
static void constants_of_stable_diffusion(void **state) {
    (void)state;
    const double lambda[] = {3.486, 2.215, 1.560, 1.216};
    const double eta[2][4] = {{-3.339, -1.976, -1.197, -0.692}, {-2.506, -1.301, -0.756, -0.664}};
    for (int target = 0; target < 2; target++) {
        rf_windows windows = sd_windows((rf_window_target)target);
        for (int k = 0; k < 4; k++) {
            assert_true(fabs(windows.lambda[k] - lambda[k]) < 6e-4);
            assert_true(fabs(windows.eta[k] - eta[target][k]) < 6e-4);
        }
    }
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, 0), RF_EINVAL);
    assert_int_equal(rf__windows_uniform(&windows, RF_MAX_WINDOWS + 1), RF_EINVAL);
}

/* The look-up by counting the edges that were passed, for many times at once. */
static void vector_look_up(const rf_windows *windows, int n, const double *t, int *out) {
    for (int i = 0; i < n; i++) out[i] = 0;
    for (int k = 1; k < windows->count; k++)
        for (int i = 0; i < n; i++) out[i] += t[i] >= windows->edge[k] - RF_WINDOW_SLACK;
}

static void an_edge_belongs_to_the_later_window(void **state) {
    (void)state;
    enum { TIMES = 10000 };
    static double t[TIMES];
    static int expected[TIMES];
    for (int count = 1; count <= 7; count++) {
        rf_windows windows;
        assert_int_equal(rf__windows_uniform(&windows, count), RF_OK);
        int assigned[8] = {0}, sum = 0;
        for (int i = 0; i < TIMES; i++) t[i] = (double)i / (TIMES - 1);
        for (int k = 0, i = 0; k <= count; k++) {
            t[i++] = windows.edge[k];
            t[i++] = nextafter(windows.edge[k], 0);
            t[i++] = nextafter(windows.edge[k], 1);
            t[i++] = (double)nextafterf((float)windows.edge[k], 0); /* what a network is given */
        }
        vector_look_up(&windows, TIMES, t, expected);
        for (int i = 0; i < TIMES; i++) {
            int found = rf__windows_find(&windows, t[i]);
            assert_int_equal(found, expected[i]);
            assigned[found]++;
        }
        for (int k = 0; k < count; k++) sum += assigned[k];
        assert_int_equal(sum, TIMES);
        for (int k = 0; k < count; k++) {
            assert_int_equal(rf__windows_find(&windows, windows.edge[k]), k);
            assert_int_equal(rf__windows_find(&windows, nextafter(windows.edge[k], 0)), k);
            assert_int_equal(rf__windows_find(&windows, windows.edge[k] + 0.5 / count), k);
        }
        assert_int_equal(rf__windows_find(&windows, 1), count - 1);
    }
}

static void closed_form_equals_the_published_one(void **state) {
    (void)state;
    for (int target = 0; target < 2; target++) {
        rf_windows windows = sd_windows((rf_window_target)target);
        for (int i = 0; i < 999; i++) {
            double t = (i + 0.5) / 1000, x = sin(3.0 * i), eps = cos(5.0 * i);
            int k = rf__windows_find(&windows, t);
            double a = windows.edge[k], b = windows.edge[k + 1], l = windows.lambda[k], e = windows.eta[k];
            double end = (l * (b - a) * x + e * (b - t) * eps) / (l * (t - a) + (b - t)), published = (end - x) / (b - t);
            assert_true(fabs(rf__window_velocity(&windows, t, x, eps) - published) <= 1e-12 * (1 + fabs(published)) / (b - t));
        }
        for (int k = 0; k <= 4; k++) {
            assert_true(isfinite(rf__window_velocity(&windows, windows.edge[k], 0.3, -0.7)));
            assert_true(isfinite(rf__window_velocity(&windows, windows.edge[k] - 1.0001 * RF_WINDOW_SLACK, 0.3, -0.7)));
        }
    }
}

/* A noise prediction that is constant inside each window makes straight lines there. */
static rf_status constant_noise(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)x, (void)cond;
    const rf_windows *windows = self;
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < WIDTH; i++) v[r * WIDTH + i] = 0.3f * (float)(i + 1) - 0.2f * (float)rf__windows_find(windows, (double)t[r]);
    return RF_OK;
}

static const float start[WIDTH] = {1, -0.5f, 2};

static void one_step_a_window_is_exact(void **state) {
    (void)state;
    const double coarse[] = {0, 0.25, 0.5, 0.75, 1};
    for (int target = 0; target < 2; target++) {
        rf_windows windows = sd_windows((rf_window_target)target);
        rf_field noise = {&windows, WIDTH, -1, constant_noise};
        rf_windows_field adapter = {&windows, &noise};
        rf_field field = rf__windows_field(&adapter);
        rf_job_spec spec = {.field = &field, .solver = rf__solver_find("euler"), .times = coarse, .steps = 4, .windows = &windows,
                            .init = start};
        rf_trajectory *walk = walked(&spec, NULL);
        double fine[257];
        for (int i = 0; i <= 256; i++) fine[i] = i / 256.0;
        spec.times = fine;
        spec.steps = 256;
        rf_trajectory *slow = walked(&spec, NULL);
        for (int i = 0; i < WIDTH; i++) {
            double x = (double)start[i]; /* z_e = lambda z_s + eta eps, window after window */
            for (int k = 0; k < 4; k++)
                x = windows.lambda[k] * x + windows.eta[k] * (double)(0.3f * (float)(i + 1) - 0.2f * (float)k);
            assert_true(fabs((double)walk->job.x[i] - x) < 2e-6 * (1 + fabs(x)));
            assert_true(fabs((double)slow->job.x[i] - x) < 1e-4 * (1 + fabs(x)));
        }
        rf__trajectory_free(&walk);
        rf__trajectory_free(&slow);
    }
}

/* 1 in the first window, -1 in the second. */
static rf_status there_and_back(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)x, (void)cond;
    for (int64_t i = 0; i < rows * PLANE; i++) v[i] = rf__windows_find(self, (double)t[i / PLANE]) ? -1 : 1;
    return RF_OK;
}

/* Straight inside each of two windows: whatever asks at the end of a step, or walks towards noise, asks the window of its step. */
static void every_solver_asks_the_window_of_its_step(void **state) {
    (void)state;
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, 2), RF_OK);
    const rf_field field = {.self = &windows, .scalars = PLANE, .null_label = -1, .velocity = there_and_back, .windows = &windows};
    const float start[PLANE] = {0.25f, -3};
    for (const rf_solver *const *solver = rf__solvers(); *solver; solver++)
        for (int steps = 2; steps <= 6; steps += 2)
            for (int backward = 0; backward < 2; backward++) {
                double times[7];
                uniform(times, steps, backward, !backward);
                if ((*solver)->adaptive || (*solver)->undoes || (*solver)->blocks || (*solver)->corrects || !rf__solver_turns(*solver)) continue;
                const rf_job_spec spec = {.field = &field, .solver = *solver, .times = times, .steps = steps, .init = start};
                rf_trajectory *job = walked(&spec, NULL);
                for (int i = 0; i < PLANE; i++)
                    if (fabsf(job->job.x[i] - start[i]) > 2e-3f) /* a question twice the slack before its edge */
                        fail_msg("%s, %d steps %s: %g from %g", (*solver)->name, steps, backward ? "back" : "forth", (double)job->job.x[i], (double)start[i]);
                rf__trajectory_free(&job);
            }
}

static void crossing_an_edge_is_refused(void **state) {
    (void)state;
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, 4), RF_OK);
    rf_field field = {&windows, WIDTH, -1, constant_noise};
    const double three[] = {0, 0.25, 0.75, 1}, missed[] = {0, 0.2, 0.4, 0.6, 0.8, 1}, back[] = {1, 0.75, 0.5, 0.25, 0},
                 near[] = {0, 0.25 + 1e-7, 0.5 - 1e-7, 0.75, 1};
    rf_job_spec spec = {.field = &field, .solver = rf__solver_find("euler"), .times = three, .steps = 3, .windows = &windows};
    rf_trajectory *walk = NULL;
    assert_int_equal(rf__trajectory_create(&walk, &spec), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "at least 4"));
    spec.times = missed;
    spec.steps = 5;
    assert_int_equal(rf__trajectory_create(&walk, &spec), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "0.25"));
    spec.steps = 4;
    const double *good[] = {back, near};
    for (int i = 0; i < 2; i++) {
        spec.times = good[i];
        assert_int_equal(rf__trajectory_create(&walk, &spec), RF_OK);
        rf__trajectory_free(&walk);
    }
}

static rf_kind skip_when_it_can(void *state, const rf_step_view *view) {
    (void)state, (void)view;
    return RF_KIND_EXTRAPOLATE;
}

/* Two velocities of one window may extrapolate inside it, never across its edge. */
static void history_ends_at_an_edge(void **state) {
    (void)state;
    static const rf_policy eager = {.name = "eager", .history = true, .choose = skip_when_it_can};
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, 4), RF_OK);
    rf_field field = {&windows, WIDTH, -1, constant_noise};
    double times[17];
    for (int per_window = 1; per_window <= 4; per_window++) {
        int steps = 4 * per_window;
        for (int i = 0; i <= steps; i++) times[i] = (double)i / steps;
        rf_job_spec spec = {.field = &field, .solver = rf__solver_find("euler"), .times = times, .steps = steps, .windows = &windows,
                            .policy = &eager, .init = start};
        rf_trajectory *walk = walked(&spec, NULL);
        int real = per_window < 2 ? per_window : 2;
        assert_int_equal(walk->counters.nfe_full, 4 * real);
        assert_int_equal(walk->counters.extrapolated, steps - 4 * real);
        rf__trajectory_free(&walk);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_of_stable_diffusion),
        cmocka_unit_test(an_edge_belongs_to_the_later_window),
        cmocka_unit_test(closed_form_equals_the_published_one),
        cmocka_unit_test(one_step_a_window_is_exact),
        cmocka_unit_test(every_solver_asks_the_window_of_its_step),
        cmocka_unit_test(crossing_an_edge_is_refused),
        cmocka_unit_test(history_ends_at_an_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
