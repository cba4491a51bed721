/* pair_source.c - see pair_source.h. Pairs are drawn with replacement, so that sample k does not depend on the ones before it. */
#include "pair_source.h"

#include "../base/memory.h"
#include "../base/rng.h"
#include "../io/pairs.h"

/* Backward pairs, which a teacher made of noise, and maybe forward ones, whose noise it found from data. */
typedef struct stores {
    rf_pairs *made, *real; /* real NULL: none */
    double share;
} stores;

static rf_status open_real(stores *s, const rf_source *source, const rf_data_config *config) {
    if (!config->real[0]) return RF_OK;
    RF_TRY(rf__pairs_open(&s->real, config->real));
    rf_pairs_head head = rf__pairs_describe(s->real);
    const rf_model_shape *a = &source->shape;
    if (head.height != a->height || head.width != a->width || head.channels != a->channels || head.classes != a->classes)
        return rf__fail(RF_EMISMATCH, "data.real: %s has %dx%dx%d with %d classes, data.path %dx%dx%d with %d", config->real, head.height, head.width,
                        head.channels, head.classes, a->height, a->width, a->channels, a->classes);
    s->share = config->real_share;
    return RF_OK;
}

static void pairs_close(rf_source *source) {
    stores *s = source->self;
    if (!s) return;
    rf__pairs_free(&s->made);
    rf__pairs_free(&s->real);
    rf__free(s);
    source->self = NULL;
}

static rf_status pairs_open(rf_source *source, const rf_data_config *config) {
    if (!config->path[0]) return rf__fail(RF_EINVAL, "data.path is empty, expected the file that strait pairs wrote");
    stores *s = source->self = rf__alloc(sizeof *s);
    if (!s) return rf__fail(RF_ENOMEM, "no memory for the stores of pairs");
    rf_status status = rf__pairs_open(&s->made, config->path);
    if (status == RF_OK) {
        rf_pairs_head head = rf__pairs_describe(s->made);
        int64_t count = rf__pairs_count(s->made);
        source->shape = (rf_model_shape){.height = head.height, .width = head.width, .channels = head.channels, .classes = head.classes, .flat = head.flat};
        source->count = config->limit && config->limit < count ? config->limit : count;
        status = open_real(s, source, config);
    }
    if (status != RF_OK) pairs_close(source);
    return status;
}

static rf_status pairs_pair(const rf_source *source, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label) {
    const stores *s = source->self;
    float u = 1;
    if (s->real) rf__rng_uniform(seed, RF_STREAM_MIX, sample, 1, &u);
    bool real = (double)u < s->share;
    int64_t count = real ? rf__pairs_count(s->real) : source->count;
    int64_t pick = (int64_t)rf__rng_below(seed, RF_STREAM_DATA, sample, (uint64_t)count);
    RF_TRY(rf__pairs_read(real ? s->real : s->made, pick, x0, x1, label));
    if (*label < 0) *label = source->shape.classes;
    return RF_OK;
}

/* The data side alone: fresh noise with what the teacher made. */
static rf_status pairs_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    int64_t scalars = rf__scalars_of(&source->shape);
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
