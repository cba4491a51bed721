/* network_test.h - for the tests: networks from "key=value" texts. Comes after cmocka.h. */
#ifndef RF_MODELS_NETWORK_TEST_H
#define RF_MODELS_NETWORK_TEST_H
#include <stdlib.h>
#include <string.h>

#include "../base/rng.h"
#include "model.h"

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* settings: NULL-terminated; NULL: the defaults. free() the result. */
static inline void *config_of(const rf_model_kind *kind, const char *const *settings) {
    void *config = calloc(1, kind->config_size);
    assert_int_equal(rf__fields_defaults(kind->fields, config), RF_OK);
    for (; settings && *settings; settings++) {
        char key[64];
        const char *value = strchr(*settings, '=') + 1;
        snprintf(key, sizeof key, "%.*s", (int)(value - *settings - 1), *settings);
        if (rf__fields_set(kind->fields, config, key, value, "test") != RF_OK) fail_msg("%s", rf_last_error());
    }
    return config;
}

static inline rf_model *fresh_network(const char *kind_name, const char *const *settings, uint64_t seed) {
    const rf_model_kind *kind = rf__model_kind_find(kind_name);
    void *config = config_of(kind, settings);
    rf_model *model = NULL;
    if (rf__model_create(&model, kind, config, seed) != RF_OK) fail_msg("%s", rf_last_error());
    free(config);
    return model;
}

/* Every trained weight moved by `level` times a normal number: gates and last layers that begin at zero would hide everything behind them. */
static inline rf_model *network_of(const char *kind_name, const char *const *settings, uint64_t seed, float level) {
    rf_model *model = fresh_network(kind_name, settings, seed);
    int64_t count;
    float *all = rf__weights_all(model->weights, &count);
    for (int64_t i = 0; i < rf__weights_trained(model->weights); i++) {
        float random;
        rf__rng_normal(seed + 7, RF_STREAM_INIT, (uint64_t)i, 1, &random);
        all[i] += level * random;
    }
    return model;
}

/* Its file, as it is. */
static inline void save_as_is(const rf_model *model, const char *path) {
    int64_t count;
    assert_int_equal(rf__model_save(model, rf__weights_all(model->weights, &count), path, RF_F32, NULL), RF_OK);
}

#endif
