/* recipe.h - an experiment as a YAML file: sections model, data, train, teacher, windows, anneal, adversary, refiner, sample, evaluate; each key from one field table. */
#ifndef RF_TRAIN_RECIPE_H
#define RF_TRAIN_RECIPE_H
#include "batch.h"
#include "anneal.h"
#include "loss.h"
#include "optim.h"

typedef enum rf_normalise { RF_NORMALISE_OFF, RF_NORMALISE_SAMPLE, RF_NORMALISE_TIME } rf_normalise;

typedef struct rf_train_config {
    int64_t steps, batch, micro_batch, lanes, seed;
    double lr, beta1, beta2, eps, weight_decay, clip, ema, label_drop, time_eps, time_shape, loss_shape, path_shape, target_shape, premetric_scale;
    int64_t warmup, checkpoint_every, sample_every, log_every, premetric_size;
    int normalise;             /* rf_normalise */
    bool premetric_any_file, recompute;
    int dtype;                 /* rf_dtype of the compute graph: the choices are in its order */
    int save_dtype;
    char init[RF_FIELD_STRING_MAX], schedule[RF_FIELD_STRING_MAX], coupling[RF_FIELD_STRING_MAX], time[RF_FIELD_STRING_MAX], path[RF_FIELD_STRING_MAX],
        target[RF_FIELD_STRING_MAX], loss[RF_FIELD_STRING_MAX], weight[RF_FIELD_STRING_MAX], initial[RF_FIELD_STRING_MAX],
        premetric[RF_FIELD_STRING_MAX], premetric_file[RF_FIELD_STRING_MAX], premetric_heads[RF_FIELD_STRING_MAX], premetric_weight[RF_FIELD_STRING_MAX];
} rf_train_config;

/* Grids drawn during training, from the EMA. */
typedef struct rf_sample_config {
    int64_t steps, columns, seed;
    double cfg;
    char solver[RF_FIELD_STRING_MAX];
} rf_sample_config;

/* Numbers printed after training. */
typedef struct rf_evaluate_config {
    rf_int_list coupling_steps; /* squared coupling error against the exact flow after N Euler steps; toys only */
    int64_t samples, crossing;
    char exact[RF_FIELD_STRING_MAX]; /* toy whose exact velocity is the yardstick; empty: the data's own */
    char accuracy[RF_FIELD_STRING_MAX]; /* split whose pictures a classifier names; empty: none */
} rf_evaluate_config;

typedef struct rf_recipe {
    char *name;                  /* file name without folder and ending */
    const rf_model_kind *kind;
    void *model;                 /* kind->config_size bytes */
    rf_data_config data;
    rf_train_config train;
    rf_teacher_config teacher;
    rf_windows_config windows;
    rf_anneal_config anneal;
    rf_refine_config refine; /* the section `refiner` */
    rf_adversary_config adversary;
    rf_sample_config sample;
    rf_evaluate_config evaluate;
    /* What the names of `train` stand for. */
    const rf_coupling *coupling;
    const rf_time_law *time;
    const rf_path *path;
    const rf_target *target;
    const rf_metric *metric;
    const rf_weight *weight, *look; /* of the metric, of the premetric */
    const rf_anneal_schedule *annealing;
    rf_optim_config optim;
} rf_recipe;

/* overrides: `count` texts "train.steps=100", applied after the file. Errors: RF_EFORMAT or RF_ENOTFOUND, "FILE:LINE: key ...". */
rf_status rf__recipe_open(rf_recipe **out, const char *path, int count, char *const *overrides);
/* From the JSON that rf__recipe_json wrote. */
rf_status rf__recipe_parse(rf_recipe **out, json_t *object, const char *where);
void rf__recipe_free(rf_recipe **recipe);
/* Every section with every key (new reference), or NULL when out of memory. */
json_t *rf__recipe_json(const rf_recipe *recipe);
/* RF_EMISMATCH naming the first key that differs between the recipe at hand and the rf__recipe_json of a checkpoint. Keys that do not change the weights (how
 * often to log, what to sample) may differ; so may train.steps, unless the schedule depends on it. A key that theirs lacks had its default. */
rf_status rf__recipe_same(const rf_recipe *recipe, const json_t *theirs);
/* Markdown: every key of every section and every plug-in, for recipes/README.md. */
void rf__recipe_help(FILE *stream);

#endif
