/* walk_test.h - for the tests of walks: a job driven without a batcher, and fields of two scalars whose answers are known. Comes after
 * cmocka.h. */
#ifndef RF_FLOW_WALK_TEST_H
#define RF_FLOW_WALK_TEST_H
#include <math.h>

#include "../models/gauss_exact.h"
#include "trajectory.h"

enum { PLANE = 2, WALK_MOST = 8 /* scalars of a job that is walked alone */ };

/* A mixture of three points: curved, and known exactly. */
static const float mixture_means[] = {-1.5f, 0.5f, 1, -1, 2, 1.25f};
static const double mixture_weights[] = {1, 2, 3};
static const rf_gauss_exact mixture = {.scalars = PLANE, .components = 3, .mean = mixture_means, .weight = mixture_weights, .sd = 0.6};

static inline rf_field mixture_field(void) {
    rf_field field;
    assert_int_equal(rf__gauss_exact_field(&field, &mixture), RF_OK);
    return field;
}

/* v = a + b t. */
static inline rf_status linear_velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)x, (void)cond;
    for (int64_t r = 0; r < rows; r++) v[PLANE * r] = 0.5f - 2 * t[r], v[PLANE * r + 1] = -1 + 3 * t[r];
    return RF_OK;
}
static const rf_field linear = {NULL, PLANE, -1, linear_velocity};

static inline void uniform(double *times, int steps, double from, double to) {
    for (int k = 0; k <= steps; k++) times[k] = from + (to - from) * k / steps;
    times[steps] = to;
}

/* Each row of the request in flight in a call of its own. */
static inline void answer_alone(rf_trajectory *job) {
    float v[RF_MAX_GUIDANCE_ROWS][WALK_MOST], x[WALK_MOST];
    const float *answers[RF_MAX_GUIDANCE_ROWS];
    const rf_field *field = rf__trajectory_field(job);
    assert_true(field->scalars <= WALK_MOST);
    for (int r = 0; r < job->row_count; r++) {
        const rf_cond cond = rf__trajectory_cond(job, r);
        float t = (float)job->ask.t;
        rf__trajectory_place(job, r, x);
        assert_int_equal(field->velocity(field->self, 1, x, &t, &cond, v[r]), RF_OK);
        answers[r] = v[r];
    }
    rf__trajectory_answer(job, answers);
}

/* A job at its start. Caller frees. */
static inline rf_trajectory *started(const rf_job_spec *spec) {
    rf_trajectory *job = NULL;
    if (rf__trajectory_create(&job, spec) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(rf__trajectory_start(job), RF_OK);
    return job;
}

/* A job walked to its end. calls: how often it asked, counted beside its own counters; NULL: not wanted. Caller frees. */
static inline rf_trajectory *walked(const rf_job_spec *spec, int64_t *calls) {
    rf_trajectory *job = started(spec);
    int64_t asked = 0;
    for (; rf__trajectory_ask(job); asked++) answer_alone(job);
    assert_int_equal(job->status, RF_JOB_DONE);
    assert_int_equal(asked, job->counters.nfe_full + job->counters.nfe_refine);
    assert_true(job->job.t == spec->times[spec->steps]);
    if (calls) *calls = asked;
    return job;
}

/* Distance of two results in the plane. */
static inline double distance(const rf_trajectory *a, const rf_trajectory *b) {
    return hypot((double)a->job.x[0] - (double)b->job.x[0], (double)a->job.x[1] - (double)b->job.x[1]);
}

#endif
