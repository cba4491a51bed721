/* fireflow.c - midpoint with the middle velocity of the step before as its predictor: k <- v(x + h/2 k, t + h/2); x += h k.
 * The first step is an explicit midpoint. Its middle points are two-step Adams-Bashforth on the half-shifted grid (fireflow.md section 2). */
#include "../solver.h"

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (!rf__job_ask_first(job, true, out)) rf__job_ask_ahead(job, 0.5, out);
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *k = job->buffer[RF_BUFFER_FIRST];
    job->calls++;
    if (rf__job_keep_first(job, v)) return;
    for (int64_t i = 0; i < job->scalars; i++) {
        x[i] += h * v[i];
        k[i] = v[i];
    }
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
    .buffers = RF_BUFFERS_AHEAD,
    .carries = true,
    .next = next,
    .accept = accept,
};
