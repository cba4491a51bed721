/* rows.h - many rows through a plan of a few: what the runners of this room share. */
#ifndef RF_EVAL_ROWS_H
#define RF_EVAL_ROWS_H
#include "../graph/plan_cache.h"

/* A named input (from) or output (to) of the graph: `scalars` f32 a row. A NULL name ends a list. */
typedef struct rf_row_port {
    const char *name;
    const float *from;
    float *to; /* NULL: not wanted */
    int64_t scalars;
} rf_row_port;

/* Rows a plan should have for pictures of this size, a power of two: enough work for a kernel call, activations of a size that caches know. */
int64_t rf__rows_at_once(int height, int width);

/* Run `n` rows with the plans of `key` (its rows are set here): full batches of at most `most` rows, then a smaller power of two whose spare
 * rows repeat the last one. */
rf_status rf__rows_run(rf_plan_cache *plans, rf_plan_key key, int64_t most, int64_t n, const rf_row_port *ports, rf_pool *pool);

#endif
