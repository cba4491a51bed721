/* profile_test.c - what is learned about skipping (fastflow.md section 6, statements 6 to 10): tables from full walks, plans against every
 * possible schedule, bandits, learners at the same time, files that are wrong, budgets. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../base/file.h"
#include "../../base/memory.h"
#include "../../models/gauss_exact.h"
#include "../batcher.h"
#include "jump.h"
#include "profile_sums.h"

enum { WIDTH = 2, STEPS = 50 };

static const float means[] = {-1.5f, 0.5f, 1, -1, 2, 1.25f};
static const double weights[] = {1, 2, 3};
static const rf_gauss_exact mixture = {.scalars = WIDTH, .components = 3, .mean = means, .weight = weights, .sd = 0.6};
static double times[STEPS + 1];
static const rf_profile_key key = {"sha", "ab2", "none", "generate"};

static rf_status bend_at_10(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)x, (void)cond;
    for (int64_t r = 0; r < rows; r++) {
        float away = t[r] - 0.26f; /* a kink a little after index 10 of 50 */
        v[2 * r] = 1 + t[r] + (away > -0.05f && away < 0.25f ? 6 * sinf(12.566f * (away + 0.05f)) : 0);
        v[2 * r + 1] = 2 - t[r];
    }
    return RF_OK;
}
static const rf_field bent = {NULL, WIDTH, -1, bend_at_10};

static rf_status line(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)x, (void)cond;
    for (int64_t r = 0; r < rows; r++) v[2 * r] = 0.5f - 2 * t[r], v[2 * r + 1] = -1 + 3 * t[r];
    return RF_OK;
}
static const rf_field linear = {NULL, WIDTH, -1, line};

static rf_field exact(void) {
    rf_field field;
    assert_int_equal(rf__gauss_exact_field(&field, &mixture), RF_OK);
    return field;
}

static int set_up(void **state) {
    (void)state;
    for (int k = 0; k <= STEPS; k++) times[k] = (double)k / STEPS;
    return 0;
}

/* One walk; caller frees. */
static rf_trajectory *run(const rf_field *field, rf_profile *profile, const char *policy, const char *options, uint64_t seed, int64_t *calls) {
    rf_options values;
    const rf_policy *p = rf__policy_find(policy);
    assert_int_equal(rf__options_parse(p->options, &values, policy, options), RF_OK);
    rf_job_spec spec = {.field = field, .solver = rf__solver_find(profile->key.solver), .times = profile->times, .steps = profile->steps, .seed = seed,
                        .policy = p, .setup = {.options = &values, .profile = profile}};
    rf_trajectory *out = NULL;
    assert_int_equal(rf__trajectory_create(&out, &spec), RF_OK);
    assert_int_equal(rf__trajectory_start(out), RF_OK);
    float v[WIDTH];
    const float *answers[] = {v};
    int64_t asked = 0;
    for (; rf__trajectory_ask(out); asked++) {
        float t = (float)out->ask.t;
        const rf_cond cond = {.label = -1};
        assert_int_equal(field->velocity(field->self, 1, out->ask.x, &t, &cond, v), RF_OK);
        rf__trajectory_answer(out, answers);
    }
    assert_int_equal(out->status, RF_JOB_DONE);
    if (calls) *calls = asked;
    return out;
}

static void learn(const rf_field *field, rf_profile *profile, const char *policy, const char *options, uint64_t seed) {
    rf_trajectory *done = run(field, profile, policy, options, seed, NULL);
    rf__trajectory_free(&done);
}

static rf_profile *empty(const char *solver) {
    rf_profile_key own = key;
    rf_profile *profile = NULL;
    snprintf(own.solver, sizeof own.solver, "%s", solver);
    assert_int_equal(rf__profile_create(&profile, &own, times, STEPS), RF_OK);
    return profile;
}

static rf_profile *calibrated(const rf_field *field, const char *solver, int walks) {
    rf_profile *profile = empty(solver);
    for (int s = 0; s < walks; s++) learn(field, profile, "calibrate", NULL, 1000 + (uint64_t)s);
    assert_int_equal(rf__profile_settle(profile), RF_OK);
    assert_int_equal(profile->walks, walks);
    return profile;
}

/* ---- tables and plans ---- */

/* What a table says of one pattern is what that pattern does: the error at landing, and the displacement of the first jump. */
static void tables_say_what_happens(void **state) {
    (void)state;
    const rf_field field = exact();
    for (int solver = 0; solver < 2; solver++) {
        rf_profile *profile = calibrated(&field, solver ? "ab2" : "euler", 1);
        rf_trajectory *full = run(&field, profile, "calibrate", NULL, 1000, NULL);
        rf__profile_sums_free(&profile->sums);
        double size = hypot((double)full->job.x[0], (double)full->job.x[1]);
        if (!solver) { /* one jump of 4 points from k = 20 on an otherwise full walk moves x at the landing by the table's entry */
            char record[STEPS + 1];
            memset(record, '1', STEPS), record[STEPS] = '\0';
            memset(record + 21, '0', 4);
            rf_job_spec spec = {.field = &field, .solver = full->spec.solver, .times = times, .steps = STEPS, .seed = 1000,
                                .policy = rf__policy_find("recorded"), .setup = {.recorded = record}};
            rf_trajectory *jump = NULL, *plain = NULL;
            assert_int_equal(rf__trajectory_create(&jump, &spec), RF_OK);
            assert_int_equal(rf__trajectory_start(jump), RF_OK);
            spec.policy = NULL;
            assert_int_equal(rf__trajectory_create(&plain, &spec), RF_OK);
            assert_int_equal(rf__trajectory_start(plain), RF_OK);
            rf_trajectory *both[] = {jump, plain};
            for (int i = 0; i < 2; i++)
                while (rf__trajectory_ask(both[i]) && both[i]->job.position < 25) {
                    float v[WIDTH], t = (float)both[i]->ask.t;
                    const float *answers[] = {v};
                    const rf_cond cond = {.label = -1};
                    assert_int_equal(field.velocity(field.self, 1, both[i]->ask.x, &t, &cond, v), RF_OK);
                    rf__trajectory_answer(both[i], answers);
                }
            double moved = hypot((double)jump->job.x[0] - (double)plain->job.x[0], (double)jump->job.x[1] - (double)plain->job.x[1]) / size;
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
    const rf_field field = exact();
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
        gap[i] = hypot((double)a->job.x[0] - (double)b->job.x[0], (double)a->job.x[1] - (double)b->job.x[1]);
        rf__trajectory_free(&a);
        rf__trajectory_free(&b);
    }
    if (gap[1] > gap[0] / 2) fail_msg("plan %g, equal jumps %g", gap[1], gap[0]);
    rf__profile_free(&profile);
}

/* ---- bandits ---- */

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
    const rf_field field = exact();
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
    const rf_field field = exact();
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

/* ---- learners at the same time ---- */

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
    const rf_field field = exact();
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

/* ---- in a batch ---- */

enum { JOBS = 12 };
typedef struct kept { float x[WIDTH]; rf_counters counters; } kept;
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
    const rf_field field = exact();
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

/* ---- files ---- */

static char folder[64], path[96];
static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/strait-profile-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.profile", folder);
    return 0;
}
static int drop_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void comes_back(void **state) {
    (void)state;
    const rf_field field = exact();
    rf_profile *profile = calibrated(&field, "ab2", 5), *back = NULL;
    const rf_profile_rung rung = {.policy = "table", .value = 18, .images = 64, .calls = 18, .predicted = 0.01, .mean = {0.01, 40, NAN}, .bound = {0.02, 35, NAN}};
    assert_int_equal(rf__profile_add_rung(profile, &rung), RF_OK);
    for (uint64_t s = 0; s < 9; s++) learn(&field, profile, "fastflow", "mode=learn", s);
    assert_int_equal(rf__profile_save(profile, path), RF_OK);
    assert_int_equal(rf__profile_read(&back, path), RF_OK);
    json_t *a = rf__profile_json(profile), *b = rf__profile_json(back);
    assert_true(json_equal(a, b));
    assert_memory_equal(profile->plan, back->plan, (STEPS + 1) * (STEPS + 1));
    json_decref(a);
    json_decref(b);
    rf__profile_free(&back);
    rf__profile_free(&profile);
}

/* Two programs that learn on one file lose nothing. */
static void learners_share_a_file(void **state) {
    (void)state;
    const rf_field field = exact();
    rf_profile *first = calibrated(&field, "ab2", 5), *one = NULL, *two = NULL, *end = NULL;
    learn(&field, first, "fastflow", "mode=learn", 1);
    assert_int_equal(rf__profile_save(first, path), RF_OK);
    assert_int_equal(rf__profile_read(&one, path), RF_OK);
    assert_int_equal(rf__profile_read(&two, path), RF_OK);
    learn(&field, one, "fastflow", "mode=learn", 2);
    learn(&field, two, "fastflow", "mode=learn", 3);
    learn(&field, two, "contextual", "mode=learn", 4);
    assert_int_equal(rf__profile_save(two, path), RF_OK);
    assert_int_equal(rf__profile_save(one, path), RF_OK);
    assert_int_equal(rf__profile_save(one, path), RF_OK); /* nothing new: nothing changes */
    assert_int_equal(rf__profile_read(&end, path), RF_OK);
    int64_t jumps = 0, total = 0;
    for (int i = 0; i < STEPS * RF_PROFILE_ARMS; i++) {
        total += end->bandit[0].arm[i].pulls;
        jumps += first->bandit[0].arm[i].pulls + (two->bandit[0].arm[i].pulls - first->bandit[0].arm[i].pulls) +
                 (one->bandit[0].arm[i].pulls - two->bandit[0].arm[i].pulls);
    }
    assert_int_equal(end->bandit[0].walks, 3);
    assert_int_equal(end->bandit[1].walks, 1);
    assert_int_equal(total, jumps);
    assert_true(total > 3 * 3);
    rf_profile *all[] = {first, one, two, end};
    for (int i = 0; i < 4; i++) rf__profile_free(&all[i]);
}

/* Cut anywhere, or with any one byte changed: a sentence, never a table. */
static void damage_is_refused(void **state) {
    (void)state;
    const rf_field field = exact();
    rf_profile *profile = calibrated(&field, "ab2", 2), *back = NULL;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(rf__profile_save(profile, path), RF_OK);
    assert_int_equal(rf__file_read(path, 1 << 24, &bytes, &size), RF_OK);
    for (int i = 0; i < 40; i++) {
        size_t at = size * (size_t)(i + 1) / 41;
        uint8_t old = bytes[at];
        bytes[at] = old == '3' ? '4' : '3';
        FILE *file = fopen(path, "wb");
        assert_int_equal(fwrite(bytes, 1, i % 2 ? at : size, file), i % 2 ? at : size);
        fclose(file);
        bytes[at] = old;
        if (rf__profile_read(&back, path) == RF_OK) fail_msg("byte %zu", at);
        assert_null(back);
        assert_non_null(strstr(rf_last_error(), "a.profile"));
    }
    rf__free(bytes);
    rf__profile_free(&profile);
}

static json_t *with(const json_t *json, const char *name, json_t *value) {
    json_t *copy = json_deep_copy(json);
    json_object_set_new(copy, name, value);
    return copy;
}

static void wrong_content_is_refused(void **state) {
    (void)state;
    const rf_field field = exact();
    rf_profile *profile = calibrated(&field, "ab2", 2), *back = NULL;
    json_t *json = rf__profile_json(profile);
    const struct { const char *name, *word; json_t *value; } cases[] = {
        {"strait_profile", "format 2", json_integer(2)}, {"strait_profile", "no profile", json_null()}, {"model", "missing", json_null()},
        {"times", "expected 2", json_array()}, {"fresh", "fresh", json_string("0x")}, {"error", "error has", json_array()},
        {"walks", "walks", json_integer(-1)}, {"bandits", "bandit", json_pack("[{s:s}]", "policy", "other")},
        {"bandits", "arms", json_pack("[{s:s, s:f, s:[], s:[]}]", "policy", "fastflow", "e_tol", 0.1, "pulls", "reward")},
        {"rungs", "policy", json_pack("[{}]")}, {"edge", "edge", json_null()},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *wrong = with(json, cases[i].name, cases[i].value);
        assert_int_equal(rf__profile_decode(&back, wrong), RF_EFORMAT);
        assert_null(back);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
        json_decref(wrong);
    }
    json_decref(json);
    rf__profile_free(&profile);
}

static void other_walks_are_refused(void **state) {
    (void)state;
    const rf_field field = exact();
    rf_profile *profile = calibrated(&field, "ab2", 2), *bare = empty("ab2");
    double shifted[STEPS + 1];
    for (int k = 0; k <= STEPS; k++) shifted[k] = times[k] * times[k];
    const struct { const char *solver, *policy, *options, *word; const double *times; int steps; rf_profile *profile; } cases[] = {
        {"euler", "table", NULL, "solver 'ab2'", times, STEPS, profile}, {"ab2", "table", NULL, "40", times, 40, profile},
        {"ab2", "fastflow", NULL, "point 1 of", shifted, STEPS, profile}, {"ab2", "table", "calls=4", "at least 9", times, STEPS, profile},
        {"ab2", "table", NULL, "calibrated profile", times, STEPS, bare}, {"ab2", "contextual", NULL, "strait tune", times, STEPS, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_options values;
        const rf_policy *policy = rf__policy_find(cases[i].policy);
        assert_int_equal(rf__options_parse(policy->options, &values, policy->name, cases[i].options), RF_OK);
        const rf_job_spec spec = {.field = &field, .solver = rf__solver_find(cases[i].solver), .times = cases[i].times, .steps = cases[i].steps,
                                  .policy = policy, .setup = {.options = &values, .profile = cases[i].profile}};
        assert_int_not_equal(rf__job_check(&spec), RF_OK);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
    }
    rf_profile_key other = key;
    snprintf(other.model, sizeof other.model, "another");
    assert_int_equal(rf__profile_same(profile, &other, "x.profile"), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "x.profile: is of model sha, expected another"));
    rf__profile_free(&profile);
    rf__profile_free(&bare);
}

/* Grids of one to three steps have nothing to pass: all calls, no error. */
static void short_grids_ask_everywhere(void **state) {
    (void)state;
    const rf_field field = exact();
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

/* ---- budgets ---- */

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
        cmocka_unit_test(bandit_keeps_books), cmocka_unit_test(learns_where_to_skip), cmocka_unit_test(lines_settle_on_the_most),
        cmocka_unit_test(begins_from_measured_errors), cmocka_unit_test(order_does_not_matter), cmocka_unit_test(skipping_beside_others),
        cmocka_unit_test_setup_teardown(comes_back, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(learners_share_a_file, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(damage_is_refused, make_folder, drop_folder), cmocka_unit_test(wrong_content_is_refused),
        cmocka_unit_test(other_walks_are_refused), cmocka_unit_test(short_grids_ask_everywhere), cmocka_unit_test(bounds_are_exact),
        cmocka_unit_test(budgets_choose),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
