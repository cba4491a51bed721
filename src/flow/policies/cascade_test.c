/* cascade_test.c - three kinds of answers by measured change: tolerances of zero are the plain walk, the kinds appear where they should, and
 * a refiner is not asked for gaps it has not learned. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../walk_test.h"

enum { WIDTH = 4, STEPS = 40 };

/* Straight at the end, curved at the beginning. */
static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)cond;
    for (int64_t i = 0; i < rows * WIDTH; i++) v[i] = 1 + 0.2f * x[i] * expf(-6 * t[i / WIDTH]) * cosf(9 * t[i / WIDTH]);
    return RF_OK;
}

static double widest;
static rf_status refined(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    for (int64_t r = 0; r < rows; r++) widest = fmax(widest, (double)cond[r].gap);
    return velocity(self, rows, x, t, cond, v); /* an oracle */
}

static rf_counters walk(const rf_policy *policy, const rf_options *options, double gap_most, float x[WIDTH]) {
    const rf_field full = {NULL, WIDTH, -1, velocity}, light = {NULL, WIDTH, -1, refined, .gap_most = gap_most};
    const float start[WIDTH] = {0.5f, -1, 2, 1};
    double times[STEPS + 1];
    uniform(times, STEPS, 0, 1);
    const rf_job_spec spec = {.field = &full, .refiner = &light, .solver = rf__solver_find("ab2"), .times = times, .steps = STEPS, .init = start,
                              .policy = policy, .setup = {.options = options}};
    widest = 0;
    rf_trajectory *job = walked(&spec, NULL);
    rf_counters counters = job->counters;
    memcpy(x, job->job.x, WIDTH * sizeof *x);
    rf__trajectory_free(&job);
    return counters;
}

static rf_options tolerances(const rf_policy *policy, const char *text) {
    rf_options out;
    assert_int_equal(rf__options_parse(policy->options, &out, "cascade", text), RF_OK);
    return out;
}

static void three_kinds(void **state) {
    (void)state;
    const rf_policy *cascade = rf__policy_find("cascade");
    float plain[WIDTH], x[WIDTH];
    walk(NULL, NULL, 0, plain);
    rf_options zero = tolerances(cascade, "e_skip=0,e_refine=0");
    rf_counters counters = walk(cascade, &zero, 0, x);
    assert_memory_equal(plain, x, sizeof x);
    assert_int_equal(counters.nfe_full, STEPS);
    rf_options usual = tolerances(cascade, "e_skip=1e-4,e_refine=2e-2");
    counters = walk(cascade, &usual, 0, x);
    print_message("network %lld, refiner %lld, line %lld; x differs by %.1e\n", (long long)counters.nfe_full, (long long)counters.nfe_refine,
                  (long long)counters.extrapolated, fabs((double)x[2] - plain[2]));
    assert_int_equal(counters.nfe_full + counters.nfe_refine + counters.extrapolated, STEPS);
    assert_true(counters.nfe_full < STEPS * 3 / 4 && counters.nfe_refine > 0 && counters.extrapolated > 0);
    assert_true(counters.nfe_full >= STEPS / 4);
    for (int i = 0; i < WIDTH; i++) assert_true(fabs((double)x[i] - plain[i]) < 2e-3);
}

static void gaps_are_kept(void **state) {
    (void)state;
    const rf_policy *cascade = rf__policy_find("cascade");
    float x[WIDTH];
    rf_options eager = tolerances(cascade, "e_skip=1e-3,e_refine=10,most=6");
    rf_counters counters = walk(cascade, &eager, 1.0 / STEPS, x);
    assert_true(counters.nfe_refine > 0 && widest <= 1.0 / STEPS + 1e-6); /* behind a line the gap is two steps */
    walk(cascade, &eager, 0, x);
    assert_true(widest > 1.5 / STEPS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(three_kinds), cmocka_unit_test(gaps_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
