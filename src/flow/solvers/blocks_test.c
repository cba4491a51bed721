/* blocks_test.c - FlowTurbo's statements (methods: flowturbo, section 4) as numbers: an oracle refiner makes RP the pseudo corrector and R2
 * Heun, one that says nothing keeps the velocity; orders, and where steps become unstable. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../blocks_test.h"

static double in_time(double x, double t, int label) {
    (void)x, (void)label;
    return 0.75 - 1.5 * t;
}
static double decay(double x, double t, int label) {
    (void)t, (void)label;
    return -4 * x;
}

static void solve(const char *solver, const double *times, int steps, float x[WIDTH]) {
    const rf_job_spec spec = spec_for(solver, NULL, times, steps);
    walk(&spec, x, NULL);
}

static void one_kind_is_a_solver(void **state) {
    (void)state;
    const char *pairs[][2] = {{"H16", "heun"}, {"P16", "pseudo"}, {"E16", "euler"}};
    float a[WIDTH], b[WIDTH];
    uniform(even, 16, 0, 1);
    for (int i = 0; i < 3; i++) {
        reset(curved);
        run(pairs[i][0], even, a);
        solve(pairs[i][1], even, 16, b);
        assert_memory_equal(a, b, sizeof a);
    }
}

static void oracle_refiner(void **state) {
    (void)state;
    const char *pairs[][2] = {{"H2P4R6", "H2P10"}, {"P3R9", "P12"}, {"H2R1P3R6", "H2P10"}, {"H4R2:8", "H12"}, {"H4R1:8", "H4E8"}, {"P4R2:4P4", "P4H4P4"}};
    float a[WIDTH], b[WIDTH];
    uniform(even, 12, 0, 1);
    for (int i = 0; i < 6; i++) {
        reset(curved);
        rf_counters counters = run(pairs[i][0], even, a);
        assert_true(counters.nfe_refine > 0);
        run(pairs[i][1], even, b);
        print_message("%s against %s: %.1e\n", pairs[i][0], pairs[i][1], apart(a, b));
        assert_true(apart(a, b) < 2e-6);
    }
}

/* An offset of zero keeps the velocity: x moves on by constant steps. */
static void silent_refiner_keeps_the_velocity(void **state) {
    (void)state;
    const char *lists[] = {"H4R4", "H4R1:4", "H4R2:4"};
    rf_trajectory *job = NULL;
    uniform(even, 8, 0, 1);
    for (int i = 0; i < 3; i++) {
        reset(curved);
        light.silent = true;
        rf_blocks blocks;
        assert_int_equal(rf__blocks_parse(&blocks, lists[i]), RF_OK);
        const rf_job_spec spec = spec_for("blocks", &blocks, even, 8);
        assert_int_equal(rf__trajectory_create(&job, &spec), RF_OK);
        assert_int_equal(rf__trajectory_start(job), RF_OK);
        float x[WIDTH], v[WIDTH], known[WIDTH];
        while (rf__trajectory_ask(job)) {
            const rf_field *field = rf__trajectory_field(job);
            const float *answers[] = {v};
            float t = (float)job->ask.t;
            rf_cond cond = rf__trajectory_cond(job, 0);
            assert_int_equal(field->velocity(field->self, 1, job->ask.x, &t, &cond, v), RF_OK);
            if (job->job.position < 4) memcpy(known, v, sizeof v);
            rf__trajectory_answer(job, answers);
            if (job->job.position == 4 && job->job.stage == 0) memcpy(x, job->job.x, sizeof x);
        }
        for (int k = 0; k < WIDTH; k++) {
            float want = x[k];
            /* Both forms of the sum are exact here: (d + d) / 2 is d. */
            for (int s = 0; s < 4; s++) want += 0.125f * known[k];
            assert_true(job->job.x[k] == want);
        }
        rf__trajectory_free(&job);
    }
}

/* Second order on even steps and on steps that alternate 1:2, also where the oracle refiner answers. */
static void orders(void **state) {
    (void)state;
    const char *lists[][2] = {{"P64", "P128"}, {"H8P48R8", "H16P96R16"}, {"H64", "H128"}, {"P32R32", "P64R64"}};
    double uneven[STEPS + 1];
    float fine[WIDTH], x[WIDTH], y[WIDTH];
    for (int g = 0; g < 2; g++) {
        double *times = g ? uneven : even;
        uniform(even, 16, 0, 1);
        reset(curved);
        double long_grid[2001];
        uniform(long_grid, 2000, 0, 1);
        solve("rk4", long_grid, 2000, fine);
        for (int i = 0; i < 4; i++) {
            for (int n = 64; n <= 128; n *= 2) {
                if (g == 0) uniform(times, n, 0, 1);
                else
                    for (int k = 0; k <= n; k++) times[k] = (k / 2 * 3 + k % 2) / (1.5 * n);
                run(lists[i][n / 128], times, n == 64 ? x : y);
            }
            double order = log2(apart(x, fine) / apart(y, fine));
            print_message("%s: order %.2f\n", lists[i][0], order);
            assert_true(order > 1.85 && order < 2.2);
        }
    }
}

static void exact_on_a_line_in_t(void **state) {
    (void)state;
    const double times[] = {0, 0.1, 0.15, 0.4, 0.6, 0.9, 1};
    float a[WIDTH], b[WIDTH], e[WIDTH];
    reset(in_time);
    run("H2P4", times, a);
    run("H6", times, b);
    run("E6", times, e);
    assert_memory_equal(a, b, sizeof a); /* depends on t only: P asks and gets the same values */
    assert_true(fabs(a[0] - 0.5) < 1e-6); /* the integral of 0.75 - 1.5 t is 0 */
    assert_true(fabs(e[0] - 0.5) > 1e-2);
}

/* |h lambda| < 1 for P, < 2 for Heun: decay 4, steps of 0.99/4, 1.1/4 and 1.9/4. */
static void stability(void **state) {
    (void)state;
    const struct { const char *list; double step; bool bounded; } cases[] = {{"P200", 0.99, true}, {"P200", 1.1, false}, {"H200", 1.9, true}};
    for (int i = 0; i < 3; i++) {
        float x[WIDTH];
        for (int k = 0; k <= STEPS; k++) even[k] = k * cases[i].step / 4 / 100; /* a grid lies inside [0, 1]: scaled, and so is the field */
        reset(decay);
        rf_blocks blocks;
        assert_int_equal(rf__blocks_parse(&blocks, cases[i].list), RF_OK);
        rf_job job = {.solver = rf__solver_find("blocks"), .blocks = &blocks, .scalars = 1, .grid = even, .steps = STEPS, .x = x};
        float room[2], past[2];
        job.buffer[0] = room, job.buffer[1] = room + 1, job.history.v[0] = past, job.history.v[1] = past + 1;
        x[0] = 1;
        rf__job_begin(&job);
        rf_request ask;
        while (job.solver->next(&job, &ask)) {
            float v = -400 * ask.x[0];
            job.solver->accept(&job, &v);
        }
        print_message("%s, h lambda %.2f: %.2g\n", cases[i].list, cases[i].step, x[0]);
        assert_true(cases[i].bounded ? fabsf(x[0]) < 1 : fabsf(x[0]) > 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_kind_is_a_solver), cmocka_unit_test(oracle_refiner), cmocka_unit_test(silent_refiner_keeps_the_velocity),
        cmocka_unit_test(orders), cmocka_unit_test(exact_on_a_line_in_t), cmocka_unit_test(stability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
