/* dpm2m.c - DPM-Solver++(2M) with the path of flow matching, alpha = t and sigma = 1 - t. The network's data prediction is
 * D = x + (1-t) v; the step is x <- sigma'/sigma x - alpha' (e^{-h} - 1) D~, h = lambda' - lambda, lambda = log(alpha/sigma),
 * D~ = (1 + 1/2r) D - 1/2r D_prev, r = h_prev / h. With D~ = D that is Euler, so what we add to Euler is the bend
 * (t' - t)/(1 - t) (D - D_prev)/2r. Steps that touch t = 0 or t = 1 (lambda infinite) take Euler, as the published samplers do at
 * their last step. Near the ends the steps of lambda are never small, which costs the second order a logarithm of the step count. */
#include <math.h>

#include "../solver.h"

enum { BUFFER_PREVIOUS, BUFFERS };
enum { NUMBER_TIME };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    *out = (rf_request){job->x, job->t, true};
    return true;
}

static double lambda_of(double t) { return log(t / (1 - t)); }
static bool inside(double t) { return t > 0 && t < 1; }

static void accept(rf_job *job, const float *v) {
    double t = job->t, h = rf__job_step(job), end = job->grid[job->position + 1], before = job->number[NUMBER_TIME], bend = 0;
    if (job->carried && inside(before) && inside(t) && inside(end)) {
        double r = (lambda_of(t) - lambda_of(before)) / (lambda_of(end) - lambda_of(t));
        bend = h / (1 - t) / (2 * r);
    }
    float *x = job->x, *previous = job->buffer[BUFFER_PREVIOUS], sigma = (float)(1 - t);
    for (int64_t i = 0; i < job->scalars; i++) {
        float data = x[i] + sigma * v[i];
        x[i] += (float)h * v[i];
        if (bend != 0) x[i] += (float)bend * (data - previous[i]);
        previous[i] = data;
    }
    job->calls++;
    job->carried = true;
    job->number[NUMBER_TIME] = t;
    rf__job_advance(job);
}

const rf_solver rf__solver_dpm2m = {
    .name = "dpm++2m",
    .source = "DPM-Solver++(2M), Lu et al. 2022, arXiv 2211.01095, algorithm 2, on alpha = t, sigma = 1 - t",
    .help = "second order, one call a step; works on the data prediction",
    .order = 2,
    .calls_per_step = 1,
    .buffers = BUFFERS,
    .next = next,
    .accept = accept,
};
