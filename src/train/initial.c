/* initial.c - see initial.h. */
#include "initial.h"

#include <stdlib.h>
#include <string.h>

static rf_status build(rf_initial *initial, int64_t rows, rf_dtype dtype) {
    rf_model *model = initial->model;
    RF_TRY(rf__model_graph(&initial->graph, model, rows, dtype));
    return rf__plan_build(&initial->plan, initial->graph, model->weights, rf__kernels());
}

static rf_status check(const rf_model *model, const rf_model_shape *shape, const char *path) {
    const rf_model_shape *own = &model->shape;
    if (own->height != shape->height || own->width != shape->width || own->channels != shape->channels || own->flat != shape->flat)
        return rf__fail(RF_EMISMATCH, "train.initial: %s takes %dx%dx%d, the recipe's network %dx%dx%d", path, own->height, own->width,
                        own->channels, shape->height, shape->width, shape->channels);
    if (own->classes && own->classes != shape->classes)
        return rf__fail(RF_EMISMATCH, "train.initial: %s has %d classes, the recipe's network %d", path, own->classes, shape->classes);
    if (own->extra || own->refines || model->kind->classifies)
        return rf__fail(RF_EMISMATCH, "train.initial: %s is no network of a velocity at (x, t) alone, expected one", path);
    return RF_OK;
}

rf_status rf__initial_open(rf_initial **out, const char *path, const rf_model_shape *shape, int64_t rows, rf_dtype dtype) {
    rf_initial *initial = *out = calloc(1, sizeof *initial);
    if (!initial) return rf__fail(RF_ENOMEM, "train.initial: no memory");
    rf_status status = rf__model_open(&initial->model, path);
    if (status == RF_OK) status = check(initial->model, shape, path);
    if (status == RF_OK) status = build(initial, rows, dtype);
    if (status == RF_OK) status = rf__weights_refresh(initial->model->weights, NULL);
    if (status != RF_OK) rf__initial_free(out);
    return status;
}

void rf__initial_free(rf_initial **pointer) {
    rf_initial *initial = *pointer;
    if (!initial) return;
    rf__plan_free(&initial->plan);
    rf__graph_free(&initial->graph);
    rf__model_free(&initial->model);
    free(initial);
    *pointer = NULL;
}

rf_status rf__initial_ask(rf_exec *exec, int64_t rows, int64_t scalars, const float *x0, const int32_t *label, float *v) {
    int32_t *in_label = rf__exec_buffer(exec, "label");
    memcpy(rf__exec_buffer(exec, "x"), x0, (size_t)(rows * scalars) * sizeof *x0);
    memset(rf__exec_buffer(exec, "t"), 0, (size_t)rows * sizeof(float));
    if (in_label) memcpy(in_label, label, (size_t)rows * sizeof *label);
    RF_TRY(rf__exec_run(exec, NULL));
    memcpy(v, rf__exec_buffer(exec, "v"), (size_t)(rows * scalars) * sizeof *v);
    return RF_OK;
}
