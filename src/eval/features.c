/* features.c - see features.h. */
#include "features.h"

#include <string.h>

#include "../base/memory.h"
#include "../graph/plan.h"
#include "../models/features/classifier.h"

enum { ROWS = 64 /* of one run */ };

struct rf_features {
    const char *name;
    rf_model *model;
    rf_pool *pool;
    rf_graph *graph;
    rf_plan *plan;
    rf_exec *exec;
    int feature_width;
};

static rf_status build(rf_features *f) {
    f->graph = rf__graph_create(RF_F32);
    if (!f->graph) return rf__fail(RF_ENOMEM, "no memory for the extractor's graph");
    rf_model_inputs in = rf__model_declare(f->graph, &f->model->shape, ROWS, false);
    rf_node *features = NULL, *logits = rf__classifier_build(f->graph, f->model->config, &in, &features);
    rf__output(f->graph, "features", features);
    rf__output(f->graph, "logits", logits);
    RF_TRY(rf__graph_status(f->graph));
    f->feature_width = (int)rf__node_shape(features).dim[1];
    RF_TRY(rf__plan_build(&f->plan, f->graph, f->model->weights, rf__kernels()));
    RF_TRY(rf__weights_refresh(f->model->weights, f->pool));
    return rf__exec_create(&f->exec, f->plan, rf__pool_size(f->pool));
}

rf_status rf__features_open(rf_features **out, const char *name, const char *weights, rf_pool *pool) {
    *out = NULL;
    if (strcmp(name, "classifier") != 0) return rf__fail(RF_ENOTFOUND, "no extractor '%.60s', expected classifier", name);
    rf_model *model = NULL;
    RF_TRY(rf__model_open(&model, weights));
    rf_features *f = rf__alloc(sizeof *f);
    rf_status status = f ? RF_OK : rf__fail(RF_ENOMEM, "no memory for an extractor");
    if (!f) {
        rf__model_free(&model);
        return status;
    }
    *f = (rf_features){.name = "classifier", .model = model, .pool = pool};
    if (model->kind != &rf__model_classifier)
        status = rf__fail(RF_EMISMATCH, "%s is a %s, expected a classifier", weights, model->kind->name);
    if (status == RF_OK) status = build(f);
    if (status != RF_OK) rf__features_close(&f);
    *out = f;
    return status;
}

void rf__features_close(rf_features **features) {
    rf_features *f = *features;
    if (!f) return;
    rf__exec_free(&f->exec);
    rf__plan_free(&f->plan);
    rf__graph_free(&f->graph);
    rf__model_free(&f->model);
    rf__free(f);
    *features = NULL;
}

rf_features_info rf__features_describe(const rf_features *f) {
    const rf_model_shape *s = &f->model->shape;
    return (rf_features_info){f->name, f->model->sha256, s->height, s->width, s->channels, f->feature_width, s->classes};
}

rf_status rf__features_check(const rf_features *f, int height, int width, int channels) {
    const rf_model_shape *s = &f->model->shape;
    if (s->height == height && s->width == width && s->channels == channels) return RF_OK;
    return rf__fail(RF_EMISMATCH, "the extractor %s takes pictures of %dx%d with %d channels, these are %dx%d with %d", f->name, s->width,
                    s->height, s->channels, width, height, channels);
}

rf_status rf__features_run(rf_features *f, const float *images, int64_t n, float *out, float *logits) {
    const rf_model_shape *s = &f->model->shape;
    int64_t scalars = (int64_t)s->height * s->width * s->channels;
    for (int64_t first = 0; first < n; first += ROWS) {
        size_t rows = (size_t)(n - first < ROWS ? n - first : ROWS);
        float *x = rf__exec_buffer(f->exec, "x");
        memcpy(x, images + first * scalars, rows * (size_t)scalars * sizeof *x);
        memset(x + rows * (size_t)scalars, 0, (ROWS - rows) * (size_t)scalars * sizeof *x);
        RF_TRY(rf__exec_run(f->exec, f->pool));
        memcpy(out + first * f->feature_width, rf__exec_buffer(f->exec, "features"), rows * (size_t)f->feature_width * sizeof *out);
        if (logits) memcpy(logits + first * s->classes, rf__exec_buffer(f->exec, "logits"), rows * (size_t)s->classes * sizeof *logits);
    }
    return RF_OK;
}

rf_status rf__features_judge(rf_features *f, const float *images, int64_t n, const int32_t *labels, rf_sample_set *set) {
    int classes = f->model->shape.classes;
    int64_t scalars = (int64_t)f->model->shape.height * f->model->shape.width * f->model->shape.channels;
    float *features = rf__alloc_array((size_t)(ROWS * (f->feature_width + classes)), sizeof *features);
    if (!features) return rf__fail(RF_ENOMEM, "no memory for the features of %d pictures", ROWS);
    float *logits = features + ROWS * f->feature_width;
    rf_status status = RF_OK;
    for (int64_t first = 0; first < n && status == RF_OK; first += ROWS) {
        int64_t rows = n - first < ROWS ? n - first : ROWS;
        status = rf__features_run(f, images + first * scalars, rows, features, logits);
        if (status == RF_OK) status = rf__sample_set_add(set, rows, features, logits, labels ? labels + first : NULL);
    }
    rf__free(features);
    return status;
}
