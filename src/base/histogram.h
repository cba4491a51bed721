/* histogram.h - percentiles of durations in fixed memory: a run of a million images takes no more than one of ten. */
#ifndef RF_BASE_HISTOGRAM_H
#define RF_BASE_HISTOGRAM_H
#include <stdint.h>

#define RF_HISTOGRAM_CELLS 1024

/* Zero-filled is empty. Cells grow by 2.3 % from 1 microsecond to about 3 hours; what lies outside goes to the end cells. */
typedef struct rf_histogram {
    int64_t count, cell[RF_HISTOGRAM_CELLS];
    double sum, least, most; /* exact */
} rf_histogram;

void rf__histogram_add(rf_histogram *histogram, double seconds);
/* The value that `fraction` of what was added does not exceed, within 2.3 %; 0 when empty. */
double rf__histogram_at(const rf_histogram *histogram, double fraction);
double rf__histogram_mean(const rf_histogram *histogram);

#endif
