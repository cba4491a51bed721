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
    assert_int_equal(cfg->rows(&opts, 0.5, rows), 2);
    assert_int_equal(rows[0], RF_ROW_COND);
    assert_int_equal(rows[1], RF_ROW_NULL);
    const float c[] = {1, 2, -1}, u[] = {0.5f, 2, 1}, *answers[] = {c, u};
    float v[3];
    cfg->combine(&opts, 3, NULL, 0.5, 2, answers, v);
    assert_true(v[0] == 2 && v[1] == 2 && v[2] == -5);
}

static void scale_one_and_zero_take_one_row(void **state) {
    (void)state;
    const rf_guidance *cfg = rf__guidance_find("cfg");
    rf_guidance_opts opts = rf__guidance_defaults();
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    assert_int_equal(cfg->rows(&opts, 0.5, rows), 1);
    assert_int_equal(rows[0], RF_ROW_COND);
    opts.scale = 0;
    assert_int_equal(cfg->rows(&opts, 0.5, rows), 1);
    assert_int_equal(rows[0], RF_ROW_NULL);
}

static void interval_ends_belong_to_it(void **state) {
    (void)state;
    const rf_guidance *cfg = rf__guidance_find("cfg");
    rf_guidance_opts opts = {.scale = 2, .low = 0.25, .high = 0.75};
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    const double inside[] = {0.25, 0.5, 0.75}, outside[] = {0, 0.249, 0.751, 1};
    for (int i = 0; i < 3; i++) assert_int_equal(cfg->rows(&opts, inside[i], rows), 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(cfg->rows(&opts, outside[i], rows), 1);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cfg_combines_two_rows),
        cmocka_unit_test(scale_one_and_zero_take_one_row),
        cmocka_unit_test(interval_ends_belong_to_it),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
