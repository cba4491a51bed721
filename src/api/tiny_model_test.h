/* tiny_model_test.h - a network of random weights behind the public calls, for the tests of them. */
#ifndef RF_API_TINY_MODEL_TEST_H
#define RF_API_TINY_MODEL_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "../models/model.h"

enum { SIDE = 4, SCALARS = SIDE * SIDE, CLASSES = 3, COUNT = 6 };

static char path[] = "/tmp/strait-sample-XXXXXX";
static rf_model *model;
static rf_sampler *sampler;

/* A saved network with random weights, opened again through the public calls. */
static int set_up(void **state) {
    (void)state;
    const rf_model_kind *kind = rf__model_kind_find("dit");
    void *config = rf__alloc(kind->config_size);
    const char *settings[][2] = {{"height", "4"}, {"width", "4"}, {"channels", "1"}, {"classes", "3"},
                                 {"patch", "2"},  {"depth", "1"}, {"hidden", "16"},  {"heads", "2"}};
    assert_int_equal(rf__fields_defaults(kind->fields, config), RF_OK);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(rf__fields_set(kind->fields, config, settings[i][0], settings[i][1], "test"), RF_OK);
    rf_model *fresh = NULL;
    assert_int_equal(rf__model_create(&fresh, kind, config, 1), RF_OK);
    int64_t count = 0;
    float *all = rf__weights_all(fresh->weights, &count);
    rf__rng_normal(3, RF_STREAM_INIT, 0, rf__weights_trained(fresh->weights), all);
    for (int64_t i = 0; i < rf__weights_trained(fresh->weights); i++) all[i] *= 0.1f;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(rf__model_save(fresh, all, path, RF_F32, NULL), RF_OK);
    rf__model_free(&fresh);
    rf__free(config);
    assert_int_equal(rf_model_open(&model, path), RF_OK);
    assert_int_equal(
        rf_sampler_open(&sampler, model, &(rf_sampler_opts){.dtype = RF_F32, .threads = 1, .rows = 8}),
        RF_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rf_sampler_close(&sampler);
    rf_model_close(&model);
    rf_sampler_close(&sampler); /* closing twice is allowed */
    rf_model_close(&model);
    unlink(path);
    return 0;
}

#endif
