/* trainer.h - the one training loop: a model, a data source, a plan of one micro-batch, lanes, optimiser and EMA. */
#ifndef RF_TRAIN_TRAINER_H
#define RF_TRAIN_TRAINER_H
#include "adversary.h"
#include "initial.h"
#include "lanes.h"
#include "online.h"
#include "recipe.h"
#include "runlog.h"

/* Seconds of one step; data and network are sums over the workers, divided by how many there are. */
typedef struct rf_step_seconds {
    double data, network, lanes, reduce, optim, refresh, whole; /* lanes: wall time of data + network together */
} rf_step_seconds;

typedef struct rf_resolutions rf_resolutions; /* resolutions.h */

typedef struct rf_trainer {
    rf_recipe *recipe;        /* borrowed */
    rf_pool *pool;
    rf_source source;
    rf_model *model;          /* the raw weights */
    json_t *inputs;           /* inputs.h: files that the weights depend on */
    char base[65];            /* hash of the file that train.init descends from, or "" */
    float *ema;               /* laid out as rf__weights_all */
    rf_graph *graph;
    rf_plan *plan;            /* of one micro-batch, forward and backward */
    rf_batch_plan fill;
    rf_online *online;        /* NULL: no pairs are made while training */
    rf_anneal_state anneal;
    rf_premetric *premetric;  /* NULL: the loss has none */
    rf_adversary *adversary;  /* NULL: none */
    rf_time_scale *scale;     /* NULL: not normalised by time */
    rf_initial *initial;      /* NULL: the path needs none */
    rf_lanes lanes;
    rf_resolutions *resolutions; /* whose lanes work instead of those above; NULL: pictures of one size */
    rf_optim optim;
    int64_t step;             /* steps done, skipped ones included */
    rf_step_seconds seconds;  /* of the newest step */
} rf_trainer;

/* threads <= 0: all. The recipe must outlive the trainer. source: taken (also on failure) instead of opening recipe->data; NULL: none. */
rf_status rf__trainer_create(rf_trainer **out, rf_recipe *recipe, rf_source *source, int threads);
void rf__trainer_free(rf_trainer **trainer);
/* One update, and one of the adversary where there is one: gradient of the whole batch, reduce, clip, Adam, EMA, refresh of the packed weights. bins: may be NULL. A gradient that is
 * not finite skips the update (trainer->optim.skipped). */
rf_status rf__trainer_step(rf_trainer *trainer, rf_loss_bins *bins);

/* Forward, loss and backward of a micro-batch of `model`, which is the trainer's at some size; both outputs are the caller's, also after an error. */
rf_status rf__trainer_plan(const rf_trainer *trainer, const rf_model *model, rf_graph **graph, rf_plan **out);


#endif
