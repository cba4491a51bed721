/* table.c - a frozen schedule from the profile: the places that, for a given number of network calls, are expected to spoil least. */
#include "jump.h"
#include "profile.h"

enum { OPTION_CALLS };

static const rf_option options[] = {
    {"calls", 18, 1, RF_PROFILE_STEPS, NULL, "network calls of a walk; all points when the grid has fewer", .whole = true},
    {NULL},
};

static int calls_of(const rf_policy_setup *setup, int steps) {
    int calls = (int)rf__option(options, setup->options, OPTION_CALLS);
    return calls > steps ? steps : calls;
}

static rf_status check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps) {
    const rf_profile *profile = setup->profile;
    RF_TRY(rf__jump_check(policy, setup, solver, times, steps));
    if (!profile || !profile->walks)
        return rf__fail(RF_EINVAL, "policy 'table' works from a calibrated profile, and there is none; `strait tune` makes it");
    RF_TRY(rf__profile_fits(profile, solver, times, steps));
    int calls = calls_of(setup, steps), fewest = rf__profile_fewest(profile);
    if (calls >= fewest) return RF_OK;
    return rf__fail(RF_EINVAL, "policy 'table' was asked for %d calls, expected at least %d: no more than %d points are passed in one go", calls, fewest,
                    RF_PROFILE_MOST);
}

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    ((rf_written *)state)->kinds = setup->profile->plan + (size_t)calls_of(setup, job->steps) * (size_t)(job->steps + 1);
    return RF_OK;
}

const rf_policy rf__policy_table = {
    .name = "table",
    .source = "dynamic programming over measured errors (fastflow.md section 5)",
    .help = "the best places for so many calls by the profile's measurements, the same for every image",
    .history = true,
    .profile = true,
    .knob = 1 + OPTION_CALLS,
    .counts = true,
    .options = options,
    .state_size = sizeof(rf_written),
    .check = check,
    .begin = begin,
    .choose = rf__written_choose,
};
