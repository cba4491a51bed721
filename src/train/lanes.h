/* lanes.h - the gradient of a whole batch by data-parallel micro-batches.
 *
 *   micro-batch j of a step belongs to lane j % lanes; a lane adds its micro-batches in order into its own gradient vector;
 *   a worker takes whole lanes, on its own single-threaded rf_exec; the lanes are summed in lane order (optim.h).
 *
 * The number of lanes is a setting of the run, never that of the threads: that is what makes the bytes of a step independent
 * of the machine. Memory: one vector of weights a lane, one arena a worker. */
#ifndef RF_TRAIN_LANES_H
#define RF_TRAIN_LANES_H
#include "../graph/plan.h"
#include "../models/model.h"
#include "batch.h"

typedef struct rf_lanes_seconds {
    double data, network; /* summed over workers */
} rf_lanes_seconds;

/* Whoever has more to say to a micro-batch than the batch: called by the workers, once before it runs and once after. Either may be NULL. */
typedef struct rf_lanes_guest {
    void *self;
    rf_status (*fill)(void *self, rf_exec *exec, const rf_batch *batch, int worker);
    void (*read)(void *self, rf_exec *exec, const rf_batch *batch, int64_t row); /* row: of the first in the whole batch */
} rf_lanes_guest;

typedef struct rf_lanes {
    rf_pool *pool;               /* borrowed */
    const rf_batch_plan *fill;   /* borrowed */
    int64_t batch, micro_batch, scalars;
    int lanes, workers;
    float **grads;               /* [lanes] vectors of `trained` floats */
    rf_exec **exec;              /* [workers] */
    rf_exec **initial;           /* [workers] of the frozen network that fills `extra`; each NULL without one */
    rf_batch *worker;            /* [workers] views into the exec's inputs and the scratch */
    float **scratch;             /* [workers] the pair, and what the graph does not read: a target, when labels are compared */
    rf_lanes_seconds *seconds;   /* [workers] of the newest step */
    float *loss, *t;             /* [batch] of the newest step: loss and time of each row */
    rf_status *status;           /* [lanes] */
    char (*error)[512];          /* [lanes] the sentence of a failed lane: last errors are kept per thread */
    uint64_t seed, step;         /* of the newest step */
    rf_lanes_guest guest;        /* set after rf__lanes_init */
} rf_lanes;

/* initial: plan of the frozen network that answers at (x0, 0), NULL: the path needs none. plan: of one micro-batch, inputs x, row_weight (t, target, label, drop_key, drop_seed), output loss_rows. trained: its gradient vector. */
rf_status rf__lanes_init(rf_lanes *lanes, const rf_plan *plan, const rf_plan *initial, int64_t trained, const rf_model_shape *shape,
                         const rf_batch_plan *fill, int64_t micro_batch, int lane_count, uint64_t seed, rf_pool *pool);
void rf__lanes_fini(rf_lanes *lanes);
/* Add the gradients of step `step` into grads; lanes that got no micro-batch are left as they are. */
rf_status rf__lanes_run(rf_lanes *lanes, uint64_t step);
/* Sum over the workers of the newest step. */
rf_lanes_seconds rf__lanes_seconds(const rf_lanes *lanes);

#endif
