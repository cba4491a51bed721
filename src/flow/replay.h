/* replay.h - feature hand-over: one walk records what its attention computes in the intervals nearest the noise, another walk over the same
 * grid takes it instead of, or beside, its own (FireFlow, arXiv 2412.07517; RF-Solver-Edit, arXiv 2411.04746). */
#ifndef RF_FLOW_REPLAY_H
#define RF_FLOW_REPLAY_H
#include "feature_store.h"
#include "field.h"
#include "solver.h"

/* What the walk that injects does with its own tensor and the recorded one: keep * own + mix * recorded. */
typedef struct rf_replay_rule {
    float keep[3], mix[3]; /* q, k, v; mix 0: the recorded one is not looked up */
} rf_replay_rule;

/* "replace_v", "add_q:0.5+replace_v": parts joined by '+', each OPERATION_TENSOR[:STRENGTH]. replace with strength s: (1-s) own + s
 * recorded; add: own + s recorded. errors: RF_EINVAL with the part. */
rf_status rf__replay_rule_parse(rf_replay_rule *out, const char *text);

typedef struct rf_replay {
    rf_feature_store *store;     /* borrowed, shared by the two walks */
    bool record;                 /* the walk that records; otherwise the one that injects */
    int inject;                  /* intervals, counted from the noise */
    int first_block, last_block; /* of the network; last_block < 0: to the end */
    rf_replay_rule rule;         /* of the walk that injects */
    /* of the evaluation in flight: */
    int interval;
    bool inside;
    rf_hook hook;
} rf_replay;

/* The hook of the next evaluation of `job` at `ask`, or NULL outside the intervals. Good until the next call. */
const rf_hook *rf__replay_at(rf_replay *replay, const rf_job *job, const rf_request *ask);

#endif
