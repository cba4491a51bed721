/* source.c - the table of data sources, and whether a network fits one. */
#include "source.h"

#include <pthread.h>

#include "images.h"
#include "toy.h"

enum { SOURCES_MAX = 64 };
static const rf_plugin *table[SOURCES_MAX + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void) {
    int count = 0;
    table[count++] = &rf__source_8gauss.is;
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
    if (model->extra > 0) return rf__fail(RF_EUNSUPPORTED, "model.extra is %d, expected 0: no coupling of this recipe fills it", model->extra);
    return RF_OK;
}
