/* solver_test.c - orders, exact call counts and end points of every solver; history. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"
#include "solver.h"

/* Nonlinear in x and in t, and without a symmetry that would hide an error. */
static double slope(double x, double t) {
    return x * x * cos(3 * t) - x + t;
}

enum { WIDTH = 3 };

/* Walk the whole grid on slope(); returns the answers given. */
static int walk(const rf_solver *solver, const double *grid, int steps, float x[WIDTH]) {
    float room[RF_MAX_STAGES + RF_HISTORY][WIDTH], v[WIDTH];
    rf_job job = {.solver = solver, .scalars = WIDTH, .x = x, .grid = grid, .steps = steps};
    assert_true(solver->buffers <= RF_MAX_STAGES);
    for (int i = 0; i < solver->buffers; i++) job.buffer[i] = room[i];
    for (int i = 0; i < RF_HISTORY; i++) job.history.v[i] = room[RF_MAX_STAGES + i];
    rf__job_begin(&job);
    rf_request ask, again;
    int calls = 0;
    while (solver->next(&job, &ask)) {
        assert_true(solver->next(&job, &again));
        assert_ptr_equal(ask.x, again.x);
        assert_true(ask.t == again.t);
        for (int i = 0; i < WIDTH; i++) v[i] = (float)slope(ask.x[i], ask.t);
        rf__job_remember(&job, ask.t, v);
        solver->accept(&job, v);
        calls++;
    }
    assert_int_equal(job.calls, calls);
    assert_true(job.t == grid[steps]);
    return calls;
}

/* Fourth order in double, fine enough to count as exact in float. */
static double exact(double x, double from, double to) {
    int steps = 4000;
    double h = (to - from) / steps;
    for (int i = 0; i < steps; i++) {
        double t = from + h * i, a = slope(x, t), b = slope(x + h / 2 * a, t + h / 2),
               c = slope(x + h / 2 * b, t + h / 2);
        x += h / 6 * (a + 2 * b + 2 * c + slope(x + h * c, t + h));
    }
    return x;
}

static double error_of(const rf_solver *solver, const char *schedule, int steps) {
    rf_grid grid;
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = steps;
    assert_int_equal(rf__grid_build(&grid, rf__schedule_find(schedule), &opts), RF_OK);
    float x[WIDTH] = {0.5f, 1.0f, 1.5f}, start[WIDTH];
    memcpy(start, x, sizeof x);
    int calls = walk(solver, grid.t, steps, x);
    assert_int_equal(calls, steps * solver->calls_per_step);
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += fabs(x[i] - exact(start[i], 0, 1));
    rf__grid_fini(&grid);
    return sum;
}

static void order_by_halving(void **state) {
    (void)state;
    const char *grids[] = {"uniform", "shifted", "sigmoid"};
    for (int s = 0; rf__solvers()[s]; s++) {
        const rf_solver *solver = rf__solvers()[s];
        for (int g = 0; g < 3; g++) {
            /* Coarse enough that the method's error stays above float rounding (1e-7). */
            int steps = solver->order == 1 ? 64 : 48;
            double order = log2(error_of(solver, grids[g], steps) / error_of(solver, grids[g], 2 * steps));
            print_message("%s on %s: order %.2f\n", solver->name, grids[g], order);
            assert_true(order > solver->order - 0.2 && order < solver->order + 0.4);
        }
    }
}

static void empty_step_leaves_x(void **state) {
    (void)state;
    const double grid[] = {0.25, 0.25, 0.25};
    for (int s = 0; rf__solvers()[s]; s++) {
        float x[WIDTH] = {1, -2, 3};
        assert_int_equal(walk(rf__solvers()[s], grid, 2, x), 0);
        assert_true(x[0] == 1 && x[1] == -2 && x[2] == 3);
    }
}

static void walks_backward(void **state) {
    (void)state;
    double up[65], down[65];
    for (int i = 0; i <= 64; i++) up[i] = i / 64.0, down[64 - i] = up[i];
    const rf_solver *heun = rf__solver_find("heun");
    float x[WIDTH] = {0.5f, 1.0f, 1.5f};
    walk(heun, up, 64, x);
    walk(heun, down, 64, x);
    assert_true(fabs(x[0] - 0.5) < 1e-3 && fabs(x[1] - 1.0) < 1e-3 && fabs(x[2] - 1.5) < 1e-3);
}

static void history_is_newest_first_and_dies(void **state) {
    (void)state;
    float room[RF_HISTORY][2], v[3][2] = {{1, 2}, {3, 4}, {5, 6}};
    rf_job job = {.scalars = 2};
    for (int i = 0; i < RF_HISTORY; i++) job.history.v[i] = room[i];
    for (int i = 0; i < 3; i++) rf__job_remember(&job, 0.1 * i, v[i]);
    assert_int_equal(job.history.count, 2);
    assert_true(job.history.t[0] == 0.2 && job.history.v[0][1] == 6);
    assert_true(job.history.t[1] == 0.1 && job.history.v[1][0] == 3);
    rf__job_remember(&job, 0.2, v[0]); /* the same time again: replaced, the slope survives */
    assert_true(job.history.v[0][1] == 2 && job.history.t[1] == 0.1 && job.history.v[1][0] == 3);
    rf__job_invalidate(&job);
    assert_int_equal(job.history.count, 0);
    rf_job nobody_reads = {.scalars = 2};
    rf__job_remember(&nobody_reads, 0, v[0]);
    assert_int_equal(nobody_reads.history.count, 0);
}

static void unknown_name_lists_the_names(void **state) {
    (void)state;
    assert_null(rf__solver_find("ode45"));
    assert_non_null(strstr(rf_last_error(), "ode45"));
    assert_non_null(strstr(rf_last_error(), "euler"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_by_halving),
        cmocka_unit_test(empty_step_leaves_x),
        cmocka_unit_test(walks_backward),
        cmocka_unit_test(history_is_newest_first_and_dies),
        cmocka_unit_test(unknown_name_lists_the_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
