/* pairs_invert.h - forward pairs: the noise that a teacher's flow, walked backward, finds for real data. */
#ifndef RF_CLI_PAIRS_INVERT_H
#define RF_CLI_PAIRS_INVERT_H
#include "../io/pairs.h"
#include "../train/source.h"
#include "order.h"

/* "fashion-mnist:train", "8gauss". The network must take what it gives. */
rf_status rf__invert_open(rf_source *source, const char *name, const rf_model *model);
/* What a run found. spread: root mean square of the noise, which is 1 where sampling starts; 0 when nothing was made. */
typedef struct rf_inverted {
    int64_t made;
    double spread;
    rf_counters counters;
} rf_inverted;

/* The first order->count samples of the source that the writer lacks, by the order's solver and grid from t = 1 to 0; keys are sample numbers. */
rf_status rf__invert_run(rf_sampler *sampler, const rf_order *order, const rf_source *source, rf_pairs_writer *writer, rf_inverted *found);

#endif
