/* make_model.c - a small network with random weights for the tests of the program:
 *   make_model KIND OUT.safetensors [key=value ...]
 * Every parameter is random, the last layer too (a fresh one is zero, and the picture would be the noise
 * itself). predictor=FILE belongs to no kind's settings: it makes the refiner of that file, for gaps up to 0.13 and scales 1 .. 4;
 * windows=K makes it straight inside K equal windows only (with extra=K+1 it is told which). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/memory.h"
#include "../src/base/rng.h"
#include "../src/io/sha256.h"
#include "../src/models/model.h"

#define METADATA "{\"training\": {\"note\": \"random weights\"}, \"class_names\": [\"Cat\", \"Big dog\", \"Hen\"]}"

static rf_status set_all(const rf_model_kind *kind, void *config, int count, char **pairs, const char **predictor, rf_windows *windows) {
    RF_TRY(rf__fields_defaults(kind->fields, config));
    for (int i = 0; i < count; i++) {
        char *equals = strchr(pairs[i], '=');
        if (!equals) return rf__fail(RF_EINVAL, "'%s' is not key=value", pairs[i]);
        *equals = '\0';
        if (strcmp(pairs[i], "predictor") == 0) *predictor = equals + 1;
        else if (strcmp(pairs[i], "windows") == 0) RF_TRY(rf__windows_uniform(windows, atoi(equals + 1)));
        else RF_TRY(rf__fields_set(kind->fields, config, pairs[i], equals + 1, "make_model"));
    }
    return RF_OK;
}

static rf_status make(const char *name, const char *path, int count, char **pairs) {
    const rf_model_kind *kind = rf__model_kind_find(name);
    if (!kind) return RF_ENOTFOUND;
    void *config = rf__alloc(kind->config_size);
    const char *predictor = NULL;
    rf_windows windows = {0};
    RF_TRY(set_all(kind, config, count, pairs, &predictor, &windows));
    rf_model *model = NULL;
    RF_TRY(rf__model_create(&model, kind, config, 1));
    model->windows = windows;
    model->refiner = (rf_refiner_facts){.gap_most = 0.13, .scale_least = 1, .scale_most = 4};
    if (predictor) RF_TRY(rf__sha256_file(predictor, model->refiner.predictor));
    int64_t scalars = 0;
    float *all = rf__weights_all(model->weights, &scalars);
    for (int64_t i = 0; i < rf__weights_trained(model->weights); i++) {
        float random;
        rf__rng_normal(7, RF_STREAM_INIT, (uint64_t)i, 1, &random);
        all[i] += 0.05f * random;
    }
    rf_status status =
        rf__model_save(model, all, path, RF_F32, METADATA);
    rf__model_free(&model);
    rf__free(config);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: make_model KIND OUT.safetensors [key=value ...]\n");
        return 2;
    }
    if (make(argv[1], argv[2], argc - 3, argv + 3) == RF_OK) return 0;
    fprintf(stderr, "make_model: %s\n", rf_last_error());
    return 1;
}
