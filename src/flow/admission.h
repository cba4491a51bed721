/* admission.h - the table of admission policies: who begins when, whose turn it is, and how many rows the next call gets. */
#ifndef RF_FLOW_ADMISSION_H
#define RF_FLOW_ADMISSION_H
#include "row_times.h"
#include "trajectory.h"

/* What a policy looks at when it sizes a call. */
typedef struct rf_admission_view {
    double now;                 /* monotonic seconds */
    const rf_trajectory *first; /* whose turn it is; its rows are in the call whatever the answer */
    const rf_row_times *times;  /* of the field that is called; may be NULL */
    int64_t pending, most;      /* rows that want this call, rows it may have */
} rf_admission_view;

typedef struct rf_admission {
    const char *name, *source, *help;
    /* a goes before b, in the waiting line and among those who walk. NULL: in the order in which they came. */
    bool (*before)(const rf_trajectory *a, const rf_trajectory *b);
    int per_tick;   /* jobs that may begin in one tick; 0: as many as there are free slots */
    bool waves;     /* jobs begin only when nobody walks */
    bool same_time; /* rows of one call are at one t */
    bool urgent;    /* the first in the order always goes; otherwise the fields that are asked take turns */
    bool fullest;   /* the turn goes to the field that most rows ask, the first in the order among equals */
    int64_t (*rows)(const rf_admission_view *view); /* that the call should have */
} rf_admission;

const rf_admission *const *rf__admissions(void);          /* NULL-terminated; the first is the default */
const rf_admission *rf__admission_find(const char *name); /* NULL and a sentence listing the names */

#endif
