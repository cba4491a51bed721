/* shoot.h - run orders through a sampler: one progress line, one callback for each finished image, totals for
 * the report. */
#ifndef RF_CLI_SHOOT_H
#define RF_CLI_SHOOT_H
#include "order.h"

typedef struct rf_shot {
    int order;     /* which order it belongs to */
    int64_t k;     /* image of the order */
    int64_t index; /* image of the run */
    uint64_t seed;
    int32_t label;  /* -1: none */
    const float *x; /* [H, W, C], borrowed for the call */
    rf_counters counters;
    double seconds; /* from the first step to the last, neighbours in the batch included */
} rf_shot;

typedef struct rf_shoot_totals {
    int64_t images, calls;
    rf_counters counters;
    double seconds;
} rf_shoot_totals;

/* Images come in the order they finish. An error of `image` or of one job ends the run. */
rf_status rf__shoot(rf_sampler *sampler, const rf_order *orders, int order_count,
                    rf_status (*image)(void *user, const rf_shot *shot), void *user, rf_shoot_totals *totals);

/* The keys of design.md section 5: nfe_full, nfe_refine, extrapolated, seconds ... New references. */
json_t *rf__shot_json(const rf_shot *shot);
json_t *rf__shoot_totals_json(const rf_shoot_totals *totals);

#endif
