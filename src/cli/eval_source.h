/* eval_source.h - where `strait eval` takes pictures, points or statistics from: kinds behind one interface.
 *
 * Pictures are f32 in [-1,1] at 8-bit levels, as a file would hold them: everybody's protocol judges files. Points (shape.flat) are taken
 * as they are. */
#ifndef RF_CLI_EVAL_SOURCE_H
#define RF_CLI_EVAL_SOURCE_H
#include <jansson.h>

#include "../models/model.h"
#include "order.h"

typedef struct rf_eval_source rf_eval_source;

/* Rows first .. first + count - 1 of a source, in order. */
typedef struct rf_eval_batch {
    int64_t first, count;
    const float *x;        /* [count, scalars], borrowed */
    const int32_t *labels; /* [count], -1: no class */
} rf_eval_batch;
typedef rf_status (*rf_eval_take)(void *user, const rf_eval_batch *batch);

typedef struct rf_eval_source_kind {
    const char *name, *source, *help; /* help: how it is written on the command line */
    bool (*takes)(const char *text);  /* NULL: not named by a positional argument */
    rf_status (*open)(rf_eval_source *source, const char *text);
    /* x [count, scalars], labels [count] preset to -1. Any rows, many times. NULL: only `walk` */
    rf_status (*read)(rf_eval_source *source, int64_t first, int64_t count, float *x, int32_t *labels);
    /* All rows below `count` in order, for sources that make them. NULL: by `read` */
    rf_status (*walk)(rf_eval_source *source, int64_t count, rf_eval_take take, void *user);
    void (*close)(rf_eval_source *source);
} rf_eval_source_kind;

struct rf_eval_source {
    const rf_eval_source_kind *kind;
    void *self;
    rf_model_shape shape; /* height 0: takes the shape of the other side */
    int64_t count;        /* rows there are; 0: endless */
    uint64_t seed;        /* of sources that are drawn; set before open */
    const char *path;     /* --data-path, or NULL; borrowed */
    /* Statistics instead of rows, or NULL. [features], [features, features]; owned by the kind. */
    const double *mean, *covariance;
    int64_t features;
    json_t *protocol;     /* what the report says of it; owned */
};

/* The kind that takes `text`, opened. errors: the sentence lists the ways to name a source. */
rf_status rf__eval_source_open(rf_eval_source *source, const char *text);
void rf__eval_source_close(rf_eval_source *source);
int64_t rf__eval_source_scalars(const rf_eval_source *source);
/* Rows below `count` in batches of at most RF_EVAL_ROWS, in order. */
enum { RF_EVAL_ROWS = 64 };
rf_status rf__eval_source_walk(rf_eval_source *source, int64_t count, rf_eval_take take, void *user);
void rf__eval_source_help(FILE *stream);
/* The toy behind a source, whose exact velocity is known; NULL for everything else. */
struct rf_source;
const struct rf_source *rf__eval_source_toy(const rf_eval_source *source);

/* A model that makes rows: order and sampler are borrowed. */
rf_status rf__eval_source_model(rf_eval_source *source, rf_sampler *sampler, const rf_order *order);

/* To the levels of 8-bit pictures, in place. */
void rf__eval_quantise(float *x, int64_t n);

#endif
