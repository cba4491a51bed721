/* batch.h - one micro-batch, filled in the order of the training map: pair, time, point on the path, target, weight.
 *
 * Row r is sample number first + r of the run (= step * batch + position in the batch), and everything in it is a function
 * of (seed, stream, sample number): neither threads, lanes nor a resumed run can change a byte of it. */
#ifndef RF_TRAIN_BATCH_H
#define RF_TRAIN_BATCH_H
#include "plugin.h"
#include "refine.h"
#include "source.h"

typedef struct rf_batch {
    int64_t rows, scalars;   /* scalars per row */
    uint64_t seed, first;
    float *x0, *x1;          /* [rows, scalars] the pair: noise, data */
    float *t;                /* [rows] */
    float *xt, *target;      /* [rows, scalars] */
    float *weight;           /* [rows] w(t) / rows of the whole batch */
    float *extra;            /* [rows, extra of the network] NULL: it has none */
    float *before, *gap, *scale; /* [rows, scalars], [rows], [rows] what a refiner is told (model.h); NULL where it is not */
    float *reach;            /* [rows] how far x1 moves for a unit of velocity error, see rf_path */
    float *look;             /* [rows] weight of the premetric / rows of the whole batch; used where the loss has one, as is reach */
    int32_t *label;          /* [rows], NULL for an unconditional network */
    int32_t *drop_key;       /* [rows, 2] low and high word of the sample number, NULL without dropout */
} rf_batch;

/* ---- coupling: who is paired with whom ---- */
typedef struct rf_online rf_online; /* online.h */

typedef struct rf_coupling_args {
    const rf_source *data;
    bool flip;               /* mirror with probability one half: x1, or both sides of a pair */
    const rf_online *online; /* pairs of the step at hand, for couplings with `prepare` */
    double beta;             /* share of fresh noise, for couplings that anneal */
    rf_refine *refine;       /* examples of the step at hand, for couplings that refine */
} rf_coupling_args;

enum { RF_ONLINE_TEACHER = 1, RF_ONLINE_WINDOWS = 2 }; /* sections of the recipe that a coupling needs */

typedef struct rf_coupling {
    rf_plugin is;
    bool pairs;   /* takes whole pairs: the source must have them */
    bool anneals; /* reads beta */
    bool start;   /* every row is at t = 0, whatever the time law */
    int online;   /* RF_ONLINE_ flags */
    bool refines; /* for refiners: draw fills xt, t, target and what a refiner is told instead; time law and path are not asked */
    /* Make the pairs of a whole step; NULL: each row is made when it is drawn. */
    rf_status (*prepare)(rf_online *online, uint64_t step);
    /* Fill x0, x1 and label. */
    rf_status (*draw)(const rf_coupling_args *args, rf_batch *batch);
    /* Those that refine: once, also after an error to be closed; before each step, by one thread. facts: filled for the refiner's file. */
    rf_status (*open)(rf_refine **out, const rf_refine_setup *setup, rf_refiner_facts *facts);
    void (*close)(rf_refine **refine);
    rf_status (*make)(const struct rf_coupling *coupling, rf_refine *refine, uint64_t seed, int64_t step);
} rf_coupling;

/* ---- time law: a density on [0,1], stretched to [eps,1]; `shape` is the law's own number, where it has one ---- */
typedef struct rf_time_law {
    rf_plugin is;
    double (*pdf)(double t, double shape);
    double (*cdf)(double t, double shape);
    double (*inverse)(double u, double shape);
    bool discrete; /* pdf gives probabilities of single times */
} rf_time_law;

/* t of a uniform u in [0,1). */
double rf__time_at(const rf_time_law *law, double shape, double eps, double u);

/* ---- path: the point at t and the velocity asked for there ---- */
typedef struct rf_path_ends {
    const float *x0, *x1, *before; /* [n]; before NULL unless the path is informed */
    int64_t n;
    double shape;                 /* the path's own number, where it has one */
} rf_path_ends;

typedef struct rf_path {
    rf_plugin is;
    bool still;    /* x_t does not move: only for losses that compare labels */
    bool straight; /* x_t goes from x0 to x1 at an even speed, as windows need */
    bool informed; /* reads `before`: x0's first velocity by a frozen network */
    void (*point)(const rf_path_ends *ends, float t, float *xt, float *target);
    /* Where a wrong answer ends: the data predicted from x_t is x1 + reach (answer - target). NULL: no data is predicted. */
    double (*reach)(double t, double shape);
} rf_path;

/* ---- weight: w(t) ---- */
typedef struct rf_weight {
    rf_plugin is;
    double (*at)(double t);
} rf_weight;

/* Mirror x when the coin of this sample says so. */
void rf__coupling_flip(const rf_coupling_args *args, uint64_t seed, uint64_t sample, float *x);
/* The stored pair of a sample, both its sides mirrored or neither. label: that of no class where pairs have none. */
rf_status rf__coupling_stored(const rf_coupling_args *args, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label);

const rf_plugin *const *rf__couplings(void);
const rf_plugin *const *rf__time_laws(void);
const rf_plugin *const *rf__paths(void);
const rf_plugin *const *rf__loss_weights(void);

/* ---- running means of the loss by time: a loss divided by them weighs all times alike (Simple ReFlow, by bins instead of samples) ---- */
enum { RF_TIME_SCALE_BINS = 64 };
typedef struct rf_time_scale {
    double mean[RF_TIME_SCALE_BINS]; /* 0: nothing seen yet */
} rf_time_scale;

/* 1 / (mean + a little) at t, 1 where nothing was seen. scale NULL: 1. */
double rf__time_scale_at(const rf_time_scale *scale, double t);
/* Rows in order, so that the means do not depend on threads. */
void rf__time_scale_add(rf_time_scale *scale, const float *loss, const float *t, int64_t rows);

/* Everything that fills a batch. */
typedef struct rf_batch_plan {
    const rf_coupling *coupling;
    rf_coupling_args pair;
    const rf_time_law *time;
    double time_shape, time_eps;
    const rf_path *path;
    double path_shape;
    const rf_weight *weight;
    const rf_windows *windows; /* of the student; NULL: none. Borrowed */
    const rf_time_scale *scale; /* borrowed; NULL: off */
    const rf_weight *look;      /* of the premetric; NULL: there is none */
    double look_scale;
    double label_drop;       /* probability that a label becomes null_label, for guidance */
    int32_t null_label;
    bool labelled;           /* the class is what is learned: a sample without one is an error */
    int64_t batch;           /* rows of the whole step */
} rf_batch_plan;

/* The label of a sample, or the null label where it is dropped. */
int32_t rf__batch_label(const rf_batch_plan *plan, uint64_t seed, uint64_t sample, int32_t label);
/* In two halves, so that a frozen network can be asked about x0 in between; the whole for those that have none. */
rf_status rf__batch_pairs(const rf_batch_plan *plan, rf_batch *batch);
void rf__batch_points(const rf_batch_plan *plan, rf_batch *batch);
rf_status rf__batch_fill(const rf_batch_plan *plan, rf_batch *batch);

#endif
