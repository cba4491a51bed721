/* profile_json_test.c - profiles as files: what comes back, two programs that learn on one, damage, content that is wrong, and profiles of
 * other walks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../base/file.h"
#include "../../base/memory.h"
#include "profile_test.h"

static char folder[64], path[96];
static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/strait-profile-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.profile", folder);
    return 0;
}
static int drop_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void comes_back(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *profile = calibrated(&field, "ab2", 5), *back = NULL;
    const rf_profile_rung rung = {.policy = "table", .value = 18, .images = 64, .calls = 18, .predicted = 0.01, .mean = {0.01, 40, NAN}, .bound = {0.02, 35, NAN}};
    assert_int_equal(rf__profile_add_rung(profile, &rung), RF_OK);
    for (uint64_t s = 0; s < 9; s++) learn(&field, profile, "fastflow", "mode=learn", s);
    assert_int_equal(rf__profile_save(profile, path), RF_OK);
    assert_int_equal(rf__profile_read(&back, path), RF_OK);
    json_t *a = rf__profile_json(profile), *b = rf__profile_json(back);
    assert_true(json_equal(a, b));
    assert_memory_equal(profile->plan, back->plan, (STEPS + 1) * (STEPS + 1));
    json_decref(a);
    json_decref(b);
    rf__profile_free(&back);
    rf__profile_free(&profile);
}

/* Two programs that learn on one file lose nothing. */
static void learners_share_a_file(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *first = calibrated(&field, "ab2", 5), *one = NULL, *two = NULL, *end = NULL;
    learn(&field, first, "fastflow", "mode=learn", 1);
    assert_int_equal(rf__profile_save(first, path), RF_OK);
    assert_int_equal(rf__profile_read(&one, path), RF_OK);
    assert_int_equal(rf__profile_read(&two, path), RF_OK);
    learn(&field, one, "fastflow", "mode=learn", 2);
    learn(&field, two, "fastflow", "mode=learn", 3);
    learn(&field, two, "contextual", "mode=learn", 4);
    assert_int_equal(rf__profile_save(two, path), RF_OK);
    assert_int_equal(rf__profile_save(one, path), RF_OK);
    assert_int_equal(rf__profile_save(one, path), RF_OK); /* nothing new: nothing changes */
    assert_int_equal(rf__profile_read(&end, path), RF_OK);
    int64_t jumps = 0, total = 0;
    for (int i = 0; i < STEPS * RF_PROFILE_ARMS; i++) {
        total += end->bandit[0].arm[i].pulls;
        jumps += first->bandit[0].arm[i].pulls + (two->bandit[0].arm[i].pulls - first->bandit[0].arm[i].pulls) +
                 (one->bandit[0].arm[i].pulls - two->bandit[0].arm[i].pulls);
    }
    assert_int_equal(end->bandit[0].walks, 3);
    assert_int_equal(end->bandit[1].walks, 1);
    assert_int_equal(total, jumps);
    assert_true(total > 3 * 3);
    rf_profile *all[] = {first, one, two, end};
    for (int i = 0; i < 4; i++) rf__profile_free(&all[i]);
}

/* Cut anywhere, or with any one byte changed: a sentence, never a table. */
static void damage_is_refused(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *profile = calibrated(&field, "ab2", 2), *back = NULL;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(rf__profile_save(profile, path), RF_OK);
    assert_int_equal(rf__file_read(path, 1 << 24, &bytes, &size), RF_OK);
    for (int i = 0; i < 40; i++) {
        size_t at = size * (size_t)(i + 1) / 41;
        uint8_t old = bytes[at];
        bytes[at] = old == '3' ? '4' : '3';
        FILE *file = fopen(path, "wb");
        assert_int_equal(fwrite(bytes, 1, i % 2 ? at : size, file), i % 2 ? at : size);
        fclose(file);
        bytes[at] = old;
        if (rf__profile_read(&back, path) == RF_OK) fail_msg("byte %zu", at);
        assert_null(back);
        assert_non_null(strstr(rf_last_error(), "a.profile"));
    }
    rf__free(bytes);
    rf__profile_free(&profile);
}

static json_t *with(const json_t *json, const char *name, json_t *value) {
    json_t *copy = json_deep_copy(json);
    json_object_set_new(copy, name, value);
    return copy;
}

static void wrong_content_is_refused(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *profile = calibrated(&field, "ab2", 2), *back = NULL;
    json_t *json = rf__profile_json(profile);
    const struct { const char *name, *word; json_t *value; } cases[] = {
        {"strait_profile", "format 2", json_integer(2)}, {"strait_profile", "no profile", json_null()}, {"model", "missing", json_null()},
        {"times", "expected 2", json_array()}, {"fresh", "fresh", json_string("0x")}, {"error", "error has", json_array()},
        {"walks", "walks", json_integer(-1)}, {"bandits", "bandit", json_pack("[{s:s}]", "policy", "other")},
        {"bandits", "arms", json_pack("[{s:s, s:f, s:[], s:[]}]", "policy", "fastflow", "e_tol", 0.1, "pulls", "reward")},
        {"rungs", "policy", json_pack("[{}]")}, {"edge", "edge", json_null()},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *wrong = with(json, cases[i].name, cases[i].value);
        assert_int_equal(rf__profile_decode(&back, wrong), RF_EFORMAT);
        assert_null(back);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
        json_decref(wrong);
    }
    json_decref(json);
    rf__profile_free(&profile);
}

static void other_walks_are_refused(void **state) {
    (void)state;
    const rf_field field = mixture_field();
    rf_profile *profile = calibrated(&field, "ab2", 2), *bare = empty("ab2");
    double shifted[STEPS + 1];
    for (int k = 0; k <= STEPS; k++) shifted[k] = times[k] * times[k];
    const struct { const char *solver, *policy, *options, *word; const double *times; int steps; rf_profile *profile; } cases[] = {
        {"euler", "table", NULL, "solver 'ab2'", times, STEPS, profile}, {"ab2", "table", NULL, "40", times, 40, profile},
        {"ab2", "fastflow", NULL, "point 1 of", shifted, STEPS, profile}, {"ab2", "table", "calls=4", "at least 9", times, STEPS, profile},
        {"ab2", "table", NULL, "calibrated profile", times, STEPS, bare}, {"ab2", "contextual", NULL, "strait tune", times, STEPS, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_options values;
        const rf_policy *policy = rf__policy_find(cases[i].policy);
        assert_int_equal(rf__options_parse(policy->options, &values, policy->name, cases[i].options), RF_OK);
        const rf_job_spec spec = {.field = &field, .solver = rf__solver_find(cases[i].solver), .times = cases[i].times, .steps = cases[i].steps,
                                  .policy = policy, .setup = {.options = &values, .profile = cases[i].profile}};
        assert_int_not_equal(rf__job_check(&spec), RF_OK);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
    }
    rf_profile_key other = key;
    snprintf(other.model, sizeof other.model, "another");
    assert_int_equal(rf__profile_same(profile, &other, "x.profile"), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "x.profile: is of model sha, expected another"));
    rf__profile_free(&profile);
    rf__profile_free(&bare);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(learners_share_a_file, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(damage_is_refused, make_folder, drop_folder), cmocka_unit_test(wrong_content_is_refused),
        cmocka_unit_test(other_walks_are_refused),
    };
    return cmocka_run_group_tests(tests, set_times, NULL);
}
