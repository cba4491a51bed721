/* fireflow.c - midpoint with the middle velocity of the step before as its predictor: k <- v(x + h/2 k, t + h/2); x += h k.
 * The first step is an explicit midpoint. Its middle points are two-step Adams-Bashforth on the half-shifted grid (fireflow.md section 2). */
#include "../solver.h"

enum { BUFFER_K, BUFFER_MIDDLE, BUFFERS };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (job->stage == 0 && !job->carried) {
        *out = (rf_request){job->x, job->t, true};
        return true;
    }
    float h = (float)rf__job_step(job), *middle = job->buffer[BUFFER_MIDDLE];
    const float *k = job->buffer[BUFFER_K];
    for (int64_t i = 0; i < job->scalars; i++) middle[i] = job->x[i] + 0.5f * h * k[i];
    job->stage = 1;
    *out = (rf_request){middle, job->t + rf__job_step(job) / 2, false};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *k = job->buffer[BUFFER_K];
    job->calls++;
    for (int64_t i = 0; i < job->scalars; i++) k[i] = v[i];
    if (job->stage == 0) {
        job->stage = 1;
        return;
    }
    for (int64_t i = 0; i < job->scalars; i++) x[i] += h * v[i];
    job->carried = true;
    rf__job_advance(job);
}

const rf_solver rf__solver_fireflow = {
    .name = "fireflow",
    .source = "Deng et al. 2024, arXiv 2412.07517",
    .help = "second order, one call a step and one more; for inversion and editing",
    .order = 2,
    .calls_per_step = 1,
    .extra_calls = 1,
    .buffers = BUFFERS,
    .carries = true,
    .next = next,
    .accept = accept,
};
