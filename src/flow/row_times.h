/* row_times.h - how long a call of so many rows takes here, and how many rows a call should therefore have. On a CPU a network of many
 * tokens gains little from more rows a call, one of few tokens much: the number must be measured (methods: streamflow, section 5). */
#ifndef RF_FLOW_ROW_TIMES_H
#define RF_FLOW_ROW_TIMES_H
#include "field.h"

#define RF_ROW_TIMES_MAX 13 /* 1, 2, 4 .. 4096 */
#define RF_ROWS_SLACK 1.03  /* this much slower than the best rate is as good, when it takes fewer rows */

/* Rows rise, seconds are above zero. count 0: unknown. */
struct rf_row_times {
    int count;
    int64_t rows[RF_ROW_TIMES_MAX];
    double seconds[RF_ROW_TIMES_MAX];
};

/* Time the calls of 1, 2, 4 .. `most` rows, about `budget` seconds in all, the large ones only as far as that reaches.
 * errors: what the field returned, RF_ENOMEM, RF_EINTERRUPTED; *out is then empty. */
rf_status rf__row_times_measure(rf_row_times *out, const rf_field *field, int64_t most, double budget);
/* Seconds of a call of `rows`: those of the smallest entry that holds them, beyond the last one in proportion. */
double rf__row_times_of(const rf_row_times *times, int64_t rows);
/* Rows for the next call when `pending` could go into it: the fewest that come within RF_ROWS_SLACK of the best rows a second, because
 * fewer rows are answered sooner. times: NULL or empty takes all. At least 1, at most min(pending, most). */
int64_t rf__row_times_choose(const rf_row_times *times, int64_t pending, int64_t most);

#endif
