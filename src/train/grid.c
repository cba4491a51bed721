/* grid.c - see grid.h. */
#include "grid.h"

#include "../base/memory.h"
#include "../io/image.h"

enum { ROWS = 16 /* of one network call */, SMALL = 64 /* images up to this height are drawn twice as large */ };

static rf_status sample(rf_model *ema, const rf_recipe *recipe, int threads, int count, const int32_t *labels, float *images) {
    const rf_sample_config *c = &recipe->sample;
    rf_sampler_opts how;
    rf_sample_opts what;
    rf_default_sampler_opts(&how);
    rf_default_sample_opts(&what);
    how.dtype = (rf_dtype)recipe->train.dtype;
    how.threads = threads;
    how.rows = ROWS;
    what.solver = c->solver;
    what.steps = (int)c->steps;
    what.cfg_scale = labels ? c->cfg : 1;
    what.seed = (uint64_t)c->seed;
    what.count = count;
    what.labels = labels;
    rf_sampler *sampler = NULL;
    RF_TRY(rf_sampler_open(&sampler, ema, &how));
    rf_status status = rf_sample(sampler, &what, images);
    rf_sampler_close(&sampler);
    return status;
}

rf_status rf__train_grid(rf_model *ema, const rf_recipe *recipe, int threads, const char *path) {
    const rf_model_shape *s = &ema->shape;
    int columns = (int)recipe->sample.columns, rows = s->classes > 0 ? s->classes : columns, count = rows * columns;
    float *images = rf__alloc_array((size_t)count * (size_t)(s->height * s->width), (size_t)s->channels * sizeof(float));
    int32_t *labels = rf__alloc_array((size_t)count, sizeof *labels);
    rf_image sheet = {0};
    rf_status status = images && labels ? RF_OK : rf__fail(RF_ENOMEM, "%s: no memory for %d images", path, count);
    for (int i = 0; labels && i < count; i++) labels[i] = i / columns;
    if (status == RF_OK) status = sample(ema, recipe, threads, count, s->classes > 0 ? labels : NULL, images);
    if (status == RF_OK)
        status = rf__image_sheet(&sheet, images, count, s->height, s->width, s->channels, columns, s->height <= SMALL ? 2 : 1);
    if (status == RF_OK) status = rf__png_write(path, &sheet, NULL, 0);
    rf__image_free(&sheet);
    rf__free(labels);
    rf__free(images);
    return status;
}
