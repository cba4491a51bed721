/* threshold.c - passes points while the newest extrapolation was good: the commented-out origin of FastFlow's code, per sample. */
#include "jump.h"

enum { OPTION_TOLERANCE, OPTION_SKIP };

static const rf_option options[] = {
    {"e_tol", 1e-2, 0, 1e6, NULL, "allowed |v^ - v|^2 / |v|^2 of the newest extrapolation"},
    {"skip", 2, 0, 64, NULL, "points passed while it is kept", .whole = true},
    {NULL},
};

typedef struct threshold_state {
    rf_jump jump; /* first: rf__jump_choose */
    double tolerance;
    int skip;
} threshold_state;

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    threshold_state *threshold = state;
    threshold->tolerance = rf__option(options, setup->options, OPTION_TOLERANCE);
    threshold->skip = (int)rf__option(options, setup->options, OPTION_SKIP);
    return RF_OK;
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    threshold_state *threshold = state;
    rf_jump *jump = &threshold->jump;
    if (!rf__jump_observe(jump, view, kind, v, 0)) return;
    bool good = jump->error >= 0 && jump->error <= threshold->tolerance;
    rf__jump_take(jump, view, good ? threshold->skip : 0);
}

const rf_policy rf__policy_threshold = {
    .name = "threshold",
    .source = "FastFlow's origin (fastflow.md section 4.7)",
    .help = "passes `skip` points on the line while the error of the newest extrapolation is at most e_tol",
    .history = true,
    .options = options,
    .state_size = sizeof(threshold_state),
    .check = rf__jump_check,
    .begin = begin,
    .choose = rf__jump_choose,
    .observe = observe,
};
