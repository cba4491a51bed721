/* tiny_model_test.h - a network of random weights behind the public calls, for the tests of them. */
#ifndef RF_API_TINY_MODEL_TEST_H
#define RF_API_TINY_MODEL_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../models/network_test.h"

enum { SIDE = 4, SCALARS = SIDE * SIDE, CLASSES = 3, COUNT = 6 };

static char path[] = "/tmp/strait-sample-XXXXXX";
static rf_model *model;
static rf_sampler *sampler;

/* A saved network with random weights, opened again through the public calls. */
static int set_up(void **state) {
    (void)state;
    rf_model *fresh = network_of("dit", SETTINGS("height=4", "width=4", "channels=1", "classes=3", "patch=2", "depth=1", "hidden=16", "heads=2"), 1, 0.1f);
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    save_as_is(fresh, path);
    rf__model_free(&fresh);
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
