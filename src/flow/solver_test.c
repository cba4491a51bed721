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
static rf_options options = {{1e-6, 1e-6, 1e4}};

/* Walk the whole grid on slope(); returns the answers given. */
static int walk(const rf_solver *solver, const double *grid, int steps, float x[WIDTH]) {
    float room[RF_MAX_STAGES + RF_HISTORY][WIDTH], v[WIDTH];
    rf_job job = {.solver = solver, .options = solver->adaptive ? &options : NULL, .scalars = WIDTH, .x = x, .grid = grid, .steps = steps};
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
    assert_int_equal(calls, rf__solver_calls(solver, NULL, steps));
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
        /* dpm++2m's error changes its sign here at coarse grids; solver_exact_test measures it. */
        if (solver->adaptive || solver->order == 0 || strcmp(solver->name, "dpm++2m") == 0) continue;
        /* Fourth order on the sigmoid grid meets float rounding before it meets its asymptote. */
        for (int g = 0; g < (solver->order > 2 ? 2 : 3); g++) {
            /* Coarse enough that the method's error stays above float rounding (1e-7). */
            int steps = solver->order == 1 ? 64 : solver->order == 2 ? 96 : g == 1 ? 16 : 8;
            double order = log2(error_of(solver, grids[g], steps) / error_of(solver, grids[g], 2 * steps));
            print_message("%s on %s: order %.2f\n", solver->name, grids[g], order);
            assert_true(order > solver->order - 0.35 && order < solver->order + 0.4);
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

/* The error follows the tolerance, every walk ends exactly at the end, and finer tolerances cost more calls. */
static void adaptive_steps_follow_the_tolerance(void **state) {
    (void)state;
    const rf_solver *dopri5 = rf__solver_find("dopri5");
    const double grids[][3] = {{0, 0.1, 1}, {0, 0.9, 1}, {1, 0.95, 0}};
    for (int g = 0; g < 3; g++) {
        int coarse = 0;
        for (double tolerance = 1e-2; tolerance > 1e-6; tolerance /= 10) {
            float x[WIDTH] = {0.5f, 1.0f, 1.5f};
            options = (rf_options){{tolerance, tolerance, 1e4}};
            int calls = walk(dopri5, grids[g], 2, x);
            double error = 0;
            for (int i = 0; i < WIDTH; i++) error = fmax(error, fabs(x[i] - exact(0.5 + 0.5 * i, grids[g][0], grids[g][2])));
            print_message("dopri5 from %g, tolerance %g: error %.2g in %d calls\n", grids[g][0], tolerance, error, calls);
            assert_true(error < 10 * tolerance);
            assert_true(calls % 6 == 1 && calls >= coarse && calls < 100);
            if (!coarse) coarse = calls;
        }
    }
    options = (rf_options){{1e-6, 1e-6, 1e4}};
}

/* Starting state of a job with room for every buffer. */
typedef struct bench {
    float room[RF_MAX_STAGES + RF_HISTORY][WIDTH], x[WIDTH];
    rf_job job;
} bench;

static void seat(bench *b, const rf_solver *solver, const double *grid, int steps) {
    *b = (bench){.x = {0.5f, 1.0f, 1.5f}};
    b->job = (rf_job){.solver = solver, .options = solver->adaptive ? &options : NULL, .scalars = WIDTH, .x = b->x, .grid = grid, .steps = steps};
    for (int i = 0; i < solver->buffers; i++) b->job.buffer[i] = b->room[i];
    for (int i = 0; i < RF_HISTORY; i++) b->job.history.v[i] = b->room[RF_MAX_STAGES + i];
    rf__job_begin(&b->job);
}

/* Up to `answers` answers of slope(). */
static int answer(rf_job *job, int answers) {
    rf_request ask;
    float v[WIDTH];
    int given = 0;
    for (; given < answers && job->solver->next(job, &ask); given++) {
        for (int i = 0; i < WIDTH; i++) v[i] = (float)slope(ask.x[i], ask.t);
        rf__job_remember(job, ask.t, v);
        job->solver->accept(job, v);
    }
    return given;
}

/* Back with the same k: the same x but for rounding, however coarse the steps were. */
static void the_reversible_one_comes_back(void **state) {
    (void)state;
    enum { STEPS = 6 };
    double up[STEPS + 1], down[STEPS + 1];
    for (int i = 0; i <= STEPS; i++) up[i] = i / (double)STEPS, down[STEPS - i] = up[i];
    bench b;
    seat(&b, rf__solver_find("reversible"), up, STEPS);
    assert_int_equal(answer(&b.job, 100), STEPS + 1);
    b.job.grid = down;
    b.job.position = b.job.stage = 0;
    b.job.t = 1;
    assert_true(b.job.carried);
    assert_int_equal(answer(&b.job, 100), STEPS);
    for (int i = 0; i < WIDTH; i++) assert_true(fabs((double)b.x[i] - (0.5 + 0.5 * i)) < 2e-6);
}

/* After an invalidation in the middle of a step the walk goes on as one that begins there. */
static void invalidation_restarts_the_step(void **state) {
    (void)state;
    double grid[9];
    for (int i = 0; i <= 8; i++) grid[i] = i / 8.0;
    for (int s = 0; rf__solvers()[s]; s++) {
        const rf_solver *solver = rf__solvers()[s];
        bench a, fresh;
        rf_request ask;
        seat(&a, solver, grid, 8);
        answer(&a.job, 2 * solver->calls_per_step + 1); /* in most solvers inside the third step */
        solver->next(&a.job, &ask);
        rf__job_invalidate(&a.job);
        seat(&fresh, solver, grid + a.job.position, 8 - a.job.position);
        memcpy(fresh.x, a.x, sizeof a.x);
        fresh.job.t = a.job.t;
        fresh.job.number[0] = a.job.number[0], fresh.job.number[1] = a.job.number[1];
        answer(&a.job, 1000);
        answer(&fresh.job, 1000);
        if (memcmp(a.x, fresh.x, sizeof a.x)) fail_msg("%s goes on with old velocities", solver->name);
    }
}

/* A field a + b t is met exactly by the two-step methods (fireflow.md section 6, 1). */
static void linear_in_time_is_exact(void **state) {
    (void)state;
    const char *names[] = {"midpoint", "heun", "fireflow", "pseudo", "reversible", "rk4", "dopri5"};
    const double grid[] = {0, 0.1, 0.15, 0.5, 0.6, 1};
    for (size_t s = 0; s < sizeof names / sizeof *names; s++) {
        bench b;
        rf_request ask;
        seat(&b, rf__solver_find(names[s]), grid, 5);
        while (b.job.solver->next(&b.job, &ask)) {
            const float v[WIDTH] = {(float)(1 + 2 * ask.t), (float)(-3 * ask.t), (float)ask.t};
            rf__job_remember(&b.job, ask.t, v);
            b.job.solver->accept(&b.job, v);
        }
        assert_true(fabs((double)b.x[0] - 2.5) < 1e-6 && fabs((double)b.x[1] + 0.5) < 1e-6 && fabs((double)b.x[2] - 2.0) < 1e-6);
    }
}

/* RF-Solver is the midpoint rule, bit for bit here. */
static void rf_solver_is_midpoint(void **state) {
    (void)state;
    double grid[9];
    for (int i = 0; i <= 8; i++) grid[i] = i / 8.0;
    float a[WIDTH] = {0.5f, 1.0f, 1.5f}, b[WIDTH] = {0.5f, 1.0f, 1.5f};
    walk(rf__solver_find("midpoint"), grid, 8, a);
    walk(rf__solver_find("rf_solver"), grid, 8, b);
    assert_memory_equal(a, b, sizeof a);
}

/* dx/dt = -L x: two-step methods are bounded for h L < 1 and grow above, one-step second-order ones up to 2. */
static void stability_of_two_steps(void **state) {
    (void)state;
    const struct { const char *name; double product; bool grows; } cases[] = {
        {"fireflow", 0.95, false}, {"fireflow", 1.1, true}, {"ab2", 0.95, false}, {"ab2", 1.1, true},
        {"pseudo", 0.95, false},   {"pseudo", 1.1, true},   {"midpoint", 1.9, false}, {"euler", 1.9, false}};
    enum { STEPS = 400 };
    static double grid[STEPS + 1];
    for (int i = 0; i <= STEPS; i++) grid[i] = i / (double)STEPS;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        bench b;
        rf_request ask;
        float v[WIDTH];
        seat(&b, rf__solver_find(cases[c].name), grid, STEPS);
        while (b.job.solver->next(&b.job, &ask)) {
            for (int i = 0; i < WIDTH; i++) v[i] = (float)(-cases[c].product * STEPS * (double)ask.x[i]);
            rf__job_remember(&b.job, ask.t, v);
            b.job.solver->accept(&b.job, v);
        }
        bool grew = !(fabs((double)b.x[2]) < 10);
        if (grew != cases[c].grows) fail_msg("%s at hL = %g ends at %g", cases[c].name, cases[c].product, (double)b.x[2]);
    }
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
        cmocka_unit_test(adaptive_steps_follow_the_tolerance),
        cmocka_unit_test(the_reversible_one_comes_back),
        cmocka_unit_test(invalidation_restarts_the_step),
        cmocka_unit_test(linear_in_time_is_exact),
        cmocka_unit_test(rf_solver_is_midpoint),
        cmocka_unit_test(stability_of_two_steps),
        cmocka_unit_test(history_is_newest_first_and_dies),
        cmocka_unit_test(unknown_name_lists_the_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
