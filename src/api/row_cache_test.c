/* row_cache_test.c - row times come back as they were stored; a file that is damaged or about something else is not believed, and the
 * sampler measures again and repairs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/log.h"
#include "../base/rng.h"
#include "../io/scratch.h"
#include "row_cache.h"
#include "sampler.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const rf_row_key key = {.sha256 = SHA, .dtype = "f32", .isa = "avx2", .provider = "native", .threads = 2};
static const rf_row_times times = {3, {1, 2, 4}, {0.001, 0.0015, 0.0021}};

static int set_up(void **state) {
    rf__log_set_level(RF_LOG_QUIET);
    if (scratch_make(state)) return -1;
    return setenv("XDG_CACHE_HOME", scratch_folder, 1);
}

static void stored_times_come_back(void **state) {
    (void)state;
    rf_row_times got;
    assert_false(rf__row_cache_load(&got, &key));
    rf__row_cache_store(&times, &key);
    assert_true(rf__row_cache_load(&got, &key));
    assert_memory_equal(&got, &times, sizeof got);
    rf_row_key other = key;
    other.threads = 3;
    assert_false(rf__row_cache_load(&got, &other));
    other = key;
    other.dtype = "bf16";
    assert_false(rf__row_cache_load(&got, &other));
    other = key;
    other.sha256 = "";
    assert_null(rf__row_cache_path(&other));
    rf__row_cache_store(&times, &other); /* nowhere to put it, and that is no error */
    assert_false(rf__row_cache_load(&got, &other));
}

static void damaged_files_are_not_believed(void **state) {
    (void)state;
    const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"rows\": [1], \"seconds\": [1]}",
        "{\"key\": %s, \"rows\": [1, 2], \"seconds\": [1]}",
        "{\"key\": %s, \"rows\": [], \"seconds\": []}",
        "{\"key\": %s, \"rows\": [2, 1], \"seconds\": [1, 1]}",
        "{\"key\": %s, \"rows\": [0], \"seconds\": [1]}",
        "{\"key\": %s, \"rows\": [1, 100000], \"seconds\": [1, 1]}",
        "{\"key\": %s, \"rows\": [1], \"seconds\": [0]}",
        "{\"key\": %s, \"rows\": [1, 2, 4], \"seconds\": [1, 1.7, 6]}",
        "{\"key\": %s, \"rows\": [1], \"seconds\": [\"fast\"]}",
        "{\"key\": %s, \"rows\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14], \"seconds\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1]}",
    };
    char right[400];
    snprintf(right, sizeof right,
             "{\"version\": \"%s\", \"sha256\": \"" SHA "\", \"dtype\": \"f32\", \"isa\": \"avx2\", \"provider\": \"native\", \"threads\": 2}",
             rf_version());
    char *path = rf__row_cache_path(&key);
    rf_row_times got;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[1000];
        snprintf(text, sizeof text, texts[i], right);
        assert_int_equal(rf__file_write(path, text, strlen(text)), RF_OK);
        assert_false(rf__row_cache_load(&got, &key));
        assert_int_equal(got.count, 0);
    }
    char text[1000]; /* the frame of these texts is right */
    snprintf(text, sizeof text, "{\"key\": %s, \"rows\": [1, 2], \"seconds\": [1, 1]}", right);
    assert_int_equal(rf__file_write(path, text, strlen(text)), RF_OK);
    assert_true(rf__row_cache_load(&got, &key));
    free(path);
}

static rf_model *small_model(void) {
    const rf_model_kind *kind = rf__model_kind_find("mlp");
    void *config = calloc(1, kind->config_size);
    assert_int_equal(rf__fields_defaults(kind->fields, config), RF_OK);
    rf_model *model = NULL;
    assert_int_equal(rf__model_create(&model, kind, config, 1), RF_OK);
    free(config);
    strcpy(model->sha256, SHA);
    return model;
}

static void the_sampler_measures_once_and_repairs(void **state) {
    (void)state;
    rf_model *model = small_model();
    const rf_kernels *kernels = rf__kernels();
    const rf_row_key own = {.sha256 = SHA, .dtype = "f32", .isa = kernels->isa, .provider = kernels->conv.name, .threads = 1};
    const rf_sampler_opts opts = {.dtype = RF_F32, .threads = 1, .rows = 0};
    char *path = rf__row_cache_path(&own);
    for (int round = 0; round < 3; round++) {
        if (round == 1) rf__row_cache_store(&(rf_row_times){3, {1, 2, 4}, {1, 1, 2.5}}, &own); /* a table that says: two rows */
        if (round == 2) assert_int_equal(rf__file_write(path, "rubbish", 7), RF_OK);
        rf_sampler *sampler = NULL;
        assert_int_equal(rf_sampler_open(&sampler, model, &opts), RF_OK);
        assert_null(rf__sampler_row_times(sampler));
        assert_int_equal(rf__sampler_measure(sampler), RF_OK);
        assert_non_null(rf__sampler_row_times(sampler));
        assert_ptr_equal(rf__sampler_field(sampler)->times, rf__sampler_row_times(sampler));
        if (round == 1) assert_int_equal(rf__sampler_best_rows(sampler), 2);
        rf_row_times kept;
        assert_true(rf__row_cache_load(&kept, &own));
        assert_memory_equal(&kept, rf__sampler_row_times(sampler), sizeof kept);
        assert_int_equal(rf__sampler_warm(sampler), RF_OK);
        rf_sampler_close(&sampler);
    }
    free(path);
    rf__model_free(&model);
}

static void given_rows_are_not_measured(void **state) {
    (void)state;
    rf_model *model = small_model();
    rf_sampler *sampler = NULL;
    assert_int_equal(rf_sampler_open(&sampler, model, &(rf_sampler_opts){.dtype = RF_F32, .threads = 1, .rows = 6}), RF_OK);
    assert_int_equal(rf__sampler_measure(sampler), RF_OK);
    assert_null(rf__sampler_row_times(sampler));
    assert_int_equal(rf__sampler_best_rows(sampler), 6);
    assert_int_equal(rf__sampler_warm_up_to(sampler, 2), RF_OK);
    assert_int_equal(rf__sampler_plans(sampler).builds, 2);
    assert_int_equal(rf__sampler_warm_up_to(sampler, 100), RF_OK); /* no call has as many */
    assert_int_equal(rf__sampler_plans(sampler).builds, 4);
    assert_int_equal(rf__sampler_warm(sampler), RF_OK); /* 1, 2, 4, 6 */
    assert_int_equal(rf__sampler_plans(sampler).builds, 4);
    rf_sampler_close(&sampler);
    rf__model_free(&model);
}

static void a_folder_that_cannot_be_made_is_no_error(void **state) {
    (void)state;
    scratch_write("file", "x", 1);
    char under[200];
    snprintf(under, sizeof under, "%s/file", scratch_folder);
    setenv("XDG_CACHE_HOME", under, 1);
    rf_row_times got;
    rf__row_cache_store(&times, &key);
    assert_false(rf__row_cache_load(&got, &key));
    setenv("XDG_CACHE_HOME", "relative", 1);
    setenv("HOME", scratch_folder, 1);
    char *path = rf__row_cache_path(&key);
    assert_non_null(strstr(path, "/.cache/strait/rows-0123456789abcdef-f32-t2-avx2-native.json"));
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_times_come_back), cmocka_unit_test(damaged_files_are_not_believed),
        cmocka_unit_test(the_sampler_measures_once_and_repairs), cmocka_unit_test(given_rows_are_not_measured),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_no_error)};
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
