/* midpoint.c - explicit midpoint: k = v(x, t); x += h v(x + h/2 k, t + h/2).
 *
 * RF-Solver's formula x += h k1 + h^2/2 (k2 - k1)/(h/2) is this rule written differently (fireflow.md section 2), so it is the same code
 * under a second name. */
#include "../solver.h"

enum { BUFFER_MIDDLE, BUFFERS };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    if (job->stage == 0)
        *out = (rf_request){job->x, job->t, true};
    else
        *out = (rf_request){job->buffer[BUFFER_MIDDLE], job->t + rf__job_step(job) / 2, false};
    return true;
}

static void accept(rf_job *job, const float *v) {
    float h = (float)rf__job_step(job), *x = job->x, *middle = job->buffer[BUFFER_MIDDLE];
    job->calls++;
    if (job->stage == 0) {
        for (int64_t i = 0; i < job->scalars; i++) middle[i] = x[i] + 0.5f * h * v[i];
        job->stage = 1;
        return;
    }
    for (int64_t i = 0; i < job->scalars; i++) x[i] += h * v[i];
    rf__job_advance(job);
}

#define ENTRY(entry_name, entry_source)                                                                          \
    {.name = entry_name, .source = entry_source, .help = "explicit midpoint: second order, two calls a step",    \
     .order = 2, .calls_per_step = 2, .buffers = BUFFERS, .next = next, .accept = accept}

const rf_solver rf__solver_midpoint = ENTRY("midpoint", "Runge 1895");
const rf_solver rf__solver_rf_solver = ENTRY("rf_solver", "Wang et al. 2024, arXiv 2411.04746; equal to midpoint");
