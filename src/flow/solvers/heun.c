/* heun.c - explicit trapezoid: d = v(x, t); d' = v(x + h d, t'); x += h/2 (d + d'). */
#include "../solver.h"

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (!rf__job_ask_first(job, false, out)) rf__job_ask_ahead(job, 1, out);
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x;
    const float *d = job->buffer[RF_BUFFER_FIRST];
    job->calls++;
    if (rf__job_keep_first(job, v)) return;
    for (int64_t i = 0; i < job->scalars; i++) x[i] += 0.5f * h * (d[i] + v[i]);
    rf__job_advance(job);
}

const rf_solver rf__solver_heun = {
    .name = "heun",
    .source = "explicit trapezoid; Karras et al. 2022, arXiv 2206.00364, in our t",
    .help = "second order, two calls a step",
    .order = 2,
    .calls_per_step = 2,
    .buffers = RF_BUFFERS_AHEAD,
    .next = next,
    .accept = accept,
};
