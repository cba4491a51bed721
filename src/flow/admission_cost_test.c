/* admission_cost_test.c - what the ways of sharing calls cost when a call's time is known: continuous admission against StreamFlow's ring,
 * for any number of jobs, for networks that gain from rows and for those that do not. No clock is involved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "batcher.h"

enum { MOST_ROWS = 64 };

/* Seconds of calls by rows. */
static const struct { const char *name; rf_row_times times; bool gains; } tables[] = {
    {"a row costs a row", {4, {1, 2, 4, 8}, {1, 2, 4, 8}}, false},
    {"little to gain (256 tokens)", {4, {1, 2, 4, 8}, {1, 1.82, 3.53, 6.87}}, false},
    {"something to gain (16 tokens)", {6, {1, 2, 4, 8, 16, 32}, {1, 1.74, 2.9, 5.2, 9.6, 18.6}}, true},
    {"saturates at 4", {4, {1, 2, 4, 8}, {1, 1.2, 1.6, 3.2}}, true},
    {"free up to 8", {5, {1, 2, 4, 8, 16}, {1, 1, 1, 1, 2}}, true},
};
enum { TABLES = sizeof tables / sizeof *tables };

typedef struct clocked {
    const rf_row_times *times;
    double seconds;
} clocked;

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)t, (void)cond;
    clocked *c = self;
    c->seconds += rf__row_times_of(c->times, rows);
    for (int64_t r = 0; r < rows; r++) v[r] = -x[r];
    return RF_OK;
}

static int finished;
static void count(void *user, const rf_trajectory *trajectory) {
    (void)user;
    finished += trajectory->status == RF_JOB_DONE;
}

/* Job k takes steps[k mod 2]. */
static double cost(const rf_row_times *times, const char *admission, int rows, int jobs, const int steps[2]) {
    static double grid[2][33];
    clocked clock = {.times = times};
    const rf_field field = {.self = &clock, .scalars = 1, .null_label = -1, .velocity = velocity, .times = times};
    const rf_batcher_opts opts = {.rows = rows, .slots = rows, .queue = jobs, .admission = rf__admission_find(admission), .finished = count};
    rf_batcher *batcher = NULL;
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    finished = 0;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k <= steps[i]; k++) grid[i][k] = (double)k / steps[i];
    for (int k = 0; k < jobs; k++) {
        const rf_job_spec spec = {.field = &field, .solver = rf__solver_find("euler"), .times = grid[k % 2], .steps = steps[k % 2], .seed = (uint64_t)k};
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    assert_int_equal(finished, jobs);
    rf__batcher_free(&batcher);
    return clock.seconds;
}

static int stages(const int steps[2]) { return steps[0] > steps[1] ? steps[0] : steps[1]; }

static double continuous(const rf_row_times *times, int jobs, const int steps[2]) {
    return cost(times, "arrival", (int)rf__row_times_choose(times, MOST_ROWS, MOST_ROWS), jobs, steps);
}

/* At equal steps no slower than the ring at any fill, but for what rf__row_times_choose gives up for shorter waiting. */
static void equal_steps(void **state) {
    (void)state;
    for (int i = 0; i < TABLES; i++)
        for (int n = 1; n <= 8; n *= 2)
            for (int m = 1; m <= 70; m++) {
                const int steps[2] = {n, n};
                double ours = continuous(&tables[i].times, m, steps), ring = cost(&tables[i].times, "ring", n, m, steps);
                if (ours > ring * RF_ROWS_SLACK) fail_msg("%s: %d jobs of %d steps take %g, in the ring %g", tables[i].name, m, n, ours, ring);
            }
}

/* Mixed steps: no slower anywhere, and much faster where rows gain. */
static void mixed_steps(void **state) {
    (void)state;
    static const int kinds[][2] = {{4, 8}, {2, 8}, {1, 16}, {7, 3}};
    for (int i = 0; i < TABLES; i++)
        for (int k = 0; k < 4; k++)
            for (int m = 2; m <= 70; m++) {
                double ours = continuous(&tables[i].times, m, kinds[k]), ring = cost(&tables[i].times, "ring", stages(kinds[k]), m, kinds[k]);
                if (ours > ring * RF_ROWS_SLACK)
                    fail_msg("%s: %d jobs of %d and %d steps take %g, in the ring %g", tables[i].name, m, kinds[k][0], kinds[k][1], ours, ring);
                if (tables[i].gains && m >= 32) assert_true(ours < (k == 0 ? 0.78 : 0.98) * ring);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_steps), cmocka_unit_test(mixed_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
