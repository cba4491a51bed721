/* anneal.c - see anneal.h. */
#include "anneal.h"

#include <math.h>

#define PI 3.14159265358979323846

static double linear_at(double part) { return part < 1 ? 1 - part : 0; }

static const rf_anneal_schedule linear = {
    {"linear", "Zhu et al. 2024 (SlimFlow), arXiv 2407.12718", "1 - k/over, then 0"}, linear_at};

static double cosine_at(double part) { return part < 1 ? 0.5 * (1 + cos(PI * part)) : 0; }

static const rf_anneal_schedule cosine = {
    {"cosine", "Zhu et al. 2024 (SlimFlow), published code", "(1 + cos(pi k/over)) / 2, then 0"}, cosine_at};

static double exponential_at(double part) { return exp(-part); }

static const rf_anneal_schedule exponential = {
    {"exponential", "Zhu et al. 2024 (SlimFlow), published code", "exp(-k/over), which is 0.37 at the end and never 0"}, exponential_at};

static double constant_at(double part) {
    (void)part;
    return 1;
}

static const rf_anneal_schedule constant = {
    {"constant", "Zhu et al. 2024 (SlimFlow), published code", "1: 1-RF on the teacher's pictures"}, constant_at};

static const rf_anneal_schedule measured = {
    {"measured", "strait", "falls by anneal.drop whenever the loss has become flat"}, NULL};

const rf_plugin *const *rf__anneal_schedules(void) {
    static const rf_plugin *const table[] = {&linear.is, &cosine.is, &exponential.is, &constant.is, &measured.is, NULL};
    return table;
}

double rf__anneal_beta(const rf_anneal_schedule *schedule, const rf_anneal_config *config, const rf_anneal_state *state, int64_t step) {
    if (schedule->at) return schedule->at((double)step / (double)config->over);
    return fmax(0, 1 - state->fallen);
}

void rf__anneal_note(const rf_anneal_config *config, rf_anneal_state *state, double loss) {
    if (!isfinite(loss)) return; /* its step is skipped */
    state->sum += loss;
    if (++state->count < config->patience) return;
    double mean = state->sum / (double)state->count;
    bool flat = state->before > 0 && state->before - mean < config->flat * state->before;
    if (flat) state->fallen = fmin(1, state->fallen + config->drop);
    state->before = flat ? 0 : mean; /* the loss of a lower beta is another one: it needs an interval to compare with */
    state->sum = 0;
    state->count = 0;
}
