/* job_spec_test.c - a field hears of the rows it will be asked for before the first call, and of no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "batcher.h"
#include "walk_test.h"

enum { STEPS = 4, MOST = 32, CLASSES = 10 };

/* What was announced, and how much of what was asked had been. */
typedef struct listener {
    int count, asked, known;
    float t[MOST];
    int32_t label[MOST];
    rf_status broken;
} listener;

static rf_status hear(void *network, int64_t rows, const float *t, const rf_cond *cond) {
    listener *l = network;
    for (int64_t r = 0; r < rows; r++, l->count++) {
        assert_true(l->count < MOST);
        l->t[l->count] = t[r];
        l->label[l->count] = cond[r].label;
    }
    return l->broken ? rf__fail(l->broken, "the test broke the field") : RF_OK;
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    listener *l = self;
    (void)x;
    for (int64_t r = 0; r < rows; r++, l->asked++) {
        bool known = false;
        for (int i = 0; i < l->count; i++) known = known || (l->t[i] == t[r] && l->label[i] == cond[r].label);
        l->known += known;
        v[PLANE * r] = v[PLANE * r + 1] = 1;
    }
    return RF_OK;
}

/* A field that stands before another. */
static rf_status passed_on(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    const rf_field *inner = self;
    return inner->velocity(inner->self, rows, x, t, cond, v);
}

static rf_field field_of(listener *l) {
    return (rf_field){.self = l, .scalars = PLANE, .null_label = CLASSES, .velocity = velocity, .network = l, .prepare = hear};
}

/* A job of class 3 on a grid of STEPS steps, walked to its end. */
static rf_status walk_on(const rf_field *field, const char *solver, const char *guidance) {
    rf_batcher *batcher;
    double times[STEPS + 1];
    uniform(times, STEPS, 0, 1);
    rf_job_spec spec = {.field = field, .solver = rf__solver_find(solver), .times = times, .steps = STEPS, .cond = {.label = 3}};
    if (guidance) {
        spec.guidance = rf__guidance_find(guidance);
        spec.guidance_opts = rf__guidance_defaults();
        spec.guidance_opts.scale = 2;
        spec.guidance_opts.high = 0.6;
    }
    assert_int_equal(rf__batcher_create(&batcher, &(rf_batcher_opts){.rows = 4}), RF_OK);
    assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    rf_status status = RF_OK;
    while (status == RF_OK && rf__batcher_busy(batcher)) status = rf__batcher_tick(batcher);
    rf__batcher_free(&batcher);
    return status;
}

static rf_status walk(listener *l, const char *solver, const char *guidance) {
    const rf_field field = field_of(l);
    return walk_on(&field, solver, guidance);
}

static void every_point_of_the_grid_is_announced(void **state) {
    (void)state;
    listener l = {0};
    assert_int_equal(walk(&l, "euler", NULL), RF_OK);
    assert_int_equal(l.count, STEPS);
    for (int i = 0; i < STEPS; i++) assert_true(l.t[i] == 0.25f * (float)i && l.label[i] == 3);
    assert_int_equal(l.asked, STEPS);
    assert_int_equal(l.known, STEPS);
}

/* Guided at 0, 0.25 and 0.5: a row without class beside each of them. */
static void rows_of_guidance_are_announced(void **state) {
    (void)state;
    listener l = {0};
    int null = 0;
    assert_int_equal(walk(&l, "euler", "cfg"), RF_OK);
    assert_int_equal(l.count, 7);
    for (int i = 0; i < l.count; i++) null += l.label[i] == CLASSES;
    assert_int_equal(null, 3);
    assert_int_equal(l.asked, 7);
    assert_int_equal(l.known, 7);
}

static void a_solver_that_chooses_its_steps_announces_none(void **state) {
    (void)state;
    listener l = {0};
    assert_int_equal(walk(&l, "dopri5", NULL), RF_OK);
    assert_int_equal(l.count, 0);
    assert_true(l.asked > 0);
}

static void a_field_that_cannot_prepare_fails_the_tick(void **state) {
    (void)state;
    listener l = {.broken = RF_ENOMEM};
    assert_int_equal(walk(&l, "euler", NULL), RF_ENOMEM);
    assert_int_equal(l.asked, 0);
}

static void a_field_before_another_announces_to_it(void **state) {
    (void)state;
    listener l = {0};
    rf_field inner = field_of(&l), outer = inner;
    outer.self = &inner;
    outer.velocity = passed_on;
    assert_int_equal(walk_on(&outer, "euler", NULL), RF_OK);
    assert_int_equal(l.count, STEPS);
    assert_int_equal(l.known, STEPS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_point_of_the_grid_is_announced), cmocka_unit_test(rows_of_guidance_are_announced),
                                       cmocka_unit_test(a_solver_that_chooses_its_steps_announces_none),
                                       cmocka_unit_test(a_field_that_cannot_prepare_fails_the_tick), cmocka_unit_test(a_field_before_another_announces_to_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
