/* caf.c - Constant Acceleration Flow: one first velocity v0, then at each grid point the acceleration a that a second network sees there,
 *   x' = x + (t'-t) v0 + (t'^2-t^2)/2 a
 * which is the published update x += v0/N + (2i+1)/(2N) a/N on equal steps, forward and backward, for any grid. The second network is a
 * refiner of v0 and answers the mean speed v0 + a/2. N steps take N + 1 calls. */
#include "../solver.h"

enum { BUFFER_FIRST, BUFFERS };

static bool next(rf_job *job, rf_request *out) {
    if (!rf__job_arrive(job)) return false;
    *out = (rf_request){.x = job->x, .t = job->t, .on_path = true};
    if (!job->carried) return true;
    out->refine = true;
    out->before = job->buffer[BUFFER_FIRST];
    return true;
}

static void accept(rf_job *job, const float *v) {
    float *x = job->x, *first = job->buffer[BUFFER_FIRST];
    job->calls++;
    if (!job->carried) {
        for (int64_t i = 0; i < job->scalars; i++) first[i] = v[i];
        job->carried = true;
        return;
    }
    double from = job->grid[job->position], to = job->grid[job->position + 1];
    float h = (float)(to - from), push = (float)((to - from) * (to + from)); /* (t'^2-t^2)/2 a with a = 2 (v - v0) */
    for (int64_t i = 0; i < job->scalars; i++) x[i] += h * first[i] + push * (v[i] - first[i]);
    rf__job_advance(job);
}

const rf_solver rf__solver_caf = {
    .name = "caf",
    .source = "Park et al. 2024 (CAF), arXiv 2411.00322, algorithms 2 and 3",
    .help = "even acceleration behind one first velocity; needs the second network as --refiner; one call a step and one more",
    .order = 0,
    .calls_per_step = 1,
    .extra_calls = 1,
    .buffers = BUFFERS,
    .carries = true,
    .corrects = true,
    .next = next,
    .accept = accept,
};
