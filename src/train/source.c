/* source.c - the table of data sources, and whether a network fits one. */
#include "source.h"

#include <pthread.h>

#include "images.h"
#include "pair_source.h"
#include "toy.h"

enum { SOURCES_MAX = 64 };
static const rf_plugin *table[SOURCES_MAX + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void) {
    int count = 0;
    table[count++] = &rf__source_8gauss.is;
    table[count++] = &rf__source_pairs.is;
    for (const rf_plugin *const *image = rf__image_sources(); *image && count < SOURCES_MAX; image++) table[count++] = *image;
}

const rf_plugin *const *rf__sources(void) {
    pthread_once(&once, fill_table);
    return table;
}

rf_status rf__source_open(rf_source *source, const rf_data_config *config) {
    *source = (rf_source){.kind = (const rf_source_kind *)rf__plugin_find(rf__sources(), "data.name", config->name)};
    if (!source->kind) return RF_ENOTFOUND;
    return source->kind->open(source, config);
}

void rf__source_close(rf_source *source) {
    if (source->kind && source->kind->close) source->kind->close(source);
    *source = (rf_source){0};
}

rf_status rf__source_fits(const rf_source *source, const rf_model_shape *model) {
    const rf_model_shape *data = &source->shape;
    const char *name = source->kind->is.name;
    if (model->height != data->height || model->width != data->width || model->channels != data->channels)
        return rf__fail(RF_EMISMATCH, "model takes %dx%dx%d (height, width, channels), data %s is %dx%dx%d", model->height, model->width,
                        model->channels, name, data->height, data->width, data->channels);
    if (model->classes > 0 && model->classes != data->classes)
        return rf__fail(RF_EMISMATCH, "model.classes is %d, data %s has %d", model->classes, name, data->classes);
    return RF_OK;
}

/* ---- the exact velocity ---- */

typedef struct exact_rows {
    const rf_source *source;
    int64_t scalars;
    const float *x, *t;
    float *v;
} exact_rows;

static void exact_units(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const exact_rows *rows = arg;
    for (int64_t r = begin; r < end; r++)
        rows->source->kind->velocity(rows->x + r * rows->scalars, rows->t[r], rows->v + r * rows->scalars);
}

static rf_status exact_velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)cond;
    const rf_exact_source *exact = self;
    const rf_model_shape *shape = &exact->source->shape;
    exact_rows job = {exact->source, rf__scalars_of(shape), x, t, v};
    rf__pool_run(exact->pool, rows, 64, exact_units, &job);
    return RF_OK;
}

rf_status rf__source_exact_field(rf_field *out, rf_exact_source *exact) {
    const rf_model_shape *shape = &exact->source->shape;
    if (!exact->source->kind->velocity)
        return rf__fail(RF_EUNSUPPORTED, "data %s has no exact velocity, expected a toy", exact->source->kind->is.name);
    *out = (rf_field){.self = exact, .scalars = rf__scalars_of(shape), .null_label = -1,
                      .velocity = exact_velocity};
    return RF_OK;
}
