/* batcher.h - answers the requests of many jobs with few network calls. Rows of one call may differ in t, step count, solver, guidance,
 * policy, direction and purpose; they share nothing, so a job's result does not depend on its neighbours. Requests to different
 * fields (models, resolutions, refiners) go into different calls. One thread drives it. */
#ifndef RF_FLOW_BATCHER_H
#define RF_FLOW_BATCHER_H
#include "../base/histogram.h"
#include "admission.h"

typedef struct rf_batcher rf_batcher;

typedef struct rf_batcher_opts {
    int rows;  /* most rows of one call, at least what one answer takes; with measured times (field.h) it may take fewer */
    int slots; /* jobs that walk at the same time; 0: rows */
    int queue; /* jobs that may wait; 0: slots */
    const rf_admission *admission; /* NULL: arrival */
    /* Called once for each job when it is over: done, failed or cancelled. The trajectory is borrowed for the
     * call; submitting and cancelling are allowed inside. */
    void (*finished)(void *user, const rf_trajectory *trajectory);
    void *user;
} rf_batcher_opts;

typedef struct rf_batcher_stats {
    int64_t calls;                  /* of any field */
    int64_t answers;                /* accepted so far by any job, whoever gave them: progress */
    int64_t rows_full, rows_refine; /* equal to the sums over the jobs */
    int64_t rows_computed;          /* with the spare rows of the plans: fill rate = (rows_full + rows_refine) / this */
    int64_t done, failed, cancelled;
    int64_t late;                   /* done, but after their deadline */
} rf_batcher_stats;

rf_status rf__batcher_create(rf_batcher **out, const rf_batcher_opts *opts);
void rf__batcher_free(rf_batcher **batcher); /* unfinished jobs vanish without a call to `finished` */

/* errors: the specification is wrong, or the queue is full (RF_EINVAL; see rf__batcher_room). id: may be
 * NULL. */
rf_status rf__batcher_submit(rf_batcher *batcher, const rf_job_spec *spec, uint64_t *id);
int rf__batcher_room(const rf_batcher *batcher); /* jobs that submit will still take */
/* Takes effect at the start of the next tick; false when there is no such job. */
bool rf__batcher_cancel(rf_batcher *batcher, uint64_t id);
bool rf__batcher_busy(const rf_batcher *batcher); /* a job waits or walks */
/* Admit, gather one bucket of requests, make at most one field call, hand out the answers, retire what is
 * over. errors: what the field returned, or RF_EINTERRUPTED; no job has then moved, and the tick may be tried
 * again. */
rf_status rf__batcher_tick(rf_batcher *batcher);
rf_batcher_stats rf__batcher_stats(const rf_batcher *batcher);
/* Seconds of the jobs that are done: from submission, and of that from submission to the first row in a call. Borrowed. */
const rf_histogram *rf__batcher_latency(const rf_batcher *batcher);
const rf_histogram *rf__batcher_wait(const rf_batcher *batcher);

#endif
