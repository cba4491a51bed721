/* policy.h - who answers a request: the network, a lighter refiner, or an extrapolation of past velocities.
 * State belongs to one job, so that decisions never leak between neighbours of a batch; what is learned
 * across jobs stands behind `profile`. */
#ifndef RF_FLOW_POLICY_H
#define RF_FLOW_POLICY_H
#include "solver.h"

typedef enum rf_kind {
    RF_KIND_FULL,        /* the network */
    RF_KIND_REFINE,      /* the job's refiner field */
    RF_KIND_EXTRAPOLATE, /* v_k + (t - t_k) (v_k - v_p) / (t_k - t_p), no call */
    RF_KINDS,
} rf_kind;

/* What a policy may look at. */
typedef struct rf_step_view {
    const rf_job *job; /* position, steps, grid, history */
    const rf_request *ask;
} rf_step_view;

typedef struct rf_policy {
    const char *name, *source, *help;
    bool history;      /* reads job->history (extrapolation always needs it) */
    size_t state_size; /* zero-filled for each job */
    /* profile: what the entry's options and learned tables are; borrowed from the request; may be NULL. */
    void (*begin)(void *state, const void *profile, const rf_job *job);
    /* An answer that cannot be given (two velocities are not known, no refiner) becomes a full one, and
     * observe is told so. */
    rf_kind (*choose)(void *state, const rf_step_view *view);
    /* After each answer, with who gave it; before the solver accepts it. */
    void (*observe)(void *state, const rf_step_view *view, rf_kind kind, const float *v);
    void (*end)(void *state); /* the job is over, whatever its status */
} rf_policy;

const rf_policy *const *rf__policies(void);         /* NULL-terminated */
const rf_policy *rf__policy_find(const char *name); /* NULL and a sentence listing the names */

/* The straight line through the two newest velocities, at t. Needs history.count == 2. */
void rf__extrapolate(const rf_job *job, double t, float *v);

#endif
