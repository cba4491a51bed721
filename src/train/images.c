/* images.c - see images.h. Pixels stay 8-bit in memory and become f32 in the worker that draws them. */
#include "images.h"

#include "../base/memory.h"
#include "../base/rng.h"

typedef struct images {
    uint8_t *pixels;   /* [count, scalars] */
    int32_t *labels;   /* [count] or NULL */
    int64_t scalars;
} images;

/* With replacement, so that sample k does not depend on the ones before it. */
static rf_status images_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    const images *all = source->self;
    int64_t pick = (int64_t)rf__rng_below(seed, RF_STREAM_DATA, sample, (uint64_t)source->count);
    const uint8_t *pixels = all->pixels + pick * all->scalars;
    for (int64_t i = 0; i < all->scalars; i++) x[i] = (float)pixels[i] * (2.0f / 255) - 1;
    if (all->labels) *label = all->labels[pick];
    return RF_OK;
}

static void images_close(rf_source *source) {
    images *all = source->self;
    if (!all) return;
    rf__free(all->pixels);
    rf__free(all->labels);
    rf__free(all);
}

static const rf_source_kind random_images = {
    {"random", "-", "random images, for benchmarks"}, NULL, images_close, images_draw, NULL};

rf_status rf__source_random(rf_source *source, const rf_model_shape *shape) {
    enum { COUNT = 512 };
    images *all = rf__alloc(sizeof *all);
    *source = (rf_source){.kind = &random_images, .shape = *shape, .count = COUNT, .self = all};
    if (all) {
        all->scalars = (int64_t)shape->height * shape->width * shape->channels;
        all->pixels = rf__alloc((size_t)(COUNT * all->scalars));
        all->labels = rf__alloc_array(COUNT, sizeof(int32_t));
    }
    if (!all || !all->pixels || !all->labels) {
        rf__source_close(source);
        return rf__fail(RF_ENOMEM, "bench: no memory for random images");
    }
    for (int64_t i = 0; i < COUNT * all->scalars; i++) all->pixels[i] = (uint8_t)rf__rng_below(0, RF_STREAM_DATA, (uint64_t)i, 256);
    for (int64_t i = 0; i < COUNT && shape->classes; i++) all->labels[i] = (int32_t)(i % shape->classes);
    return RF_OK;
}
