/* cascade.c - evaluate, refine or extrapolate, by what this walk has shown so far: the line through the two newest velocities is taken
 * where the last one that was checked was good enough, the refiner where the velocity has changed little, the network elsewhere.
 *   error of the line at t   ~ curve  |t - t_k| |t - t_p|      curve from the newest answer that could be compared with its line
 *   change of the velocity   ~ change |t - t_k|                change from the two newest answers
 * both as |.|/|v|. The refiner corrects a part of the change that nobody measures; the tolerance says how much change it is trusted with. */
#include <math.h>

#include "jump.h"

enum { OPTION_SKIP, OPTION_REFINE, OPTION_MOST };

static const rf_option options[] = {
    {"e_skip", 0.01, 0, 1e6, NULL, "expected |v^ - v| / |v| up to which the line is taken"},
    {"e_refine", 0.1, 0, 1e6, NULL, "expected |v' - v| / |v| up to which the refiner is asked"},
    {"most", 3, 0, 64, NULL, "answers in a row without the network", .whole = true},
    {NULL},
};

typedef struct cascade {
    double skip, refine, curve, change; /* curve, change: negative until measured */
    int most, cheap;                    /* answers since the network's last */
} cascade;

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    *(cascade *)state = (cascade){.skip = rf__option(options, setup->options, OPTION_SKIP),
                                  .refine = rf__option(options, setup->options, OPTION_REFINE),
                                  .most = (int)rf__option(options, setup->options, OPTION_MOST),
                                  .curve = -1,
                                  .change = -1};
    return RF_OK;
}

static rf_kind choose(void *state, const rf_step_view *view) {
    const cascade *c = state;
    const rf_history *history = &view->job->history;
    if (history->count < RF_HISTORY || c->cheap >= c->most) return RF_KIND_FULL;
    double gap = fabs(view->ask->t - history->t[0]), wide = fabs(view->ask->t - history->t[1]);
    if (c->curve >= 0 && c->curve * gap * wide <= c->skip) return RF_KIND_EXTRAPOLATE;
    return c->change >= 0 && c->change * gap <= c->refine ? RF_KIND_REFINE : RF_KIND_FULL;
}

static void observe(void *state, const rf_step_view *view, rf_kind kind, const float *v) {
    cascade *c = state;
    const rf_history *history = &view->job->history;
    c->cheap = kind == RF_KIND_FULL ? 0 : c->cheap + 1;
    double gap = history->count > 0 ? fabs(view->ask->t - history->t[0]) : 0;
    if (kind == RF_KIND_EXTRAPOLATE || gap == 0) return;
    bool line = history->count == RF_HISTORY;
    double factor = line ? (view->ask->t - history->t[0]) / (history->t[0] - history->t[1]) : 0, size = 0, moved = 0, missed = 0;
    const float *newer = history->v[0], *older = line ? history->v[1] : newer;
    for (int64_t i = 0; i < view->job->scalars; i++) {
        double d = (double)v[i] - newer[i], e = d - factor * ((double)newer[i] - older[i]);
        size += (double)v[i] * v[i];
        moved += d * d;
        missed += e * e;
    }
    if (size <= 0) return;
    c->change = sqrt(moved / size) / gap;
    /* What the refiner said is no measure of the line. */
    if (line && kind == RF_KIND_FULL) c->curve = sqrt(missed / size) / (gap * fabs(view->ask->t - history->t[1]));
}

const rf_policy rf__policy_cascade = {
    .name = "cascade",
    .source = "FlowTurbo's refiner and FastFlow's line (flowturbo.md section 6.2), thresholds on measured change",
    .help = "extrapolates, refines or asks the network by how much this walk's velocity has changed",
    .refines = true,
    .history = true,
    .options = options,
    .state_size = sizeof(cascade),
    .check = rf__jump_check,
    .begin = begin,
    .choose = choose,
    .observe = observe,
};
