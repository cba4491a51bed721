/* features.c - see features.h. */
#include "features.h"

#include <stdlib.h>

#include "../base/memory.h"
#include "rows.h"

enum { PLANS_HELD = 8, PIECE = 256 /* pictures between two additions to a set */ };

struct rf_features {
    rf_feature_model *model;
    rf_pool *pool;
    rf_dtype dtype;
    rf_plan_cache *plans;
};

static rf_status build_graph(void *self, const rf_plan_key *key, rf_graph **out) {
    const rf_feature_model *m = ((rf_features *)self)->model;
    rf_graph *graph = *out = rf__graph_create(key->dtype);
    if (!graph) return rf__fail(RF_ENOMEM, "no memory for the extractor's graph");
    rf_node *x = rf__input(graph, "x", RF_F32, rf__shape4(key->rows, key->height, key->width, key->layout));
    rf_feature_out answers = rf__feature_build(graph, m->net, m->form, x, m->height, m->width, RF_FEATURE_ALL);
    rf__output(graph, "features", answers.features);
    rf__output(graph, "logits", answers.logits);
    return rf__graph_status(graph);
}

rf_status rf__features_open(rf_features **out, const char *name, const char *weights, const rf_features_opts *opts, rf_pool *pool) {
    *out = NULL;
    const rf_features_opts defaults = {.dtype = RF_F32};
    if (!opts) opts = &defaults;
    rf_features *f = calloc(1, sizeof *f);
    if (!f) return rf__fail(RF_ENOMEM, "no memory for an extractor");
    f->pool = pool;
    f->dtype = opts->dtype;
    rf_status status = rf__feature_open(&f->model, name, weights, opts->any_file);
    if (status == RF_OK) status = rf__plan_cache_create(&f->plans, build_graph, f, f->model->weights, NULL, PLANS_HELD);
    if (status != RF_OK) rf__features_close(&f);
    *out = f;
    return status;
}

void rf__features_close(rf_features **features) {
    rf_features *f = features ? *features : NULL;
    if (!f) return;
    rf__plan_cache_free(&f->plans);
    rf__feature_free(&f->model);
    free(f);
    *features = NULL;
}

rf_features_info rf__features_describe(const rf_features *f) {
    static const char *const laws[] = {[RF_RESIZE_HALF_PIXEL] = "bilinear", [RF_RESIZE_CORNER] = "bilinear as TensorFlow 1"};
    const rf_feature_model *m = f->model;
    return (rf_features_info){m->net->name, m->sha256, laws[m->net->resize], m->height, m->width, m->channels, m->features, m->classes};
}

rf_status rf__features_check(const rf_features *f, rf_picture_shape shape) {
    bool repeated = shape.channels == 1 && f->model->net->channels == 3; /* gray for a network of colours */
    if (shape.channels == f->model->channels || repeated) return RF_OK;
    return rf__fail(RF_EMISMATCH, "the extractor %s looks at pictures of %d channels, these have %d", f->model->net->name, f->model->channels,
                    shape.channels);
}

rf_status rf__features_run(rf_features *f, rf_picture_shape shape, const float *images, int64_t n, float *out, float *logits) {
    RF_TRY(rf__features_check(f, shape));
    const rf_feature_model *m = f->model;
    const rf_plan_key key = {.height = shape.height, .width = shape.width, .layout = shape.channels, .dtype = f->dtype,
                             .threads = rf__pool_size(f->pool)};
    const rf_row_port ports[] = {{"x", images, NULL, (int64_t)shape.height * shape.width * shape.channels},
                                 {"features", NULL, out, m->features},
                                 {"logits", NULL, logits, m->classes},
                                 {NULL}};
    return rf__rows_run(f->plans, key, rf__rows_at_once(m->height, m->width), n, ports, f->pool);
}

rf_status rf__features_judge(rf_features *f, rf_picture_shape shape, const float *images, int64_t n, const int32_t *labels,
                             rf_sample_set *set) {
    const int width = f->model->features, classes = f->model->classes;
    int64_t scalars = (int64_t)shape.height * shape.width * shape.channels;
    float *features = rf__alloc_array((size_t)PIECE * (size_t)(width + classes), sizeof *features);
    if (!features) return rf__fail(RF_ENOMEM, "no memory for the features of %d pictures", PIECE);
    float *logits = features + (size_t)PIECE * (size_t)width;
    rf_status status = RF_OK;
    for (int64_t first = 0; first < n && status == RF_OK; first += PIECE) {
        int64_t rows = n - first < PIECE ? n - first : PIECE;
        status = rf__features_run(f, shape, images + first * scalars, rows, features, logits);
        if (status == RF_OK) status = rf__sample_set_add(set, rows, features, logits, labels ? labels + first : NULL);
    }
    rf__free(features);
    return status;
}
