/* reinterpolate.c - rf++'s update: the data predicted at t, X = x + (1-t) v, is joined to the noise the walk began with,
 *   x' = t' X + (1-t') x0
 * For one step and for straight paths this is Euler; elsewhere it does not solve the ODE, and is better at few steps of a straightened
 * flow (arXiv 2405.20320, section 4.4). From noise to data only: a walk that begins elsewhere takes its first point for the end at t = 0
 * that a straight line through it and its first prediction has. */
#include "../solver.h"

enum { BUFFER_START, BUFFERS };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    *out = (rf_request){.x = job->x, .t = job->t, .on_path = true};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float *x = job->x, *start = job->buffer[BUFFER_START];
    float t = (float)job->t, to = (float)job->grid[job->position + 1];
    job->calls++;
    if (job->stage == 0 && !job->carried)
        for (int64_t i = 0; i < job->scalars; i++) start[i] = x[i] - t * v[i];
    job->carried = true;
    for (int64_t i = 0; i < job->scalars; i++) x[i] = to * (x[i] + (1 - t) * v[i]) + (1 - to) * start[i];
    rf__job_advance(job);
}

const rf_solver rf__solver_reinterpolate = {
    .name = "reinterpolate",
    .source = "Lee et al. 2024 (rf++), arXiv 2405.20320, section 4.4",
    .help = "predicted data joined to the first noise again; for straightened flows at few steps",
    .order = 0,
    .calls_per_step = 1,
    .buffers = BUFFERS,
    .next = next,
    .accept = accept,
};
