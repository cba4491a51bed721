/* runlog.h - log.jsonl of a run (one object a line) and the curves drawn from it. */
#ifndef RF_TRAIN_RUNLOG_H
#define RF_TRAIN_RUNLOG_H
#include <stdint.h>
#include <stdio.h>

#include "../base/status.h"

#define RF_TIME_BINS 10

/* What gathers between two lines of the log. */
typedef struct rf_loss_bins {
    double sum[RF_TIME_BINS], total;
    int64_t count[RF_TIME_BINS], rows;
    double newest; /* mean of the interval before */
} rf_loss_bins;

/* Rows in order, so that the sums do not depend on threads. t in [0,1]. */
void rf__loss_bins_add(rf_loss_bins *bins, const float *loss, const float *t, int64_t rows);
double rf__loss_bins_mean(const rf_loss_bins *bins); /* NaN when empty */

typedef struct rf_log_line {
    int64_t step, skipped;
    double images_per_second, lr, grad_norm;
    const rf_loss_bins *bins;
} rf_log_line;

/* Append one line and flush it. */
rf_status rf__runlog_write(FILE *stream, const rf_log_line *line);
/* Open for appending after `step`: lines of later steps (of a run that went on past the checkpoint) are removed. */
rf_status rf__runlog_open(FILE **out, const char *path, int64_t step);
/* loss.png and loss_by_time.png in `folder`, from its log.jsonl, by gnuplot as a process. Without gnuplot: a message, RF_OK. */
rf_status rf__runlog_curves(const char *folder);

#endif
