/* profile_test.c - learning to skip (fastflow.md section 6, statements 6 to 10): bandits, what they settle on, learners at the same time, and
 * rows of skipping jobs in a batch. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../batcher.h"
#include "profile_test.h"

/* Statement 6: each arm once before any twice; Q is the mean of the rewards; pulls add up to finished jumps. */
static double rewards[STEPS][RF_PROFILE_ARMS];
static int pulls[STEPS][RF_PROFILE_ARMS];
static void note(void *user, int bandit, int row, int arm, double reward) {
    (void)bandit;
    ++*(int *)user;
    rewards[row][arm] += reward;
    pulls[row][arm]++;
    for (int a = 0; a < RF_PROFILE_ARMS; a++) /* arms that fit into the room there */
        if (pulls[row][arm] > 1 && 2 * a <= STEPS - 2 - row) assert_true(pulls[row][a] > 0);
}

static void bandit_keeps_books(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    int heard = 0;
    memset(rewards, 0, sizeof rewards), memset(pulls, 0, sizeof pulls);
    rf_profile *profile = empty("ab2"), *again = empty("ab2");
    profile->watch = note, profile->watch_user = &heard;
    for (uint64_t s = 0; s < 120; s++) learn(&field, profile, "fastflow", "mode=learn,start=cold,e_tol=1e-2", s);
    for (uint64_t s = 0; s < 120; s++) learn(&field, again, "fastflow", "mode=learn,start=cold,e_tol=1e-2", s);
    const rf_profile_bandit *bandit = &profile->bandit[RF_BANDIT_INDEX];
    int64_t sum = 0;
    for (int row = 0; row < STEPS; row++)
        for (int a = 0; a < RF_PROFILE_ARMS; a++) {
            const rf_profile_arm *arm = &bandit->arm[row * RF_PROFILE_ARMS + a];
            sum += arm->pulls;
            assert_int_equal(arm->pulls, pulls[row][a]);
            if (arm->pulls) assert_true(fabs(rf__profile_mean(arm) - rewards[row][a] / pulls[row][a]) < 1e-8);
        }
    assert_int_equal(sum, heard);
    assert_int_equal(sum, bandit->jumps);
    assert_int_equal(bandit->walks, 120);
    assert_memory_equal(bandit->arm, again->bandit[RF_BANDIT_INDEX].arm, STEPS * RF_PROFILE_ARMS * sizeof *bandit->arm);
    rf__profile_free(&profile);
    rf__profile_free(&again);
}

/* Share of arm 6 among the decisions at a place over the last requests. */
static int chosen[STEPS][RF_PROFILE_ARMS];
static void count_arms(void *user, int bandit, int row, int arm, double reward) {
    (void)user, (void)bandit, (void)reward;
    chosen[row][arm]++;
}

/* Statement 7: a place where jumping spoils (a bump follows index 10) and one where it is free (33 on): after 300 requests that began
 * knowing nothing, six points are rarely and nearly always passed there. */
static void learns_where_to_skip(void **state) {
    (void)state;
    rf_profile *profile = empty("ab2");
    for (uint64_t s = 0; s < 300; s++) learn(&bent, profile, "fastflow", "mode=learn,start=cold,e_tol=1e-2", s);
    memset(chosen, 0, sizeof chosen);
    profile->watch = count_arms;
    for (uint64_t s = 300; s < 600; s++) learn(&bent, profile, "fastflow", "mode=learn,start=cold,e_tol=1e-2", s);
    int bad[2] = {0}, good[2] = {0};
    for (int row = 8; row <= 10; row++)
        for (int a = 0; a < RF_PROFILE_ARMS; a++) bad[a == 3] += chosen[row][a];
    for (int row = 33; row <= 40; row++) /* both ends of the line lie behind the bump */
        for (int a = 0; a < RF_PROFILE_ARMS; a++) good[a == 3] += chosen[row][a];
    if (bad[1] * 10 >= bad[0] + bad[1]) fail_msg("six points into the bump %d times of %d", bad[1], bad[0] + bad[1]);
    if (good[1] * 10 <= 8 * (good[0] + good[1])) fail_msg("six points where it is free %d times of %d", good[1], good[0] + good[1]);
    rf__profile_free(&profile);
}

/* Statement 10: on a field linear in t the policy settles on the most, and the share of skipped points on m / (m + 1). */
static void lines_settle_on_the_most(void **state) {
    (void)state;
    static const char *const policies[] = {"fastflow", "contextual"};
    for (int i = 0; i < 2; i++) {
        rf_profile *profile = empty("ab2");
        for (uint64_t s = 0; s < 80; s++) learn(&linear, profile, policies[i], "mode=learn,start=cold", s);
        int64_t calls;
        rf_trajectory *done = run(&linear, profile, policies[i], NULL, 999, &calls);
        double share = (double)done->counters.extrapolated / STEPS;
        if (share < 6.0 / 7 - 0.08) fail_msg("%s skips %.3f of the points", policies[i], share);
        rf__trajectory_free(&done);
        rf__profile_free(&profile);
    }
}

/* Measured errors alone already tell the places apart, and a tighter tolerance asks more. */
static void begins_from_measured_errors(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *profile = calibrated(&field, "ab2", 16);
    static const char *const policies[] = {"fastflow", "contextual"};
    for (int i = 0; i < 2; i++) {
        int64_t loose = 0, tight = 0, one;
        for (uint64_t s = 0; s < 8; s++) {
            rf_trajectory *a = run(&field, profile, policies[i], "e_tol=1e-1", s, &one);
            loose += one;
            rf_trajectory *b = run(&field, profile, policies[i], "e_tol=1e-4", s, &one);
            tight += one;
            rf__trajectory_free(&a);
            rf__trajectory_free(&b);
        }
        if (loose * 3 > tight * 2) fail_msg("%s: %d calls at e_tol 0.1, %d at 1e-4", policies[i], (int)loose, (int)tight);
    }
    rf__profile_free(&profile);
}

typedef struct learner { rf_profile *profile; const rf_field *field; uint64_t seed; int step; } learner;

static void *calibrate_some(void *arg) {
    learner *l = arg;
    for (int i = 0; i < 12; i++) learn(l->field, l->profile, "calibrate", NULL, l->seed + (uint64_t)(i * l->step));
    return NULL;
}
static void *learn_some(void *arg) {
    learner *l = arg;
    rf_profile_lesson lesson[3];
    for (int i = 0; i < 500; i++) {
        for (int k = 0; k < 3; k++) lesson[k] = (rf_profile_lesson){(int)((l->seed + (uint64_t)i * 7 + (uint64_t)k) % STEPS), (i + k) % RF_PROFILE_ARMS, sin(i + k + (double)l->seed)};
        rf__profile_learn(l->profile, RF_BANDIT_INDEX, lesson, 3);
    }
    return NULL;
}

/* Statement 9, and more than it asks: the same table bit for bit, because sums are whole numbers. */
static void order_does_not_matter(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *together = empty("ab2"), *alone = empty("ab2");
    pthread_t thread[4];
    learner learners[4];
    for (int i = 0; i < 4; i++) learners[i] = (learner){together, &field, (uint64_t)i, 4};
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, calibrate_some, &learners[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    for (int s = 47; s >= 0; s--) learn(&field, alone, "calibrate", NULL, (uint64_t)s);
    assert_int_equal(rf__profile_settle(together), RF_OK);
    assert_int_equal(rf__profile_settle(alone), RF_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, learn_some, &learners[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    for (int i = 3; i >= 0; i--) learn_some(&(learner){alone, &field, (uint64_t)i, 1});
    json_t *a = rf__profile_json(together), *b = rf__profile_json(alone);
    assert_true(json_equal(a, b));
    assert_memory_equal(together->bandit[0].arm, alone->bandit[0].arm, STEPS * RF_PROFILE_ARMS * sizeof(rf_profile_arm));
    assert_int_equal(together->bandit[0].jumps, 4 * 500 * 3);
    json_decref(a);
    json_decref(b);
    rf__profile_free(&together);
    rf__profile_free(&alone);
}

enum { JOBS = 12 };
typedef struct kept { float x[PLANE]; rf_counters counters; } kept;
static kept results[JOBS];
static void keep(void *user, const rf_trajectory *trajectory) {
    (void)user;
    kept *out = trajectory->spec.user;
    assert_int_equal(trajectory->status, RF_JOB_DONE);
    memcpy(out->x, trajectory->job.x, sizeof out->x);
    out->counters = trajectory->counters;
}

/* Statement 8: rows that skip are absent from the call, and everybody's picture is that of a run alone. */
static void skipping_beside_others(void **state) {
    (void)state;
    static const struct { const char *policy, *options; } ways[] = {
        {"none", NULL}, {"table", "calls=14"}, {"fastflow", "e_tol=1e-2"}, {"contextual", "e_tol=1e-2"}, {"controller", NULL}, {"hold", "skip=4"}};
    const rf_field field = mixture_field();
    rf_profile *profile = calibrated(&field, "ab2", 16);
    rf_batcher *batcher = NULL;
    const rf_batcher_opts opts = {.rows = 5, .slots = 7, .queue = JOBS, .finished = keep};
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    for (int i = 0; i < JOBS; i++) {
        rf_options values;
        const rf_policy *policy = rf__policy_find(ways[i % 6].policy);
        assert_int_equal(rf__options_parse(policy->options, &values, policy->name, ways[i % 6].options), RF_OK);
        rf_job_spec spec = {.field = &field, .solver = rf__solver_find("ab2"), .times = times, .steps = STEPS, .seed = 70 + (uint64_t)i, .policy = policy,
                            .setup = {.options = &values, .profile = profile}, .cond = {.label = -1}, .user = &results[i]};
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    int64_t rows = 0;
    for (int i = 0; i < JOBS; i++) {
        int64_t calls;
        rf_trajectory *alone = run(&field, profile, ways[i % 6].policy, ways[i % 6].options, 70 + (uint64_t)i, &calls);
        assert_memory_equal(alone->job.x, results[i].x, sizeof results[i].x);
        assert_int_equal(results[i].counters.nfe_full, calls);
        assert_int_equal(results[i].counters.nfe_full + results[i].counters.extrapolated, STEPS);
        rows += calls;
        rf__trajectory_free(&alone);
    }
    assert_int_equal(rf__batcher_stats(batcher).rows_full, rows);
    rf__batcher_free(&batcher);
    rf__profile_free(&profile);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bandit_keeps_books), cmocka_unit_test(learns_where_to_skip), cmocka_unit_test(lines_settle_on_the_most),
        cmocka_unit_test(begins_from_measured_errors), cmocka_unit_test(order_does_not_matter), cmocka_unit_test(skipping_beside_others),
    };
    return cmocka_run_group_tests(tests, set_times, NULL);
}
