/* blocks_test.h - for the tests of FlowTurbo's blocks: a network and a refiner whose answers are known, and walks by lists of blocks. Comes
 * after cmocka.h. */
#ifndef RF_FLOW_BLOCKS_TEST_H
#define RF_FLOW_BLOCKS_TEST_H
#include <math.h>
#include <string.h>

#include "walk_test.h"

enum { WIDTH = 4, STEPS = 200, NULL_LABEL = 3 };

typedef struct test_field {
    double (*of)(double x, double t, int label);
    int64_t calls, rows;
    double most_gap;
    float scale; /* of the newest row */
    bool silent; /* the refiner adds nothing to what was known */
} test_field;

static inline double curved(double x, double t, int label) { return sin(2 * x + label) * cos(3 * t) - x + t; }
static inline rf_status answer(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    test_field *field = self;
    field->calls++;
    field->rows += rows;
    for (int64_t i = 0; i < rows * WIDTH; i++) v[i] = (float)field->of(x[i], t[i / WIDTH], cond[i / WIDTH].label);
    return RF_OK;
}

/* r = f(x, t) - known, added to what is known: what a perfect refiner does, in float. */
static inline rf_status refined(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
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

static inline void reset(double (*of)(double, double, int)) {
    network = light = (test_field){.of = of};
    small = (rf_field){&light, WIDTH, NULL_LABEL, refined};
}

/* ---- walks ---- */

static double even[STEPS + 1];

static inline rf_job_spec spec_for(const char *solver, const rf_blocks *blocks, const double *times, int steps) {
    static const float start[WIDTH] = {0.5f, -1.0f, 0.25f, 1.5f};
    return (rf_job_spec){.field = &full, .refiner = &small, .solver = rf__solver_find(solver), .blocks = blocks, .times = times, .steps = steps,
                         .init = start, .seed = 7};
}

/* Walk to the end alone; x [WIDTH]. What is left agrees with what blocks.h says, before and on the way. */
static inline void walk(const rf_job_spec *spec, float x[WIDTH], rf_counters *counters) {
    rf_trajectory *job = started(spec);
    int64_t left = rf__trajectory_left(job);
    while (rf__trajectory_ask(job)) {
        answer_alone(job);
        if (spec->blocks) assert_int_equal(rf__trajectory_left(job), --left);
    }
    assert_int_equal(job->status, RF_JOB_DONE);
    assert_true(job->job.t == spec->times[spec->steps]);
    memcpy(x, job->job.x, WIDTH * sizeof *x);
    if (counters) *counters = job->counters;
    rf__trajectory_free(&job);
}

static inline rf_counters run(const char *text, const double *times, float x[WIDTH]) {
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

static inline double apart(const float *a, const float *b) {
    double most = 0;
    for (int i = 0; i < WIDTH; i++) most = fmax(most, fabs((double)a[i] - b[i]));
    return most;
}

#endif
