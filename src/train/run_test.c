/* run_test.c - log lines, recipes as data, and the coupling error of a field that is known exactly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/rng.h"
#include "../eval/coupling_error.h"
#include "recipe.h"
#include "runlog.h"

/* ---- log ---- */

static void bins_sort_by_time(void **state) {
    (void)state;
    rf_loss_bins bins = {0};
    const float loss[4] = {1, 2, 3, 10}, t[4] = {0, 0.05f, 0.95f, 1};
    assert_true(isnan(rf__loss_bins_mean(&bins)));
    rf__loss_bins_add(&bins, loss, t, 4);
    assert_true(rf__loss_bins_mean(&bins) == 4);
    assert_int_equal(bins.count[0], 2);
    assert_int_equal(bins.count[9], 2);
    assert_true(bins.sum[0] == 3 && bins.sum[9] == 13);
}

static int lines_of(const char *path) {
    uint8_t *text;
    size_t size;
    int lines = 0;
    assert_int_equal(rf__file_read(path, 1 << 20, &text, &size), RF_OK);
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    rf__free(text);
    return lines;
}

/* A run that went on after its last checkpoint has lines that the resumed run will write again. */
static void lines_after_the_checkpoint_go(void **state) {
    (void)state;
    char folder[] = "/tmp/strait-log-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    rf_loss_bins bins = {0};
    FILE *log;
    assert_int_equal(rf__runlog_open(&log, path, 0), RF_OK);
    for (int step = 10; step <= 50; step += 10)
        assert_int_equal(rf__runlog_write(log, &(rf_log_line){.step = step, .grad_norm = (double)NAN, .bins = &bins}), RF_OK);
    fputs("{\"step\":60,\"los", log); /* killed while writing */
    fclose(log);
    assert_int_equal(rf__runlog_open(&log, path, 35), RF_OK);
    assert_int_equal(lines_of(path), 3);
    assert_int_equal(rf__runlog_write(log, &(rf_log_line){.step = 40, .bins = &bins}), RF_OK);
    fclose(log);
    assert_int_equal(lines_of(path), 4);
    remove(path);
    rmdir(folder);
}

/* ---- recipes ---- */

static json_t *toy_json(void) {
    return json_pack("{s{ss} s{ss} s{si si si sf}}", "model", "kind", "mlp", "data", "name", "8gauss", "train", "steps", 10, "batch", 8,
                     "micro_batch", 4, "lr", 0.5);
}

static void recipes_survive_json(void **state) {
    (void)state;
    rf_recipe *first = NULL, *second = NULL;
    json_t *object = toy_json();
    assert_int_equal(rf__recipe_parse(&first, object, "dir/toy.yaml"), RF_OK);
    assert_string_equal(first->name, "toy");
    assert_true(first->train.lr == 0.5 && first->optim.lr == 0.5 && first->train.beta2 == 0.999);
    json_t *written = rf__recipe_json(first);
    assert_int_equal(rf__recipe_parse(&second, written, "written"), RF_OK);
    json_t *again = rf__recipe_json(second);
    assert_true(json_equal(written, again));
    json_decref(object), json_decref(written), json_decref(again);
    rf__recipe_free(&first);
    rf__recipe_free(&second);
}

static rf_status compare_after(const char *section, const char *key, json_t *value) {
    rf_recipe *ours = NULL, *theirs = NULL;
    json_t *object = toy_json();
    assert_int_equal(rf__recipe_parse(&ours, object, "toy"), RF_OK);
    json_object_set_new(json_object_get(object, section), key, value);
    assert_int_equal(rf__recipe_parse(&theirs, object, "toy"), RF_OK);
    json_t *written = rf__recipe_json(theirs);
    rf_status status = rf__recipe_same(ours, written);
    json_decref(object), json_decref(written);
    rf__recipe_free(&ours);
    rf__recipe_free(&theirs);
    return status;
}

static void what_changes_weights_must_agree(void **state) {
    (void)state;
    assert_int_equal(compare_after("train", "log_every", json_integer(3)), RF_OK);
    assert_int_equal(compare_after("train", "steps", json_integer(20)), RF_OK); /* the schedule is constant */
    assert_int_equal(compare_after("train", "lanes", json_integer(3)), RF_EMISMATCH);
    assert_int_equal(compare_after("model", "width", json_integer(32)), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "model.width 32"));
}

/* A run from before a key was there: fine where the key has its default, refused where it has not. */
static void keys_added_later_mean_their_default(void **state) {
    (void)state;
    rf_recipe *recipe = NULL;
    json_t *object = toy_json();
    json_object_set_new(json_object_get(object, "train"), "loss_shape", json_real(0.5));
    assert_int_equal(rf__recipe_parse(&recipe, object, "toy"), RF_OK);
    json_t *written = rf__recipe_json(recipe), *train = json_object_get(written, "train");
    assert_int_equal(json_object_del(train, "path_shape"), 0);
    assert_int_equal(json_object_del(written, "anneal"), 0);
    assert_int_equal(rf__recipe_same(recipe, written), RF_OK);
    assert_int_equal(json_object_del(train, "loss_shape"), 0);
    assert_int_equal(rf__recipe_same(recipe, written), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "train.loss_shape missing, the recipe has 0.5"));
    json_decref(object), json_decref(written);
    rf__recipe_free(&recipe);
}

/* ---- coupling error ---- */

/* The page's figures for the exact velocity; Monte Carlo over 8000 samples. */
static void exact_velocity_gives_the_figures_of_the_page(void **state) {
    (void)state;
    enum { SAMPLES = 8000 };
    rf_source source = {0};
    assert_int_equal(rf__source_open(&source, &(rf_data_config){.name = "8gauss"}), RF_OK);
    rf_pool *pool = rf__pool_create(2);
    rf_exact_source exact = {&source, pool};
    rf_field field;
    assert_int_equal(rf__source_exact_field(&field, &exact), RF_OK);
    const rf_int_list steps = {5, {1, 2, 4, 8, 16}};
    const double page[5] = {16.2, 1.16, 0.130, 0.034, 0.0087};
    double error[RF_FIELD_LIST_MAX];
    float *noise = rf__alloc_array(SAMPLES, 2 * sizeof *noise);
    assert_non_null(noise);
    for (uint64_t k = 0; k < SAMPLES; k++) rf__rng_normal_sample(11, RF_STREAM_NOISE, k, 2, noise + 2 * k);
    assert_int_equal(rf__coupling_error(&field, NULL, &field, noise, NULL, SAMPLES, 64, &steps, error), RF_OK);
    for (int i = 0; i < 5; i++) assert_true(fabs(error[i] / page[i] - 1) < 0.05);
    rf__free(noise);
    rf__pool_free(&pool);
    rf__source_close(&source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_sort_by_time), cmocka_unit_test(lines_after_the_checkpoint_go), cmocka_unit_test(recipes_survive_json),
        cmocka_unit_test(what_changes_weights_must_agree), cmocka_unit_test(keys_added_later_mean_their_default), cmocka_unit_test(exact_velocity_gives_the_figures_of_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
