/* bare.h - what the dense work of a plan costs when nothing else is done: the yardstick of `strait bench train`. */
#ifndef RF_TRAIN_BARE_H
#define RF_TRAIN_BARE_H
#include "../graph/plan.h"

typedef struct rf_bare_seconds {
    double forward, by_data, by_weights; /* one call for each dense step of the plan */
    int shapes;                          /* different ones, each measured once */
} rf_bare_seconds;

/* Sum of the times of bare oneDNN for every convolution and linear layer of the plan, forward and gradients, without packing, activations
 * or anything else; `batch_factor` times the plan's batch in each call, on `threads` OpenMP threads, about `budget` seconds a shape.
 * RF_EUNSUPPORTED: the build has no oneDNN, or it lacks a kernel. */
rf_status rf__bare_measure(rf_bare_seconds *out, const rf_plan *plan, int64_t batch_factor, int threads, double budget);

#endif
