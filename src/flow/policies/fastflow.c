/* fastflow.c - FastFlow's bandits (arXiv 2602.11105): at each place of the grid an upper-confidence bandit chooses how many points to
 * pass, and the answer at landing says how wrong the line was. Where the published code differs from the paper we follow the paper
 * (fastflow.md section 4); where we differ from the paper: the error is relative, the reward bounded and of no-skip zero, the tables
 * begin from measured errors, the first two answers and the last are real, and a bad jump is followed by a pause.
 * `contextual` has its rows not by the index of the place but by the part of the grid and how fast this image's velocity changes, so
 * that it decides per image (section 8.2). */
#include <math.h>

#include "jump.h"
#include "profile.h"

enum { OPTION_TOLERANCE, OPTION_EXPLORE, OPTION_MOST, OPTION_MODE, OPTION_START };

static const char *const modes[] = {"frozen", "learn", NULL};
static const char *const starts[] = {"measured", "cold", NULL};
static const rf_option options[] = {
    {"e_tol", 1e-2, 1e-12, 1e6, NULL, "|v^ - v|^2 / |v|^2 at landing that outweighs passing m_max points"},
    {"explore", 0.05, 0, 100, NULL, "of the confidence term, in units of sqrt(2) times the range of rewards"},
    {"m_max", RF_PROFILE_MOST, 0, RF_PROFILE_MOST, NULL, "most points passed in one go; 0, 2, 4, 6 are tried"},
    {"mode", 0, 0, 1, modes, "frozen: by what was learned, reproducible; learn: tries, and learns from each image"},
    {"start", 0, 0, 1, starts, "measured: from the errors of full walks; cold: knows nothing"},
    {NULL},
};

typedef struct fastflow_state {
    rf_jump jump; /* first: rf__jump_choose */
    rf_profile *profile;
    int bandit;
    double tolerance, explore;
    int most;
    bool learn;
    int pending; /* 1 + arm of the jump under way; 0: none that can be learned from */
    int row;
    int count;
    rf_profile_lesson lesson[RF_PROFILE_STEPS];
} fastflow_state;

static rf_status check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps) {
    RF_TRY(rf__jump_check(policy, setup, solver, times, steps));
    if (!setup->profile) return rf__fail(RF_EINVAL, "policy '%s' works from a profile, and there is none; `strait tune` makes it", policy->name);
    return rf__profile_fits(setup->profile, solver, times, steps);
}

static rf_status begin_with(void *state, const rf_policy_setup *setup, int bandit) {
    fastflow_state *s = state;
    s->profile = setup->profile;
    s->bandit = bandit;
    s->tolerance = rf__option(options, setup->options, OPTION_TOLERANCE);
    s->explore = rf__option(options, setup->options, OPTION_EXPLORE);
    s->most = (int)rf__option(options, setup->options, OPTION_MOST);
    s->learn = rf__option(options, setup->options, OPTION_MODE) == 1;
    return rf__profile_bandit_begin(s->profile, bandit, s->tolerance, rf__option(options, setup->options, OPTION_START) == 1);
}

static rf_status begin_index(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    return begin_with(state, setup, RF_BANDIT_INDEX);
}
static rf_status begin_context(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    return begin_with(state, setup, RF_BANDIT_CONTEXT);
}

/* The arm of the row: untried ones first when learning, ties by fewer points. */
static int best_arm(const fastflow_state *s, const rf_profile_arm row[RF_PROFILE_ARMS], int room) {
    int64_t pulls = 0;
    int best = 0;
    double most = -INFINITY;
    for (int a = 0; a < RF_PROFILE_ARMS; a++) pulls += row[a].pulls;
    for (int a = 0; a < RF_PROFILE_ARMS && 2 * a <= s->most && 2 * a <= room; a++) {
        if (row[a].pulls == 0 && s->learn) return a;
        if (row[a].pulls == 0 && a > 0) continue;
        double value = rf__profile_mean(&row[a]);
        /* rewards lie in [-1, 1]: range 2 */
        if (s->learn) value += s->explore * 2 * sqrt(2 * log((double)pulls) / (double)row[a].pulls);
        if (value > most) most = value, best = a;
    }
    return best;
}

static void land(fastflow_state *s) {
    if (!s->pending || !s->learn) return;
    int m = 2 * (s->pending - 1);
    /* Shorter than chosen when the history died on the way: nobody's reward. */
    if (s->jump.landed == m && s->jump.error >= 0 && s->count < RF_PROFILE_STEPS)
        s->lesson[s->count++] = (rf_profile_lesson){s->row, s->pending - 1, rf__profile_reward(m, RF_PROFILE_MOST, s->jump.error, s->tolerance)};
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    fastflow_state *s = state;
    rf_jump *jump = &s->jump;
    if (kind == RF_KIND_EXTRAPOLATE) return;
    bool due = rf__jump_observe(jump, view, kind, v, 0);
    if (due) land(s);
    s->pending = 0;
    if (!due) return;
    if (jump->landed > 0 && jump->error > 4 * s->tolerance) rf__jump_pause(jump);
    if (jump->quiet > 0 || rf__jump_room(view) == 0) return; /* nothing to decide */
    rf_profile_arm row[RF_PROFILE_ARMS];
    s->row = s->bandit == RF_BANDIT_INDEX ? view->job->position : rf__profile_context(s->profile, view->job->position, jump->change);
    rf__profile_row(s->profile, s->bandit, s->row, row);
    int arm = best_arm(s, row, rf__jump_room(view));
    s->pending = 1 + arm;
    rf__jump_take(jump, view, 2 * arm);
}

static void end(void *state, const rf_job *job) {
    fastflow_state *s = state;
    (void)job;
    if (s->learn) rf__profile_learn(s->profile, s->bandit, s->lesson, s->count);
}

#define SHARED                                                                                                                               \
    .history = true, .profile = true, .knob = 1 + OPTION_TOLERANCE, .learns = 1 + OPTION_MODE, .options = options, .state_size = sizeof(fastflow_state), .check = check, \
    .choose = rf__jump_choose, .observe = observe, .end = end

const rf_policy rf__policy_fastflow = {
    .name = "fastflow",
    .source = "FastFlow, arXiv 2602.11105, with the corrections of fastflow.md section 5",
    .help = "a bandit at each grid point learns how many points may be passed",
    .begin = begin_index,
    SHARED,
};

const rf_policy rf__policy_contextual = {
    .name = "contextual",
    .source = "fastflow.md section 8.2",
    .help = "the same bandit by part of the grid and by how fast this image's velocity changes",
    .begin = begin_context,
    SHARED,
};
