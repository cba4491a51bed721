/* taps_test.c - rows whose attention is looked into: nothing changes unless something is injected, neighbours never do, and what one walk
 * recorded another one takes where it should (fireflow.md section 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rng.h"
#include "../flow/batcher.h"
#include "../flow/schedule.h"
#include "model_field.h"
#include "network_test.h"

enum { ROWS = 3, MAX_SCALARS = 192, CLASSES = 3, STEPS = 6 };

static const struct { const char *kind; int blocks; const char *settings[10]; } networks[] = {
    {"unet", 3, {"height=8", "width=8", "channels=3", "base=16", "multipliers=[1,2]", "blocks=1", "attention=[4]", "classes=3"}},
    {"dit", 2, {"height=8", "width=8", "channels=3", "hidden=48", "heads=3", "depth=2", "classes=3"}},
};

static rf_model *network(int index) { return network_of(networks[index].kind, networks[index].settings, 1, 0.1f); }

/* Counts its calls; injects `scale` times a pattern, or records. */
typedef struct probe {
    int before, after;
    float mix;
} probe;

static void count_after(void *self, int block, int64_t tokens, int64_t width, const float *own) {
    (void)block, (void)tokens, (void)width;
    ((probe *)self)->after++;
    assert_true(own[0] == own[0]);
}

static void inject_pattern(void *self, int block, int64_t tokens, int64_t width, float *given, float keep[3], float mix[3]) {
    (void)block;
    probe *p = self;
    p->before++;
    for (int64_t i = 0; i < tokens * 3 * width; i++) given[i] = (float)(i % 13) - 6;
    for (int k = 0; k < 3; k++) {
        keep[k] = 1 - p->mix;
        mix[k] = p->mix;
    }
}

typedef struct call {
    float x[ROWS * MAX_SCALARS], t[ROWS], v[ROWS * MAX_SCALARS];
    rf_cond cond[ROWS];
} call;

static void ask(rf_model_field *handle, call *c, int rows) {
    rf_field field = rf__model_field_view(handle);
    rf__rng_normal(2, RF_STREAM_NOISE, 0, ROWS * field.scalars, c->x);
    rf__rng_uniform(2, RF_STREAM_TIME, 0, ROWS, c->t);
    for (int r = 0; r < ROWS; r++) c->cond[r].label = r;
    if (field.velocity(field.self, rows, c->x, c->t, c->cond, c->v) != RF_OK) fail_msg("%s", rf_last_error());
}

static void check_bytes(rf_dtype dtype) {
    for (int index = 0; index < 2; index++) {
        rf_model *model = network(index);
        rf_model_field *field;
        assert_int_equal(rf__model_field_open(&field, model, dtype, NULL, 4), RF_OK);
        size_t row = (size_t)rf__model_field_view(field).scalars;
        static call plain, tapped;
        probe watch = {0}, zero = {.mix = 0}, half = {.mix = 0.5f};
        rf_hook watching = {&watch, NULL, count_after}, strength0 = {&zero, inject_pattern, NULL}, injecting = {&half, inject_pattern, NULL};
        memset(&plain, 0, sizeof plain);
        ask(field, &plain, ROWS);
        memset(&tapped, 0, sizeof tapped);
        tapped.cond[0].hook = &watching;
        tapped.cond[1].hook = &strength0;
        ask(field, &tapped, ROWS);
        /* looking on, strength 0 and neighbours of hooks: the bytes of the plain plan */
        if (memcmp(plain.v, tapped.v, ROWS * row * sizeof(float))) fail_msg("%s: looking on changes bytes", networks[index].kind);
        assert_int_equal(watch.after, networks[index].blocks);
        assert_int_equal(zero.before, networks[index].blocks);
        /* injection moves its own row and no other, and the same in another batch */
        tapped.cond[0].hook = tapped.cond[1].hook = NULL;
        tapped.cond[2].hook = &injecting;
        ask(field, &tapped, ROWS);
        assert_memory_equal(plain.v, tapped.v, 2 * row * sizeof(float));
        assert_true(memcmp(plain.v + 2 * row, tapped.v + 2 * row, row * sizeof(float)) != 0);
        static call alone;
        memset(&alone, 0, sizeof alone);
        ask(field, &alone, ROWS);
        rf_field view = rf__model_field_view(field);
        rf_cond cond = {.label = 2, .hook = &injecting};
        assert_int_equal(view.velocity(view.self, 1, alone.x + 2 * row, alone.t + 2, &cond, alone.v), RF_OK);
        assert_memory_equal(alone.v, tapped.v + 2 * row, row * sizeof(float));
        rf__model_field_close(&field);
        rf__model_free(&model);
    }
}

static void same_bytes_f32(void **state) { (void)state; check_bytes(RF_F32); }
static void same_bytes_bf16(void **state) { (void)state; check_bytes(RF_BF16); }

/* ---- walks ---- */

typedef struct walks {
    float x[4][MAX_SCALARS];
    rf_counters counters[4];
    size_t bytes;
} walks;

static void finished(void *user, const rf_trajectory *trajectory) {
    walks *w = user;
    if (trajectory->status != RF_JOB_DONE) fail_msg("%s", trajectory->sentence);
    int k = (int)(intptr_t)trajectory->spec.user;
    memcpy(w->x[k], trajectory->job.x, w->bytes);
    w->counters[k] = trajectory->counters;
}

static void run(walks *w, const rf_job_spec *specs, int count) {
    rf_batcher *batcher;
    w->bytes = (size_t)specs->field->scalars * sizeof(float);
    assert_int_equal(rf__batcher_create(&batcher, &(rf_batcher_opts){.rows = 8, .finished = finished, .user = w}), RF_OK);
    for (int i = 0; i < count; i++) {
        rf_job_spec spec = specs[i];
        spec.user = (void *)(intptr_t)i;
        if (rf__batcher_submit(batcher, &spec, NULL) != RF_OK) fail_msg("%s", rf_last_error());
    }
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    rf__batcher_free(&batcher);
}

typedef struct edit {
    rf_model *model;
    rf_model_field *network;
    rf_field field;
    double up[STEPS + 1], down[STEPS + 1];
    rf_feature_store *store;
    rf_replay record, inject;
} edit;

static void edit_open(edit *e, const char *rule, int inject) {
    e->model = network(1);
    assert_int_equal(rf__model_field_open(&e->network, e->model, RF_F32, NULL, 8), RF_OK);
    e->field = rf__model_field_view(e->network);
    for (int i = 0; i <= STEPS; i++) {
        e->up[i] = (double)i / STEPS;
        e->down[STEPS - i] = e->up[i]; /* element by element the same floats */
    }
    assert_int_equal(rf__feature_store_create(&e->store, 1 << 20, 0), RF_OK);
    e->record = (rf_replay){.store = e->store, .record = true, .inject = inject, .last_block = -1};
    assert_int_equal(rf__replay_rule_parse(&e->record.rule, rule), RF_OK);
    e->inject = e->record;
    e->inject.record = false;
}

static void edit_close(edit *e) {
    rf__feature_store_free(&e->store);
    rf__model_field_close(&e->network);
    rf__model_free(&e->model);
}

/* FireFlow's inversion records; its sampling finds everything but the very first evaluation, which runs free. */
static void hits_and_misses(void **state) {
    (void)state;
    for (int inject = 1; inject <= STEPS; inject++) {
        edit e;
        edit_open(&e, "replace_v", inject);
        static walks back, there;
        float image[MAX_SCALARS];
        rf__rng_normal(5, RF_STREAM_NOISE, 0, e.field.scalars, image);
        rf_job_spec spec = {.field = &e.field, .solver = rf__solver_find("fireflow"), .times = e.down, .steps = STEPS, .cond = {.label = 1}, .init = image,
                            .replay = &e.record};
        run(&back, &spec, 1);
        assert_int_equal(back.counters[0].nfe_full, STEPS + 1);
        spec.times = e.up, spec.init = back.x[0], spec.replay = &e.inject, spec.cond.label = 2;
        run(&there, &spec, 1);
        rf_feature_stats stats = rf__feature_store_stats(e.store);
        assert_int_equal(stats.hits, inject * networks[1].blocks);
        assert_int_equal(stats.misses, networks[1].blocks); /* the predictor at the noise: pass 1 ended without one */
        assert_int_equal(stats.dropped, 0);
        edit_close(&e);
    }
}

/* Same class both ways and Euler, whose two passes evaluate at other ends of an interval: injected rows differ from free ones, an edit row
 * beside generation rows equals the edit alone, and under guidance only the conditional row takes anything. */
static void an_edit_beside_generation(void **state) {
    (void)state;
    edit e;
    edit_open(&e, "replace_v+add_q:0.1", 3);
    static walks back, alone, mixed, free_run;
    float image[MAX_SCALARS];
    rf__rng_normal(6, RF_STREAM_NOISE, 0, e.field.scalars, image);
    const rf_guidance_opts guided = {.scale = 2, .high = 1};
    rf_job_spec spec = {.field = &e.field, .solver = rf__solver_find("euler"), .times = e.down, .steps = STEPS, .cond = {.label = 1}, .init = image,
                        .replay = &e.record};
    run(&back, &spec, 1);
    spec.times = e.up, spec.init = back.x[0], spec.replay = &e.inject, spec.cond.label = 2, spec.guidance = rf__guidance_find("cfg"), spec.guidance_opts = guided;
    run(&alone, &spec, 1);
    rf_feature_stats once = rf__feature_store_stats(e.store);
    assert_int_equal(once.hits, 3 * networks[1].blocks * 2); /* q and v; two network rows an answer, one of them looks */
    rf_job_spec jobs[] = {{.field = &e.field, .solver = rf__solver_find("heun"), .times = e.up, .steps = 4, .cond = {.label = 0}, .seed = 3}, spec,
                          {.field = &e.field, .solver = rf__solver_find("ab2"), .times = e.up, .steps = STEPS, .cond = {.label = 1}, .seed = 4}};
    double short_grid[] = {0, 0.2, 0.5, 0.7, 1};
    jobs[0].times = short_grid;
    run(&mixed, jobs, 3);
    assert_memory_equal(mixed.x[1], alone.x[0], alone.bytes);
    jobs[1].replay = NULL;
    run(&free_run, jobs, 3);
    assert_true(memcmp(free_run.x[1], alone.x[0], alone.bytes) != 0);
    assert_memory_equal(free_run.x[0], mixed.x[0], alone.bytes);
    assert_memory_equal(free_run.x[2], mixed.x[2], alone.bytes);
    edit_close(&e);
}

/* Recorded and replaced at the same states, the walk is the same to the bit: the recorded value is the own one. */
static void replaying_oneself(void **state) {
    (void)state;
    edit e;
    edit_open(&e, "replace_v+replace_q+replace_k", STEPS);
    static walks first, second;
    rf_job_spec spec = {.field = &e.field, .solver = rf__solver_find("fireflow"), .times = e.up, .steps = STEPS, .cond = {.label = 1}, .seed = 8, .replay = &e.record};
    run(&first, &spec, 1);
    spec.replay = &e.inject;
    run(&second, &spec, 1);
    assert_memory_equal(first.x[0], second.x[0], first.bytes);
    rf_feature_stats stats = rf__feature_store_stats(e.store);
    assert_int_equal(stats.misses, 0);
    assert_int_equal(stats.hits, (STEPS + 1) * networks[1].blocks * 3);
    edit_close(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes_f32), cmocka_unit_test(same_bytes_bf16), cmocka_unit_test(hits_and_misses),
                                       cmocka_unit_test(an_edit_beside_generation), cmocka_unit_test(replaying_oneself)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
