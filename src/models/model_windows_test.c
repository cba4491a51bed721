/* model_windows_test.c - a model with windows tells its network which window a time lies in, through its file and by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/rng.h"
#include "../base/threads.h"
#include "model_field.h"
#include "network_test.h"

enum { ROWS = 7 };

static rf_model *network(const char *extra, int windows, bool noise) {
    char text[16];
    snprintf(text, sizeof text, "extra=%s", extra);
    rf_model *model = fresh_network("mlp", SETTINGS(text), 3);
    if (windows) assert_int_equal(rf__windows_uniform(&model->windows, windows), RF_OK);
    model->windows.noise = noise;
    for (int k = 0; k < windows && noise; k++) model->windows.lambda[k] = 1.5 - 0.1 * k, model->windows.eta[k] = -0.5;
    return model;
}

/* Saved and read again. */
static rf_model *through_a_file(rf_model *model) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/model_windows_test_%d.safetensors", (int)getpid());
    int64_t count;
    const float *all = rf__weights_all(model->weights, &count);
    assert_int_equal(rf__model_save(model, all, path, RF_F32, NULL), RF_OK);
    rf__model_free(&model);
    if (rf__model_open(&model, path) != RF_OK) model = NULL;
    unlink(path);
    return model;
}

static void ask(rf_model *model, const float *x, const float *t, const rf_cond *cond, float *v) {
    rf_pool *pool = rf__pool_create(1);
    rf_model_field *handle;
    assert_int_equal(rf__model_field_open(&handle, model, RF_F32, pool, 4), RF_OK);
    rf_field field = rf__model_field_view(handle);
    assert_true(field.windows == (model->windows.count ? &model->windows : NULL));
    assert_int_equal(field.velocity(field.self, ROWS, x, t, cond, v), RF_OK);
    rf__model_field_close(&handle);
    rf__pool_free(&pool);
}

static void the_window_reaches_the_network(void **state) {
    (void)state;
    float x[2 * ROWS], t[ROWS] = {0, 0.1f, 0.4999999f, 0.5f, 0.7f, 0.99f, 1}, own[2 * ROWS], told[2 * ROWS], extra[3 * ROWS];
    rf_cond nothing[ROWS] = {{0}}, window[ROWS];
    rf__rng_normal(5, RF_STREAM_TOY, 0, 2 * ROWS, x);
    for (int noise = 0; noise < 2; noise++) {
        rf_model *model = through_a_file(network("3", 2, noise)), *plain = network("3", 0, false);
        assert_non_null(model);
        assert_int_equal(model->windows.count, 2);
        for (int r = 0; r < ROWS; r++) {
            int k = rf__windows_find(&model->windows, (double)t[r]);
            rf__windows_features(&model->windows, k, (double)t[r], extra + 3 * r);
            window[r] = (rf_cond){.extra = extra + 3 * r};
        }
        ask(model, x, t, nothing, own);
        ask(plain, x, t, window, told);
        for (int i = 0; i < 2 * ROWS && noise; i++)
            told[i] = (float)rf__window_velocity(&model->windows, (double)t[i / 2], (double)x[i], (double)told[i]);
        assert_memory_equal(own, told, sizeof own);
        rf__model_free(&model);
        rf__model_free(&plain);
    }
}

static void a_width_that_does_not_fit_is_refused(void **state) {
    (void)state;
    assert_null(through_a_file(network("4", 2, false)));
    assert_non_null(strstr(rf_last_error(), "extra is 4 with 2 windows, expected 3"));
    rf_model *smooth = through_a_file(network("0", 2, false)); /* a network that is told t alone is allowed: the ablation */
    assert_non_null(smooth);
    rf__model_free(&smooth);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_window_reaches_the_network),
                                       cmocka_unit_test(a_width_that_does_not_fit_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
