/* euler.c - x += (t' - t) v(x, t). */
#include "../solver.h"

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    *out = (rf_request){job->x, job->t, true};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job);
    float *x = job->x;
    for (int64_t i = 0; i < job->scalars; i++) x[i] += h * v[i];
    job->calls++;
    rf__job_advance(job);
}

const rf_solver rf__solver_euler = {
    .name = "euler",
    .source = "Euler; Liu et al. 2022, arXiv 2209.03003",
    .help = "first order, one call a step",
    .order = 1,
    .calls_per_step = 1,
    .next = next,
    .accept = accept,
};
