/* profile_plan_test.c - tables from full walks say what skipping does, plans against every possible schedule, and budgets chosen from what
 * was measured. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "profile_test.h"

/* What a table says of one pattern is what that pattern does: the error at landing, and the displacement of the first jump. */
static void tables_say_what_happens(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    for (int solver = 0; solver < 2; solver++) {
        rf_profile *profile = calibrated(&field, solver ? "ab2" : "euler", 1);
        rf_trajectory *full = run(&field, profile, "calibrate", NULL, 1000, NULL);
        rf__profile_sums_free(&profile->sums);
        double size = hypot((double)full->job.x[0], (double)full->job.x[1]);
        if (!solver) { /* one jump of 4 points from k = 20 on an otherwise full walk moves x at the landing by the table's entry */
            char record[STEPS + 1];
            memset(record, '1', STEPS), record[STEPS] = '\0';
            memset(record + 21, '0', 4);
            rf_job_spec spec = {.field = &field, .solver = full->spec.solver, .times = times, .steps = STEPS, .seed = 1000, .cond = {.label = -1},
                                .policy = rf__policy_find("recorded"), .setup = {.recorded = record}};
            rf_trajectory *jump = started(&spec);
            spec.policy = NULL;
            rf_trajectory *plain = started(&spec), *both[] = {jump, plain};
            for (int i = 0; i < 2; i++)
                while (rf__trajectory_ask(both[i]) && both[i]->job.position < 25) answer_alone(both[i]);
            double moved = distance(jump, plain) / size;
            double said = profile->shift[rf__shift_at(20, 1, 4)];
            if (fabs(moved / said - 1) > 0.05) fail_msg("moved %g, the table says %g", moved, said);
            rf__trajectory_free(&jump);
            rf__trajectory_free(&plain);
        }
        rf__trajectory_free(&full);
        rf__profile_free(&profile);
    }
}

/* The plan for n calls is the cheapest of all schedules of n calls, on a grid small enough to try each. */
static void plans_are_best(void **state) {
    (void)state;
    enum { FEW = 12 };
    const rf_field field = mixture_field();
    double grid[FEW + 1];
    for (int k = 0; k <= FEW; k++) grid[k] = (double)k / FEW;
    rf_profile *profile = NULL;
    assert_int_equal(rf__profile_create(&profile, &key, grid, FEW), RF_OK);
    for (int s = 0; s < 8; s++) learn(&field, profile, "calibrate", NULL, 50 + (uint64_t)s);
    assert_int_equal(rf__profile_settle(profile), RF_OK);
    double best[FEW + 1];
    for (int n = 0; n <= FEW; n++) best[n] = INFINITY;
    for (unsigned set = 0; set < 1u << FEW; set++) { /* bit k: asked at k */
        if (!(set & 1) || !(set & 2) || !(set >> (FEW - 1) & 1)) continue;
        double cost = 0;
        int calls = 1, last = 0, gap = 0;
        for (int k = 1; k <= FEW && cost < INFINITY; k++) {
            if (k < FEW && !(set >> k & 1)) continue;
            int m = k - last - 1;
            if (m > RF_PROFILE_MOST) cost = INFINITY;
            else if (gap) cost += isnan(profile->shift[rf__shift_at(last, gap, m)]) ? 0 : profile->shift[rf__shift_at(last, gap, m)];
            gap = m + 1, last = k, calls += k < FEW;
        }
        if (cost < best[calls]) best[calls] = cost;
    }
    int fewest = rf__profile_fewest(profile);
    for (int n = fewest; n <= FEW; n++) {
        assert_true(fabs(profile->plan_shift[n] - best[n]) <= 1e-12 * best[n]);
        int marked = 0;
        for (int k = 0; k < FEW; k++) marked += profile->plan[n * (FEW + 1) + k] == '1';
        assert_int_equal(marked, n);
        int64_t calls;
        char options[32];
        snprintf(options, sizeof options, "calls=%d", n);
        rf_trajectory *walked = run(&field, profile, "table", options, 9, &calls);
        assert_int_equal(calls, n);
        rf__trajectory_free(&walked);
    }
    assert_true(best[fewest - 1] == INFINITY);
    rf__profile_free(&profile);
}

/* More calls, less error; and the plan beats equal jumps of as many calls on this field. */
static void plan_beats_equal_jumps(void **state) {
    (void)state;
    rf_profile *profile = calibrated(&bent, "ab2", 4);
    double gap[2] = {0};
    for (int i = 0; i < 2; i++) {
        int64_t calls;
        rf_trajectory *a = run(&bent, profile, i ? "table" : "fixed", i ? "calls=18" : "skip=2", 3, &calls), *b = run(&bent, profile, "none", NULL, 3, NULL);
        assert_int_equal(calls, 18);
        gap[i] = distance(a, b);
        rf__trajectory_free(&a);
        rf__trajectory_free(&b);
    }
    if (gap[1] > gap[0] / 2) fail_msg("plan %g, equal jumps %g", gap[1], gap[0]);
    rf__profile_free(&profile);
}

/* Grids of one to three steps have nothing to pass: all calls, no error. */
static void short_grids_ask_everywhere(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    for (int steps = 1; steps <= 3; steps++) {
        double grid[] = {0, steps == 1 ? 1 : 1.0 / steps, steps == 2 ? 1 : 2.0 / 3, 1};
        rf_profile *profile = NULL;
        assert_int_equal(rf__profile_create(&profile, &key, grid, steps), RF_OK);
        learn(&field, profile, "calibrate", NULL, 1);
        assert_int_equal(rf__profile_settle(profile), RF_OK);
        static const char *const policies[] = {"table", "fastflow", "contextual"};
        for (int i = 0; i < 3; i++) {
            int64_t calls;
            rf_trajectory *done = run(&field, profile, policies[i], NULL, 2, &calls);
            assert_int_equal(calls, steps);
            rf__trajectory_free(&done);
        }
        rf__profile_free(&profile);
    }
}

static void bounds_are_exact(void **state) {
    (void)state;
    double d[100];
    for (int i = 0; i < 100; i++) d[i] = 99 - i;
    /* P(X <= 4; 100, 0.1) = 0.0237 and P(X <= 5) = 0.0576: four may break. P(X <= 0; 28, 0.1) = 0.0523, 29: 0.0471. */
    assert_true(rf__profile_bound(d, 100, false) == 95);
    assert_true(rf__profile_bound(d, 100, true) == 4);
    assert_true(isnan(rf__profile_bound(d, 28, false)));
    assert_true(rf__profile_bound(d, 29, false) == 28);
    assert_true(rf__profile_bound(d, 29, true) == 0);
}

static void budgets_choose(void **state) {
    (void)state;
    rf_profile *profile = empty("ab2");
    const double bounds[] = {0.01, 0.02, 0.05, 0.04};
    for (int i = 0; i < 4; i++) {
        const rf_profile_rung rung = {.policy = "table", .value = 40 - 10 * i, .images = 64, .calls = 40 - 10 * i, .bound = {bounds[i], 50 - 5 * i, NAN}};
        assert_int_equal(rf__profile_add_rung(profile, &rung), RF_OK);
    }
    const rf_profile_rung *rung;
    assert_int_equal(rf__profile_pick(profile, "table", RF_BUDGET_REL, 0.045, &rung), RF_OK);
    assert_true(rung->value == 30); /* the last would do, but one before it failed */
    assert_int_equal(rf__profile_pick(profile, "table", RF_BUDGET_PSNR, 44, &rung), RF_OK);
    assert_true(rung->value == 30);
    assert_int_equal(rf__profile_pick(profile, "table", RF_BUDGET_REL, 0.001, &rung), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "0.01"));
    assert_int_equal(rf__profile_pick(profile, "table", RF_BUDGET_LPIPS, 0.1, &rung), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "lpips"));
    assert_int_equal(rf__profile_pick(profile, "fastflow", RF_BUDGET_REL, 0.1, &rung), RF_ENOTFOUND);
    rf__profile_free(&profile);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_say_what_happens), cmocka_unit_test(plans_are_best), cmocka_unit_test(plan_beats_equal_jumps),
        cmocka_unit_test(short_grids_ask_everywhere), cmocka_unit_test(bounds_are_exact), cmocka_unit_test(budgets_choose),
    };
    return cmocka_run_group_tests(tests, set_times, NULL);
}
