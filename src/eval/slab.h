/* slab.h - some rows walking together along one field with equal steps: how the judge solves a flow. Unlike flow/trajectory.h there
 * is no policy, no guidance and no request; it is the yardstick, not the thing measured. */
#ifndef RF_EVAL_SLAB_H
#define RF_EVAL_SLAB_H
#include "../flow/windows.h"

enum { RF_SLAB_ROWS = 256 };

typedef struct rf_slab {
    const rf_field *field;
    int64_t rows, n;            /* n scalars a row */
    float *z;                   /* [rows, n] where they are */
    float *at, *k[4], *t;       /* a stage's point, slopes, times of a call */
    rf_cond *cond;              /* [rows] */
} rf_slab;

/* The velocity v [rows, n] along the path, with the weight that Simpson's rule gives the place: for integrals over time. */
typedef void (*rf_slab_fn)(void *user, const rf_slab *slab, const float *v, double weight);

/* field: borrowed. */
rf_status rf__slab_init(rf_slab *slab, const rf_field *field);
void rf__slab_fini(rf_slab *slab);
/* Put rows <= RF_SLAB_ROWS at x [rows, n]. cond: [rows] or NULL for no class. */
void rf__slab_place(rf_slab *slab, int64_t rows, const float *x, const rf_cond *cond);
/* v = velocity of all rows at x and one time. */
rf_status rf__slab_ask(rf_slab *slab, const float *x, float t, float *v);
/* Runge-Kutta from a to b; a window of the field must hold both. */
rf_status rf__slab_between(rf_slab *slab, double a, double b, int64_t steps, rf_slab_fn note, void *user);
/* Of so many steps of the whole way, those for [a, b]: at least one. */
int64_t rf__slab_share(double a, double b, int64_t steps);
/* `steps` equal steps from t = 0 to 1; Euler on a field of as many windows or fewer: equal inside each (flow/windows.h). note: may be NULL; costs
 * Runge-Kutta one more call a step. */
rf_status rf__slab_euler(rf_slab *slab, int64_t steps);
/* Steps of Constant Acceleration Flow: the field's velocity once, then `second`, told that velocity, answers the mean speed (flow/solvers/caf.c). */
rf_status rf__slab_caf(rf_slab *slab, const rf_field *second, int64_t steps);
rf_status rf__slab_runge_kutta(rf_slab *slab, int64_t steps, rf_slab_fn note, void *user);

#endif
