/* policy.c - the table of policies, the one that never skips, and the extrapolation they share. */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#include "../base/table.h"
#include "policies/profile.h"

extern const rf_policy rf__policy_hold, rf__policy_fixed, rf__policy_threshold, rf__policy_teacache, rf__policy_controller, rf__policy_cascade,
    rf__policy_table, rf__policy_fastflow, rf__policy_contextual, rf__policy_learned, rf__policy_calibrate, rf__policy_recorded;

static rf_kind always_full(void *state, const rf_step_view *view) {
    (void)state, (void)view;
    return RF_KIND_FULL;
}

const rf_policy rf__policy_none = {
    .name = "none", .source = "", .help = "every answer comes from the network", .choose = always_full};
static const rf_policy *const policies[] = {&rf__policy_none,
                                            &rf__policy_hold,
                                            &rf__policy_fixed,
                                            &rf__policy_threshold,
                                            &rf__policy_teacache,
                                            &rf__policy_controller,
                                            &rf__policy_cascade,
                                            &rf__policy_table,
                                            &rf__policy_fastflow,
                                            &rf__policy_contextual,
                                            &rf__policy_learned,
                                            &rf__policy_calibrate,
                                            &rf__policy_recorded,
                                            NULL};

const rf_policy *const *rf__policies(void) {
    return policies;
}

const rf_policy *rf__policy_find(const char *name) {
    RF_TABLE_FIND(policies, "policy", name);
}

const rf_policy *rf__policy_choose(const char *name, bool budget) {
    if (budget && name && strcmp(name, rf__policy_none.name) == 0) return &rf__policy_table;
    const rf_policy *policy = rf__policy_find(name);
    if (policy && policy->internal) rf__fail(RF_ENOTFOUND, "policy '%s' is the program's own, expected one of `strait generate --help`", name);
    return policy && !policy->internal ? policy : NULL;
}

/* "table, fastflow ...": those that a budget can set, or that work from a profile. */
static const char *names_that_take(bool budget, char out[200]) {
    out[0] = '\0';
    for (const rf_policy *const *p = policies; *p; p++) {
        size_t used = strlen(out);
        if (!(*p)->internal && (budget ? (*p)->knob > 0 : (*p)->profile)) snprintf(out + used, 200 - used, "%s%s", used ? ", " : "", (*p)->name);
    }
    return out;
}

rf_status rf__policy_takes(const rf_policy *policy, const char *budget, const char *profile) {
    char names[200];
    if (budget && !policy->knob)
        return rf__fail(RF_EINVAL, "a quality budget is given and policy '%s' has no setting for it, expected one of %s", policy->name,
                        names_that_take(true, names));
    if (profile && !policy->profile)
        return rf__fail(RF_EINVAL, "a profile is given and policy '%s' does not work from one, expected one of %s", policy->name,
                        names_that_take(false, names));
    return budget ? rf__budget_check(budget) : RF_OK;
}

bool rf__policy_learns(const rf_policy *policy, const rf_options *options) { return policy->learns && options->at[policy->learns - 1] == 1; }

void rf__extrapolate(const rf_job *job, double t, double hold, float *v) {
    const rf_history *history = &job->history;
    /* Times, not indices: the grid need not be uniform. */
    float factor = (float)((1 - hold) * (t - history->t[0]) / (history->t[0] - history->t[1]));
    const float *newest = history->v[0], *older = history->v[1];
    for (int64_t i = 0; i < job->scalars; i++) v[i] = newest[i] + factor * (newest[i] - older[i]);
}
