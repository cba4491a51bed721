/* progress.h - one live line on stderr with rate and ETA; silent with -q, plain lines when not a terminal. */
#ifndef RF_BASE_PROGRESS_H
#define RF_BASE_PROGRESS_H
#include <stdint.h>

typedef struct rf_progress {
    const char *what;    /* borrowed */
    int64_t total, done; /* total 0 or less than done: not known, no bar */
    double started, shown; /* seconds, monotonic */
    int64_t first_done;    /* done at start, so that a resumed run shows an honest rate */
} rf_progress;

void rf__progress_start(rf_progress *progress, const char *what, int64_t total, int64_t first_done);
/* note: free text such as "loss 0.412  310 img/s"; may be NULL. Cheap: draws at most ten times a second. */
void rf__progress_update(rf_progress *progress, int64_t done, const char *note);
void rf__progress_finish(rf_progress *progress, const char *note);
double rf__now(void); /* monotonic seconds */

#endif
