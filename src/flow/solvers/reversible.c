/* reversible.c - a midpoint method that undoes itself: m = x + h/2 k; k <- 2 v(m, t + h/2) - k; x <- m + h/2 k.
 * Walking back with the same k gives x again up to rounding; k starts as v(x, t) and is not damped, so stiff ends make it swing
 * (fireflow.md section 8). */
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
    const float *middle = job->buffer[BUFFER_MIDDLE];
    job->calls++;
    if (job->stage == 0) {
        for (int64_t i = 0; i < job->scalars; i++) k[i] = v[i];
        job->stage = 1;
        return;
    }
    for (int64_t i = 0; i < job->scalars; i++) {
        k[i] = 2 * v[i] - k[i];
        x[i] = middle[i] + 0.5f * h * k[i];
    }
    job->carried = true;
    rf__job_advance(job);
}

const rf_solver rf__solver_reversible = {
    .name = "reversible",
    .source = "reversible midpoint, fireflow.md section 8",
    .help = "second order, one call a step and one more; walks back to where it came from",
    .order = 2,
    .calls_per_step = 1,
    .extra_calls = 1,
    .buffers = BUFFERS,
    .carries = true,
    .undoes = true,
    .next = next,
    .accept = accept,
};
