/* solver.c - the table of solvers and the bookkeeping they share. */
#include "solver.h"

#include <string.h>

#include "../base/table.h"

extern const rf_solver rf__solver_euler, rf__solver_heun, rf__solver_midpoint, rf__solver_rf_solver, rf__solver_rk4, rf__solver_dopri5,
    rf__solver_ab2, rf__solver_fireflow, rf__solver_pseudo, rf__solver_reversible, rf__solver_dpm2, rf__solver_dpm2m, rf__solver_blocks, rf__solver_caf, rf__solver_reinterpolate;

static const rf_solver *const solvers[] = {
    &rf__solver_euler,  &rf__solver_heun,   &rf__solver_midpoint,   &rf__solver_ab2,    &rf__solver_rk4,  &rf__solver_dopri5,
    &rf__solver_pseudo, &rf__solver_dpm2,   &rf__solver_dpm2m, &rf__solver_fireflow,   &rf__solver_rf_solver, &rf__solver_reversible, &rf__solver_blocks, &rf__solver_reinterpolate, &rf__solver_caf, NULL};

int64_t rf__solver_calls(const rf_solver *solver, const rf_blocks *blocks, int steps) {
    if (blocks && blocks->runs) {
        rf_block_calls calls = rf__blocks_calls(blocks, 0, steps, false);
        return calls.network + calls.refiner;
    }
    return (int64_t)steps * solver->calls_per_step + solver->extra_calls;
}

const rf_solver *const *rf__solvers(void) {
    return solvers;
}

const rf_solver *rf__solver_find(const char *name) {
    RF_TABLE_FIND(solvers, "solver", name);
}

void rf__job_begin(rf_job *job) {
    job->position = job->stage = job->calls = job->attempts = job->rejected = 0;
    job->failure = RF_OK;
    job->t = job->grid[0];
    rf__job_invalidate(job);
    if (job->solver->begin) job->solver->begin(job);
}

void rf__job_invalidate(rf_job *job) {
    job->history.count = 0;
    job->carried = false;
    job->stage = 0; /* a step in progress holds old velocities; x moves only when a step is complete */
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

double rf__job_option(const rf_job *job, int index) {
    return rf__option(job->solver->options, job->options, index);
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

bool rf__job_ask_first(const rf_job *job, bool reuse, rf_request *out) {
    if (job->stage != 0 || (reuse && job->carried)) return false;
    *out = (rf_request){job->x, job->t, true};
    return true;
}

void rf__job_ask_ahead(rf_job *job, double part, rf_request *out) {
    float h = (float)rf__job_step(job), *ahead = job->buffer[RF_BUFFER_AHEAD];
    const float *first = job->buffer[RF_BUFFER_FIRST];
    for (int64_t i = 0; i < job->scalars; i++) ahead[i] = job->x[i] + (float)part * h * first[i];
    job->stage = 1;
    *out = (rf_request){ahead, part == 1 ? job->grid[job->position + 1] : job->t + part * rf__job_step(job), false};
}

bool rf__job_keep_first(rf_job *job, const float *v) {
    if (job->stage != 0) return false;
    memcpy(job->buffer[RF_BUFFER_FIRST], v, (size_t)job->scalars * sizeof *v);
    job->stage = 1;
    return true;
}
