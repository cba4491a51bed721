/* controller.c - a step controller for jumps (fastflow.md section 8.3): each network answer tells how wrong the jump before was, and the
 * next reach is changed by the power that error follows. The line through two points errs by reach^2, so the squared relative error
 * follows reach^4 and the power is 1/4. It learns nothing across jobs, so it needs no profile and is the same in every batch. */
#include <math.h>

#include "jump.h"

enum { OPTION_TOLERANCE, OPTION_SAFETY, OPTION_GROWTH, OPTION_MOST };

static const rf_option options[] = {
    {"e_tol", 1e-2, 1e-12, 1e6, NULL, "wanted |v^ - v|^2 / |v|^2 at the end of a jump"},
    {"safety", 0.9, 0.1, 1, NULL, "share of the reach that would just keep it"},
    {"growth", 2, 1, 10, NULL, "most growth of the steps taken at once, from jump to jump"},
    {"m_max", 8, 0, 64, NULL, "most points passed in one go", .whole = true},
    {NULL},
};

typedef struct controller_state {
    rf_jump jump; /* first: rf__jump_choose */
    double tolerance, safety, growth;
    int most;
} controller_state;

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    controller_state *controller = state;
    controller->tolerance = rf__option(options, setup->options, OPTION_TOLERANCE);
    controller->safety = rf__option(options, setup->options, OPTION_SAFETY);
    controller->growth = rf__option(options, setup->options, OPTION_GROWTH);
    controller->most = (int)rf__option(options, setup->options, OPTION_MOST);
    return RF_OK;
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    controller_state *controller = state;
    rf_jump *jump = &controller->jump;
    if (!rf__jump_observe(jump, view, kind, v, 0) || jump->error < 0) return;
    double factor = jump->error > 0 ? controller->safety * pow(controller->tolerance / jump->error, 0.25) : INFINITY;
    double reach = jump->span * factor * (1 + 1e-9);
    /* Growth counts points, not time: on a grid whose steps grow by themselves it would never leave m = 0. */
    double points = controller->growth * (jump->landed + 1);
    const rf_job *job = view->job;
    int m = 0, room = rf__jump_room(view);
    /* Landing after m passed points reaches grid[position + m + 1]. */
    while (m < controller->most && m < room && m + 2 <= points && fabs(job->grid[job->position + m + 2] - view->ask->t) <= reach) m++;
    if (jump->landed > 0 && jump->error > 4 * controller->tolerance) rf__jump_pause(jump);
    rf__jump_take(jump, view, m);
}

const rf_policy rf__policy_controller = {
    .name = "controller",
    .source = "step size control, Hairer, Norsett, Wanner I, II.4, on FastFlow's jumps",
    .help = "passes as many points as keep the error of the next extrapolation near e_tol, judged by the last",
    .history = true,
    .options = options,
    .state_size = sizeof(controller_state),
    .check = rf__jump_check,
    .begin = begin,
    .choose = rf__jump_choose,
    .observe = observe,
};
