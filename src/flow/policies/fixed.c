/* fixed.c - the same number of points after every network answer: the simplest baselines, held or extrapolated. */
#include "jump.h"

enum { OPTION_SKIP };

static const rf_option options[] = {
    {"skip", 2, 0, 64, NULL, "points passed after each network answer", .whole = true},
    {NULL},
};

typedef struct fixed_state {
    rf_jump jump; /* first: rf__jump_choose */
    int skip;
    double hold;
} fixed_state;

static rf_status begin_with(void *state, const rf_policy_setup *setup, double hold) {
    fixed_state *fixed = state;
    fixed->skip = (int)rf__option(options, setup->options, OPTION_SKIP);
    fixed->hold = hold;
    return RF_OK;
}

static rf_status begin_line(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    return begin_with(state, setup, 0);
}

static rf_status begin_hold(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    return begin_with(state, setup, 1);
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    fixed_state *fixed = state;
    if (rf__jump_observe(&fixed->jump, view, kind, v, fixed->hold)) rf__jump_take(&fixed->jump, view, fixed->skip);
}

const rf_policy rf__policy_fixed = {
    .name = "fixed",
    .source = "FastFlow without its bandit, arXiv 2602.11105",
    .help = "passes `skip` points after each network answer on the line through the last two velocities",
    .history = true,
    .options = options,
    .state_size = sizeof(fixed_state),
    .check = rf__jump_check,
    .begin = begin_line,
    .choose = rf__jump_choose,
    .observe = observe,
};

const rf_policy rf__policy_hold = {
    .name = "hold",
    .source = "step caching; what the public FastFlow code amounts to",
    .help = "passes `skip` points after each network answer with the newest velocity again",
    .history = true,
    .hold = 1,
    .options = options,
    .state_size = sizeof(fixed_state),
    .check = rf__jump_check,
    .begin = begin_hold,
    .choose = rf__jump_choose,
    .observe = observe,
};
