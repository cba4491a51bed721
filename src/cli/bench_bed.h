/* bench_bed.h - one plan of a network ready to run on random inputs; for `strait bench model`, `growth` and `turns`, and what a
 * call costs in `strait tune`. */
#ifndef RF_CLI_BENCH_BED_H
#define RF_CLI_BENCH_BED_H
#include "../models/model.h"

/* All of it is rf__bench_bed_fini's, except the pool, which is borrowed. */
typedef struct rf_bench_bed {
    rf_pool *pool;
    rf_plan *plan;
    rf_exec *exec;
    rf_status status; /* of the calls so far */
} rf_bench_bed;

/* Inference of `rows` rows, inputs filled from seed 1. After an error the bed is still one for rf__bench_bed_fini. */
rf_status rf__bench_bed_init(rf_bench_bed *bed, const rf_model *model, rf_dtype dtype, int64_t rows, rf_pool *pool);
void rf__bench_bed_fini(rf_bench_bed *bed);
/* One call of the network (arg: the bed), in the form that rf__stopwatch takes; nothing after a failure. */
void rf__bench_bed_run(void *bed);

#endif
