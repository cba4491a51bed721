/* images.c - see images.h. Pixels stay 8-bit in memory and become f32 in the worker that draws them. */
#include "images.h"

#include <pthread.h>
#include <stdlib.h>

#include "../base/rng.h"

/* With replacement, so that sample k does not depend on the ones before it. */
static rf_status images_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    const rf_dataset *set = source->self;
    int64_t pick = (int64_t)rf__rng_below(seed, RF_STREAM_DATA, sample, (uint64_t)set->count);
    rf__dataset_image(set, pick, false, x);
    if (set->labels) *label = set->labels[pick];
    return RF_OK;
}

static void images_close(rf_source *source) {
    rf_dataset *set = source->self;
    rf__dataset_free(&set);
}

static void describe(rf_source *source, rf_dataset *set) {
    source->shape = (rf_model_shape){.height = set->height, .width = set->width, .channels = set->channels, .classes = set->classes};
    source->count = set->count;
    source->self = set;
}

static rf_status images_open(rf_source *source, const rf_data_config *config) {
    rf_dataset_spec spec = {.name = config->name, .path = config->path, .split = config->split, .limit = config->limit};
    rf_dataset *set = NULL;
    RF_TRY(rf__dataset_open(&set, &spec));
    describe(source, set);
    return RF_OK;
}

const rf_dataset *rf__source_dataset(const rf_source *source) { return source->kind->draw == images_draw ? source->self : NULL; }

rf_status rf__source_smaller(rf_source *out, const rf_source *whole, int height, int width) {
    const rf_dataset *set = rf__source_dataset(whole);
    *out = (rf_source){0};
    if (!set) return rf__fail(RF_EUNSUPPORTED, "data %s has one size, expected pictures for several", whole->kind->is.name);
    rf_dataset *smaller = NULL;
    RF_TRY(rf__dataset_smaller(&smaller, set, height, width));
    describe(out, smaller);
    out->kind = whole->kind;
    return RF_OK;
}

/* ---- one entry for each data set of io ---- */

enum { SETS_MAX = 32 };
static rf_source_kind kinds[SETS_MAX];
static const rf_plugin *entries[SETS_MAX + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_entries(void) {
    const rf_dataset_kind *const *sets = rf__dataset_kinds();
    for (int i = 0; sets[i] && i < SETS_MAX; i++) {
        kinds[i] = (rf_source_kind){{sets[i]->name, sets[i]->source, sets[i]->help}, .open = images_open, .close = images_close, .draw = images_draw};
        entries[i] = &kinds[i].is;
    }
}

const rf_plugin *const *rf__image_sources(void) {
    pthread_once(&once, fill_entries);
    return entries;
}

/* ---- random images ---- */

static const rf_source_kind random_images = {
    {"random", "-", "random images, for benchmarks"}, .close = images_close, .draw = images_draw};

rf_status rf__source_random(rf_source *source, const rf_model_shape *shape) {
    enum { COUNT = 512 };
    *source = (rf_source){0};
    rf_dataset *set = calloc(1, sizeof *set);
    if (!set) return rf__fail(RF_ENOMEM, "bench: no memory for random images");
    rf_status status = rf__dataset_alloc(set, COUNT, shape->height, shape->width, shape->channels, shape->classes);
    if (status != RF_OK) {
        rf__dataset_free(&set);
        return status;
    }
    int64_t bytes = (int64_t)COUNT * shape->height * shape->width * shape->channels;
    for (int64_t i = 0; i < bytes; i++) set->pixels[i] = (uint8_t)rf__rng_below(0, RF_STREAM_DATA, (uint64_t)i, 256);
    for (int i = 0; i < COUNT && set->labels; i++) set->labels[i] = i % shape->classes;
    describe(source, set);
    source->kind = &random_images;
    source->shape.flat = shape->flat;
    return RF_OK;
}
