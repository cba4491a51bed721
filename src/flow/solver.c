/* solver.c - the table of solvers and the bookkeeping they share. */
#include "solver.h"

#include <string.h>

#include "../base/table.h"

extern const rf_solver rf__solver_euler, rf__solver_heun;

static const rf_solver *const solvers[] = {&rf__solver_euler, &rf__solver_heun, NULL};

const rf_solver *const *rf__solvers(void) {
    return solvers;
}

const rf_solver *rf__solver_find(const char *name) {
    RF_TABLE_FIND(solvers, "solver", name);
}

void rf__job_begin(rf_job *job) {
    job->position = job->stage = job->calls = 0;
    job->t = job->grid[0];
    rf__job_invalidate(job);
    if (job->solver->begin) job->solver->begin(job);
}

void rf__job_invalidate(rf_job *job) {
    job->history.count = 0;
}

void rf__job_remember(rf_job *job, double t, const float *v) {
    rf_history *history = &job->history;
    if (!history->v[0]) return;
    /* A second velocity at the same time (Heun's corrected point) replaces the first: two equal times have no
     * slope. */
    bool same_time = history->count > 0 && history->t[0] == t;
    if (!same_time) {
        float *oldest = history->v[RF_HISTORY - 1];
        for (int i = RF_HISTORY - 1; i > 0; i--) {
            history->v[i] = history->v[i - 1];
            history->t[i] = history->t[i - 1];
        }
        history->v[0] = oldest;
        if (history->count < RF_HISTORY) history->count++;
    }
    memcpy(history->v[0], v, (size_t)job->scalars * sizeof *v);
    history->t[0] = t;
}

double rf__job_step(const rf_job *job) {
    return job->grid[job->position + 1] - job->grid[job->position];
}

bool rf__job_arrive(rf_job *job) {
    while (job->position < job->steps && job->stage == 0 && rf__job_step(job) == 0) rf__job_advance(job);
    return job->position < job->steps;
}

void rf__job_advance(rf_job *job) {
    job->position++;
    job->stage = 0;
    job->t = job->grid[job->position]; /* taken from the grid, never summed: the last time is exact */
}
