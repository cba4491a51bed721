/* bench_bed.c - see bench_bed.h. */
#include "bench_bed.h"

#include "../base/rng.h"

rf_status rf__bench_bed_init(rf_bench_bed *bed, const rf_model *model, rf_dtype dtype, int64_t rows, rf_pool *pool) {
    *bed = (rf_bench_bed){.pool = pool};
    RF_TRY(rf__model_generates(model));
    rf_graph *g;
    RF_TRY(rf__model_graph(&g, model, rows, dtype));
    rf_status status = rf__plan_build(&bed->plan, g, model->weights, rf__kernels());
    if (status == RF_OK) status = rf__exec_create(&bed->exec, bed->plan, rf__pool_size(pool));
    rf__graph_free(&g);
    RF_TRY(status);
    rf__rng_normal(1, RF_STREAM_NOISE, 0, rows * rf__model_scalars(model), rf__exec_buffer(bed->exec, "x"));
    rf__rng_uniform(1, RF_STREAM_TIME, 0, rows, rf__exec_buffer(bed->exec, "t"));
    int32_t *label = rf__exec_buffer(bed->exec, "label");
    for (int64_t r = 0; label && r < rows; r++) label[r] = (int32_t)(r % model->shape.classes);
    return RF_OK;
}

void rf__bench_bed_fini(rf_bench_bed *bed) {
    rf__exec_free(&bed->exec);
    rf__plan_free(&bed->plan);
}

void rf__bench_bed_run(void *bed) {
    rf_bench_bed *b = bed;
    if (b->status == RF_OK) b->status = rf__exec_run(b->exec, b->pool);
}
