/* policy.h - who answers a request: the network, a lighter refiner, or an extrapolation of past velocities.
 * State belongs to one job, so that decisions never leak between neighbours of a batch; what is learned
 * across jobs stands in the profile. */
#ifndef RF_FLOW_POLICY_H
#define RF_FLOW_POLICY_H
#include "solver.h"

typedef struct rf_profile rf_profile; /* policies/profile.h */

typedef enum rf_kind {
    RF_KIND_FULL,        /* the network */
    RF_KIND_REFINE,      /* the job's refiner field */
    RF_KIND_EXTRAPOLATE, /* v_k + (t - t_k) (v_k - v_p) / (t_k - t_p), no call */
    RF_KINDS,
} rf_kind;

/* Records of walks have a letter a step, in the order of the kinds. */
#define RF_LETTERS "1r0"

/* What a policy may look at. */
typedef struct rf_step_view {
    const rf_job *job; /* position, steps, grid, history */
    const rf_request *ask;
} rf_step_view;

/* What a job brings for its policy; borrowed until the job is over. */
typedef struct rf_policy_setup {
    const rf_options *options; /* NULL: the defaults */
    rf_profile *profile;       /* learned tables, shared by jobs; NULL: none */
    const char *recorded;      /* of `recorded`: one letter a step (RF_LETTERS); NULL for the others */
    const char *refiner;       /* SHA-256 of the refiner at hand; NULL: there is none */
} rf_policy_setup;

typedef struct rf_policy {
    const char *name, *source, *help;
    bool history;             /* reads job->history (extrapolation always needs it) */
    double hold;              /* share of the slope its extrapolation leaves out: 0 the line, 1 the newest velocity again */
    bool profile;             /* works from a profile */
    int knob;                 /* 1 + index of the option that a quality budget sets; 0: none */
    bool counts;              /* the knob is a number of network calls, for each of which the profile has a plan; false: a tolerance */
    bool mixes;               /* the profile's mixed walks are its settings; the knob is what one may cost in network calls */
    bool refines;             /* may ask the refiner */
    int learns;               /* 1 + index of the option that is 1 while it learns; 0: it never does */
    bool internal;            /* not for users to choose by name */
    const rf_option *options; /* NULL: none */
    size_t state_size;        /* zero-filled for each job */
    /* Whether the setup fits a walk of this solver over these times, before anything is run; may be NULL. */
    rf_status (*check)(const struct rf_policy *policy, const rf_policy_setup *setup, const rf_solver *solver, const double *times, int steps);
    rf_status (*begin)(void *state, const rf_policy_setup *setup, const rf_job *job);
    /* An answer that cannot be given (two velocities are not known, no refiner) becomes a full one, and
     * observe is told so. Asked again for the same request after a failed call: the same answer. */
    rf_kind (*choose)(void *state, const rf_step_view *view);
    /* After each answer, with who gave it; before the solver accepts it and the history remembers it. */
    void (*observe)(void *state, const rf_step_view *view, rf_kind kind, const float *v);
    /* The job is over, whatever its status (done: job->position == job->steps); not called when it never began. */
    void (*end)(void *state, const rf_job *job);
} rf_policy;

extern const rf_policy rf__policy_none;             /* every answer comes from the network */
const rf_policy *const *rf__policies(void);         /* NULL-terminated; those for users first */
const rf_policy *rf__policy_find(const char *name); /* NULL and a sentence listing the names */
/* The policy of a name; a quality budget and "none" leave the choice to us: the one that places calls best. */
const rf_policy *rf__policy_choose(const char *name, bool budget);
/* Whether a quality budget ("rel=0.02") or a profile can be given to it; NULL: none is. errors: a sentence with the policies that take one, or what is wrong
 * with the budget. */
rf_status rf__policy_takes(const rf_policy *policy, const char *budget, const char *profile);
/* Whether these options let it learn. */
bool rf__policy_learns(const rf_policy *policy, const rf_options *options);

/* The straight line through the two newest velocities, at t, with the share `hold` of its slope left out. Needs
 * history.count == 2. */
void rf__extrapolate(const rf_job *job, double t, double hold, float *v);

#endif
