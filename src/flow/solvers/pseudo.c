/* pseudo.c - FlowTurbo's pseudo corrector: Heun that does not ask again at the corrected point.
 *   x~ = x + h d;  d' = v(x~, t');  x += h/2 (d + d');  d <- d'
 * The predicted points are exactly two-step Adams-Bashforth (flowturbo.md section 2). */
#include "../solver.h"

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (!rf__job_ask_first(job, true, out)) rf__job_ask_ahead(job, 1, out);
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *d = job->buffer[RF_BUFFER_FIRST];
    job->calls++;
    if (rf__job_keep_first(job, v)) return;
    for (int64_t i = 0; i < job->scalars; i++) {
        x[i] += 0.5f * h * (d[i] + v[i]);
        d[i] = v[i];
    }
    job->carried = true;
    rf__job_advance(job);
}

const rf_solver rf__solver_pseudo = {
    .name = "pseudo",
    .source = "Zhao et al. 2024 (FlowTurbo), arXiv 2409.18128, pseudo corrector",
    .help = "second order, one call a step and one more",
    .order = 2,
    .calls_per_step = 1,
    .extra_calls = 1,
    .buffers = RF_BUFFERS_AHEAD,
    .carries = true,
    .next = next,
    .accept = accept,
};
