/* grow_test.c - a grown network answers as the one it came from, in all three kinds; a difference added to a third; what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "../base/threads.h"
#include "../io/scratch.h"
#include "grow.h"
#include "model_field.h"
#include "network_test.h"

enum { ROWS = 3, MOST = 8 * 8 };

static const struct { const char *kind, *settings[8]; } networks[] = {
    {"mlp", {"dim=64"}},
    {"unet", {"height=8", "width=8", "channels=1", "base=8", "multipliers=[1]", "blocks=1", "attention=[]"}},
    {"dit", {"height=8", "width=8", "channels=1", "hidden=16", "depth=1", "heads=2"}},
};

/* seed 0: as a network begins. */
static rf_model *network(int which, const char *extra, uint64_t seed) {
    char text[16];
    const char *settings[9] = {text};
    snprintf(text, sizeof text, "extra=%s", extra);
    memcpy(settings + 1, networks[which].settings, sizeof networks[which].settings);
    return network_of(networks[which].kind, settings, seed, seed ? 0.1f : 0);
}

/* before: what a refiner is told, or NULL */
static void ask_with(rf_model *model, const float *before, float *v) {
    float x[ROWS * MOST], t[ROWS] = {0, 0.3f, 0.8f};
    rf_cond cond[ROWS] = {{0}};
    for (int r = 0; r < ROWS && before; r++) cond[r].before = before + r * MOST;
    rf_pool *pool = rf__pool_create(1);
    rf_model_field *handle;
    rf__rng_normal(3, RF_STREAM_TOY, 0, ROWS * MOST, x);
    assert_int_equal(rf__model_field_open(&handle, model, RF_F32, pool, 4), RF_OK);
    rf_field field = rf__model_field_view(handle);
    assert_int_equal(field.scalars, MOST);
    assert_int_equal(field.velocity(field.self, ROWS, x, t, cond, v), RF_OK);
    rf__model_field_close(&handle);
    rf__pool_free(&pool);
}

static void ask(rf_model *model, float *v) { ask_with(model, NULL, v); }

static double distance(const float *a, const float *b) {
    double most = 0;
    for (int i = 0; i < ROWS * MOST; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static void told_more_and_answers_the_same(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        float before[ROWS * MOST], after[ROWS * MOST];
        rf_model *small = network(which, "0", 5), *big = network(which, "3", 6);
        assert_int_equal(rf__windows_uniform(&big->windows, 2), RF_OK);
        ask(small, before);
        ask(big, after);
        assert_true(distance(before, after) > 1e-3);
        if (rf__model_grow(big, small) != RF_OK) fail_msg("%s", rf_last_error());
        ask(big, after);
        assert_true(distance(before, after) < 1e-5);
        assert_int_equal(rf__model_grow(small, big), RF_EMISMATCH); /* it cannot forget */
        rf_model *other = network((which + 1) % 3, "0", 5);
        assert_int_equal(rf__model_grow(big, other), RF_EMISMATCH);
        rf__model_free(&other);
        rf__model_free(&small);
        rf__model_free(&big);
    }
}

/* It adds nothing to what it is told; with the predictor's last layer it would add the predictor's answer. */
static void a_refiner_sees_as_its_predictor(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        float told[ROWS * MOST], known[ROWS * MOST], v[ROWS * MOST];
        const char *settings[9] = {"refines=plain"};
        memcpy(settings + 1, networks[which].settings, sizeof networks[which].settings);
        rf_model *predictor = network(which, "0", 5), *refiner = network_of(networks[which].kind, settings, 6, 0.1f);
        for (int i = 0; i < ROWS * MOST; i++) told[i] = (float)(i % 7) - 3;
        ask(predictor, known);
        assert_int_equal(rf__model_grow(predictor, refiner), RF_EMISMATCH);
        if (rf__model_grow(refiner, predictor) != RF_OK) fail_msg("%s", rf_last_error());
        ask_with(refiner, told, v);
        assert_memory_equal(told, v, sizeof v);
        for (int i = 0; i < rf__weights_count(refiner->weights); i++) {
            const rf_param *param = rf__weights_param(refiner->weights, i);
            const int same = rf__weights_find(predictor->weights, param->name);
            if (!strstr(param->name, refiner->kind->last)) continue;
            memcpy(rf__weights_data(refiner->weights, i), rf__weights_data(predictor->weights, same), (size_t)rf__shape_count(&param->shape) * sizeof(float));
        }
        assert_int_equal(rf__weights_refresh(refiner->weights, NULL), RF_OK);
        rf_model *other = network_of(networks[which].kind, settings, 7, 0.1f);
        ask_with(refiner, told, v);
        for (int i = 0; i < ROWS * MOST; i++) assert_true(fabs((double)v[i] - ((double)told[i] + (double)known[i])) < 1e-4);
        assert_int_equal(rf__model_grow(other, refiner), RF_OK); /* a refiner from a refiner is a copy */
        rf__model_free(&other);
        rf__model_free(&predictor);
        rf__model_free(&refiner);
    }
}

/* More blocks, the same answer. */
static void deeper_and_answers_the_same(void **state) {
    (void)state;
    static const struct { const char *kind, *shallow, *deep, *settings[8]; } pairs[] = {
        {"unet", "blocks=1", "blocks=3", {"height=8", "width=8", "channels=1", "base=8", "multipliers=[1]", "attention=[]"}},
        {"unet", "blocks=2", "blocks=3", {"height=8", "width=8", "channels=1", "base=8", "multipliers=[1,2,2]", "attention=[4,2]", "classes=3"}},
        {"dit", "depth=1", "depth=3", {"height=8", "width=8", "channels=1", "hidden=16", "heads=2"}},
    };
    for (int which = 0; which < 3; which++) {
        float before[ROWS * MOST], after[ROWS * MOST];
        const char *settings[9] = {pairs[which].shallow}, *told[10] = {pairs[which].deep, "extra=2"};
        memcpy(settings + 1, pairs[which].settings, sizeof pairs[which].settings);
        memcpy(told + 2, pairs[which].settings, sizeof pairs[which].settings);
        rf_model *shallow = network_of(pairs[which].kind, settings, 5, 0.1f), *more = network_of(pairs[which].kind, told, 6, 0);
        settings[0] = pairs[which].deep;
        rf_model *deep = network_of(pairs[which].kind, settings, 6, 0);
        ask(shallow, before);
        if (rf__model_grow(deep, shallow) != RF_OK) fail_msg("%s", rf_last_error());
        ask(deep, after);
        assert_true(distance(before, after) < 1e-5);
        assert_int_equal(rf__model_grow(shallow, deep), RF_EMISMATCH); /* it cannot forget */
        assert_non_null(strstr(rf_last_error(), "expected at most"));
        assert_int_equal(rf__model_grow(more, shallow), RF_EMISMATCH);
        assert_non_null(strstr(rf_last_error(), "one difference at a time"));
        rf_model *const all[] = {shallow, more, deep};
        for (int i = 0; i < 3; i++) rf__model_free(&(rf_model *){all[i]});
    }
}

/* Saved as a child of `base` (NULL: of none) and read again. */
static rf_model *saved(rf_model *model, const char *folder, const char *name, const rf_model *base) {
    char path[256], text[160] = "{}", root[65];
    if (base) rf__model_base(base, root);
    if (base) snprintf(text, sizeof text, "{\"base_sha256\": \"%s\"}", root);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int64_t count;
    assert_int_equal(rf__model_save(model, rf__weights_all(model->weights, &count), path, RF_F32, text), RF_OK);
    rf__model_free(&model);
    if (rf__model_open(&model, path) != RF_OK) fail_msg("%s", rf_last_error());
    return model;
}

static void a_difference_is_added_to_a_third(void **state) {
    (void)state;
    assert_int_equal(scratch_make(NULL), 0);
    const char *folder = scratch_folder;
    rf_model *teacher = saved(network(2, "0", 5), folder, "teacher", NULL), *fine = saved(network(2, "0", 7), folder, "fine", teacher);
    rf_model *student = network(2, "3", 6), *stranger = saved(network(2, "0", 8), folder, "stranger", NULL);
    assert_int_equal(rf__windows_uniform(&student->windows, 2), RF_OK);
    student = saved(student, folder, "student", teacher);
    char path[256], parent[65];
    snprintf(path, sizeof path, "%s/delta", folder);
    if (rf__delta_save(teacher, student, path, RF_F32) != RF_OK) fail_msg("%s", rf_last_error());

    float wanted[ROWS * MOST], sum[ROWS * MOST];
    rf_model *same = saved(network(2, "0", 5), folder, "same", teacher), *shifted = NULL;
    ask(student, wanted);
    if (rf__delta_add(&same, path) != RF_OK) fail_msg("%s", rf_last_error());
    ask(same, sum);
    assert_true(distance(wanted, sum) < 1e-4); /* teacher + (student - teacher) */
    assert_int_equal(same->windows.count, 2);
    assert_string_equal(same->delta_path, path);
    rf__model_base(same, parent);
    assert_string_equal(parent, teacher->sha256);
    assert_int_equal(rf__delta_add(&fine, path), RF_OK); /* its base is the teacher */
    ask(fine, sum);
    assert_true(distance(wanted, sum) > 1e-3);

    assert_int_equal(rf__delta_add(&stranger, path), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "is a delta for base"));
    assert_non_null(strstr(rf_last_error(), stranger->path)); /* it is as it was */
    assert_int_equal(rf__delta_save(stranger, student, path, RF_F32), RF_EMISMATCH);
    assert_int_equal(rf__model_open(&shifted, path), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "the difference of two models"));
    assert_int_equal(rf__delta_add(&stranger, student->path), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "is a whole model"));
    rf_model *const all[] = {teacher, fine, student, stranger, same};
    for (int i = 0; i < 5; i++) rf__model_free(&(rf_model *){all[i]});
    assert_int_equal(scratch_remove(NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(told_more_and_answers_the_same), cmocka_unit_test(deeper_and_answers_the_same), cmocka_unit_test(a_refiner_sees_as_its_predictor),
                                       cmocka_unit_test(a_difference_is_added_to_a_third)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
