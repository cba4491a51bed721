/* edit_test.c - the testable statements of fireflow.md section 6 that are about whole edits, on a field that is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "batcher.h"
#include "edit.h"

enum { WIDTH = 6, NULL_LABEL = 4, STEPS_MOST = 64 };

/* What the field was asked, in order. */
typedef struct log_entry { float t; float x[WIDTH]; int label; } log_entry;
static log_entry asked[4096];
static int asked_count;

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self;
    for (int64_t r = 0; r < rows; r++) {
        if (asked_count < 4096) {
            asked[asked_count].t = t[r], asked[asked_count].label = cond[r].label;
            memcpy(asked[asked_count++].x, x + r * WIDTH, sizeof asked[0].x);
        }
        for (int i = 0; i < WIDTH; i++)
            v[r * WIDTH + i] = sinf(1.3f * x[r * WIDTH + i] + (float)cond[r].label) + 0.4f * cosf(3 * t[r]) - 0.2f * x[r * WIDTH + i];
    }
    return RF_OK;
}
/* ---- a field with two attention blocks of one token, whose v decides what comes out ---- */
enum { BLOCKS = 2 };
static int hooked_rows, null_rows_hooked;

static rf_status attentive(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    RF_TRY(velocity(self, rows, x, t, cond, v));
    for (int64_t r = 0; r < rows; r++)
        for (int block = 0; block < BLOCKS; block++) {
            float own[3 * WIDTH], given[3 * WIDTH] = {0}, keep[3] = {1, 1, 1}, mix[3] = {0, 0, 0};
            const rf_hook *hook = cond[r].hook;
            for (int i = 0; i < 3 * WIDTH; i++) own[i] = 0.1f * (float)(block + 1) * x[r * WIDTH + i % WIDTH] + 0.01f * (float)(i + cond[r].label);
            hooked_rows += hook != NULL;
            null_rows_hooked += hook && cond[r].label == NULL_LABEL;
            if (hook && hook->before) hook->before(hook->self, block, 1, WIDTH, given, keep, mix);
            for (int i = 0; i < WIDTH; i++) {
                float q = keep[0] * own[i] + mix[0] * given[i], value = keep[2] * own[2 * WIDTH + i] + mix[2] * given[2 * WIDTH + i];
                v[r * WIDTH + i] += 0.3f * value + 0.2f * q * value;
            }
            if (hook && hook->after) hook->after(hook->self, block, 1, WIDTH, own);
        }
    return RF_OK;
}
static const rf_field attention_field = {.scalars = WIDTH, .null_label = NULL_LABEL, .velocity = attentive};

static const rf_field field = {.scalars = WIDTH, .null_label = NULL_LABEL, .velocity = velocity};
static const float source[WIDTH] = {0.9f, -0.4f, 0.1f, -0.99f, 0.5f, 0.3f};
static double uniform[STEPS_MOST + 1];

static rf_edit_opts opts_of(const char *strategy, int steps) {
    rf_edit_opts opts = rf__edit_defaults();
    for (int i = 0; i <= steps; i++) uniform[i] = (double)i / steps;
    opts.strategy = rf__edit_strategy_find(strategy);
    opts.times = uniform;
    opts.steps = steps;
    opts.source_label = 1;
    opts.target_label = 2;
    return opts;
}

/* ---- running jobs: those of one edit, and strangers beside it ---- */

typedef struct walk { rf_edit *edit; rf_edit_pass pass; bool done; } walk;

static void finished(void *user, const rf_trajectory *trajectory) {
    (void)user;
    walk *w = trajectory->spec.user;
    if (!w) return;
    assert_int_equal(rf__edit_take(w->edit, w->pass, trajectory), RF_OK);
    w->done = true;
}

static void run_pass(rf_edit *edit, rf_edit_pass pass, int strangers) {
    static double grid[8];
    rf_batcher *batcher = NULL;
    const rf_batcher_opts opts = {.rows = 8, .slots = 8, .queue = 16, .finished = finished};
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    walk w = {edit, pass, false};
    for (int i = 0; i < 8; i++) grid[i] = i / 7.0;
    for (int i = 0; i < strangers; i++) {
        rf_job_spec spec = {.field = &field, .solver = rf__solver_find("heun"), .times = grid, .steps = 7, .seed = (uint64_t)i, .cond = {.label = i % 4}};
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    assert_true(rf__edit_ready(edit, pass));
    rf_job_spec spec = {.user = &w};
    rf__edit_describe(edit, pass, &spec);
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    assert_true(w.done);
    rf__batcher_free(&batcher);
}

static rf_edit *run(const rf_edit_opts *opts, int strangers) {
    rf_edit *edit = NULL;
    assert_int_equal(rf__edit_create(&edit, opts, &field, source), RF_OK);
    asked_count = 0;
    for (int pass = 0; pass < RF_EDIT_PASSES; pass++)
        if (rf__edit_has(edit, (rf_edit_pass)pass)) run_pass(edit, (rf_edit_pass)pass, strangers);
    return edit;
}

static double error_of(const rf_edit *edit, rf_edit_pass pass) {
    double worst = 0;
    for (int i = 0; i < WIDTH; i++) worst = fmax(worst, fabs((double)rf__edit_result(edit, pass)[i] - (double)source[i]));
    return worst;
}

static double round_trip(const char *strategy, int steps) {
    rf_edit_opts opts = opts_of(strategy, steps);
    rf_edit *edit = run(&opts, 0);
    double error = error_of(edit, RF_EDIT_RECONSTRUCT);
    rf__edit_free(&edit);
    return error;
}

/* ---- the tests ---- */

static void the_way_back_has_the_same_numbers(void **state) {
    (void)state;
    rf_edit_opts opts = opts_of("fireflow", 30);
    double bent[31];
    for (int i = 0; i <= 30; i++) bent[i] = 3.0 * i / 30 / (1 + 2.0 * i / 30);
    opts.times = bent;
    rf_edit *edit = NULL;
    assert_int_equal(rf__edit_create(&edit, &opts, &field, source), RF_OK);
    rf_job_spec there = {0}, back = {0};
    rf__edit_describe(edit, RF_EDIT_INVERT, &there);
    rf__edit_describe(edit, RF_EDIT_SAMPLE, &back);
    for (int i = 0; i <= 30; i++) assert_memory_equal(&there.times[i], &back.times[30 - i], sizeof(double));
    rf__edit_free(&edit);
}

static void calls_of_a_pass(void **state) {
    (void)state;
    const struct { const char *name; int passes[2]; } want[] = {
        {"fireflow", {9, 9}}, {"rf_solver", {16, 16}}, {"euler", {8, 8}}, {"reversible", {9, 8}}, {"rf_inversion", {8, 8}}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        rf_edit_opts opts = opts_of(want[i].name, 8);
        rf_edit *edit = run(&opts, 0);
        assert_int_equal(edit->counters[RF_EDIT_INVERT].rows_full, want[i].passes[0]);
        assert_int_equal(edit->counters[RF_EDIT_SAMPLE].rows_full, want[i].passes[1]);
        rf__edit_free(&edit);
    }
}

/* Twice the steps, at most a fourth of the error (+ 20 %); and for the same calls below midpoint and Euler. The methods page measured a
 * fourth on a stiff field. On a smooth one it is an eighth: the local error of a second-order method changes its sign with the step, so that
 * the way back takes away what the way there added, up to the next order. */
static void errors_of_the_round_trip(void **state) {
    (void)state;
    double ratio = round_trip("fireflow", 16) / round_trip("fireflow", 32);
    assert_true(ratio > 4 * 0.8 && ratio < 8 * 1.2);
    double fireflow = round_trip("fireflow", 16);
    assert_true(fireflow < round_trip("rf_solver", 8)); /* 34 and 32 calls */
    assert_true(fireflow < round_trip("euler", 17));
    assert_true(round_trip("reversible", 16) < 2e-6);
}

/* The state handed to the field lies at the time handed to the field: for a field that returns its own t the walk's x follows t. */
static rf_status clock_velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)cond;
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < WIDTH; i++) {
            assert_float_equal(x[r * WIDTH + i], source[i] + t[r] - 1, 2e-6);
            v[r * WIDTH + i] = 1;
        }
    return RF_OK;
}

static void one_clock(void **state) {
    (void)state;
    const rf_field clock = {.scalars = WIDTH, .null_label = -1, .velocity = clock_velocity};
    double bent[18];
    for (int i = 0; i <= 17; i++) bent[i] = i == 17 ? 1 : 3.0 * i / 17 / (1 + 2.0 * i / 17);
    for (const rf_solver *const *solver = rf__solvers(); *solver; solver++) {
        if ((*solver)->adaptive || (*solver)->blocks || (*solver)->order == 0) continue;
        rf_edit_opts opts = opts_of("fireflow", 17);
        opts.times = bent;
        opts.solver = *solver;
        opts.source_label = opts.target_label = -1;
        rf_edit *edit = NULL;
        assert_int_equal(rf__edit_create(&edit, &opts, &clock, source), RF_OK);
        for (int pass = 0; pass < RF_EDIT_PASSES; pass++) run_pass(edit, (rf_edit_pass)pass, 0);
        assert_true(error_of(edit, RF_EDIT_SAMPLE) < 2e-6);
        rf__edit_free(&edit);
    }
}

static void pulls_of_zero_and_one(void **state) {
    (void)state;
    rf_edit_opts opts = opts_of("rf_inversion", 12), without = opts_of("euler", 12);
    opts.gamma = opts.eta = 0;
    rf_edit *a = run(&opts, 0), *b = run(&without, 0);
    assert_memory_equal(rf__edit_result(a, RF_EDIT_INVERT), rf__edit_result(b, RF_EDIT_INVERT), sizeof source);
    assert_memory_equal(rf__edit_result(a, RF_EDIT_SAMPLE), rf__edit_result(b, RF_EDIT_SAMPLE), sizeof source);
    rf__edit_free(&a);
    rf__edit_free(&b);
    opts.eta = opts.stop = 1;
    opts.gamma = 0.5;
    a = run(&opts, 0);
    assert_true(error_of(a, RF_EDIT_SAMPLE) < 1e-6);
    rf__edit_free(&a);
}

static void neighbours_do_not_matter(void **state) {
    (void)state;
    for (const rf_edit_strategy *const *strategy = rf__edit_strategies(); *strategy; strategy++) {
        rf_edit_opts opts = opts_of((*strategy)->name, 5);
        opts.target_scale = 2.5;
        opts.source_scale = 1.5;
        rf_edit *alone = run(&opts, 0), *among = run(&opts, 9);
        for (int pass = 0; pass < RF_EDIT_PASSES; pass++)
            if (rf__edit_has(alone, (rf_edit_pass)pass))
                assert_memory_equal(rf__edit_result(alone, (rf_edit_pass)pass), rf__edit_result(among, (rf_edit_pass)pass), sizeof source);
        assert_int_equal(rf__edit_rows(alone), rf__edit_rows(among));
        rf__edit_free(&alone);
        rf__edit_free(&among);
    }
}

static void the_mask_keeps_the_source(void **state) {
    (void)state;
    const float mask[WIDTH] = {0, 1, 0, 0.5f, 1, 0};
    for (const rf_edit_strategy *const *strategy = rf__edit_strategies(); *strategy; strategy++) {
        rf_edit_opts opts = opts_of((*strategy)->name, 8), free_opts = opts;
        opts.mask = mask;
        rf_edit *masked = run(&opts, 0), *open = run(&free_opts, 0);
        const float *x = rf__edit_result(masked, RF_EDIT_SAMPLE), *y = rf__edit_result(open, RF_EDIT_SAMPLE);
        for (int i = 0; i < WIDTH; i++) {
            if (mask[i] == 0) assert_memory_equal(&x[i], &source[i], sizeof(float));
            if (mask[i] == 1) assert_memory_equal(&x[i], &y[i], sizeof(float)); /* the field has no neighbours */
        }
        rf__edit_free(&masked);
        rf__edit_free(&open);
    }
}

static void flowedit_from_a_class_to_itself_changes_nothing(void **state) {
    (void)state;
    rf_edit_opts opts = opts_of("flowedit", 8);
    opts.target_label = 1;
    opts.target_scale = opts.source_scale = 3;
    rf_edit *edit = run(&opts, 0);
    assert_true(error_of(edit, RF_EDIT_SAMPLE) == 0);
    assert_int_equal(rf__edit_rows(edit), 8 * 4);
    rf__edit_free(&edit);
    opts.target_label = 2;
    edit = run(&opts, 0);
    assert_true(error_of(edit, RF_EDIT_SAMPLE) > 0.01);
    rf__edit_free(&edit);
}

static rf_edit *run_attentive(const rf_edit_opts *opts, int strangers) {
    rf_edit *edit = NULL;
    assert_int_equal(rf__edit_create(&edit, opts, &attention_field, source), RF_OK);
    for (int pass = 0; pass < RF_EDIT_PASSES; pass++) run_pass(edit, (rf_edit_pass)pass, strangers);
    return edit;
}

/* n injected steps are n + 1 evaluations of FireFlow, of which the first was never recorded; RF-Solver records every one. */
static void hits_and_misses(void **state) {
    (void)state;
    for (int inject = 1; inject <= 6; inject++) {
        rf_edit_opts opts = opts_of("fireflow", 6);
        opts.inject = inject;
        rf_edit *edit = run_attentive(&opts, 0);
        rf_feature_stats stats = rf__edit_features(edit);
        assert_int_equal(stats.hits, inject * BLOCKS);
        assert_int_equal(stats.misses, BLOCKS);
        assert_int_equal(stats.dropped, 0);
        assert_int_equal(rf__edit_rows(edit), 14);
        rf__edit_free(&edit);
        opts = opts_of("rf_solver", 6);
        opts.inject = inject;
        edit = run_attentive(&opts, 0);
        stats = rf__edit_features(edit);
        assert_int_equal(stats.hits, 2 * inject * BLOCKS);
        assert_int_equal(stats.misses, 0);
        rf__edit_free(&edit);
    }
}

static void hooks_are_for_conditional_rows(void **state) {
    (void)state;
    rf_edit_opts opts = opts_of("fireflow", 5);
    opts.target_scale = opts.source_scale = 3;
    opts.inject = 5;
    hooked_rows = null_rows_hooked = 0;
    rf_edit *edit = run_attentive(&opts, 0);
    assert_int_equal(hooked_rows, 2 * 6 * BLOCKS);
    assert_int_equal(null_rows_hooked, 0);
    rf__edit_free(&edit);
}

static void features_and_neighbours(void **state) {
    (void)state;
    rf_edit_opts opts = opts_of("fireflow", 6), free_opts = opts;
    opts.inject = 3;
    rf_edit *alone = run_attentive(&opts, 0), *among = run_attentive(&opts, 9), *open = run_attentive(&free_opts, 0);
    assert_memory_equal(rf__edit_result(alone, RF_EDIT_SAMPLE), rf__edit_result(among, RF_EDIT_SAMPLE), sizeof source);
    assert_memory_not_equal(rf__edit_result(alone, RF_EDIT_SAMPLE), rf__edit_result(open, RF_EDIT_SAMPLE), sizeof source);
    assert_memory_equal(rf__edit_result(alone, RF_EDIT_RECONSTRUCT), rf__edit_result(open, RF_EDIT_RECONSTRUCT), sizeof source);
    rf__edit_free(&among);
    opts.rule = (rf_replay_rule){.keep = {1, 1, 1}}; /* strength 0 */
    among = run_attentive(&opts, 0);
    assert_memory_equal(rf__edit_result(among, RF_EDIT_SAMPLE), rf__edit_result(open, RF_EDIT_SAMPLE), sizeof source);
    rf__edit_free(&among);
    opts = opts_of("fireflow", 6);
    opts.inject = 3;
    opts.memory = 0; /* a full store */
    among = run_attentive(&opts, 0);
    assert_memory_equal(rf__edit_result(among, RF_EDIT_SAMPLE), rf__edit_result(open, RF_EDIT_SAMPLE), sizeof source);
    assert_int_equal(rf__edit_features(among).dropped, 3 * BLOCKS);
    rf__edit_free(&among);
    opts.disk = 1 << 20;
    opts.memory = 0;
    among = run_attentive(&opts, 0);
    assert_memory_equal(rf__edit_result(among, RF_EDIT_SAMPLE), rf__edit_result(alone, RF_EDIT_SAMPLE), sizeof source);
    rf__edit_free(&among);
    rf__edit_free(&alone);
    rf__edit_free(&open);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    rf_edit *edit = NULL;
    rf_edit_opts opts = opts_of("fireflow", 4);
    opts.strength = 1.5;
    assert_int_equal(rf__edit_create(&edit, &opts, &field, source), RF_EINVAL);
    opts = opts_of("rf_inversion", 4);
    opts.eta = -1;
    assert_int_equal(rf__edit_create(&edit, &opts, &field, source), RF_EINVAL);
    opts = opts_of("fireflow", 4);
    opts.inject = 5;
    assert_int_equal(rf__edit_create(&edit, &opts, &field, source), RF_EINVAL);
    opts = opts_of("sdedit", 4);
    opts.inject = 1;
    assert_int_equal(rf__edit_create(&edit, &opts, &field, source), RF_EINVAL);
    opts = opts_of("fireflow", 4);
    opts.solver = rf__solver_find("dopri5");
    assert_int_equal(rf__edit_create(&edit, &opts, &field, source), RF_EINVAL);
    assert_null(edit);
    assert_null(rf__edit_strategy_find("magic"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_back_has_the_same_numbers), cmocka_unit_test(calls_of_a_pass),
        cmocka_unit_test(errors_of_the_round_trip),          cmocka_unit_test(one_clock),
        cmocka_unit_test(pulls_of_zero_and_one),             cmocka_unit_test(neighbours_do_not_matter),
        cmocka_unit_test(the_mask_keeps_the_source),         cmocka_unit_test(flowedit_from_a_class_to_itself_changes_nothing),
        cmocka_unit_test(hits_and_misses),                   cmocka_unit_test(hooks_are_for_conditional_rows),
        cmocka_unit_test(features_and_neighbours),           cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
