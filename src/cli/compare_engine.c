/* compare_engine.c - the networks behind the rows of `strait compare`: one for each checkpoint, dtype and size of call that is asked for. */
#include <string.h>

#include "compare.h"

static bool same_path(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static rf_compare_engine *find(rf_compare *compare, const char *path, const char *refiner, rf_dtype dtype, int batch) {
    for (int i = 0; i < compare->engines; i++) {
        rf_compare_engine *e = &compare->engine[i];
        if (same_path(e->path, path) && same_path(e->refiner_path, refiner) && e->dtype == dtype && e->batch == batch) return e;
    }
    return NULL;
}

static rf_status open_engine(rf_compare *compare, rf_compare_engine *e) {
    if (e->path) RF_TRY(rf_model_open(&e->own, e->path));
    if (e->refiner_path) RF_TRY(rf_model_open(&e->own_refiner, e->refiner_path));
    rf_model *refiner = e->refiner_path ? e->own_refiner : e->path ? NULL : compare->refiner;
    const rf_sampler_opts opts = {.dtype = e->dtype, .threads = compare->threads, .rows = e->batch, .refiner = refiner};
    return rf_sampler_open(&e->sampler, e->own ? e->own : compare->model, &opts);
}

rf_status rf__compare_engine(rf_compare *compare, const rf_compare_row *row, const rf_model **model, rf_sampler **sampler) {
    int batch = row->batch ? row->batch : compare->batch;
    rf_compare_engine *e = find(compare, row->model, row->refiner, row->dtype, batch);
    if (!e) {
        if (compare->engines == RF_COMPARE_ENGINES)
            return rf__fail(RF_EINVAL, "compare: more than %d pairs of a checkpoint, a dtype and a batch size", RF_COMPARE_ENGINES);
        e = &compare->engine[compare->engines++];
        *e = (rf_compare_engine){.path = row->model, .refiner_path = row->refiner, .dtype = row->dtype, .batch = batch};
        RF_TRY(open_engine(compare, e));
    }
    *model = e->own ? e->own : compare->model;
    *sampler = e->sampler;
    return RF_OK;
}

void rf__compare_engines_close(rf_compare *compare) {
    for (int i = 0; i < compare->engines; i++) {
        rf_sampler_close(&compare->engine[i].sampler);
        rf_model_close(&compare->engine[i].own);
        rf_model_close(&compare->engine[i].own_refiner);
    }
    compare->engines = 0;
}
