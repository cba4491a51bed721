/* profile_test.h - for the tests of profiles: walks of 50 steps that learn into one. Comes after cmocka.h. */
#ifndef RF_POLICIES_PROFILE_TEST_H
#define RF_POLICIES_PROFILE_TEST_H
#include <math.h>
#include <stdio.h>

#include "../walk_test.h"
#include "profile_sums.h"

enum { STEPS = 50 };

static double times[STEPS + 1];
static const rf_profile_key key = {"sha", "ab2", "none", "generate"};

static inline int set_times(void **state) {
    (void)state;
    uniform(times, STEPS, 0, 1);
    return 0;
}

/* One walk along the profile's grid. Caller frees. */
static inline rf_trajectory *run(const rf_field *field, rf_profile *profile, const char *policy, const char *options, uint64_t seed, int64_t *calls) {
    rf_options values;
    const rf_policy *p = rf__policy_find(policy);
    assert_int_equal(rf__options_parse(p->options, &values, policy, options), RF_OK);
    const rf_job_spec spec = {.field = field, .solver = rf__solver_find(profile->key.solver), .times = profile->times, .steps = profile->steps,
                              .seed = seed, .policy = p, .cond = {.label = -1}, .setup = {.options = &values, .profile = profile}};
    return walked(&spec, calls);
}

static inline void learn(const rf_field *field, rf_profile *profile, const char *policy, const char *options, uint64_t seed) {
    rf_trajectory *done = run(field, profile, policy, options, seed, NULL);
    rf__trajectory_free(&done);
}

static inline rf_profile *empty(const char *solver) {
    rf_profile_key own = key;
    rf_profile *profile = NULL;
    snprintf(own.solver, sizeof own.solver, "%s", solver);
    assert_int_equal(rf__profile_create(&profile, &own, times, STEPS), RF_OK);
    return profile;
}

static inline rf_profile *calibrated(const rf_field *field, const char *solver, int walks) {
    rf_profile *profile = empty(solver);
    for (int s = 0; s < walks; s++) learn(field, profile, "calibrate", NULL, 1000 + (uint64_t)s);
    assert_int_equal(rf__profile_settle(profile), RF_OK);
    assert_int_equal(profile->walks, walks);
    return profile;
}

/* A bump in the first velocity that begins a little after index 10 of 50 and ends before 26. */
static inline rf_status bent_velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)x, (void)cond;
    for (int64_t r = 0; r < rows; r++) {
        float away = t[r] - 0.26f;
        v[2 * r] = 1 + t[r] + (away > -0.05f && away < 0.25f ? 6 * sinf(12.566f * (away + 0.05f)) : 0);
        v[2 * r + 1] = 2 - t[r];
    }
    return RF_OK;
}
static const rf_field bent = {NULL, PLANE, -1, bent_velocity};

#endif
