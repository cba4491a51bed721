/* optim.h - from a gradient to new weights: learning-rate schedule, norm clip, Adam/AdamW and the EMA in one pass over memory. */
#ifndef RF_TRAIN_OPTIM_H
#define RF_TRAIN_OPTIM_H
#include "../base/threads.h"
#include "../kernels/kernels.h"
#include "plugin.h"

/* Elements of one unit of work: fixes the order of every sum over the weights, so bytes do not depend on threads. */
#define RF_OPTIM_BLOCK 16384

/* ---- schedule: a factor on lr at update k of n, after the warm-up ---- */
typedef struct rf_lr_schedule {
    rf_plugin is;
    double (*factor)(double progress); /* 0 at the end of the warm-up, a step short of 1 at the last update */
    bool endless; /* the number of updates changes nothing: a run may go on with more of them */
} rf_lr_schedule;
const rf_plugin *const *rf__lr_schedules(void);

typedef struct rf_optim_config {
    double lr, beta1, beta2, eps, weight_decay;
    double clip;                /* largest gradient norm; 0: none */
    double ema;                 /* cap of the EMA's decay; 0: the EMA is the weights */
    int64_t warmup, steps;
    const rf_lr_schedule *schedule;
} rf_optim_config;

/* lr of 0-based step `step`: linear warm-up, then the schedule. */
double rf__optim_lr(const rf_optim_config *config, int64_t step);
/* Decay before update n (0-based): min(cap, (1+n)/(10+n)), a power-law average as long as the cap is not reached. */
double rf__ema_decay(double cap, int64_t n);

typedef struct rf_optim {
    rf_optim_config config;
    int64_t count;              /* length of the vectors */
    float *m, *v;               /* [count], owned */
    int64_t updates, skipped;   /* steps applied; steps left out because their gradient was not finite */
    double grad_norm;           /* of the newest step, before the clip */
    double *partial;            /* [blocks] squared norms */
} rf_optim;

rf_status rf__optim_init(rf_optim *optim, const rf_optim_config *config, int64_t count);
void rf__optim_fini(rf_optim *optim);

/* grads[0] = sum of grads[0 .. lanes-1] in that order; the others are zeroed. Returns the squared norm of the sum. */
double rf__optim_reduce(rf_optim *optim, rf_pool *pool, float *const *grads, int lanes);
/* One update of w and ema [count] from grad (zeroed afterwards), whose squared norm is norm2. A norm that is not finite leaves w, m, v
 * and ema as they are and counts in `skipped`; the return value says whether the update was made. */
bool rf__optim_step(rf_optim *optim, rf_pool *pool, float *w, float *ema, float *grad, double norm2, int64_t step);

#endif
