/* method_test.h - for the tests of this room: a trainer from a recipe in one line of JSON, on points whose pairs are known. */
#ifndef RF_TRAIN_METHOD_TEST_H
#define RF_TRAIN_METHOD_TEST_H
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/rng.h"
#include "trainer.h"

/* 2-D points of three classes; a pair's data is its noise. */
static float data_offset;

static rf_status points_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    (void)source;
    rf__rng_normal_sample(seed, RF_STREAM_TOY, sample, 2, x);
    x[0] += data_offset;
    if (label) *label = (int32_t)(sample % 3);
    return RF_OK;
}

static rf_status points_pair(const rf_source *source, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label) {
    RF_TRY(points_draw(source, seed, sample, x0, label));
    memcpy(x1, x0, 2 * sizeof *x0);
    return RF_OK;
}

static const rf_source_kind points = {{"points", "-", "for tests"}, .draw = points_draw, .pair = points_pair};

static inline rf_source points_source(void) {
    return (rf_source){.kind = &points, .shape = {.height = 1, .width = 1, .channels = 2, .classes = 3, .flat = true}};
}

/* {"model": {...}, ...} with ' for ". */
static inline rf_recipe *recipe_of(const char *text) {
    char json[2048];
    snprintf(json, sizeof json, "%s", text);
    for (char *c = json; *c; c++)
        if (*c == '\'') *c = '"';
    json_t *object = json_loads(json, 0, NULL);
    rf_recipe *recipe = NULL;
    rf__recipe_parse(&recipe, object, "test");
    json_decref(object);
    return recipe;
}

/* A network of the kind's defaults and some settings, into a file of /tmp that the caller unlinks. level: its weights are scaled by it. */
static inline void save_network(const char *kind_name, const char *key, const char *value, float level, char path[64]) {
    const rf_model_kind *kind = rf__model_kind_find(kind_name);
    void *config = calloc(1, kind->config_size);
    rf_model *model = NULL;
    int64_t count;
    snprintf(path, 64, "/tmp/strait-method-test-%d.safetensors", (int)getpid());
    if (rf__fields_defaults(kind->fields, config) == RF_OK && rf__fields_set(kind->fields, config, key, value, "test") == RF_OK &&
        rf__model_create(&model, kind, config, 11) == RF_OK) {
        float *all = rf__weights_all(model->weights, &count);
        for (int64_t i = 0; i < count; i++) all[i] *= level;
        rf__model_save(model, all, path, RF_F32, NULL);
    }
    rf__model_free(&model);
    free(config);
}

#endif
