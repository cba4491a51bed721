/* trajectory.h - one request's walk: solver state, grid, condition, guidance, policy, seed, status and
 * counters. It asks; the batcher answers. */
#ifndef RF_FLOW_TRAJECTORY_H
#define RF_FLOW_TRAJECTORY_H
#include "field.h"
#include "guidance.h"
#include "policy.h"
#include "replay.h"
#include "solver.h"
#include "stages.h"
#include "windows.h"

/* What a job is to do. Everything pointed to is borrowed until the job is over, except the
 * grid and the options, which are copied. */
typedef struct rf_job_spec {
    const rf_field *field;   /* answers full requests */
    const rf_field *refiner; /* answers refine requests; NULL: none */
    const rf_solver *solver;
    const rf_options *solver_options; /* copied; NULL: the defaults */
    const float *carry;               /* [scalars] velocity that a solver with `carries` starts from; NULL: it asks for one */
    const double *times; /* [steps + 1] strictly monotone */
    int steps;
    const rf_blocks *blocks; /* copied; of a solver with `blocks`; NULL: none */
    const rf_stage *stages;  /* [stage_count] that follow when `times` has been walked to where the first of them is entered; they need
                                plain or classifier-free guidance, no policy and no windows */
    int stage_count;
    rf_cond cond;
    const rf_guidance *guidance; /* NULL: none */
    rf_guidance_opts guidance_opts;
    const rf_policy *policy; /* NULL: none */
    rf_policy_setup setup;   /* of the policy; its options are copied */
    const rf_windows *windows; /* the field is straight inside these only; NULL: those of the field */
    rf_replay *replay;       /* what its conditional rows record of the attention, or take from another walk; NULL: nothing */
    uint64_t seed;           /* x0 is sample 0 of this seed, so that a job does not know its neighbours */
    const float *init;       /* [scalars] start instead of noise; NULL: noise */
    /* [steps + 1, scalars] states at the grid points, the noise end first whichever way the job walks. track: written; follow with mask
     * [scalars] in [0,1] (1: free): where the mask is 0 the walk goes along `follow` instead. NULL: none. */
    float *track;
    const float *follow, *mask;
    double deadline;         /* monotonic seconds (rf__now) at which it should be over; 0: none */
    void *user;
} rf_job_spec;

typedef enum rf_job_status {
    RF_JOB_WAITING,
    RF_JOB_ACTIVE,
    RF_JOB_DONE,
    RF_JOB_FAILED,
    RF_JOB_CANCELLED
} rf_job_status;

typedef struct rf_counters {
    int64_t nfe_full, nfe_refine, extrapolated; /* answers by kind */
    int64_t rows_full, rows_refine;             /* network rows they took: guidance takes two an answer */
} rf_counters;

void rf__counters_add(rf_counters *sum, const rf_counters *one);

typedef struct rf_trajectory {
    uint64_t id;
    rf_job_spec spec;
    rf_job job; /* job.x is the result when status is RF_JOB_DONE */
    rf_job_status status;
    rf_status failure; /* of a failed job, with its sentence */
    char sentence[256];
    rf_counters counters;
    double submitted, started; /* monotonic seconds: taken by the batcher, first row in a call */
    bool late;                 /* can no longer be over before its deadline; kept by the batcher */
    /* the request in flight: */
    rf_request ask;
    rf_kind kind;
    int row_count; /* 0: nothing is asked */
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    rf_guide guide;
    const rf_hook *hook; /* of the conditional row; NULL: none */
    rf_options solver_options, policy_options;
    rf_blocks blocks;
    int stage;    /* how many of spec.stages have been entered; spec then says what the one at hand has */
    bool leaving; /* the request in flight looks at the clean picture, between two stages */
    /* owned: */
    double *times;
    char *asked; /* of each step so far: who answered (RF_LETTERS); ends with a NUL. What `recorded` repeats */
    void *policy_state; /* NULL until policy->begin has succeeded */
    float *memory; /* x, combined velocity, guidance, solver buffers, history */
    float *velocity;
} rf_trajectory;

/* Whether the specification makes sense, before anything is allocated; the sentence names what does not fit. */
rf_status rf__job_check(const rf_job_spec *spec);
void rf__job_complete(rf_job_spec *spec); /* guidance, policy and windows that are left out mean none, or those of the field */
/* What a row of an answer is conditioned on, when `field` gives it. */
rf_cond rf__job_cond(const rf_job_spec *spec, const rf_field *field, rf_row row);
/* Tell the field of a complete specification which rows it will be asked for, as far as the grid says so. */
rf_status rf__job_announce(const rf_job_spec *spec);
/* Check the specification and copy the grid; takes no memory that grows with the image. */
rf_status rf__trajectory_create(rf_trajectory **out, const rf_job_spec *spec);
void rf__trajectory_free(rf_trajectory **trajectory);
/* Allocate the state, draw x0, put the solver at the start; status becomes RF_JOB_ACTIVE, or RF_JOB_FAILED with the error's sentence. */
rf_status rf__trajectory_start(rf_trajectory *trajectory);
/* Walk on until a network answer is needed (true: ask, kind and rows say which) or the job is over (false:
 * status says how). Extrapolated answers are given here, without a call. Asking again without an answer
 * between changes nothing. */
bool rf__trajectory_ask(rf_trajectory *trajectory);
/* Network answers still to come when every one is a full one; an adaptive walk counts its next attempts only. */
int64_t rf__trajectory_left(const rf_trajectory *trajectory);
/* The condition, the guidance or x changed from outside: nothing measured before holds, and a request in
 * flight is asked again. */
void rf__trajectory_invalidate(rf_trajectory *trajectory);
/* The field that answers the request in flight. */
const rf_field *rf__trajectory_field(const rf_trajectory *trajectory);
/* Copy where row `row` of the request in flight is asked, [scalars], to `out`. */
void rf__trajectory_place(const rf_trajectory *trajectory, int row, float *out);
/* The condition of row `row` of the request in flight. */
rf_cond rf__trajectory_cond(const rf_trajectory *trajectory, int row);
/* answers: one [scalars] velocity for each row. An answer that is not finite fails this job only. */
void rf__trajectory_answer(rf_trajectory *trajectory, const float *const *answers);

#endif
