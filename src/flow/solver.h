/* solver.h - a solver is a resumable walk along the ODE: `next` says where to ask, `accept` takes the answer.
 * It never calls the model (methods: inference-map). A job may run forward (grid rising) or backward
 * (inversion). */
#ifndef RF_FLOW_SOLVER_H
#define RF_FLOW_SOLVER_H
#include "blocks.h"
#include "options.h"

#define RF_MAX_STAGES 8
#define RF_HISTORY 2
#define RF_SOLVER_NUMBERS 2

typedef struct rf_job rf_job;

/* Where a job wants a velocity. */
typedef struct rf_request {
    const float *x; /* [scalars], borrowed from the job until accept */
    double t;
    bool on_path; /* x is the job's state at a grid point; false: a stage inside a step (predictor, midpoint)
                   */
    bool refine;  /* the solver is content with the refiner's answer */
    const float *before; /* [scalars] what the refiner is to correct, borrowed as x; NULL: the newest velocity */
} rf_request;

typedef struct rf_solver {
    const char *name, *source, *help;
    int order;          /* of the global error; 0: it does not solve the ODE of one velocity, however many steps */
    int calls_per_step; /* network answers a grid step (adaptive: per attempt) */
    int extra_calls;    /* of a whole walk from noise to data, beside steps * calls_per_step; may be negative */
    bool adaptive;      /* chooses its own steps: the grid gives the ends and the first step */
    int buffers;        /* extra [scalars] vectors it needs in job->buffer */
    bool history;       /* reads job->history */
    bool carries;       /* buffer[0] is a velocity it hands from step to step while job->carried */
    bool undoes;        /* walking back from its end with buffer[0] as the carry leads to the start again, up to rounding */
    bool blocks;        /* walks job->blocks */
    bool corrects;      /* a second network, given as the refiner, answers all requests but the first: no refiner and no policy will do instead */
    const rf_option *options; /* NULL: none */
    /* Start at job->position = 0; history cleared. */
    void (*begin)(rf_job *job);
    /* Fill out, or return false when the walk is done (job->x is the result and job->t exactly the last grid
     * point). Asking twice without an accept between gives the same request. */
    bool (*next)(rf_job *job, rf_request *out);
    /* The answer to the newest request. */
    void (*accept)(rf_job *job, const float *v);
    /* Answers still to come; NULL: calls_per_step of every step left. */
    int64_t (*left)(const rf_job *job);
} rf_solver;

/* Past velocities as (t, v) pairs, newest first: never a velocity without its time (fastflow.md section 5).
 */
typedef struct rf_history {
    int count; /* valid pairs */
    double t[RF_HISTORY];
    float *v[RF_HISTORY]; /* [scalars] each; NULL when nobody reads history */
} rf_history;

struct rf_job {
    const rf_solver *solver;
    const rf_options *options; /* of the solver, borrowed; NULL: the defaults */
    int64_t scalars;
    float *x;                     /* [scalars] f32 state */
    float *buffer[RF_MAX_STAGES]; /* solver->buffers of them */
    rf_history history;
    const double *grid; /* [steps + 1], exact end points */
    int steps;
    const rf_blocks *blocks; /* borrowed; NULL: none */
    int position; /* steps finished */
    int stage;    /* inside a step */
    bool carried; /* the solver's buffers hold a velocity of the step before; false after rf__job_invalidate */
    double number[RF_SOLVER_NUMBERS]; /* the solver's own */
    double t;     /* of x */
    int calls;    /* answers accepted */
    int attempts, rejected; /* of an adaptive solver */
    rf_status failure; /* set by accept with its sentence: the walk cannot go on, and next is not asked again */
};

/* Answers a walk from noise to data takes when every one is a full one (adaptive: of one attempt a step). blocks: those of the walk, which then
 * has as many steps; NULL or empty: none. */
int64_t rf__solver_calls(const rf_solver *solver, const rf_blocks *blocks, int steps);
const rf_solver *const *rf__solvers(void);          /* NULL-terminated */
/* Whether it walks along one velocity, so that it can turn round: what an inversion needs. */
static inline bool rf__solver_turns(const rf_solver *solver) { return solver->order != 0 && !solver->blocks; }
const rf_solver *rf__solver_find(const char *name); /* NULL and a sentence listing the names */

/* Put the job at the start of its grid with an empty history, then solver->begin. */
void rf__job_begin(rf_job *job);
/* Forget past velocities; a step in progress begins again. To be called when the condition, guidance, model, resolution, window, hooks or x
 * itself change from outside: the one place where history dies. */
void rf__job_invalidate(rf_job *job);
/* Store a velocity measured at t (copied); does nothing when nobody reads history. */
void rf__job_remember(rf_job *job, double t, const float *v);
/* For solvers: the length of the current step, and leaving it. A step whose two ends are equal is skipped
 * without a call. */
double rf__job_step(const rf_job *job);
double rf__job_option(const rf_job *job, int index); /* of the solver's table */
bool rf__job_arrive(rf_job *job);  /* skip empty steps; false when the walk is done */
void rf__job_advance(rf_job *job); /* to the next grid point, stage 0 */

/* For solvers that ask at x and then ahead of it: the first velocity of a step lies in buffer[0], the second point in buffer[1]. */
enum { RF_BUFFER_FIRST, RF_BUFFER_AHEAD, RF_BUFFERS_AHEAD };
/* Ask at x. false: the step is past that, or `reuse` and the step before left its velocity in buffer[0]. */
bool rf__job_ask_first(const rf_job *job, bool reuse, rf_request *out);
/* Ask at x + part h buffer[0], at that part of the step; 1 is exactly the next grid point. */
void rf__job_ask_ahead(rf_job *job, double part, rf_request *out);
/* Keep the answer to the first question. false: it answers the second one. */
bool rf__job_keep_first(rf_job *job, const float *v);

#endif
