/* teacache.c - TeaCache's rule on velocities: hold the newest one until the change that is expected since it was measured has summed up
 * to delta. TeaCache guesses the change from the embedding of the time by a fitted polynomial; we know the last change itself,
 * |v_k - v_p| / |v_k|, and take its rate to go on. */
#include <math.h>

#include "jump.h"

enum { OPTION_DELTA, OPTION_MOST };

static const rf_option options[] = {
    {"delta", 0.1, 0, 100, NULL, "relative change of the velocity that may sum up before the network is asked"},
    {"m_max", 8, 0, 64, NULL, "most points passed in one go", .whole = true},
    {NULL},
};

typedef struct teacache_state {
    rf_jump jump; /* first: rf__jump_choose */
    double delta;
    int most;
} teacache_state;

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    teacache_state *teacache = state;
    teacache->delta = rf__option(options, setup->options, OPTION_DELTA);
    teacache->most = (int)rf__option(options, setup->options, OPTION_MOST);
    return RF_OK;
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    teacache_state *teacache = state;
    if (!rf__jump_observe(&teacache->jump, view, kind, v, 1)) return;
    const rf_job *job = view->job;
    double step = fabs(job->grid[job->steps] - job->grid[0]) / job->steps, rate = sqrt(teacache->jump.change) / step;
    int m = 0, room = rf__jump_room(view);
    while (m < teacache->most && m < room && rate * fabs(job->grid[job->position + m + 1] - view->ask->t) < teacache->delta) m++;
    rf__jump_take(&teacache->jump, view, m);
}

const rf_policy rf__policy_teacache = {
    .name = "teacache",
    .source = "after TeaCache, Liu et al. 2024, arXiv 2411.19108",
    .help = "holds the newest velocity until its expected relative change sums up to delta",
    .history = true,
    .hold = 1,
    .options = options,
    .state_size = sizeof(teacache_state),
    .check = rf__jump_check,
    .begin = begin,
    .choose = rf__jump_choose,
    .observe = observe,
};
