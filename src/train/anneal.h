/* anneal.h - how much fresh noise is mixed into a stored pair (SlimFlow's annealing reflow): schedules of beta, and beta by measurement. */
#ifndef RF_TRAIN_ANNEAL_H
#define RF_TRAIN_ANNEAL_H
#include "methods.h"
#include "plugin.h"

typedef struct rf_anneal_schedule {
    rf_plugin is;
    double (*at)(double part); /* beta when `part` of anneal.over has passed, 0 ..; NULL: by measurement */
} rf_anneal_schedule;

const rf_plugin *const *rf__anneal_schedules(void);

/* What `measured` remembers; part of a checkpoint. Zero at first. */
typedef struct rf_anneal_state {
    double fallen;        /* 1 - beta */
    double sum, before;   /* losses of the interval at hand; mean of the one before at the same beta, 0: none yet */
    int64_t count;
} rf_anneal_state;

/* beta at step `step`, 0 .. 1. */
double rf__anneal_beta(const rf_anneal_schedule *schedule, const rf_anneal_config *config, const rf_anneal_state *state, int64_t step);
/* The mean loss of a step: an interval that gained too little on the one before lowers beta. */
void rf__anneal_note(const rf_anneal_config *config, rf_anneal_state *state, double loss);

#endif
