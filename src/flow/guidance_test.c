/* guidance_test.c - rows and values of classifier-free guidance, inside and outside its interval. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>

#include <cmocka.h>

#include "guidance.h"

static void cfg_combines_two_rows(void **state) {
    (void)state;
    const rf_guidance *cfg = rf__guidance_find("cfg");
    rf_guidance_opts opts = rf__guidance_defaults();
    opts.scale = 3;
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    assert_int_equal(cfg->rows(&opts, NULL, 0.5, rows), 2);
    assert_int_equal(rows[0], RF_ROW_COND);
    assert_int_equal(rows[1], RF_ROW_NULL);
    const float c[] = {1, 2, -1}, u[] = {0.5f, 2, 1}, *answers[] = {c, u};
    float v[3];
    cfg->combine(&opts, NULL, 3, NULL, 0.5, 2, answers, v);
    assert_true(v[0] == 2 && v[1] == 2 && v[2] == -5);
}

static void scale_one_and_zero_take_one_row(void **state) {
    (void)state;
    const rf_guidance *cfg = rf__guidance_find("cfg");
    rf_guidance_opts opts = rf__guidance_defaults();
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    assert_int_equal(cfg->rows(&opts, NULL, 0.5, rows), 1);
    assert_int_equal(rows[0], RF_ROW_COND);
    opts.scale = 0;
    assert_int_equal(cfg->rows(&opts, NULL, 0.5, rows), 1);
    assert_int_equal(rows[0], RF_ROW_NULL);
}

static void interval_ends_belong_to_it(void **state) {
    (void)state;
    const rf_guidance *cfg = rf__guidance_find("cfg");
    rf_guidance_opts opts = {.scale = 2, .low = 0.25, .high = 0.75};
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    const double inside[] = {0.25, 0.5, 0.75}, outside[] = {0, 0.249, 0.751, 1};
    for (int i = 0; i < 3; i++) assert_int_equal(cfg->rows(&opts, NULL, inside[i], rows), 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(cfg->rows(&opts, NULL, outside[i], rows), 1);
        assert_int_equal(rows[0], RF_ROW_COND);
    }
    assert_int_equal(rf__guidance_max_rows(cfg, &opts), 2);
    assert_int_equal(rf__guidance_max_rows(rf__guidance_find("none"), &opts), 1);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    const rf_guidance *cfg = rf__guidance_find("cfg");
    assert_int_equal(cfg->check(&(rf_guidance_opts){.scale = NAN, .high = 1}), RF_EINVAL);
    assert_int_equal(cfg->check(&(rf_guidance_opts){.scale = 2, .low = 0.6, .high = 0.4}), RF_EINVAL);
    assert_int_equal(cfg->check(&(rf_guidance_opts){.scale = 2, .low = -1, .high = 1}), RF_EINVAL);
    assert_int_equal(cfg->check(&(rf_guidance_opts){.scale = -2, .low = 0, .high = 1}), RF_OK);
    assert_null(rf__guidance_find("apg"));
}

/* streamflow.md section 7.9, and RF-Inversion's controller as the same operator. */
static void endpoint_is_neutral_where_it_must_be(void **state) {
    (void)state;
    const rf_guidance *endpoint = rf__guidance_find("endpoint");
    const float x[] = {0.25f, -1, 3}, answer[] = {1.5f, 0.125f, -2}, *answers[] = {answer};
    float target[3], v[3];
    for (int i = 0; i < 3; i++) target[i] = x[i] + 0.5f * answer[i]; /* where this velocity leads from t = 0.5 */
    rf_guidance_opts opts = rf__guidance_defaults();
    opts.target = target;
    opts.scale = 1.7;
    endpoint->combine(&opts, NULL, 3, x, 0.5, 1, answers, v);
    for (int i = 0; i < 3; i++) assert_true(fabsf(v[i] - answer[i]) < 1e-6f);
    const float elsewhere[] = {9, -9, 9};
    opts.target = elsewhere;
    opts.scale = 1;
    endpoint->combine(&opts, NULL, 3, x, 0.5, 1, answers, v);
    assert_memory_equal(v, answer, sizeof v);
    opts.scale = 1.5;
    endpoint->combine(&opts, NULL, 3, x, 1, 1, answers, v); /* at the end point itself there is no way left */
    assert_memory_equal(v, answer, sizeof v);
    opts.low = 0.6; /* outside its interval */
    endpoint->combine(&opts, NULL, 3, x, 0.5, 1, answers, v);
    assert_memory_equal(v, answer, sizeof v);
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    assert_int_equal(endpoint->rows(&opts, NULL, 0.5, rows), 1);
    /* eta = 1 - gamma: v + eta (v' - v), both ways */
    for (int end = 0; end < 2; end++) {
        opts = (rf_guidance_opts){.scale = 0.1, .high = 1, .delta = 1, .end = end, .target = elsewhere};
        endpoint->combine(&opts, NULL, 3, x, 0.25, 1, answers, v);
        for (int i = 0; i < 3; i++) {
            float straight = end ? (elsewhere[i] - x[i]) / 0.75f : (x[i] - elsewhere[i]) / 0.25f;
            assert_true(fabsf(v[i] - (answer[i] + 0.9f * (straight - answer[i]))) < 1e-5f);
        }
    }
}

/* eta = 1 over the whole path: the target, whatever the field says (fireflow.md section 6, statement 12). */
static void full_pull_arrives_at_the_target(void **state) {
    (void)state;
    const rf_guidance *endpoint = rf__guidance_find("endpoint");
    const float target[] = {0.5f, -0.75f};
    float x[] = {3, -2}, answer[] = {100, -70}, v[2];
    const float *answers[] = {answer};
    rf_guidance_opts opts = {.scale = 0, .high = 1, .delta = 1, .end = 1, .target = target};
    for (int step = 0; step < 8; step++) {
        endpoint->combine(&opts, NULL, 2, x, step / 8.0, 1, answers, v);
        for (int i = 0; i < 2; i++) x[i] += v[i] / 8;
    }
    for (int i = 0; i < 2; i++) assert_true(fabsf(x[i] - target[i]) < 1e-6f);
}

static void onetime_asks_for_the_null_row_once(void **state) {
    (void)state;
    const rf_guidance *onetime = rf__guidance_find("onetime");
    rf_guidance_opts opts = rf__guidance_defaults();
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    float kept[2] = {0}, v[2];
    rf_guide guide = {kept, false};
    const float x[] = {1, -1}, c[] = {0.5f, 2}, u[] = {-0.5f, 1}, *answers[] = {c, u};
    assert_int_equal(onetime->rows(&opts, &guide, 0, rows), 1); /* gamma 1: nothing to ask for */
    opts.scale = 1.5;
    opts.delta = 0.5;
    assert_int_equal(rf__guidance_max_rows(onetime, &opts), 2);
    assert_int_equal(onetime->rows(&opts, &guide, 0, rows), 2);
    assert_int_equal(rows[1], RF_ROW_NULL);
    onetime->combine(&opts, &guide, 2, x, 0, 2, answers, v);
    for (int i = 0; i < 2; i++) {
        assert_true(kept[i] == x[i] + u[i]);
        assert_true(fabsf(v[i] - (1.5f * c[i] - 0.25f * u[i])) < 1e-6f);
    }
    assert_int_equal(onetime->rows(&opts, &guide, 0.5, rows), 1);
    const float later[] = {1.25f, 0};
    onetime->combine(&opts, &guide, 2, later, 0.5, 1, answers, v);
    for (int i = 0; i < 2; i++) assert_true(fabsf(v[i] - (1.5f * c[i] - 0.25f * (kept[i] - later[i]) / 0.5f)) < 1e-6f);
}

static void wrong_end_points_are_refused(void **state) {
    (void)state;
    const rf_guidance *endpoint = rf__guidance_find("endpoint"), *onetime = rf__guidance_find("onetime");
    rf_guidance_opts opts = rf__guidance_defaults();
    assert_int_equal(endpoint->check(&opts), RF_EINVAL); /* no target */
    const float target[] = {0};
    opts.target = target;
    assert_int_equal(endpoint->check(&opts), RF_OK);
    opts.end = 2;
    assert_int_equal(endpoint->check(&opts), RF_EINVAL);
    opts.end = 0;
    opts.delta = NAN;
    assert_int_equal(endpoint->check(&opts), RF_EINVAL);
    assert_int_equal(onetime->check(&opts), RF_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cfg_combines_two_rows),
        cmocka_unit_test(scale_one_and_zero_take_one_row),
        cmocka_unit_test(interval_ends_belong_to_it),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(endpoint_is_neutral_where_it_must_be),
        cmocka_unit_test(full_pull_arrives_at_the_target),
        cmocka_unit_test(onetime_asks_for_the_null_row_once),
        cmocka_unit_test(wrong_end_points_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
