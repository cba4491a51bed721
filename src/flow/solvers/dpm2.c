/* dpm2.c - DPM-Solver's two-evaluation step in data prediction (Lu et al. 2022, arXiv 2211.01095, as used by Simple ReFlow), for x_t =
 * (1-t) x0 + t x1: with l = ln(t/(1-t)) and X(x, t) = x + (1-t) v the predicted data,
 *   l_m = l + r (l' - l);  x_m = X + (1-t_m)/(1-t) (x - X);  D = X + (X_m - X)/(2r);  x' = D + (1-t')/(1-t) (x - D)
 * l is infinite at both ends of the path: the step that arrives at t = 1 is of first order (its X is the result), any other step that
 * touches an end is an explicit midpoint. So N steps from noise to data take 2N - 1 calls. */
#include <math.h>

#include "../solver.h"

enum { BUFFER_DATA /* X, or the velocity of a midpoint step */, BUFFER_MIDDLE, BUFFERS };

static const double r = 0.4; /* simple-reflow.md */

static double target_of(const rf_job *job) { return job->grid[job->position + 1]; }
static bool is_last(const rf_job *job) { return target_of(job) == 1; }
static bool touches_end(const rf_job *job) { return job->t == 0 || job->t == 1 || target_of(job) == 0; }

static double middle_time(const rf_job *job) {
    if (touches_end(job)) return job->t + rf__job_step(job) / 2;
    double from = log(job->t / (1 - job->t)), to = log(target_of(job) / (1 - target_of(job)));
    return 1 / (1 + exp(-(from + r * (to - from))));
}

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (job->stage == 0)
        *out = (rf_request){job->x, job->t, true};
    else
        *out = (rf_request){job->buffer[BUFFER_MIDDLE], middle_time(job), false};
    return true;
}

static void first_answer(rf_job *job, const float *v) {
    float *x = job->x, *data = job->buffer[BUFFER_DATA], *middle = job->buffer[BUFFER_MIDDLE];
    float left = (float)(1 - job->t), shrink = (float)((1 - middle_time(job)) / (1 - job->t)), h = (float)rf__job_step(job);
    bool end = touches_end(job);
    for (int64_t i = 0; i < job->scalars; i++) {
        data[i] = x[i] + left * v[i];
        middle[i] = end ? x[i] + 0.5f * h * v[i] : data[i] + shrink * (x[i] - data[i]);
    }
    job->stage = 1;
}

static void second_answer(rf_job *job, const float *v) {
    float *x = job->x;
    const float *data = job->buffer[BUFFER_DATA], *middle = job->buffer[BUFFER_MIDDLE];
    float left = (float)(1 - middle_time(job)), shrink = (float)((1 - target_of(job)) / (1 - job->t)), h = (float)rf__job_step(job);
    bool end = touches_end(job);
    for (int64_t i = 0; i < job->scalars; i++) {
        float d = data[i] + (middle[i] + left * v[i] - data[i]) / (float)(2 * r);
        x[i] = end ? x[i] + h * v[i] : d + shrink * (x[i] - d);
    }
    rf__job_advance(job);
}

static void accept(rf_job *job, const float *v) {
    job->calls++;
    if (job->stage == 1) {
        second_answer(job, v);
    } else if (is_last(job)) {
        float h = (float)rf__job_step(job);
        for (int64_t i = 0; i < job->scalars; i++) job->x[i] += h * v[i];
        rf__job_advance(job);
    } else {
        first_answer(job, v);
    }
}

const rf_solver rf__solver_dpm2 = {
    .name = "dpm2",
    .source = "Lu et al. 2022, arXiv 2211.01095; Kim et al. 2024 (Simple ReFlow), arXiv 2410.07815",
    .help = "DPM-Solver's two-evaluation step: second order, two calls a step, one in the last",
    .order = 2,
    .calls_per_step = 2,
    .extra_calls = -1,
    .buffers = BUFFERS,
    .next = next,
    .accept = accept,
};
