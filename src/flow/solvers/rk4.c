/* rk4.c - the classical Runge-Kutta method. */
#include "../solver.h"

enum { BUFFER_STAGE, BUFFER_SUM, BUFFERS };

static const float place[4] = {0, 0.5f, 0.5f, 1}, share[4] = {1.0f / 6, 1.0f / 3, 1.0f / 3, 1.0f / 6};

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (job->stage == 0)
        *out = (rf_request){job->x, job->t, true};
    else if (job->stage < 3)
        *out = (rf_request){job->buffer[BUFFER_STAGE], job->t + rf__job_step(job) / 2, false};
    else
        *out = (rf_request){job->buffer[BUFFER_STAGE], job->grid[job->position + 1], false};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *at = job->buffer[BUFFER_STAGE], *sum = job->buffer[BUFFER_SUM];
    int stage = job->stage;
    job->calls++;
    for (int64_t i = 0; i < job->scalars; i++) sum[i] = (stage ? sum[i] : 0) + share[stage] * v[i];
    if (stage < 3) {
        for (int64_t i = 0; i < job->scalars; i++) at[i] = x[i] + h * place[stage + 1] * v[i];
        job->stage++;
        return;
    }
    for (int64_t i = 0; i < job->scalars; i++) x[i] += h * sum[i];
    rf__job_advance(job);
}

const rf_solver rf__solver_rk4 = {
    .name = "rk4",
    .source = "Kutta 1901",
    .help = "classical Runge-Kutta: fourth order, four calls a step",
    .order = 4,
    .calls_per_step = 4,
    .buffers = BUFFERS,
    .next = next,
    .accept = accept,
};
