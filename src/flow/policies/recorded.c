/* recorded.c - a walk asks where an earlier one asked: how a picture made with tables that have changed since is made again. */
#include <string.h>

#include "jump.h"

static rf_status check(const rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps) {
    RF_TRY(rf__jump_check(policy, setup, solver, times, steps));
    const char *asked = setup->recorded;
    if (!asked) return rf__fail(RF_EINVAL, "policy 'recorded' has no record, expected one letter a step");
    size_t length = strlen(asked), letters = strspn(asked, RF_LETTERS);
    if (length == (size_t)steps && letters == length) return RF_OK;
    return rf__fail(RF_EINVAL, "the record '%.60s' has %zu letters, %zu of them 0, 1 or r, and the walk %d steps; expected one for each", asked, length,
                    letters, steps);
}

static rf_status begin(void *state, const rf_policy_setup *setup, const rf_job *job) {
    (void)job;
    ((rf_written *)state)->kinds = setup->recorded;
    return RF_OK;
}

const rf_policy rf__policy_recorded = {
    .name = "recorded",
    .source = "",
    .help = "asks where the walk on record asked",
    .history = true,
    .refines = true,
    .internal = true,
    .state_size = sizeof(rf_written),
    .check = check,
    .begin = begin,
    .choose = rf__written_choose,
};
