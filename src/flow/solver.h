/* solver.h - a solver is a resumable walk along the ODE: `next` says where to ask, `accept` takes the answer.
 * It never calls the model (methods: inference-map). A job may run forward (grid rising) or backward (inversion). */
#ifndef RF_FLOW_SOLVER_H
#define RF_FLOW_SOLVER_H
#include "../base/status.h"

#define RF_MAX_STAGES 8

typedef struct rf_job rf_job;

/* Where a job wants a velocity. */
typedef struct rf_request {
    const float *x;  /* [scalars], borrowed from the job until accept */
    float t;
} rf_request;

typedef struct rf_solver {
    const char *name, *source, *help;
    int order;            /* of the global error */
    int calls_per_step;   /* network answers a grid step (adaptive: per attempt) */
    int buffers;          /* extra [scalars] vectors it needs in job->buffer */
    /* Start at job->position = 0; history cleared. */
    void (*begin)(rf_job *job);
    /* Fill out, or return false when the walk is done (job->x is the result and job->t exactly the last grid point). */
    bool (*next)(rf_job *job, rf_request *out);
    /* The answer to the newest request. */
    void (*accept)(rf_job *job, const float *v);
} rf_solver;

struct rf_job {
    const rf_solver *solver;
    int64_t scalars;
    float *x;                       /* [scalars] f32 state */
    float *buffer[RF_MAX_STAGES];   /* solver->buffers of them */
    const double *grid;             /* [steps + 1], exact end points */
    int steps;
    int position;                   /* steps finished */
    int stage;                      /* inside a step */
    double t;                       /* of x */
    int calls;                      /* answers accepted */
};

const rf_solver *const *rf__solvers(void);             /* NULL-terminated */
const rf_solver *rf__solver_find(const char *name);    /* NULL and a sentence listing the names */

#endif
