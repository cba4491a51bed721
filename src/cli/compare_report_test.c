/* compare_report_test.c - the table and the report: means and spreads over groups, and the distance held against the first row's in each group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "compare.h"

enum { ROWS = 2, SEEDS = 3 };

/* Groups that are 1, 2 and 4 away from the data; the second row is always 0.1, 0.2, 0.3 nearer. Row 0 takes more calls. */
static void two_rows(rf_compare *compare, const char *data) {
    static const double distance[ROWS][SEEDS] = {{1, 2, 4}, {0.9, 1.8, 3.7}};
    *compare = (rf_compare){.settings = {.seeds = SEEDS, .images = 5, .paired = 2}, .rows = ROWS, .protocol = json_object()};
    snprintf(compare->settings.data, sizeof compare->settings.data, "%s", data);
    compare->row = rf__alloc_array(ROWS, sizeof *compare->row);
    assert_non_null(compare->row);
    for (int i = 0; i < ROWS; i++) {
        snprintf(compare->row[i].label, sizeof compare->row[i].label, i ? "few" : "many");
        compare->row[i].wanted = json_object();
        for (int k = 0; k < SEEDS; k++)
            compare->row[i].result[k] = (rf_compare_result){.nfe = i ? 18 : 50, .frechet = data[0] ? distance[i][k] : (double)NAN, .psnr = 40, .ssim = 1};
    }
}

static void fini(rf_compare *compare) {
    for (int i = 0; i < ROWS; i++) json_decref(compare->row[i].wanted);
    json_decref(compare->protocol);
    rf__free(compare->row);
}

static void print(const rf_compare *compare, char text[4096]) {
    FILE *stream = fmemopen(text, 4096, "w");
    assert_non_null(stream);
    rf__compare_print(compare, stream);
    fclose(stream);
}

static void groups_cancel_in_the_difference(void **state) {
    (void)state;
    rf_compare compare;
    two_rows(&compare, "some");
    char text[4096];
    print(&compare, text);
    const char *few = strstr(text, "few"), *many = strstr(text, "many");
    assert_non_null(few);
    assert_true(few < many); /* by calls */
    assert_non_null(strstr(few, "2.133 +-1.429"));
    assert_non_null(strstr(few, "-0.200 +-0.100"));
    assert_non_null(strstr(many, "0.000 +-0.000"));
    assert_non_null(strstr(text, "less that of \"many\""));
    json_t *json = rf__compare_json(&compare);
    const json_t *less = json_object_get(json_array_get(json_object_get(json, "rows"), 1), "frechet_distance_less_first");
    assert_float_equal(json_real_value(json_object_get(less, "mean")), -0.2, 1e-9);
    assert_float_equal(json_real_value(json_object_get(less, "sd")), 0.1, 1e-9);
    assert_float_equal(json_real_value(json_array_get(json_object_get(less, "values"), 2)), -0.3, 1e-9);
    json_decref(json);
    fini(&compare);
}

static void without_data_there_is_none(void **state) {
    (void)state;
    rf_compare compare;
    two_rows(&compare, "");
    char text[4096];
    print(&compare, text);
    assert_null(strstr(text, "less that of"));
    assert_null(strstr(text, "nan"));
    json_t *json = rf__compare_json(&compare);
    const json_t *less = json_object_get(json_array_get(json_object_get(json, "rows"), 0), "frechet_distance_less_first");
    assert_true(json_is_null(json_object_get(less, "mean")));
    json_decref(json);
    fini(&compare);
}

/* A deviation of 0 would say that the rows are known exactly. */
static void one_group_has_no_spread(void **state) {
    (void)state;
    rf_compare compare;
    two_rows(&compare, "some");
    compare.settings.seeds = 1;
    char text[4096];
    print(&compare, text);
    assert_null(strstr(text, "+-"));
    assert_null(strstr(text, "nan"));
    assert_non_null(strstr(strstr(text, "few"), "0.900"));
    assert_non_null(strstr(text, "One seed group of 5 images"));
    json_t *json = rf__compare_json(&compare);
    const json_t *psnr = json_object_get(json_array_get(json_object_get(json, "rows"), 1), "psnr");
    assert_float_equal(json_real_value(json_object_get(psnr, "mean")), 40, 1e-9);
    assert_true(json_is_null(json_object_get(psnr, "sd")));
    json_decref(json);
    fini(&compare);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(groups_cancel_in_the_difference), cmocka_unit_test(without_data_there_is_none),
                                       cmocka_unit_test(one_group_has_no_spread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
