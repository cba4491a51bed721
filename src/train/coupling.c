/* coupling.c - who is paired with whom: the table of couplings. */
#include "couplings.h"

#include "../base/rng.h"

static void mirror(float *image, int height, int width, int channels) {
    for (int y = 0; y < height; y++)
        for (int a = 0, b = width - 1; a < b; a++, b--)
            for (int c = 0; c < channels; c++) {
                float *p = image + (y * width + a) * channels + c, *q = image + (y * width + b) * channels + c;
                float keep = *p;
                *p = *q;
                *q = keep;
            }
}

void rf__coupling_flip(const rf_coupling_args *args, uint64_t seed, uint64_t sample, float *x) {
    const rf_model_shape *s = &args->data->shape;
    if (args->flip && rf__rng_below(seed, RF_STREAM_FLIP, sample, 2) == 1) mirror(x, s->height, s->width, s->channels);
}

/* Noise and data know nothing of each other: the coupling of 1-RF. Data is drawn with replacement. */
static rf_status independent_draw(const rf_coupling_args *args, rf_batch *batch) {
    const rf_source *data = args->data;
    for (int64_t r = 0; r < batch->rows; r++) {
        uint64_t sample = batch->first + (uint64_t)r;
        float *x1 = batch->x1 + r * batch->scalars;
        int32_t label = 0;
        rf__rng_normal_sample(batch->seed, RF_STREAM_NOISE, sample, batch->scalars, batch->x0 + r * batch->scalars);
        RF_TRY(data->kind->draw(data, batch->seed, sample, x1, &label));
        if (batch->label) batch->label[r] = label;
        rf__coupling_flip(args, batch->seed, sample, x1);
    }
    return RF_OK;
}

static const rf_coupling independent = {
    {"independent", "Liu et al. 2022, arXiv 2209.03003", "fresh noise with a random sample of the data (1-RF)"}, .draw = independent_draw};

rf_status rf__coupling_stored(const rf_coupling_args *args, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label) {
    *label = 0;
    RF_TRY(args->data->kind->pair(args->data, seed, sample, x0, x1, label));
    rf__coupling_flip(args, seed, sample, x0);
    rf__coupling_flip(args, seed, sample, x1);
    return RF_OK;
}

static rf_status stored_draw(const rf_coupling_args *args, rf_batch *batch) {
    for (int64_t r = 0; r < batch->rows; r++) {
        int32_t label;
        int64_t at = r * batch->scalars;
        RF_TRY(rf__coupling_stored(args, batch->seed, batch->first + (uint64_t)r, batch->x0 + at, batch->x1 + at, &label));
        if (batch->label) batch->label[r] = label;
    }
    return RF_OK;
}

static const rf_coupling stored = {
    {"stored", "Liu et al. 2022, arXiv 2209.03003, reflow", "the noise and the data of a pair that a teacher made (2-RF, distillation)"},
    .pairs = true, .draw = stored_draw};

const rf_plugin *const *rf__couplings(void) {
    static const rf_plugin *const table[] = {&independent.is, &stored.is, &rf__coupling_perflow.is, &rf__coupling_annealed.is, &rf__coupling_guided.is,
                                            &rf__refine_published.is.is, &rf__refine_simulated.is.is, &rf__refine_walked.is.is, NULL};
    return table;
}
