/* jump_test.c - passing grid points on extrapolated velocities (fastflow.md section 6, statements 1 to 5, and the table of section 8.1), the
 * guards, and what an earlier walk recorded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../walk_test.h"
#include "jump.h"

enum { MOST_STEPS = 512, STARTS = 12 };

typedef struct walk {
    const char *solver, *policy, *options, *recorded;
    const double *times;
    int steps, start;
} walk;

/* Caller frees. */
static rf_trajectory *run(const rf_field *field, const walk *w, int64_t *calls) {
    const float init[PLANE] = {(float)sin(1.7 * w->start + 0.3), (float)cos(2.9 * w->start)};
    rf_options options;
    const rf_policy *policy = rf__policy_find(w->policy);
    assert_non_null(policy);
    assert_int_equal(rf__options_parse(policy->options, &options, policy->name, w->options), RF_OK);
    const rf_job_spec spec = {.field = field, .solver = rf__solver_find(w->solver), .times = w->times, .steps = w->steps, .init = init,
                              .policy = policy, .cond = {.label = -1}, .setup = {.options = &options, .recorded = w->recorded}};
    return walked(&spec, calls);
}

/* Root mean square over the starts of the distance between two ways to walk. */
static double gap(const rf_field *field, walk a, walk b, int64_t *calls) {
    double sum = 0;
    for (int s = 0; s < STARTS; s++) {
        a.start = b.start = s;
        rf_trajectory *one = run(field, &a, calls), *two = run(field, &b, NULL);
        sum += pow(distance(one, two), 2);
        rf__trajectory_free(&one);
        rf__trajectory_free(&two);
    }
    return sqrt(sum / STARTS);
}

static const char *const patterns[] = {"fixed", "threshold", "controller"};

/* Statements 1 and 5: on v = a + b t any pattern is the full walk, on any grid and both ways. Holding the velocity is not. */
static void lines_are_exact(void **state) {
    (void)state;
    double even[41], bent[41], back[41];
    uniform(even, 40, 0, 1);
    uniform(back, 40, 1, 0);
    for (int k = 0; k <= 40; k++) bent[k] = pow(k / 40.0, 2);
    const double *grids[] = {even, bent, back};
    for (int g = 0; g < 3; g++)
        for (int solver = 0; solver < 2; solver++) {
            walk full = {.solver = solver ? "ab2" : "euler", .policy = "none", .times = grids[g], .steps = 40}, skips = full;
            for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
                skips.policy = patterns[i];
                int64_t calls;
                assert_true(gap(&linear, skips, full, &calls) < 2e-6);
                if (calls >= 30) fail_msg("%s, grid %d: %d calls", patterns[i], g, (int)calls);
            }
            skips.policy = "hold";
            assert_true(gap(&linear, skips, full, NULL) > 1e-3);
        }
}

/* Statement 2. */
static void no_skips_is_no_policy(void **state) {
    (void)state;
    double times[31];
    uniform(times, 30, 0, 1);
    const rf_field field = mixture_field();
    static const struct { const char *policy, *options; } none[] = {
        {"fixed", "skip=0"}, {"hold", "skip=0"}, {"threshold", "e_tol=0"}, {"controller", "m_max=0"}, {"teacache", "delta=0"}};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        walk w = {.solver = "euler", .policy = none[i].policy, .options = none[i].options, .times = times, .steps = 30}, plain = w;
        plain.policy = "none", plain.options = NULL;
        int64_t calls;
        rf_trajectory *one = run(&field, &w, &calls), *two = run(&field, &plain, NULL);
        assert_int_equal(calls, 30);
        assert_memory_equal(one->job.x, two->job.x, PLANE * sizeof(float));
        rf__trajectory_free(&one);
        rf__trajectory_free(&two);
    }
}

/* Statement 3, the guards (first two and last answers are real), T <= 3, and the record. */
static void calls_are_counted(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    double times[MOST_STEPS + 1];
    for (int steps = 1; steps <= 60; steps += steps < 12 ? 1 : 13)
        for (int skip = 0; skip <= 9; skip += 3) {
            char options[40];
            snprintf(options, sizeof options, "skip=%d", skip);
            uniform(times, steps, 0, 1);
            walk w = {.solver = "ab2", .policy = "fixed", .options = options, .times = times, .steps = steps};
            int64_t calls;
            rf_trajectory *done = run(&field, &w, &calls);
            assert_int_equal(calls + done->counters.extrapolated, steps);
            assert_int_equal(strlen(done->asked), steps);
            int zeros = 0;
            for (int k = 0; k < steps; k++) zeros += done->asked[k] == '0';
            assert_int_equal(zeros, done->counters.extrapolated);
            assert_true(done->asked[0] == '1' && done->asked[steps - 1] == '1' && (steps < 2 || done->asked[1] == '1'));
            if (steps <= 3) assert_int_equal(zeros, 0);
            walk again = {.solver = "ab2", .policy = "recorded", .recorded = done->asked, .times = times, .steps = steps};
            rf_trajectory *replayed = run(&field, &again, NULL);
            assert_memory_equal(replayed->job.x, done->job.x, PLANE * sizeof(float));
            assert_string_equal(replayed->asked, done->asked);
            rf__trajectory_free(&replayed);
            rf__trajectory_free(&done);
        }
}

/* Distance to the full Euler walk, with the points that `skipped` names passed. */
static double to_euler(const rf_field *field, int steps, bool (*skipped)(int k, int steps)) {
    static double times[MOST_STEPS + 1];
    static char record[MOST_STEPS + 1];
    uniform(times, steps, 0, 1);
    for (int k = 0; k < steps; k++) record[k] = k > 1 && k < steps - 1 && skipped(k, steps) ? '0' : '1';
    record[steps] = '\0';
    walk skips = {.solver = "euler", .policy = "recorded", .recorded = record, .times = times, .steps = steps}, full = skips;
    full.policy = "none", full.recorded = NULL;
    return gap(field, skips, full, NULL);
}
static bool four(int k, int steps) { return k == steps / 5 || k == 2 * steps / 5 || k == 3 * steps / 5 || k == 4 * steps / 5; }
static bool every_second(int k, int steps) {
    (void)steps;
    return k % 2 == 0;
}

/* Statement 4, and the theorem of the paper: O(|S| / T^3). */
static void orders(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    for (int steps = 80; steps <= 160; steps *= 2) {
        double few = log2(to_euler(&field, steps, four) / to_euler(&field, 2 * steps, four));
        double half = log2(to_euler(&field, steps, every_second) / to_euler(&field, 2 * steps, every_second));
        if (fabs(few - 3) > 0.15) fail_msg("four skips, T = %d: order %.3f", steps, few);
        if (fabs(half - 2) > 0.15) fail_msg("every second, T = %d: order %.3f", steps, half);
    }
}

/* Section 8.1: integrating the extrapolant with 18 calls is nearer to the ODE than 50 calls of Euler. */
static void integral_beats_more_calls(void **state) {
    (void)state;
    static double fine[MOST_STEPS + 1];
    double times[51];
    const rf_field field = mixture_field();
    uniform(times, 50, 0, 1);
    uniform(fine, MOST_STEPS, 0, 1);
    const walk ode = {.solver = "rk4", .policy = "none", .times = fine, .steps = MOST_STEPS};
    const walk euler = {.solver = "euler", .policy = "none", .times = times, .steps = 50};
    double plain = gap(&field, euler, ode, NULL);
    print_message("T = 50, distance to the ODE: euler 50 calls %.2e\n", plain);
    for (int skip = 2; skip <= 6; skip += 2) {
        char options[40];
        int64_t calls;
        snprintf(options, sizeof options, "skip=%d", skip);
        walk w = euler;
        w.options = options;
        w.policy = "hold";
        double held = gap(&field, w, ode, NULL), held_euler = gap(&field, w, euler, NULL);
        w.policy = "fixed";
        double sampled = gap(&field, w, ode, NULL), sampled_euler = gap(&field, w, euler, NULL);
        w.solver = "ab2";
        double integral = gap(&field, w, ode, &calls);
        print_message("skip %d, %d calls: hold %.2e (to euler %.2e), sampled %.2e (%.2e), integral %.2e\n", skip, (int)calls, held, held_euler,
                      sampled, sampled_euler, integral);
        assert_int_equal(calls, skip == 2 ? 18 : skip == 4 ? 12 : 9);
        assert_true(sampled_euler < held_euler / 4);
        if (skip <= 4) assert_true(integral < plain / 2);
    }
}

/* A controller asked for less error gives less, and asks more. */
static void controller_keeps_its_tolerance(void **state) {
    (void)state;
    static double fine[MOST_STEPS + 1];
    double times[101], before = 1;
    int64_t asked = 0;
    const rf_field field = mixture_field();
    uniform(times, 100, 0, 1);
    uniform(fine, MOST_STEPS, 0, 1);
    const walk ode = {.solver = "rk4", .policy = "none", .times = fine, .steps = MOST_STEPS};
    for (int k = 2; k <= 6; k += 2) {
        char options[40];
        int64_t calls;
        snprintf(options, sizeof options, "e_tol=1e-%d", k);
        const walk w = {.solver = "ab2", .policy = "controller", .options = options, .times = times, .steps = 100};
        double error = gap(&field, w, ode, &calls);
        assert_true(error < before && calls > asked);
        before = error;
        asked = calls;
    }
}

/* What was measured before an outside change is not used after it. */
static void history_dies(void **state) {
    (void)state;
    double times[21];
    const rf_field field = mixture_field();
    const float init[PLANE] = {0.5f, -0.25f};
    uniform(times, 20, 0, 1);
    rf_options options;
    const rf_policy *fixed = rf__policy_find("fixed");
    assert_int_equal(rf__options_parse(fixed->options, &options, "fixed", "skip=6"), RF_OK);
    rf_job_spec spec = {.field = &field, .solver = rf__solver_find("ab2"), .times = times, .steps = 20, .init = init, .policy = fixed,
                        .setup = {.options = &options}};
    rf_trajectory *out = started(&spec);
    float v[PLANE] = {1, 1};
    const float *answers[] = {v};
    for (int calls = 0; rf__trajectory_ask(out); calls++) {
        if (calls == 2) rf__trajectory_invalidate(out), assert_true(rf__trajectory_ask(out));
        rf__trajectory_answer(out, answers);
    }
    assert_string_equal(out->asked, "11000000110000001001");
    rf__trajectory_free(&out);
}

static void refusals(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    double times[11];
    uniform(times, 10, 0, 1);
    static const struct { const char *solver, *policy, *recorded, *word; } cases[] = {
        {"heun", "fixed", NULL, "asks more than once a step"}, {"dopri5", "hold", NULL, "own steps"}, {"ab2", "recorded", NULL, "no record"},
        {"ab2", "recorded", "110", "3 letters"}, {"ab2", "recorded", "11000000x1", "8 of them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_job_spec spec = {.field = &field, .solver = rf__solver_find(cases[i].solver), .times = times, .steps = 10,
                            .policy = rf__policy_find(cases[i].policy), .setup = {.recorded = cases[i].recorded}};
        rf_trajectory *out = NULL;
        assert_int_equal(rf__trajectory_create(&out, &spec), RF_EINVAL);
        assert_null(out);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
    }
}

static void error_is_relative(void **state) {
    (void)state;
    const float a[] = {1, 2, 2}, b[] = {1, 2, 4}, zero[] = {0, 0, 0};
    assert_true(fabs(rf__relative_error(a, b, 3) - 4.0 / 21) < 1e-12);
    assert_true(isfinite(rf__relative_error(a, zero, 3)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_exact), cmocka_unit_test(no_skips_is_no_policy), cmocka_unit_test(calls_are_counted),
        cmocka_unit_test(orders), cmocka_unit_test(integral_beats_more_calls), cmocka_unit_test(controller_keeps_its_tolerance),
        cmocka_unit_test(history_dies), cmocka_unit_test(refusals), cmocka_unit_test(error_is_relative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
