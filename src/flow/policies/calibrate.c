/* calibrate.c - asks everywhere and gives the profile what it learned about every jump it might have made. */
#include <string.h>

#include "../../base/log.h"
#include "../../base/memory.h"
#include "jump.h"
#include "profile.h"

typedef struct calibrate_state {
    rf_profile *profile;
    bool integrated;
    int count; /* answers so far */
    float *v;  /* [steps, scalars] */
    double *t;
    char *fresh;
} calibrate_state;

static rf_status check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps) {
    RF_TRY(rf__jump_check(policy, setup, solver, times, steps));
    if (!setup->profile) return rf__fail(RF_EINVAL, "policy 'calibrate' has no profile to fill");
    return rf__profile_fits(setup->profile, solver, times, steps);
}

static void end(void *state, const rf_job *job) {
    calibrate_state *c = state;
    /* A walk that failed or was cancelled tells nothing. */
    if (job->position == job->steps && c->count == job->steps &&
        rf__profile_full_walk(c->profile, c->v, c->t, job->scalars, job->x, c->fresh, c->integrated) != RF_OK)
        rf__warn("%s", rf_last_error());
    rf__free(c->v);
    rf__free(c->t);
    rf__free(c->fresh);
}

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    calibrate_state *c = state;
    size_t steps = (size_t)job->steps;
    c->profile = setup->profile;
    c->integrated = job->solver->order > 1;
    c->v = rf__alloc_array(steps * (size_t)job->scalars, sizeof *c->v);
    c->t = rf__alloc_array(steps, sizeof *c->t);
    c->fresh = rf__alloc(steps + 1);
    if (c->v && c->t && c->fresh) return RF_OK;
    end(state, &(rf_job){.steps = 1});
    return rf__fail(RF_ENOMEM, "no memory for the %d velocities of a walk", job->steps);
}

static rf_kind choose(void *state, const rf_step_view *view) {
    (void)state, (void)view;
    return RF_KIND_FULL;
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    calibrate_state *c = state;
    const rf_job *job = view->job;
    (void)kind;
    if (c->count != job->position) return;
    memcpy(c->v + (size_t)c->count * (size_t)job->scalars, v, (size_t)job->scalars * sizeof *v);
    c->t[c->count] = view->ask->t;
    c->fresh[c->count++] = job->history.count == 0 ? '1' : '0';
}

const rf_policy rf__policy_calibrate = {
    .name = "calibrate",
    .source = "",
    .help = "asks everywhere and measures what passing points would have spoiled",
    .history = true,
    .internal = true,
    .profile = true,
    .state_size = sizeof(calibrate_state),
    .check = check,
    .begin = begin,
    .choose = choose,
    .observe = observe,
    .end = end,
};
