/* pair_source.c - see pair_source.h. Pairs are drawn with replacement, so that sample k does not depend on the ones before it. */
#include "pair_source.h"

#include "../base/memory.h"
#include "../base/rng.h"
#include "../io/pairs.h"

static rf_status pairs_open(rf_source *source, const rf_data_config *config) {
    if (!config->path[0]) return rf__fail(RF_EINVAL, "data.path is empty, expected the file that strait pairs wrote");
    rf_pairs *pairs = NULL;
    RF_TRY(rf__pairs_open(&pairs, config->path));
    rf_pairs_head head = rf__pairs_describe(pairs);
    int64_t count = rf__pairs_count(pairs);
    source->shape = (rf_model_shape){.height = head.height, .width = head.width, .channels = head.channels, .classes = head.classes, .flat = head.flat};
    source->count = config->limit && config->limit < count ? config->limit : count;
    source->self = pairs;
    return RF_OK;
}

static void pairs_close(rf_source *source) {
    rf_pairs *pairs = source->self;
    rf__pairs_free(&pairs);
}

static rf_status pairs_pair(const rf_source *source, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label) {
    int64_t pick = (int64_t)rf__rng_below(seed, RF_STREAM_DATA, sample, (uint64_t)source->count);
    RF_TRY(rf__pairs_read(source->self, pick, x0, x1, label));
    if (*label < 0) *label = source->shape.classes;
    return RF_OK;
}

/* The data side alone: fresh noise with what the teacher made. */
static rf_status pairs_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    int64_t scalars = (int64_t)source->shape.height * source->shape.width * source->shape.channels;
    float *noise = rf__alloc_array((size_t)scalars, sizeof *noise);
    if (!noise) return rf__fail(RF_ENOMEM, "no memory for the noise of a pair");
    int32_t own;
    rf_status status = pairs_pair(source, seed, sample, noise, x, &own);
    if (label) *label = own;
    rf__free(noise);
    return status;
}

const rf_source_kind rf__source_pairs = {
    .is = {"pairs", "strait pairs", "noise and data that a teacher's flow joins; data.path names the store"},
    .open = pairs_open,
    .close = pairs_close,
    .draw = pairs_draw,
    .pair = pairs_pair,
};
