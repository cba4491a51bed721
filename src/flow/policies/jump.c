/* jump.c - see jump.h. */
#include "jump.h"

#include <math.h>
#include <string.h>

enum { PAUSE = 3 };

static double ratio(double square, double size) {
    return square / (size > 1e-30 ? size : 1e-30);
}

double rf__relative_error(const float *a, const float *b, int64_t n) {
    double square = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        double gap = (double)a[i] - (double)b[i];
        square += gap * gap;
        size += (double)b[i] * (double)b[i];
    }
    return ratio(square, size);
}

rf_status rf__jump_check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps) {
    (void)setup, (void)times, (void)steps;
    if (solver->calls_per_step == 1 && !solver->adaptive) return RF_OK;
    return rf__fail(RF_EINVAL, "policy '%s' passes grid points, and solver '%s' %s; expected one that asks once a step, as euler and ab2 do",
                    policy->name, solver->name, solver->adaptive ? "chooses its own steps" : "asks more than once a step");
}

rf_kind rf__jump_choose(void *state, const rf_step_view *view) {
    rf_jump *jump = state;
    const rf_job *job = view->job;
    if (jump->chosen == job->position + 1) {
        /* Another stage of the same step, unless what was known has died meanwhile. */
        return job->history.count < RF_HISTORY ? RF_KIND_FULL : jump->kind;
    }
    bool skip = jump->left > 0 && job->history.count == RF_HISTORY && job->position < job->steps - 1;
    if (job->history.count < RF_HISTORY) jump->left = jump->length = 0;
    jump->chosen = job->position + 1;
    jump->kind = skip ? RF_KIND_EXTRAPOLATE : RF_KIND_FULL;
    if (skip) {
        jump->left--;
        jump->length++;
    }
    return jump->kind;
}

/* The error of the extrapolation is |v_0 + f (v_0 - v_1) - v|^2, without a vector for it. */
static void measure(rf_jump *jump, const rf_step_view *view, const float *v, double hold) {
    const rf_job *job = view->job;
    const rf_history *history = &job->history;
    double t = view->ask->t, square = 0, size = 0, change = 0;
    const float *newest = history->v[0], *older = history->count == RF_HISTORY ? history->v[1] : newest;
    double span = t - history->t[0], factor = history->count == RF_HISTORY ? (1 - hold) * span / (history->t[0] - history->t[1]) : 0;
    for (int64_t i = 0; i < job->scalars; i++) {
        double value = (double)v[i], gap = (double)newest[i] - value, error = gap + factor * ((double)newest[i] - (double)older[i]);
        square += error * error;
        size += value * value;
        change += gap * gap;
    }
    double step = (job->grid[job->steps] - job->grid[0]) / job->steps;
    jump->error = history->count == RF_HISTORY && span != 0 ? ratio(square, size) : -1;
    jump->span = fabs(span);
    jump->change = span != 0 ? ratio(change, size) * (step / span) * (step / span) : 0;
}

bool rf__jump_observe(rf_jump *jump, const rf_step_view *view, rf_kind kind, const float *v, double hold) {
    const rf_job *job = view->job;
    if (kind == RF_KIND_EXTRAPOLATE || jump->observed == job->position + 1) return false;
    jump->observed = job->position + 1;
    jump->landed = jump->length;
    jump->length = jump->left = 0;
    jump->error = -1;
    if (job->history.count == 0) {
        jump->landed = 0;
        return false;
    }
    measure(jump, view, v, hold);
    if (jump->quiet > 0) jump->quiet--;
    return true;
}

int rf__jump_room(const rf_step_view *view) {
    int room = view->job->steps - 2 - view->job->position;
    return room > 0 ? room : 0;
}

void rf__jump_take(rf_jump *jump, const rf_step_view *view, int m) {
    int room = rf__jump_room(view);
    if (jump->quiet > 0) m = 0;
    if (m > room) m = room;
    jump->left = m > 0 ? m : 0;
}

void rf__jump_pause(rf_jump *jump) {
    jump->quiet = PAUSE;
}

rf_kind rf__written_choose(void *state, const rf_step_view *view) {
    const rf_written *written = state;
    return (rf_kind)(strchr(RF_LETTERS, written->kinds[view->job->position]) - RF_LETTERS);
}
