/* reversible.c - a midpoint method that undoes itself: m = x + h/2 k; k <- 2 v(m, t + h/2) - k; x <- m + h/2 k.
 * Walking back with the same k gives x again up to rounding; k starts as v(x, t) and is not damped, so stiff ends make it swing
 * (fireflow.md section 8). */
#include "../solver.h"

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (!rf__job_ask_first(job, true, out)) rf__job_ask_ahead(job, 0.5, out);
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *k = job->buffer[RF_BUFFER_FIRST];
    const float *middle = job->buffer[RF_BUFFER_AHEAD];
    job->calls++;
    if (rf__job_keep_first(job, v)) return;
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
    .buffers = RF_BUFFERS_AHEAD,
    .carries = true,
    .undoes = true,
    .next = next,
    .accept = accept,
};
