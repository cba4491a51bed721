/* learned.c - network, refiner or line at each point, as was found on whole walks: `strait tune` tries what each replacement does to where the walk
 * ends (how far from the fine solve), with those before it in place, and keeps the one that spoils least for what it saves. */
#include <string.h>

#include "jump.h"
#include "profile.h"

enum { OPTION_CALLS };

static const rf_option options[] = {
    {"calls", 8, 1, RF_PROFILE_STEPS, NULL, "what a walk may cost in network calls; a refiner's answer counts as the share of one that the profile says"},
    {NULL},
};

static double calls_of(const rf_policy_setup *setup) { return rf__option(options, setup->options, OPTION_CALLS); }

static rf_status check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps) {
    const rf_profile *profile = setup->profile;
    const char *at_hand = setup->refiner ? setup->refiner : "";
    RF_TRY(rf__jump_check(policy, setup, solver, times, steps));
    if (!profile || !profile->mixes)
        return rf__fail(RF_EINVAL, "policy 'learned' works from mixed walks, and the profile has none; `strait tune --policies learned` finds them");
    RF_TRY(rf__profile_fits(profile, solver, times, steps));
    const rf_profile_mix *mix = rf__profile_mix_for(profile, calls_of(setup)), *least = &profile->mix[profile->mixes - 1];
    if (!mix) return rf__fail(RF_EINVAL, "policy 'learned' was given %g calls, expected at least %g, the cheapest walk of the profile", calls_of(setup), least->cost);
    if (!strchr(mix->kinds, RF_LETTERS[RF_KIND_REFINE]) || strcmp(profile->refiner, at_hand) == 0) return RF_OK;
    return rf__fail(at_hand[0] ? RF_EMISMATCH : RF_EINVAL, "the profile's mixed walks ask the refiner %.12s, and %s%.12s", profile->refiner, at_hand[0] ? "this one is " : "there is none",
                    at_hand);
}

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    ((rf_written *)state)->kinds = rf__profile_mix_for(setup->profile, calls_of(setup))->kinds;
    return RF_OK;
}

const rf_policy rf__policy_learned = {
    .name = "learned",
    .source = "FlowTurbo's refiner as one of three answers (flowturbo.md section 6), places found by trying",
    .help = "network, refiner or line at each point, as whole walks showed it; the same for every image",
    .history = true,
    .profile = true,
    .mixes = true,
    .refines = true,
    .knob = 1 + OPTION_CALLS,
    .options = options,
    .state_size = sizeof(rf_written),
    .check = check,
    .begin = begin,
    .choose = rf__written_choose,
};
