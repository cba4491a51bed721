/* kept.h - a bounded number of rows out of a stream, evenly spaced, for what is defined on pairs of rows. */
#ifndef RF_EVAL_KEPT_H
#define RF_EVAL_KEPT_H
#include "../base/status.h"

typedef struct rf_kept {
    int64_t width, expected, seen; /* rows announced and passed */
    int64_t room, count;           /* most rows, rows held */
    float *rows;                   /* [room, width]; NULL when room is 0 */
} rf_kept;

/* room: most rows; no more than `expected` are made. */
rf_status rf__kept_init(rf_kept *kept, int64_t expected, int64_t width, int64_t room);
void rf__kept_fini(rf_kept *kept);
/* rows [n, width]. More than were announced is an error. */
rf_status rf__kept_add(rf_kept *kept, int64_t n, const float *rows);

#endif
