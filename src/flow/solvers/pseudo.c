/* pseudo.c - FlowTurbo's pseudo corrector: Heun that does not ask again at the corrected point.
 *   x~ = x + h d;  d' = v(x~, t');  x += h/2 (d + d');  d <- d'
 * The predicted points are exactly two-step Adams-Bashforth (flowturbo.md section 2). */
#include "../solver.h"

enum { BUFFER_D, BUFFER_PREDICTED, BUFFERS };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (job->stage == 0 && !job->carried) {
        *out = (rf_request){job->x, job->t, true};
        return true;
    }
    float h = (float)rf__job_step(job), *predicted = job->buffer[BUFFER_PREDICTED];
    const float *d = job->buffer[BUFFER_D];
    for (int64_t i = 0; i < job->scalars; i++) predicted[i] = job->x[i] + h * d[i];
    job->stage = 1;
    *out = (rf_request){predicted, job->grid[job->position + 1], false};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *d = job->buffer[BUFFER_D];
    job->calls++;
    if (job->stage == 0) {
        for (int64_t i = 0; i < job->scalars; i++) d[i] = v[i];
        job->stage = 1;
        return;
    }
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
    .buffers = BUFFERS,
    .carries = true,
    .next = next,
    .accept = accept,
};
