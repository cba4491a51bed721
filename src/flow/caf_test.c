/* caf_test.c - closed forms of Constant Acceleration Flow (caf.md section 5) and of rf++'s re-interpolation (rfpp.md section 4). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "walk_test.h"

enum { WIDTH = 2 };

/* N(0, I) to N(m, s^2 I): d = m + (s-1) x0, v0 = h d, a = 2 (1-h) d. Networks that know it: the first velocity at t = 0 or 1 and the mean speed
 * behind it, which is d. The second sees x0 through the velocity it is told, never through x, as the conditioning has it. */
static const double m[WIDTH] = {1.5, -2}, s = 0.5;
static double h;
static int firsts, seconds;

static rf_status first_velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)cond;
    firsts += (int)rows;
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < WIDTH; i++) {
            double at = (double)x[r * WIDTH + i], x0 = t[r] > 0 ? (at - m[i]) / s : at;
            v[r * WIDTH + i] = (float)(h * (m[i] + (s - 1) * x0));
        }
    return RF_OK;
}

static rf_status mean_speed(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)x, (void)t;
    seconds += (int)rows;
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < WIDTH; i++) v[r * WIDTH + i] = (float)((double)cond[r].before[i] / h);
    return RF_OK;
}

static const rf_field network = {.scalars = WIDTH, .null_label = -1, .velocity = first_velocity};
static const rf_field second = {.scalars = WIDTH, .null_label = -1, .velocity = mean_speed, .from_start = true};

static void walk(const char *solver, const double *times, int steps, const float *from, float *to, bool refined) {
    const rf_job_spec spec = {.field = &network, .refiner = refined ? &second : NULL, .solver = rf__solver_find(solver), .times = times,
                              .steps = steps, .init = from};
    rf_trajectory *job = walked(&spec, NULL);
    memcpy(to, job->job.x, WIDTH * sizeof *to);
    rf__trajectory_free(&job);
}

static void grid(double *times, int steps, bool down, bool even) {
    for (int i = 0; i <= steps; i++) {
        double u = (double)i / steps;
        if (!even) u *= u;
        times[i] = down ? 1 - u : u;
    }
}

/* Statements 1, 3 and 8: any number of steps, even or not, is exact for every h; there and back is where it began; N + 1 calls. */
static void even_acceleration_is_exact(void **state) {
    (void)state;
    const float start[WIDTH] = {0.7f, -1.3f};
    const int counts[] = {1, 2, 5, 13};
    for (int k = 1; k <= 4; k++)
        for (int c = 0; c < 8; c++) {
            int steps = counts[c % 4];
            double up[14], down[14];
            float end[WIDTH], back[WIDTH];
            h = 0.5 * k;
            grid(up, steps, false, c < 4);
            grid(down, steps, true, c < 4);
            firsts = seconds = 0;
            walk("caf", up, steps, start, end, true);
            assert_true(firsts == 1 && seconds == steps);
            walk("caf", down, steps, end, back, true);
            for (int i = 0; i < WIDTH; i++) {
                assert_true(fabs((double)end[i] - (m[i] + s * (double)start[i])) < 2e-6);
                assert_true(fabsf(back[i] - start[i]) < 4e-6f);
            }
        }
}

/* The published update on equal steps, by hand: x += v/N + (2i+1)/(2N) a/N with v = 3, a = 2 (5 - 3) = 4. */
static void update_by_hand(void **state) {
    (void)state;
    const rf_solver *caf = rf__solver_find("caf");
    const double times[] = {0, 0.25, 0.5, 0.75, 1};
    float x[1] = {1}, buffer[1], v = 3, mean = 5;
    rf_job job = {.solver = caf, .scalars = 1, .x = x, .buffer = {buffer}, .grid = times, .steps = 4};
    rf__job_begin(&job);
    double want = 1;
    rf_request ask;
    assert_true(caf->next(&job, &ask) && !ask.refine && ask.t == 0);
    caf->accept(&job, &v);
    for (int i = 0; i < 4; i++) {
        assert_true(caf->next(&job, &ask) && ask.refine && ask.t == times[i] && ask.before[0] == 3);
        caf->accept(&job, &mean);
        want += 3 / 4.0 + (2 * i + 1) / 8.0 * 4 / 4.0;
        assert_true(fabs((double)x[0] - want) < 1e-6);
    }
    assert_true(!caf->next(&job, &ask) && x[0] == 6);
}

static void needs_its_second_network(void **state) {
    (void)state;
    const double times[] = {0, 1};
    rf_trajectory *job;
    rf_job_spec spec = {.field = &network, .solver = rf__solver_find("caf"), .times = times, .steps = 1};
    assert_int_equal(rf__trajectory_create(&job, &spec), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "refiner"));
}

/* A straight flow, v = d: one step and many are exact; and for one step it is Euler whatever the field. */
static rf_status curved(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)cond;
    for (int64_t i = 0; i < rows * WIDTH; i++) v[i] = 0.5f * x[i] + t[i / WIDTH];
    return RF_OK;
}

static void reinterpolation_is_exact_on_lines(void **state) {
    (void)state;
    const float start[WIDTH] = {0.7f, -1.3f};
    rf_field field = {.scalars = WIDTH, .null_label = -1, .velocity = curved};
    float ends[2][WIDTH];
    for (int steps = 1; steps <= 5; steps++) { /* exact velocity of the straightened Gaussian: m + (s-1) x0 with x0 found from x and t */
        float x[WIDTH], buffer[WIDTH];
        double times[6];
        memcpy(x, start, sizeof x);
        grid(times, steps, false, steps % 2);
        rf_job job = {.solver = rf__solver_find("reinterpolate"), .scalars = WIDTH, .x = x, .buffer = {buffer}, .grid = times, .steps = steps};
        rf__job_begin(&job);
        for (rf_request ask; job.solver->next(&job, &ask);) {
            float v[WIDTH];
            for (int i = 0; i < WIDTH; i++) {
                double x0 = ((double)ask.x[i] - ask.t * m[i]) / (1 + ask.t * (s - 1));
                v[i] = (float)(m[i] + (s - 1) * x0);
            }
            job.solver->accept(&job, v);
        }
        assert_int_equal(job.calls, steps);
        for (int i = 0; i < WIDTH; i++) assert_true(fabs((double)x[i] - (m[i] + s * (double)start[i])) < 1e-5);
    }
    for (int k = 0; k < 2; k++) {
        const double times[] = {0, 1};
        const char *names[] = {"euler", "reinterpolate"};
        const rf_job_spec spec = {.field = &field, .solver = rf__solver_find(names[k]), .times = times, .steps = 1, .init = start};
        int64_t calls;
        rf_trajectory *job = walked(&spec, &calls);
        assert_int_equal(calls, 1);
        memcpy(ends[k], job->job.x, sizeof ends[k]);
        rf__trajectory_free(&job);
    }
    for (int i = 0; i < WIDTH; i++) assert_true(fabsf(ends[0][i] - ends[1][i]) < 1e-6f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(even_acceleration_is_exact), cmocka_unit_test(update_by_hand),
                                       cmocka_unit_test(needs_its_second_network), cmocka_unit_test(reinterpolation_is_exact_on_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
