/* blocks_test.c - lists of FlowTurbo's blocks: read and written, calls counted by kind, guided, refused before any work, and rows of
 * refiners in a batch (solvers/blocks_test.c has the numbers). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "batcher.h"
#include "blocks_test.h"

static void counts_by_kind(void **state) {
    (void)state;
    /* FlowTurbo's table: 2a + b, and one small call a step R; P at the very beginning takes two. */
    const struct { const char *list; int network, refiner; } cases[] = {
        {"H8", 16, 0}, {"H11", 22, 0}, {"H15", 30, 0}, {"H1P5R3", 7, 3}, {"H2P4R2", 8, 2}, {"H2P8R2", 12, 2}, {"H5P7R3", 17, 3}, {"H8P9R5", 25, 5},
        {"P8", 9, 0}, {"P4R4", 5, 4}, {"R4", 1, 4}, {"R1:4", 1, 3}, {"R2:4", 1, 7}, {"H4R2:3", 8, 6}, {"H4R1:3P2", 11, 3}, {"E3P2", 6, 0}};
    float x[WIDTH];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_blocks blocks;
        assert_int_equal(rf__blocks_parse(&blocks, cases[i].list), RF_OK);
        uniform(even, rf__blocks_steps(&blocks), 0, 1);
        reset(curved);
        rf_counters counters = run(cases[i].list, even, x);
        assert_int_equal(counters.nfe_full, cases[i].network);
        assert_int_equal(counters.nfe_refine, cases[i].refiner);
        assert_int_equal(network.calls, cases[i].network);
        assert_int_equal(light.calls, cases[i].refiner);
    }
}

/* RP's gap is the step, always; R1's first one after P is none. */
static void gaps(void **state) {
    (void)state;
    float x[WIDTH];
    uniform(even, 10, 0, 1);
    reset(curved);
    run("P5R5", even, x);
    assert_true(fabs(light.most_gap - 0.1) < 1e-6);
    reset(curved);
    run("P9R1:1", even, x);
    assert_true(light.most_gap == 0);
}

/* Twice the rows for the refiner too, unless it was trained on guided velocities; then it is told the scale. */
static void guidance_of_a_refiner(void **state) {
    (void)state;
    rf_blocks blocks;
    float x[WIDTH], y[WIDTH];
    rf_counters counters;
    uniform(even, 10, 0, 1);
    assert_int_equal(rf__blocks_parse(&blocks, "H2P4R4"), RF_OK);
    rf_job_spec spec = spec_for("blocks", &blocks, even, 10);
    spec.cond.label = 1;
    spec.guidance = rf__guidance_find("cfg");
    spec.guidance_opts = (rf_guidance_opts){.scale = 1.5, .low = 0, .high = 1};
    reset(curved);
    walk(&spec, x, &counters);
    assert_int_equal(counters.rows_full, 2 * counters.nfe_full);
    assert_int_equal(counters.rows_refine, 2 * counters.nfe_refine);
    rf_blocks all_p;
    assert_int_equal(rf__blocks_parse(&all_p, "H2P8"), RF_OK);
    rf_job_spec exact = spec;
    exact.blocks = &all_p;
    walk(&exact, y, NULL);
    assert_true(apart(x, y) < 4e-6);
    reset(curved);
    small.guided = true;
    walk(&spec, x, &counters);
    assert_int_equal(counters.rows_refine, counters.nfe_refine);
    assert_true(light.scale == 1.5f);
    spec.guidance_opts.high = 0.5;
    walk(&spec, x, &counters);
    assert_true(light.scale == 1); /* outside the interval the velocity is the conditional one */
    small.guided = false;
}

static void lists(void **state) {
    (void)state;
    const char *good[] = {"H2P4R2", "H1", "R2:3", "H6R1:3P2", "E12345"}, *bad[] = {"", "H", "2", "H2P", "Q3", "H2 P4", "h2", "R1:", "R1", "R3:2", "H0", "H123456"};
    char text[160];
    rf_blocks blocks;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rf__blocks_parse(&blocks, good[i]), RF_OK);
        rf__blocks_text(&blocks, text, sizeof text);
        assert_string_equal(text, good[i]);
    }
    for (int i = 0; i < 12; i++) {
        bool one_refined = strcmp(bad[i], "R1") == 0; /* a list: one step RP */
        assert_int_equal(rf__blocks_parse(&blocks, bad[i]), one_refined ? RF_OK : RF_EINVAL);
    }
    assert_int_equal(rf__blocks_parse(&blocks, "RP2H0P3"), RF_OK);
    rf__blocks_text(&blocks, text, sizeof text);
    assert_string_equal(text, "R2P3");
    assert_int_equal(rf__blocks_steps(&blocks), 5);
    assert_int_equal(rf__blocks_parse(&blocks, "H1P1H1P1H1P1H1P1H1P1H1P1H1P1H1P1H1P1"), RF_EINVAL);
    rf__blocks_text(&(rf_blocks){0}, text, sizeof text);
    assert_string_equal(text, "");
}

static void refused_before_any_work(void **state) {
    (void)state;
    rf_blocks blocks;
    uniform(even, 8, 0, 1);
    reset(curved);
    assert_int_equal(rf__blocks_parse(&blocks, "H2P4R2"), RF_OK);
    rf_job_spec spec = spec_for("blocks", &blocks, even, 8);
    assert_int_equal(rf__job_check(&spec), RF_OK);
    small.gap_least = 0.0, small.gap_most = 0.12;
    assert_int_equal(rf__job_check(&spec), RF_EINVAL); /* 1/8 > 0.12 */
    assert_non_null(strstr(rf_last_error(), "0.125"));
    small.gap_most = 0.125;
    assert_int_equal(rf__job_check(&spec), RF_OK);
    spec.refiner = NULL;
    assert_int_equal(rf__job_check(&spec), RF_EINVAL);
    spec.refiner = &small;
    spec.steps = 7;
    assert_int_equal(rf__job_check(&spec), RF_EINVAL);
    spec.steps = 8;
    spec.solver = rf__solver_find("heun");
    assert_int_equal(rf__job_check(&spec), RF_EINVAL);
    assert_int_equal(network.calls + light.calls, 0);
}

/* ---- in a batch ---- */

typedef struct kept { float x[WIDTH]; rf_counters counters; } kept;
static void keep(void *user, const rf_trajectory *job) {
    (void)user;
    kept *out = job->spec.user;
    assert_int_equal(job->status, RF_JOB_DONE);
    memcpy(out->x, job->job.x, sizeof out->x);
    out->counters = job->counters;
}

/* Rows of the refiner of all jobs go into calls of their own, and nobody's result depends on the others. */
static void refiner_rows_share_calls(void **state) {
    (void)state;
    enum { JOBS = 8 };
    const char *texts[JOBS] = {"H8P9R5", "H8P9R5", "H8P9R5", "H8P9R5", "H2P4R2", "H5P7R3", "H4R2:6", "P6R1:4"};
    static kept kept_by[JOBS];
    static double grids[JOBS][32];
    static rf_blocks blocks[JOBS];
    rf_batcher *batcher = NULL;
    const rf_batcher_opts opts = {.rows = 16, .slots = JOBS, .finished = keep};
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    reset(curved);
    rf_job_spec specs[JOBS];
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(rf__blocks_parse(&blocks[i], texts[i]), RF_OK);
        uniform(grids[i], rf__blocks_steps(&blocks[i]), 0, 1);
        specs[i] = spec_for("blocks", &blocks[i], grids[i], rf__blocks_steps(&blocks[i]));
        specs[i].init = NULL;
        specs[i].seed = (uint64_t)i;
        specs[i].cond.label = i % 3;
        specs[i].user = &kept_by[i];
        assert_int_equal(rf__batcher_submit(batcher, &specs[i], NULL), RF_OK);
    }
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    rf_batcher_stats stats = rf__batcher_stats(batcher);
    rf__batcher_free(&batcher);
    assert_int_equal(stats.rows_full, network.rows);
    assert_int_equal(stats.rows_refine, light.rows);
    print_message("%lld refiner rows in %lld calls\n", (long long)light.rows, (long long)light.calls);
    assert_true(2 * light.calls < light.rows); /* four jobs alike alone make calls of four */
    for (int i = 0; i < JOBS; i++) {
        float alone[WIDTH];
        rf_counters counters;
        walk(&specs[i], alone, &counters);
        assert_memory_equal(alone, kept_by[i].x, sizeof alone);
        assert_memory_equal(&counters, &kept_by[i].counters, sizeof counters);
    }
}

/* A change from outside in the middle forgets what the refiner would build on: the network is asked once more. */
static void forgets(void **state) {
    (void)state;
    rf_blocks blocks;
    rf_trajectory *job = NULL;
    reset(curved);
    uniform(even, 10, 0, 1);
    assert_int_equal(rf__blocks_parse(&blocks, "H2P4R4"), RF_OK);
    const rf_job_spec spec = spec_for("blocks", &blocks, even, 10);
    assert_int_equal(rf__trajectory_create(&job, &spec), RF_OK);
    assert_int_equal(rf__trajectory_start(job), RF_OK);
    float v[WIDTH] = {1, 1, 1, 1};
    const float *answers[] = {v};
    bool forgot = false;
    while (rf__trajectory_ask(job)) {
        if (job->job.position == 7 && !forgot) {
            assert_int_equal(job->kind, RF_KIND_REFINE);
            rf__trajectory_invalidate(job);
            forgot = true;
            continue;
        }
        rf__trajectory_answer(job, answers);
    }
    assert_int_equal(job->counters.nfe_full, 2 * 2 + 4 + 1);
    assert_int_equal(job->counters.nfe_refine, 4);
    rf__trajectory_free(&job);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_kind), cmocka_unit_test(gaps), cmocka_unit_test(guidance_of_a_refiner), cmocka_unit_test(lists),
        cmocka_unit_test(refused_before_any_work), cmocka_unit_test(refiner_rows_share_calls), cmocka_unit_test(forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
