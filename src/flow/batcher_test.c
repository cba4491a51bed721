/* batcher_test.c - mixed jobs in one batch equal the same jobs alone, bit for bit; counters are exact; a bad
 * row, a cancel and a failing network harm nobody else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../base/file.h"
#include "../base/rng.h"
#include "batcher.h"

enum { WIDTH = 5, NULL_LABEL = 10, POISON = 7, JOBS = 40 };

typedef struct test_field {
    int64_t calls, rows, most_rows;
    int poisoned_call; /* label POISON turns NaN from this call of it on; 0: never */
    int poison_calls;
    rf_status broken;
    double gain;
} test_field;

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond,
                          float *v) {
    test_field *field = self;
    if (field->broken) return rf__fail(field->broken, "the test broke the network");
    field->calls++;
    field->rows += rows;
    if (rows > field->most_rows) field->most_rows = rows;
    for (int64_t r = 0; r < rows; r++) {
        bool bad =
            cond[r].label == POISON && field->poisoned_call && ++field->poison_calls >= field->poisoned_call;
        for (int i = 0; i < WIDTH; i++) {
            float value = x[r * WIDTH + i];
            v[r * WIDTH + i] =
                bad ? NAN : (float)field->gain * sinf(value + (float)cond[r].label) - value * t[r];
        }
    }
    return RF_OK;
}

typedef struct result {
    rf_job_status status;
    float x[WIDTH];
    rf_counters counters;
    char sentence[256];
    int times_reported;
} result;

static void keep(void *user, const rf_trajectory *trajectory) {
    (void)user;
    result *out = trajectory->spec.user;
    out->status = trajectory->status;
    out->counters = trajectory->counters;
    memcpy(out->sentence, trajectory->sentence, sizeof out->sentence);
    if (trajectory->job.x) memcpy(out->x, trajectory->job.x, sizeof out->x);
    out->times_reported++;
}

/* ---- policies of the test: every kind of answer ---- */
static rf_kind skip_every_third(void *state, const rf_step_view *view) {
    (void)state;
    return view->job->calls % 3 == 2 ? RF_KIND_EXTRAPOLATE : RF_KIND_FULL;
}
static rf_kind refine_odd(void *state, const rf_step_view *view) {
    (void)state;
    return view->job->calls % 2 ? RF_KIND_REFINE : RF_KIND_FULL;
}
static rf_status refuse(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)state, (void)setup, (void)job;
    return rf__fail(RF_EINVAL, "not today");
}
static const rf_policy stubborn = {.name = "stubborn", .begin = refuse, .choose = refine_odd};
static const rf_policy skipping = {.name = "skipping", .history = true, .choose = skip_every_third};
static const rf_policy refining = {.name = "refining", .choose = refine_odd};

/* ---- a varied set of jobs ---- */
static test_field network, light;
static rf_field full_field = {&network, WIDTH, NULL_LABEL, velocity},
                refiner_field = {&light, WIDTH, NULL_LABEL, velocity};
static double grids[JOBS][32];

static void reset(void) {
    network = (test_field){.gain = 1};
    light = (test_field){.gain = 0.9};
    rf__interrupted = 0;
}

static rf_job_spec spec_of(int index, result *out) {
    int steps = 1 + index * 7 % 23;
    bool backward = index % 5 == 4;
    for (int k = 0; k <= steps; k++) grids[index][k] = backward ? 1 - (double)k / steps : (double)k / steps;
    rf_job_spec spec = {.field = &full_field,
                        .refiner = &refiner_field,
                        .times = grids[index],
                        .steps = steps,
                        .seed = 100 + (uint64_t)index};
    spec.solver = rf__solver_find(index % 2 ? "heun" : "euler");
    spec.cond.label = index % 10;
    spec.guidance = rf__guidance_find(index % 3 ? "cfg" : "none");
    spec.guidance_opts = (rf_guidance_opts){.scale = 1.5 + index % 4, .low = 0.2, .high = 0.8};
    if (index % 4 == 1) spec.policy = &skipping;
    if (index % 4 == 2) spec.policy = &refining;
    spec.user = out;
    return spec;
}

static rf_batcher *make(int rows, int slots, int queue) {
    rf_batcher *batcher = NULL;
    rf_batcher_opts opts = {.rows = rows, .slots = slots, .queue = queue, .finished = keep};
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    return batcher;
}

static void drain(rf_batcher *batcher) {
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
}

static void run_all(result *results, int count, int rows, int slots) {
    rf_batcher *batcher = make(rows, slots, 4);
    for (int i = 0; i < count;) {
        while (i < count && rf__batcher_room(batcher) > 0) {
            rf_job_spec spec = spec_of(i, &results[i]);
            assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
            i++;
        }
        assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    }
    drain(batcher);
    rf__batcher_free(&batcher);
}

static void batch_equals_solo(void **state) {
    (void)state;
    static result alone[JOBS], together[JOBS];
    memset(alone, 0, sizeof alone);
    reset();
    for (int i = 0; i < JOBS; i++) {
        rf_batcher *batcher = make(2, 1, 1);
        rf_job_spec spec = spec_of(i, &alone[i]);
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
        drain(batcher);
        rf__batcher_free(&batcher);
        assert_int_equal(alone[i].status, RF_JOB_DONE);
    }
    const int shapes[][2] = {{2, 1}, {2, 7}, {3, 3}, {8, 8}, {16, 5}, {64, 40}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        memset(together, 0, sizeof together);
        run_all(together, JOBS, shapes[s][0], shapes[s][1]);
        for (int i = 0; i < JOBS; i++) {
            assert_int_equal(together[i].times_reported, 1);
            assert_memory_equal(together[i].x, alone[i].x, sizeof alone[i].x);
            assert_memory_equal(&together[i].counters, &alone[i].counters, sizeof alone[i].counters);
        }
    }
}

static void counters_sum_to_the_rows_of_the_networks(void **state) {
    (void)state;
    static result results[JOBS];
    memset(results, 0, sizeof results);
    reset();
    run_all(results, JOBS, 8, 8);
    int64_t full = 0, refine = 0;
    for (int i = 0; i < JOBS; i++) {
        const rf_counters *counters = &results[i].counters;
        int steps = 1 + i * 7 % 23, asks = steps * (i % 2 ? 2 : 1);
        assert_int_equal(counters->nfe_full + counters->nfe_refine + counters->extrapolated, asks);
        if (i % 4 == 1) assert_int_equal(counters->extrapolated, asks / 3);
        if (i % 4 == 2) assert_int_equal(counters->nfe_refine, asks / 2);
        if (i % 4 == 0 || i % 4 == 3) assert_int_equal(counters->nfe_full, asks);
        if (i % 3 == 0) assert_int_equal(counters->rows_full, counters->nfe_full);
        full += counters->rows_full;
        refine += counters->rows_refine;
    }
    assert_int_equal(network.rows, full);
    assert_int_equal(light.rows, refine);
    assert_true(network.most_rows <= 8 && light.most_rows <= 8);
}

/* Equal jobs that fit one call: as many calls as one job takes. */
static void full_batches_take_no_extra_calls(void **state) {
    (void)state;
    result results[6] = {0};
    reset();
    rf_batcher *batcher = make(12, 6, 6);
    for (int i = 0; i < 6; i++) {
        rf_job_spec spec = spec_of(0, &results[i]);
        double grid[] = {0, 0.25, 0.5, 0.75, 1};
        spec.times = grid; /* copied: the next round of the loop may overwrite it */
        spec.steps = 4;
        spec.guidance = rf__guidance_find("cfg");
        spec.guidance_opts = (rf_guidance_opts){.scale = 2, .high = 1};
        spec.seed = (uint64_t)i;
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    for (int tick = 1; tick <= 3; tick++) {
        assert_int_equal(rf__batcher_tick(batcher), RF_OK);
        assert_int_equal(rf__batcher_stats(batcher).answers, 6 * tick);
    }
    drain(batcher);
    assert_int_equal(network.calls, 4);
    assert_int_equal(network.rows, 4 * 12);
    assert_int_equal(rf__batcher_stats(batcher).done, 6);
    assert_int_equal(rf__batcher_stats(batcher).answers, 4 * 6);
    assert_int_equal(rf__batcher_tick(batcher), RF_OK); /* empty: no call */
    assert_int_equal(network.calls, 4);
    rf__batcher_free(&batcher);
}

static void noise_belongs_to_the_seed(void **state) {
    (void)state;
    reset();
    rf_trajectory *trajectory = NULL;
    rf_job_spec spec = spec_of(3, NULL);
    float expected[WIDTH];
    rf__rng_normal_sample(103, RF_STREAM_NOISE, 0, WIDTH, expected);
    assert_int_equal(rf__trajectory_create(&trajectory, &spec), RF_OK);
    assert_int_equal(rf__trajectory_start(trajectory), RF_OK);
    assert_memory_equal(trajectory->job.x, expected, sizeof expected);
    rf__trajectory_free(&trajectory);
    float init[WIDTH] = {1, 2, 3, 4, 5};
    spec.init = init;
    assert_int_equal(rf__trajectory_create(&trajectory, &spec), RF_OK);
    assert_int_equal(rf__trajectory_start(trajectory), RF_OK);
    assert_memory_equal(trajectory->job.x, init, sizeof init);
    rf__trajectory_free(&trajectory);
}

static void bad_row_fails_only_its_job(void **state) {
    (void)state;
    static result clean[JOBS], poisoned[JOBS];
    memset(clean, 0, sizeof clean);
    memset(poisoned, 0, sizeof poisoned);
    reset();
    run_all(clean, JOBS, 16, 16);
    reset();
    network.poisoned_call = 3;
    run_all(poisoned, JOBS, 16, 16);
    int failed = 0;
    for (int i = 0; i < JOBS; i++) {
        if (i % 10 != POISON) {
            assert_int_equal(poisoned[i].status, RF_JOB_DONE);
            assert_memory_equal(poisoned[i].x, clean[i].x, sizeof clean[i].x);
            continue;
        }
        if (poisoned[i].status == RF_JOB_DONE) continue; /* over before the third call */
        failed++;
        assert_int_equal(poisoned[i].status, RF_JOB_FAILED);
        assert_non_null(strstr(poisoned[i].sentence, "not a finite number"));
    }
    assert_true(failed > 0);
}

static void cancel_frees_the_slot(void **state) {
    (void)state;
    result results[6] = {0}, clean[6] = {0};
    reset();
    run_all(clean, 6, 4, 2);
    reset();
    rf_batcher *batcher = make(4, 2, 6);
    uint64_t id[6];
    for (int i = 0; i < 6; i++) {
        rf_job_spec spec = spec_of(i, &results[i]);
        assert_int_equal(rf__batcher_submit(batcher, &spec, &id[i]), RF_OK);
    }
    assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    assert_true(rf__batcher_cancel(batcher, id[1]));  /* walks */
    assert_true(rf__batcher_cancel(batcher, id[3]));  /* waits */
    assert_true(rf__batcher_cancel(batcher, id[5]));  /* waits, last */
    assert_false(rf__batcher_cancel(batcher, id[5])); /* once */
    assert_false(rf__batcher_cancel(batcher, 999));
    drain(batcher);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(results[i].times_reported, 1);
        assert_int_equal(results[i].status, i % 2 ? RF_JOB_CANCELLED : RF_JOB_DONE);
        if (i % 2 == 0) assert_memory_equal(results[i].x, clean[i].x, sizeof clean[i].x);
    }
    assert_int_equal(rf__batcher_stats(batcher).cancelled, 3);
    rf__batcher_free(&batcher);
}

/* Its policy finds only at the start that it cannot work: it leaves with the sentence, and those behind it are served. */
static void a_job_that_cannot_begin_leaves(void **state) {
    (void)state;
    result results[4] = {0}, clean[4] = {0};
    reset();
    run_all(clean, 4, 4, 2);
    reset();
    rf_batcher *batcher = make(4, 2, 4);
    for (int i = 0; i < 4; i++) {
        rf_job_spec spec = spec_of(i, &results[i]);
        if (i == 1) spec.policy = &stubborn;
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    drain(batcher);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(results[i].times_reported, 1);
        assert_int_equal(results[i].status, i == 1 ? RF_JOB_FAILED : RF_JOB_DONE);
        if (i != 1) assert_memory_equal(results[i].x, clean[i].x, sizeof clean[i].x);
    }
    assert_string_equal(results[1].sentence, "not today");
    assert_int_equal(rf__batcher_stats(batcher).failed, 1);
    rf__batcher_free(&batcher);
}

static void failing_network_can_be_tried_again(void **state) {
    (void)state;
    result broken = {0}, clean = {0};
    reset();
    run_all(&clean, 1, 4, 4);
    rf_batcher *batcher = make(4, 4, 4);
    rf_job_spec spec = spec_of(0, &broken);
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    network.broken = RF_ENOMEM;
    assert_int_equal(rf__batcher_tick(batcher), RF_ENOMEM);
    assert_int_equal(broken.times_reported, 0);
    network.broken = RF_OK;
    rf__interrupted = 1;
    assert_int_equal(rf__batcher_tick(batcher), RF_EINTERRUPTED);
    rf__interrupted = 0;
    drain(batcher);
    assert_memory_equal(broken.x, clean.x, sizeof clean.x);
    rf__batcher_free(&batcher);
}

static void wrong_jobs_and_full_lines_are_refused(void **state) {
    (void)state;
    result out = {0};
    reset();
    rf_batcher *batcher = make(1, 1, 2);
    rf_job_spec good = spec_of(0, &out), spec = good;
    spec.guidance = rf__guidance_find("cfg");
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL),
                     RF_EINVAL); /* two rows an answer, one a call */
    spec = good;
    spec.steps = 0;
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_EINVAL);
    spec = good;
    rf_field unconditional = full_field;
    unconditional.null_label = -1;
    spec.field = &unconditional;
    spec.guidance = rf__guidance_find("cfg");
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_EINVAL);
    spec = good;
    rf_field narrow = refiner_field;
    narrow.scalars = 4;
    spec.refiner = &narrow;
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_EMISMATCH);
    assert_int_equal(rf__batcher_room(batcher), 2);
    assert_int_equal(rf__batcher_submit(batcher, &good, NULL), RF_OK);
    assert_int_equal(rf__batcher_submit(batcher, &good, NULL), RF_OK);
    assert_int_equal(rf__batcher_submit(batcher, &good, NULL), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "line is full"));
    rf__batcher_free(&batcher);
    assert_int_equal(rf__batcher_create(&batcher, &(rf_batcher_opts){.rows = 0}), RF_EINVAL);
    assert_null(batcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_equals_solo),
        cmocka_unit_test(counters_sum_to_the_rows_of_the_networks),
        cmocka_unit_test(full_batches_take_no_extra_calls),
        cmocka_unit_test(noise_belongs_to_the_seed),
        cmocka_unit_test(bad_row_fails_only_its_job),
        cmocka_unit_test(cancel_frees_the_slot),
        cmocka_unit_test(a_job_that_cannot_begin_leaves),
        cmocka_unit_test(failing_network_can_be_tried_again),
        cmocka_unit_test(wrong_jobs_and_full_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
