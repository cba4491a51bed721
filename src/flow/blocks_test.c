/* blocks_test.c - FlowTurbo's statements (methods: flowturbo, section 4) on fields whose answers are known: an oracle refiner makes RP the
 * pseudo corrector and R2 Heun, one that says nothing keeps the velocity; calls are counted by kind; what cannot work is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "batcher.h"

enum { WIDTH = 4, STEPS = 200, NULL_LABEL = 3 };

/* ---- fields ---- */

typedef struct test_field {
    double (*of)(double x, double t, int label);
    int64_t calls, rows;
    double most_gap;
    float scale; /* of the newest row */
    bool silent; /* the refiner adds nothing to what was known */
} test_field;

static double curved(double x, double t, int label) { return sin(2 * x + label) * cos(3 * t) - x + t; }
static double line(double x, double t, int label) {
    (void)x, (void)label;
    return 0.75 - 1.5 * t;
}
static double decay(double x, double t, int label) {
    (void)t, (void)label;
    return -4 * x;
}

static rf_status answer(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    test_field *field = self;
    field->calls++;
    field->rows += rows;
    for (int64_t i = 0; i < rows * WIDTH; i++) v[i] = (float)field->of(x[i], t[i / WIDTH], cond[i / WIDTH].label);
    return RF_OK;
}

/* r = f(x, t) - known, added to what is known: what a perfect refiner does, in float. */
static rf_status refined(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    test_field *field = self;
    assert_int_equal(answer(self, rows, x, t, cond, v), RF_OK);
    for (int64_t i = 0; i < rows * WIDTH; i++) {
        const rf_cond *c = &cond[i / WIDTH];
        float offset = field->silent ? 0 : v[i] - c->before[i % WIDTH];
        v[i] = offset + c->before[i % WIDTH];
        if (c->gap > field->most_gap) field->most_gap = c->gap;
        field->scale = c->scale;
    }
    return RF_OK;
}

static test_field network, light;
static const rf_field full = {&network, WIDTH, NULL_LABEL, answer};
static rf_field small;

static void reset(double (*of)(double, double, int)) {
    network = light = (test_field){.of = of};
    small = (rf_field){&light, WIDTH, NULL_LABEL, refined};
}

/* ---- walks ---- */

static double even[STEPS + 1];
static void uniform(double *times, int steps) {
    for (int i = 0; i <= steps; i++) times[i] = (double)i / steps;
}

static rf_job_spec spec_for(const char *solver, const rf_blocks *blocks, const double *times, int steps) {
    static const float start[WIDTH] = {0.5f, -1.0f, 0.25f, 1.5f};
    return (rf_job_spec){.field = &full, .refiner = &small, .solver = rf__solver_find(solver), .blocks = blocks, .times = times, .steps = steps,
                         .init = start, .seed = 7};
}

/* Walk to the end alone; x [WIDTH]. Counts by kind agree with what blocks.h says, before and on the way. */
static void walk(const rf_job_spec *spec, float x[WIDTH], rf_counters *counters) {
    rf_trajectory *job = NULL;
    assert_int_equal(rf__trajectory_create(&job, spec), RF_OK);
    assert_int_equal(rf__trajectory_start(job), RF_OK);
    int64_t left = rf__trajectory_left(job);
    while (rf__trajectory_ask(job)) {
        float room[RF_MAX_GUIDANCE_ROWS][WIDTH];
        const float *answers[RF_MAX_GUIDANCE_ROWS] = {room[0], room[1]};
        const rf_field *field = rf__trajectory_field(job);
        float t = (float)job->ask.t;
        for (int r = 0; r < job->row_count; r++) {
            rf_cond cond = rf__trajectory_cond(job, r);
            assert_int_equal(field->velocity(field->self, 1, job->ask.x, &t, &cond, room[r]), RF_OK);
        }
        rf__trajectory_answer(job, answers);
        if (spec->blocks) assert_int_equal(rf__trajectory_left(job), --left);
    }
    assert_int_equal(job->status, RF_JOB_DONE);
    assert_true(job->job.t == spec->times[spec->steps]);
    memcpy(x, job->job.x, WIDTH * sizeof *x);
    if (counters) *counters = job->counters;
    rf__trajectory_free(&job);
}

static rf_counters run(const char *text, const double *times, float x[WIDTH]) {
    rf_blocks blocks;
    rf_counters counters;
    assert_int_equal(rf__blocks_parse(&blocks, text), RF_OK);
    int steps = rf__blocks_steps(&blocks);
    const rf_job_spec spec = spec_for("blocks", &blocks, times, steps);
    walk(&spec, x, &counters);
    rf_block_calls calls = rf__blocks_calls(&blocks, 0, steps, false);
    assert_int_equal(counters.nfe_full, calls.network);
    assert_int_equal(counters.nfe_refine, calls.refiner);
    return counters;
}

static void solve(const char *solver, const double *times, int steps, float x[WIDTH]) {
    const rf_job_spec spec = spec_for(solver, NULL, times, steps);
    walk(&spec, x, NULL);
}

static double apart(const float *a, const float *b) {
    double most = 0;
    for (int i = 0; i < WIDTH; i++) most = fmax(most, fabs((double)a[i] - b[i]));
    return most;
}

/* ---- tests ---- */

static void one_kind_is_a_solver(void **state) {
    (void)state;
    const char *pairs[][2] = {{"H16", "heun"}, {"P16", "pseudo"}, {"E16", "euler"}};
    float a[WIDTH], b[WIDTH];
    uniform(even, 16);
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
    uniform(even, 12);
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
    uniform(even, 8);
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
        uniform(even, rf__blocks_steps(&blocks));
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
    uniform(even, 10);
    reset(curved);
    run("P5R5", even, x);
    assert_true(fabs(light.most_gap - 0.1) < 1e-6);
    reset(curved);
    run("P9R1:1", even, x);
    assert_true(light.most_gap == 0);
}

/* Second order on even steps and on steps that alternate 1:2, also where the oracle refiner answers. */
static void orders(void **state) {
    (void)state;
    const char *lists[][2] = {{"P64", "P128"}, {"H8P48R8", "H16P96R16"}, {"H64", "H128"}, {"P32R32", "P64R64"}};
    double uneven[STEPS + 1];
    float fine[WIDTH], x[WIDTH], y[WIDTH];
    for (int g = 0; g < 2; g++) {
        double *times = g ? uneven : even;
        uniform(even, 16);
        reset(curved);
        double long_grid[2001];
        uniform(long_grid, 2000);
        solve("rk4", long_grid, 2000, fine);
        for (int i = 0; i < 4; i++) {
            for (int n = 64; n <= 128; n *= 2) {
                if (g == 0) uniform(times, n);
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
    reset(line);
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

/* Twice the rows for the refiner too, unless it was trained on guided velocities; then it is told the scale. */
static void guidance_of_a_refiner(void **state) {
    (void)state;
    rf_blocks blocks;
    float x[WIDTH], y[WIDTH];
    rf_counters counters;
    uniform(even, 10);
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
    uniform(even, 8);
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
        uniform(grids[i], rf__blocks_steps(&blocks[i]));
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
    uniform(even, 10);
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
        cmocka_unit_test(one_kind_is_a_solver), cmocka_unit_test(oracle_refiner), cmocka_unit_test(silent_refiner_keeps_the_velocity),
        cmocka_unit_test(counts_by_kind), cmocka_unit_test(gaps), cmocka_unit_test(orders), cmocka_unit_test(exact_on_a_line_in_t),
        cmocka_unit_test(stability), cmocka_unit_test(guidance_of_a_refiner), cmocka_unit_test(lists), cmocka_unit_test(refused_before_any_work),
        cmocka_unit_test(refiner_rows_share_calls), cmocka_unit_test(forgets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
