/* heun.c - explicit trapezoid: d = v(x, t); d' = v(x + h d, t'); x += h/2 (d + d'). */
#include "../solver.h"

enum { BUFFER_D, BUFFER_PREDICTED, BUFFERS };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (job->stage == 0)
        *out = (rf_request){job->x, job->t, true};
    else
        *out = (rf_request){job->buffer[BUFFER_PREDICTED], job->grid[job->position + 1], false};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job);
    float *x = job->x, *d = job->buffer[BUFFER_D], *predicted = job->buffer[BUFFER_PREDICTED];
    job->calls++;
    if (job->stage == 0) {
        for (int64_t i = 0; i < job->scalars; i++) {
            d[i] = v[i];
            predicted[i] = x[i] + h * v[i];
        }
        job->stage = 1;
        return;
    }
    for (int64_t i = 0; i < job->scalars; i++) x[i] += 0.5f * h * (d[i] + v[i]);
    rf__job_advance(job);
}

const rf_solver rf__solver_heun = {
    .name = "heun",
    .source = "explicit trapezoid; Karras et al. 2022, arXiv 2206.00364, in our t",
    .help = "second order, two calls a step",
    .order = 2,
    .calls_per_step = 2,
    .buffers = BUFFERS,
    .next = next,
    .accept = accept,
};
