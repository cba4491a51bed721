/* learned_test.c - mixed walks: who answers where, what they cost, how a profile keeps them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "profile_test.h"

/* "1" + `middle` + as many '1' as the grid has left. */
static rf_profile_mix mix_of(const rf_profile *profile, const char *middle, double away) {
    rf_profile_mix mix = {.away = away};
    memset(mix.kinds, '1', STEPS);
    memcpy(mix.kinds + 1, middle, strlen(middle));
    mix.cost = rf__profile_mix_cost(profile, mix.kinds);
    return mix;
}

static void add(rf_profile *profile, const char *middle, double away) {
    const rf_profile_mix mix = mix_of(profile, middle, away);
    if (rf__profile_add_mix(profile, &mix) != RF_OK) fail_msg("%s", rf_last_error());
}

static rf_profile *mixed(void) {
    rf_profile *profile = empty("ab2");
    rf__profile_mixes_begin(profile, "hash", 0.25);
    add(profile, "1r0", 0.01);      /* 48.25 */
    add(profile, "1r0r0r000", 0.1); /* 42.75 */
    return profile;
}

static rf_trajectory *walk(rf_profile *profile, const rf_field *light, const char *refiner, const char *calls) {
    rf_options values;
    const rf_policy *learned = rf__policy_find("learned");
    const rf_field full = mixture_field();
    assert_int_equal(rf__options_parse(learned->options, &values, "learned", calls), RF_OK);
    const rf_job_spec spec = {.field = &full, .refiner = light, .solver = rf__solver_find("ab2"), .times = profile->times, .steps = STEPS, .seed = 3,
                              .policy = learned, .cond = {.label = -1}, .setup = {.options = &values, .profile = profile, .refiner = refiner}};
    if (rf__job_check(&spec) != RF_OK) return NULL;
    return walked(&spec, NULL);
}

static void who_answers(void **state) {
    (void)state;
    rf_profile *profile = mixed();
    const rf_field oracle = mixture_field();
    rf_trajectory *dear = walk(profile, &oracle, "hash", "calls=49"), *cheap = walk(profile, &oracle, "hash", "calls=48");
    assert_int_equal(dear->counters.nfe_full, STEPS - 2);
    assert_int_equal(dear->counters.nfe_refine, 1);
    assert_int_equal(dear->counters.extrapolated, 1);
    assert_memory_equal(dear->asked, profile->mix[0].kinds, STEPS + 1);
    assert_int_equal(cheap->counters.nfe_refine, 3);
    assert_int_equal(cheap->counters.extrapolated, 5);
    assert_memory_equal(cheap->asked, profile->mix[1].kinds, STEPS + 1);
    /* The record repeats it. */
    const rf_field full = mixture_field();
    const rf_job_spec again = {.field = &full, .refiner = &oracle, .solver = rf__solver_find("ab2"), .times = profile->times, .steps = STEPS, .seed = 3,
                               .policy = rf__policy_find("recorded"), .cond = {.label = -1}, .setup = {.recorded = cheap->asked}};
    rf_trajectory *same = walked(&again, NULL);
    assert_memory_equal(same->job.x, cheap->job.x, PLANE * sizeof(float));
    assert_true(distance(dear, cheap) > 0);
    rf__trajectory_free(&dear);
    rf__trajectory_free(&cheap);
    rf__trajectory_free(&same);
    rf__profile_free(&profile);
}

static void kept_in_a_file(void **state) {
    (void)state;
    rf_profile *profile = mixed(), *back;
    json_t *json = rf__profile_json(profile);
    assert_int_equal(rf__profile_decode(&back, json), RF_OK);
    assert_int_equal(back->mixes, 2);
    assert_string_equal(back->refiner, "hash");
    assert_memory_equal(back->mix, profile->mix, 2 * sizeof *back->mix);
    rf__profile_free(&back);
    json_t *walk = json_array_get(json_object_get(json_object_get(json, "mixed"), "walks"), 1);
    const char *bad[] = {"", "0", "2", "r"};
    for (int i = 0; i < 4; i++) {
        json_object_set_new(walk, "kinds", json_string(bad[i]));
        assert_int_equal(rf__profile_decode(&back, json), RF_EFORMAT);
    }
    json_object_set_new(walk, "kinds", json_string(profile->mix[0].kinds)); /* costs as much as the one before */
    assert_int_equal(rf__profile_decode(&back, json), RF_EFORMAT);
    json_decref(json);
    rf__profile_free(&profile);
}

static void refused(void **state) {
    (void)state;
    rf_profile *profile = mixed(), *none = empty("ab2");
    const rf_field oracle = mixture_field();
    assert_null(walk(profile, &oracle, "other", "calls=48"));
    assert_non_null(strstr(rf_last_error(), "this one is other"));
    assert_null(walk(profile, NULL, NULL, "calls=48"));
    assert_non_null(strstr(rf_last_error(), "there is none"));
    assert_null(walk(profile, &oracle, "hash", "calls=40"));
    assert_non_null(strstr(rf_last_error(), "at least 42.75"));
    assert_null(walk(none, &oracle, "hash", "calls=48"));
    assert_non_null(strstr(rf_last_error(), "strait tune"));
    rf__profile_mixes_begin(none, NULL, 0.25);
    const rf_profile_mix asks = mix_of(none, "1r", 0);
    assert_int_equal(rf__profile_add_mix(none, &asks), RF_EFORMAT); /* a refiner that the profile does not name */
    rf__profile_free(&profile);
    rf__profile_free(&none);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_answers), cmocka_unit_test(kept_in_a_file), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, set_times, NULL);
}
