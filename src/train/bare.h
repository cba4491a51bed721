/* bare.h - what the dense work of a plan costs when nothing else is done: the yardstick of `strait bench train`. */
#ifndef RF_TRAIN_BARE_H
#define RF_TRAIN_BARE_H
#include "../graph/plan.h"

typedef struct rf_bare_seconds {
    double forward, by_data, by_weights; /* of one run of the plan, on each of the pool's threads at once */
    int distinct;                        /* shapes measured */
} rf_bare_seconds;

/* Run every convolution and linear layer of the plan by `provider` alone, each shape `repeats` times (the fastest counts), on all threads
 * of the pool at once, each with its own data, as the lanes of a training step do. No bias, no activation. */
rf_status rf__bare_measure(rf_bare_seconds *out, const rf_plan *plan, const rf_conv_provider *provider, int repeats, rf_pool *pool);

#endif
