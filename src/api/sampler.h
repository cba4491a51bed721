/* sampler.h - a model compiled for this machine plus the batcher that feeds it: what rf_sample and every
 * command that samples stand on. */
#ifndef RF_API_SAMPLER_H
#define RF_API_SAMPLER_H
#include "../base/threads.h"
#include "../flow/batcher.h"
#include "../graph/plan_cache.h"
#include "../models/model.h"

/* A run of `count` jobs. The job k is asked for when there is room, so that a long run takes no more memory
 * than a short one. */
typedef struct rf_run {
    int64_t count;
    /* Fill spec (already zero, with field and condition set to "no class"). What it points to must live until
     * `finished` of this job. */
    rf_status (*describe)(void *user, int64_t k, rf_job_spec *spec);
    bool (*ready)(void *user, int64_t k); /* whether job k may begin now; it and all behind it wait for earlier ones. NULL: always */
    /* An error ends the run and is what rf__sampler_run returns. */
    rf_status (*finished)(void *user, const rf_trajectory *trajectory);
    void (*progress)(void *user, int64_t done, int64_t total); /* network answers; may be NULL */
    int64_t total;                                             /* answers of all jobs, for progress */
    const rf_admission *admission;                             /* NULL: arrival */
    int slots;                                                 /* jobs that walk at the same time; 0: as many as a call has rows */
    void *user;
} rf_run;

/* How a run went. */
typedef struct rf_run_stats {
    rf_batcher_stats batcher;
    rf_histogram latency, wait; /* seconds of each job, see rf__batcher_latency */
    rf_plan_cache_stats plans;  /* of the sampler so far */
    double seconds;
} rf_run_stats;

rf_status rf__sampler_run(rf_sampler *sampler, const rf_run *run, rf_run_stats *stats); /* stats: may be NULL */
/* Build all plans now. */
rf_status rf__sampler_warm(rf_sampler *sampler);
/* Those of calls of up to `rows` rows, as far as there are such calls. */
rf_status rf__sampler_warm_up_to(rf_sampler *sampler, int64_t rows);
/* Build the plan of a call of `rows` now. */
rf_status rf__sampler_warm_rows(rf_sampler *sampler, int64_t rows);
/* With rows 0: find out how many rows a call should have, from the cache folder or by measuring. Costs nothing the second time. */
rf_status rf__sampler_measure(rf_sampler *sampler);

const rf_model *rf__sampler_model(const rf_sampler *sampler);
rf_dtype rf__sampler_dtype(const rf_sampler *sampler);
int rf__sampler_threads(const rf_sampler *sampler);
int rf__sampler_rows(const rf_sampler *sampler); /* most of one call */
int64_t rf__sampler_best_rows(const rf_sampler *sampler); /* that a call gets when there is plenty to do */
/* NULL: rows were given, or not measured yet. Borrowed. */
const rf_row_times *rf__sampler_row_times(const rf_sampler *sampler);
const rf_field *rf__sampler_field(const rf_sampler *sampler); /* borrowed; for those who drive a batcher of their own */
const rf_field *rf__sampler_refiner_field(const rf_sampler *sampler); /* NULL: none */
rf_pool *rf__sampler_pool(const rf_sampler *sampler); /* borrowed */
const rf_model *rf__sampler_refiner(const rf_sampler *sampler); /* NULL: none */
/* A specification with fields and condition ("no class") set and the rest zero. */
rf_job_spec rf__sampler_job(const rf_sampler *sampler);
rf_plan_cache_stats rf__sampler_plans(const rf_sampler *sampler);

/* A class the model has, or -1 for none; the sentence names both. */
rf_status rf__sampler_check_label(const rf_model *model, int64_t label);

#endif
