/* solver_exact_test.c - every solver on the exact mixture field, through the whole trajectory: orders, calls counted exactly, walks
 * both ways, what is special about each (fireflow.md section 6, flowturbo.md section 2), options, and histories that die. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"
#include "walk_test.h"

enum { WIDTH = PLANE, MOST_STEPS = 512 };

static float start[WIDTH] = {0.3f, -0.8f};

typedef struct counted {
    rf_field inner;
    int64_t calls;
    rf_status (*formula)(const float *x, float t, float *v); /* instead of inner */
} counted;

static rf_status count(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    counted *field = self;
    field->calls += rows;
    if (!field->formula) return field->inner.velocity(field->inner.self, rows, x, t, cond, v);
    for (int64_t r = 0; r < rows; r++) RF_TRY(field->formula(x + r * WIDTH, t[r], v + r * WIDTH));
    return RF_OK;
}

static counted network;
static rf_field field = {&network, WIDTH, -1, count};

static void reset(rf_status (*formula)(const float *, float, float *)) {
    network = (counted){.inner = mixture_field(), .formula = formula};
}

/* Caller frees. */
static rf_trajectory *solve(const char *solver, const double *times, int steps, const float *from, const rf_options *options,
                            const float *carry) {
    const rf_job_spec spec = {.field = &field, .solver = rf__solver_find(solver), .times = times, .steps = steps, .init = from,
                              .solver_options = options, .carry = carry};
    assert_non_null(spec.solver);
    network.calls = 0;
    rf_trajectory *walk = started(&spec);
    while (rf__trajectory_ask(walk)) answer_alone(walk);
    assert_int_equal(network.calls, walk->counters.nfe_full);
    assert_int_equal(network.calls, walk->job.calls);
    return walk;
}

/* Steps alternate 1:2. */
static void uneven(double *times, int steps) {
    double sum = 0;
    for (int i = 0; i < steps; i++) sum += 1 + i % 2;
    times[0] = 0;
    for (int i = 0; i < steps; i++) times[i + 1] = times[i] + (1 + i % 2) / sum;
    times[steps] = 1;
}
static void shifted(double *times, int steps) {
    rf_grid grid;
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = steps;
    assert_int_equal(rf__grid_build(&grid, rf__schedule_find("shifted"), &opts), RF_OK);
    memcpy(times, grid.t, ((size_t)steps + 1) * sizeof *times);
    rf__grid_fini(&grid);
}

/* Fourth order in double. */
static void exact(const float *from, double begin, double end, double out[WIDTH]) {
    double x[WIDTH], k[4][WIDTH], y[WIDTH], mean[WIDTH], h = (end - begin) / 2000;
    for (int i = 0; i < WIDTH; i++) x[i] = (double)from[i];
    for (int step = 0; step < 2000; step++) {
        double t = begin + step * h, at[] = {0, 0.5, 0.5, 1};
        for (int s = 0; s < 4; s++) {
            for (int i = 0; i < WIDTH; i++) y[i] = x[i] + (s ? h * at[s] * k[s - 1][i] : 0);
            rf__gauss_exact_at(&mixture, y, t + h * at[s], 0, mean, &(rf_gauss_answer){.v = k[s]});
        }
        for (int i = 0; i < WIDTH; i++) x[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
    }
    memcpy(out, x, sizeof x);
}

static double to_truth(const float *x, const double *y) {
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sqrt(sum);
}

static double error_of(const char *solver, const double *times, int steps, const rf_options *options) {
    double truth[WIDTH];
    exact(start, 0, 1, truth);
    rf_trajectory *walk = solve(solver, times, steps, start, options, NULL);
    assert_int_equal(walk->status, RF_JOB_DONE);
    assert_true(walk->job.t == times[steps]);
    double error = to_truth(walk->job.x, truth);
    rf__trajectory_free(&walk);
    return error;
}

/* What an order may miss: fireflow.md section 6, 3 asks a tenth of its solvers. */
static double slack(const rf_solver *solver) {
    const char *const tenth[] = {"euler", "midpoint", "rf_solver", "fireflow", "reversible"};
    for (size_t i = 0; i < sizeof tenth / sizeof *tenth; i++)
        if (strcmp(solver->name, tenth[i]) == 0) return 0.1;
    return solver->order > 2 ? 0.8 : 0.4;
}

static void orders_and_calls(void **state) {
    (void)state;
    reset(NULL);
    for (int s = 0; rf__solvers()[s]; s++) {
        const rf_solver *solver = rf__solvers()[s];
        if (solver->adaptive || solver->order == 0) continue;
        int steps = solver->order == 1 ? 128 : solver->order == 2 ? 64 : 16;
        for (int g = 0; g < 3; g++) {
            double times[MOST_STEPS + 1], error[2];
            for (int half = 0; half < 2; half++) {
                int n = steps << half;
                if (g == 0) uniform(times, n, 0, 1);
                else if (g == 1) shifted(times, n);
                else uneven(times, n);
                error[half] = error_of(solver->name, times, n, NULL);
                assert_int_equal(network.calls, n * solver->calls_per_step + solver->extra_calls);
            }
            double order = log2(error[0] / error[1]);
            print_message("%s on grid %d: %d steps %.2e, order %.2f\n", solver->name, g, steps, error[0], order);
            assert_true(fabs(order - solver->order) < slack(solver));
        }
    }
}

static void dopri5_counts_attempts_and_gives_up(void **state) {
    (void)state;
    reset(NULL);
    const rf_solver *dopri5 = rf__solver_find("dopri5");
    rf_options options = rf__options_defaults(dopri5->options);
    assert_int_equal(rf__options_set(dopri5->options, &options, "dopri5", "rtol=1e-6"), RF_OK);
    assert_int_equal(rf__options_set(dopri5->options, &options, "dopri5", "atol=1e-6"), RF_OK);
    const double whole[] = {0, 1};
    rf_trajectory *walk = solve("dopri5", whole, 1, start, &options, NULL);
    assert_int_equal(walk->job.calls, 1 + 6 * walk->job.attempts);
    assert_true(walk->job.attempts > walk->job.rejected && walk->job.attempts > 2);
    rf__trajectory_free(&walk);
    assert_int_equal(rf__options_set(dopri5->options, &options, "dopri5", "attempts=2"), RF_OK);
    walk = solve("dopri5", whole, 1, start, &options, NULL);
    assert_int_equal(walk->status, RF_JOB_FAILED);
    assert_non_null(strstr(walk->sentence, "gave up"));
    rf__trajectory_free(&walk);
}

static void walks_back_to_the_noise(void **state) {
    (void)state;
    reset(NULL);
    double down[65], truth[WIDTH];
    const float data[WIDTH] = {1.2f, -0.7f};
    uniform(down, 64, 1, 0);
    exact(data, 1, 0, truth);
    for (int s = 0; rf__solvers()[s]; s++) {
        if (rf__solvers()[s]->order == 0) continue;
        rf_trajectory *walk = solve(rf__solvers()[s]->name, down, 64, data, NULL, NULL);
        double error = to_truth(walk->job.x, truth);
        print_message("%s back: %.1e\n", rf__solvers()[s]->name, error);
        assert_true(error < (rf__solvers()[s]->order == 1 ? 0.1 : 5e-3));
        rf__trajectory_free(&walk);
    }
}

/* Out and back on the same times; carry: the velocity travels with x. */
static double round_trip(const char *solver, int steps, bool carry) {
    double up[MOST_STEPS + 1], down[MOST_STEPS + 1], from[WIDTH] = {(double)start[0], (double)start[1]};
    uniform(up, steps, 0, 1);
    for (int i = 0; i <= steps; i++) down[i] = up[steps - i];
    rf_trajectory *out = solve(solver, up, steps, start, NULL, NULL);
    rf_trajectory *back = solve(solver, down, steps, out->job.x, NULL, carry ? out->job.buffer[0] : NULL);
    double error = to_truth(back->job.x, from);
    rf__trajectory_free(&out);
    rf__trajectory_free(&back);
    return error;
}

static void reversible_undoes_itself(void **state) {
    (void)state;
    reset(NULL);
    for (int steps = 8; steps <= 32; steps *= 2) {
        double error = round_trip("reversible", steps, true);
        print_message("reversible, %d steps: round trip %.1e\n", steps, error);
        assert_true(error < 1e-6 * steps);
        assert_int_equal(network.calls, steps); /* the velocity came along: no call at the start */
        assert_true(round_trip("fireflow", steps, false) > 100 * error);
    }
    double ratio = round_trip("fireflow", 32, false) / round_trip("fireflow", 64, false);
    print_message("fireflow: round trip falls by %.2f\n", ratio);
    assert_true(ratio > 3.2);
    float carry[WIDTH] = {0};
    rf_trajectory *walk = NULL;
    const double times[] = {0, 1};
    rf_job_spec spec = {.field = &field, .solver = rf__solver_find("euler"), .times = times, .steps = 1, .carry = carry};
    assert_int_equal(rf__trajectory_create(&walk, &spec), RF_EINVAL);
}

static rf_status linear_in_t(const float *x, float t, float *v) {
    (void)x;
    for (int i = 0; i < WIDTH; i++) v[i] = 0.5f - 0.25f * t + (float)i;
    return RF_OK;
}

static void second_order_is_exact_on_lines(void **state) {
    (void)state;
    reset(linear_in_t);
    double times[18];
    uneven(times, 17);
    for (int s = 0; rf__solvers()[s]; s++) {
        const rf_solver *solver = rf__solvers()[s];
        rf_options options = rf__options_defaults(solver->options);
        if (strcmp(solver->name, "ab2") == 0) assert_int_equal(rf__options_set(solver->options, &options, "ab2", "first=heun"), RF_OK);
        if (solver->order < 2 || strncmp(solver->name, "dpm", 3) == 0) continue; /* dpm is exact where the data prediction is constant */
        rf_trajectory *walk = solve(solver->name, times, 17, start, &options, NULL);
        for (int i = 0; i < WIDTH; i++) assert_true(fabsf(walk->job.x[i] - (start[i] + 0.375f + (float)i)) < 2e-6f);
        rf__trajectory_free(&walk);
    }
    rf_solver const *ab2 = rf__solver_find("ab2");
    rf_options heun = rf__options_defaults(ab2->options);
    assert_int_equal(rf__options_set(ab2->options, &heun, "ab2", "first=heun"), RF_OK);
    rf_trajectory *walk = solve("ab2", times, 17, start, &heun, NULL);
    assert_int_equal(walk->job.calls, 18);
    rf__trajectory_free(&walk);
}

static void same_numbers_under_two_names(void **state) {
    (void)state;
    reset(NULL);
    double times[33];
    uniform(times, 32, 0, 1);
    rf_trajectory *a = solve("midpoint", times, 32, start, NULL, NULL), *b = solve("rf_solver", times, 32, start, NULL, NULL);
    assert_memory_equal(a->job.x, b->job.x, sizeof start);
    rf__trajectory_free(&a);
    rf__trajectory_free(&b);
    /* The predicted points of the pseudo corrector, and the middle points of fireflow, are two-step Adams-Bashforth. */
    const char *names[] = {"pseudo", "fireflow"};
    for (int k = 0; k < 2; k++) {
        rf_job_spec spec = {.field = &field, .solver = rf__solver_find(names[k]), .times = times, .steps = 32, .init = start};
        a = started(&spec);
        float v[WIDTH], older[WIDTH], y[WIDTH] = {0};
        const float *answers[] = {v};
        for (int n = 0; rf__trajectory_ask(a); n++) {
            float t = (float)a->ask.t;
            if (n > 2)
                for (int i = 0; i < WIDTH; i++) assert_true(fabsf(a->ask.x[i] - y[i]) < 2e-6f);
            assert_int_equal(field.velocity(field.self, 1, a->ask.x, &t, NULL, v), RF_OK);
            for (int i = 0; i < WIDTH; i++) {
                y[i] = a->ask.x[i] + (n > 1 ? 1.5f * v[i] - 0.5f * older[i] : v[i]) / 32;
                older[i] = v[i];
            }
            rf__trajectory_answer(a, answers);
        }
        rf__trajectory_free(&a);
    }
}

/* From one step on a walk that forgets is the walk that starts there. */
static void invalidate_starts_anew(void **state) {
    (void)state;
    reset(NULL);
    double times[9];
    uniform(times, 8, 0, 1);
    for (int s = 0; rf__solvers()[s]; s++) {
        const rf_solver *solver = rf__solvers()[s];
        if (solver->adaptive || solver->corrects) continue; /* the step size is no history: it survives */
        const rf_job_spec spec = {.field = &field, .solver = solver, .times = times, .steps = 8, .init = start};
        rf_trajectory *walk = started(&spec);
        while (rf__trajectory_ask(walk) && walk->job.position < 3) answer_alone(walk);
        float x[WIDTH];
        memcpy(x, walk->job.x, sizeof x);
        rf__trajectory_invalidate(walk);
        assert_int_equal(walk->job.history.count, 0);
        while (rf__trajectory_ask(walk)) answer_alone(walk);
        rf_trajectory *fresh = solve(solver->name, times + 3, 5, x, NULL, NULL);
        assert_memory_equal(walk->job.x, fresh->job.x, sizeof x);
        rf__trajectory_free(&walk);
        rf__trajectory_free(&fresh);
    }
}

/* What is followed alone is there at every point of the grid, also under a solver that remembers the steps before. */
static void what_is_followed_is_kept(void **state) {
    (void)state;
    enum { STEPS = 8 };
    double times[STEPS + 1];
    float follow[(STEPS + 1) * WIDTH], track[(STEPS + 1) * WIDTH];
    const float mask[WIDTH] = {0, 1};
    uneven(times, STEPS);
    for (int i = 0; i <= STEPS; i++) follow[i * WIDTH] = sinf(3 * (float)times[i]), follow[i * WIDTH + 1] = 0;
    for (const rf_solver *const *each = rf__solvers(); *each; each++) {
        const rf_solver *solver = *each;
        if (solver->adaptive || solver->corrects || solver->blocks || !rf__solver_turns(solver)) continue;
        reset(NULL);
        const rf_job_spec spec = {.field = &field, .solver = solver, .times = times, .steps = STEPS, .init = follow, .mask = mask, .follow = follow, .track = track};
        rf_trajectory *walk = started(&spec);
        while (rf__trajectory_ask(walk)) answer_alone(walk);
        for (int i = 0; i <= STEPS; i++) assert_true(track[i * WIDTH] == follow[i * WIDTH]);
        assert_true(track[STEPS * WIDTH + 1] != 0); /* the other number walks freely */
        rf__trajectory_free(&walk);
    }
}

static void options_as_a_list(void **state) {
    (void)state;
    const rf_option *table = rf__solver_find("dopri5")->options;
    rf_options values, again;
    char text[400];
    assert_int_equal(rf__options_parse(table, &values, "dopri5", "atol=1e-5,attempts=50"), RF_OK);
    assert_true(values.at[0] == table[0].preset && values.at[1] == 1e-5 && values.at[2] == 50);
    rf__options_text(table, &values, text, sizeof text);
    assert_int_equal(rf__options_parse(table, &again, "dopri5", text), RF_OK);
    assert_memory_equal(&values, &again, sizeof values);
    assert_int_equal(rf__options_parse(table, &again, "dopri5", "rtol=1e-2,no=1"), RF_EINVAL);
    assert_int_equal(rf__options_parse(table, &again, "dopri5", "attempts=2.5"), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "whole number"));
    assert_memory_equal(&values, &again, sizeof values);
    rf__options_text(NULL, NULL, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(rf__options_parse(NULL, &again, "euler", ""), RF_OK);
    assert_int_equal(rf__options_parse(NULL, &again, "euler", "a=1"), RF_EINVAL);
}

static void options_name_what_is_wrong(void **state) {
    (void)state;
    const rf_option *table = rf__solver_find("dopri5")->options;
    rf_options values = rf__options_defaults(table), before = values;
    const char *wrong[] = {"rtol", "rtol=", "rtol=x", "rtol=-1", "rtol=nan", "rtol=1e-3x", "tol=1", "=1", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(rf__options_set(table, &values, "dopri5", wrong[i]), RF_EINVAL);
        assert_non_null(strstr(rf_last_error(), "dopri5"));
        assert_memory_equal(&values, &before, sizeof values);
    }
    assert_int_equal(rf__options_set(NULL, &values, "euler", "rtol=1"), RF_EINVAL);
    assert_int_equal(rf__options_set(rf__solver_find("ab2")->options, &values, "ab2", "first=rk4"), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "euler, heun"));
    for (int s = 0; rf__solvers()[s]; s++) {
        const rf_option *options = rf__solvers()[s]->options;
        for (int i = 0; options && options[i].name; i++) {
            char text[80];
            rf_options defaults = rf__options_defaults(options), read = {{0}};
            rf__options_print(options, &defaults, i, text, sizeof text);
            assert_int_equal(rf__options_set(options, &read, "test", text), RF_OK);
            assert_true(read.at[i] == defaults.at[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_and_calls),
        cmocka_unit_test(dopri5_counts_attempts_and_gives_up),
        cmocka_unit_test(walks_back_to_the_noise),
        cmocka_unit_test(reversible_undoes_itself),
        cmocka_unit_test(second_order_is_exact_on_lines),
        cmocka_unit_test(same_numbers_under_two_names),
        cmocka_unit_test(invalidate_starts_anew),
        cmocka_unit_test(options_name_what_is_wrong),
        cmocka_unit_test(what_is_followed_is_kept),
        cmocka_unit_test(options_as_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
