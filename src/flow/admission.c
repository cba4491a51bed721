/* admission.c - arrival, deadline, StreamFlow's ring, and the static batch that the others are compared with. */
#include "admission.h"

#include "../base/table.h"

static int64_t rows_by_times(const rf_admission_view *view) {
    return rf__row_times_choose(view->times, view->pending, view->most);
}

static int64_t rows_all(const rf_admission_view *view) {
    return view->pending < view->most ? view->pending : view->most;
}

/* Jobs that can no longer be in time go last: served first they would make everybody behind them late too. */
static bool earlier_deadline(const rf_trajectory *a, const rf_trajectory *b) {
    if (a->late != b->late) return b->late;
    double da = a->spec.deadline, db = b->spec.deadline;
    if ((da > 0) != (db > 0)) return da > 0;
    return da < db;
}

static bool less_left(const rf_trajectory *a, const rf_trajectory *b) { return rf__trajectory_left(a) < rf__trajectory_left(b); }

/* As many rows as throughput wants, unless calls of that size would make the most urgent job late. */
static int64_t rows_in_time(const rf_admission_view *view) {
    int64_t rows = rows_by_times(view);
    const rf_trajectory *first = view->first;
    if (first->spec.deadline <= 0 || first->late) return rows;
    double left = (double)rf__trajectory_left(first), slack = first->spec.deadline - view->now;
    while (rows > first->row_count && left * rf__row_times_of(view->times, rows) > slack) rows = (rows + 1) / 2;
    return rows;
}

static const rf_admission
    arrival = {.name = "arrival",
               .source = "",
               .help = "in order of arrival, into any free slot; rows a call by measurement",
               .rows = rows_by_times},
    deadline = {.name = "deadline",
                .source = "",
                .help = "most urgent first, smaller calls when that keeps it in time; jobs that cannot be in time last",
                .before = earlier_deadline,
                .urgent = true,
                .rows = rows_in_time},
    ring = {.name = "ring",
            .source = "StreamFlow (arXiv 2511.22009), algorithm 2; StreamDiffusion (arXiv 2312.12491)",
            .help = "one job begins each tick, everybody who walks is in every call",
            .per_tick = 1,
            .rows = rows_all},
    finish = {.name = "finish",
              .source = "FlowTurbo's extension, stage-aware deployment: latency",
              .help = "whoever has least left to ask goes first: one request after the other through its stages",
              .before = less_left,
              .urgent = true,
              .rows = rows_by_times},
    fullest = {.name = "fullest",
               .source = "FlowTurbo's extension, stage-aware deployment: throughput",
               .help = "the network (stage, refiner) that most rows ask goes first: fewer, larger calls",
               .fullest = true,
               .rows = rows_by_times},
    equal = {.name = "equal",
             .source = "",
             .help = "static batches, for comparison: begin together, one t a call, the next batch when all are through",
             .waves = true,
             .same_time = true,
             .rows = rows_all};
static const rf_admission *const admissions[] = {&arrival, &deadline, &ring, &finish, &fullest, &equal, NULL};

const rf_admission *const *rf__admissions(void) { return admissions; }

const rf_admission *rf__admission_find(const char *name) { RF_TABLE_FIND(admissions, "admission policy", name); }
