/* refine.h - what a refiner learns from (methods: flowturbo, sections 2 and 8): points where a frozen predictor knew one velocity and was
 * then asked for the next. They are couplings that bring everything (x, t, the velocity before, its age, its guidance, the target).
 *
 * The predictor is asked for a pool of examples at a time, with all threads; a pool serves `every` steps and is a function of (seed, its
 * number) alone, so that a resumed run sees the same ones. */
#ifndef RF_TRAIN_REFINE_H
#define RF_TRAIN_REFINE_H
#include "../base/threads.h"
#include "../io/fields.h"
#include "../models/model.h"
#include "source.h"

/* The `refiner` section of a recipe. */
typedef struct rf_refine_config {
    char teacher[RF_FIELD_STRING_MAX];
    int64_t examples, every;
    double gap_least, gap_most, scale_least, scale_most;
} rf_refine_config;
extern const rf_field_desc rf__refine_fields[];

struct rf_time_law;

/* Everything an example may depend on; borrowed until close. */
typedef struct rf_refine_setup {
    const rf_refine_config *config;
    const rf_source *data;
    const struct rf_time_law *time;
    double time_shape, label_drop;
    bool flip;            /* the data is mirrored at random */
    rf_model_shape shape; /* of the refiner */
    rf_dtype dtype;       /* of the teacher's activations */
    int64_t batch;        /* rows of a step */
    rf_pool *pool;
} rf_refine_setup;

typedef struct rf_refine rf_refine;

#endif
