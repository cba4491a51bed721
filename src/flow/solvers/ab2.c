/* ab2.c - two-step Adams-Bashforth on any grid: x += h v + h^2/2 s with s the slope between the two newest measured velocities.
 * It reads the job's history of (t, v) pairs, not a memory of its own: under a policy that skips, v is the extrapolated velocity
 * and s that of the two real ones, so a jump of length H adds exactly H v_k + H^2/2 s. That is the integral of the extrapolant
 * (fastflow.md section 8.1); the same policy with euler samples it, as the paper does. */
#include "../solver.h"

enum { OPTION_FIRST };

static const char *const firsts[] = {"euler", "heun", NULL};
static const rf_option options[] = {
    {"first", 0, 0, 1, firsts, "the step that has no history: euler costs one call, heun two"},
    {NULL},
};

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (!rf__job_ask_first(job, false, out)) rf__job_ask_ahead(job, 1, out);
    return true;
}

/* x += h v + h^2/2 (v_new - v_old) / (t_new - t_old) */
static void two_steps(rf_job *job, double h, const float *v) {
    const rf_history *history = &job->history;
    const float *newer = history->v[0], *older = history->v[1];
    float step = (float)h, bend = (float)(0.5 * h * h / (history->t[0] - history->t[1]));
    for (int64_t i = 0; i < job->scalars; i++) job->x[i] += step * v[i] + bend * (newer[i] - older[i]);
}

static void accept(rf_job *job, const float *v) {
    double h = rf__job_step(job);
    const float *d = job->buffer[RF_BUFFER_FIRST];
    job->calls++;
    if (job->stage == 1) {
        for (int64_t i = 0; i < job->scalars; i++) job->x[i] += 0.5f * (float)h * (d[i] + v[i]);
    } else if (job->history.count == RF_HISTORY) {
        two_steps(job, h, v);
    } else if (rf__job_option(job, OPTION_FIRST) == 1) {
        rf__job_keep_first(job, v);
        return;
    } else {
        for (int64_t i = 0; i < job->scalars; i++) job->x[i] += (float)h * v[i];
    }
    rf__job_advance(job);
}

const rf_solver rf__solver_ab2 = {
    .name = "ab2",
    .source = "Bashforth and Adams 1883, variable step: Hairer, Norsett, Wanner I, III.5",
    .help = "second order, one call a step; integrates what a skipping policy extrapolates",
    .order = 2,
    .calls_per_step = 1,
    .buffers = RF_BUFFERS_AHEAD,
    .history = true,
    .options = options,
    .next = next,
    .accept = accept,
};
