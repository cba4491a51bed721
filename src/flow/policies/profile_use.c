/* profile_use.c - which profile a walk may use, and what a quality budget picks from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/file.h"
#include "../../base/number.h"
#include "profile.h"

void rf__profile_key_fill(rf_profile_key *out, const char *model, const rf_solver *solver, const rf_guidance *guide, const rf_guidance_opts *opts) {
    memset(out, 0, sizeof *out);
    snprintf(out->model, sizeof out->model, "%s", model);
    snprintf(out->solver, sizeof out->solver, "%s", solver->name);
    snprintf(out->task, sizeof out->task, "generate");
    bool plain = rf__guidance_max_rows(guide, opts) < 2 && !guide->remembers && !opts->target; /* a scale of 1 is no guidance */
    if (plain) snprintf(out->guidance, sizeof out->guidance, "none");
    else rf__number_print(out->guidance, sizeof out->guidance, "%s %g %g..%g", guide->name, opts->scale, opts->low, opts->high);
}

/* "rel=0.02" -> which measure and how much of it. */
static rf_status parse_budget(const char *text, rf_budget *budget, double *limit) {
    int name = 0;
    size_t length = strcspn(text, "=");
    while (rf__budget_names[name] && !(strlen(rf__budget_names[name]) == length && memcmp(rf__budget_names[name], text, length) == 0)) name++;
    char *end = NULL;
    *limit = text[length] ? rf__number_read(text + length + 1, &end) : 0;
    *budget = (rf_budget)name;
    if (!rf__budget_names[name] || !end || end == text + length + 1 || *end || !(*limit > 0))
        return rf__fail(RF_EINVAL, "the quality budget is '%.60s', expected rel=X, psnr=X or lpips=X with a positive number", text);
    return RF_OK;
}

rf_status rf__budget_check(const char *text) {
    rf_budget budget;
    double limit;
    return parse_budget(text, &budget, &limit);
}

rf_status rf__profile_budget(const rf_profile *profile, const rf_policy *policy, const char *text, rf_options *options, const rf_profile_rung **promise) {
    rf_budget budget;
    double limit;
    RF_TRY(parse_budget(text, &budget, &limit));
    RF_TRY(rf__profile_pick(profile, policy->name, budget, limit, promise));
    options->at[policy->knob - 1] = (*promise)->value;
    if (rf__policy_learns(policy, options))
        return rf__fail(RF_EINVAL, "policy '%s' learns and is given a budget, expected one of them: a promise holds for tables that stand still", policy->name);
    for (int b = 0; b < RF_BANDITS; b++) {
        const rf_profile_bandit *bandit = &profile->bandit[b];
        if (strcmp(bandit->name, policy->name) == 0 && bandit->tolerance == (*promise)->value && bandit->walks > 0)
            return rf__fail(RF_EINVAL, "policy '%s' has learned since its promise was measured, expected a new `strait tune`", bandit->name);
    }
    return RF_OK;
}

rf_status rf__profile_open(rf_profile **out, const char *path, const rf_profile_key *key, const rf_policy *policy, const rf_options *options,
                           const rf_solver *solver, const double *times, int steps) {
    *out = NULL;
    if (!rf__file_exists(path)) {
        if (rf__policy_learns(policy, options)) return rf__profile_create(out, key, times, steps);
        return rf__fail(RF_ENOTFOUND, "%s: is not there, and policy '%s' works from it; `strait tune` makes it", path, policy->name);
    }
    RF_TRY(rf__profile_read(out, path));
    rf_status status = rf__profile_same(*out, key, path);
    if (status == RF_OK) {
        status = rf__profile_fits(*out, solver, times, steps);
        if (status != RF_OK) rf__fail_in(status, "%s: ", path);
    }
    if (status != RF_OK) rf__profile_free(out);
    return status;
}
