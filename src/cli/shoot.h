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
    rf_run_stats run;
} rf_shoot_totals;

/* How jobs reach the batcher. */
typedef struct rf_shoot_opts {
    const rf_admission *admission; /* NULL: arrival */
    int slots;                     /* jobs that walk at the same time; 0: the rows of a call */
} rf_shoot_opts;

/* Whether every order can be walked with the models at hand; costs nothing, so that nothing is begun that cannot be finished. */
rf_status rf__shoot_check(const rf_sampler *sampler, const rf_order *orders, int order_count);
/* Images come in the order they finish. An error of `image` or of one job ends the run. */
rf_status rf__shoot(rf_sampler *sampler, const rf_order *orders, int order_count,
                    rf_status (*image)(void *user, const rf_shot *shot), void *user, rf_shoot_totals *totals);
rf_status rf__shoot_with(const rf_shoot_opts *opts, rf_sampler *sampler, const rf_order *orders, int order_count,
                         rf_status (*image)(void *user, const rf_shot *shot), void *user, rf_shoot_totals *totals);

/* The keys of design.md section 5: nfe_full, nfe_refine, extrapolated, seconds ... New references. */
json_t *rf__shot_json(const rf_shot *shot);
json_t *rf__shoot_totals_json(const rf_shoot_totals *totals);
/* Percentiles of durations; builds, hits and memory of the plans; rows and their seconds (null: not measured). New references. */
json_t *rf__histogram_json(const rf_histogram *histogram);
json_t *rf__plans_json(const rf_plan_cache_stats *plans);
json_t *rf__row_times_json(const rf_row_times *times);
int64_t rf__peak_memory(void); /* bytes of this process so far */
double rf__fill_rate(const rf_batcher_stats *stats);

#endif
