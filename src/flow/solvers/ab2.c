/* ab2.c - two-step Adams-Bashforth on any grid: x += h v + h^2/2 (v - v_p)/(t - t_p), with v_p at t_p the velocity before.
 * The first step, and any after the past has become invalid, is Euler's: one step of first order leaves the whole at second. */
#include "../solver.h"

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    *out = (rf_request){job->x, job->t, true};
    return true;
}

/* The newest velocity of another time; history may or may not hold this one already (an extrapolated answer is never in it). */
static int before(const rf_history *history, double t) {
    for (int i = 0; i < history->count; i++)
        if (history->t[i] != t) return i;
    return -1;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x;
    int past = before(&job->history, job->t);
    job->calls++;
    if (past < 0) {
        for (int64_t i = 0; i < job->scalars; i++) x[i] += h * v[i];
    } else {
        const float *p = job->history.v[past];
        float bend = (float)(0.5 * rf__job_step(job) * rf__job_step(job) / (job->t - job->history.t[past]));
        for (int64_t i = 0; i < job->scalars; i++) x[i] += h * v[i] + bend * (v[i] - p[i]);
    }
    rf__job_advance(job);
}

const rf_solver rf__solver_ab2 = {
    .name = "ab2",
    .source = "Adams & Bashforth 1883, variable steps",
    .help = "second order, one call a step; unstable twice as early as Euler",
    .order = 2,
    .calls_per_step = 1,
    .history = true,
    .next = next,
    .accept = accept,
};
