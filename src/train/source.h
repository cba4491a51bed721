/* source.h - where the data side of a pair comes from: real data sets and endless toys behind one table. */
#ifndef RF_TRAIN_SOURCE_H
#define RF_TRAIN_SOURCE_H
#include "../base/threads.h"
#include "../flow/field.h"
#include "../io/fields.h"
#include "../models/model.h"
#include "plugin.h"

/* The `data` section of a recipe. */
typedef struct rf_data_config {
    char name[RF_FIELD_STRING_MAX], path[RF_FIELD_STRING_MAX], split[RF_FIELD_STRING_MAX];
    char real[RF_FIELD_STRING_MAX]; /* a second store, of pairs found by inverting data */
    double real_share;
    int64_t limit;    /* use only the first so many samples; 0: all */
    rf_int_list resolutions; /* sides of the pictures, a step each in turn; empty: the set's own */
    bool flip;
} rf_data_config;
extern const rf_field_desc rf__data_fields[];

typedef struct rf_source rf_source;

typedef struct rf_source_kind {
    rf_plugin is;
    rf_status (*open)(rf_source *source, const rf_data_config *config);
    void (*close)(rf_source *source);
    /* x [scalars], images in [-1,1]; label: class, untouched when there are none. A function of (seed, sample); called by many threads. */
    rf_status (*draw)(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label);
    /* A whole pair, x0 and x1 [scalars]; NULL when the source has data alone. label: the null class where a pair has none. */
    rf_status (*pair)(const rf_source *source, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label);
    /* Velocity of the exact 1-RF field of this data, v [scalars]; NULL when unknown. */
    void (*velocity)(const float *x, float t, float *v);
} rf_source_kind;

struct rf_source {
    const rf_source_kind *kind;
    rf_model_shape shape;   /* of one sample: height, width, channels, classes, flat */
    int64_t count;          /* samples; 0: endless */
    void *self;
};

const rf_plugin *const *rf__sources(void);
rf_status rf__source_open(rf_source *source, const rf_data_config *config);
void rf__source_close(rf_source *source);
/* The network takes what the source gives: size, channels, number of classes (an unconditional network ignores labels). */
rf_status rf__source_fits(const rf_source *source, const rf_model_shape *model);

/* The velocity of the exact 1-RF of this data, as a field: rows are shared out among the pool. Both are borrowed. */
typedef struct rf_exact_source {
    const rf_source *source;
    rf_pool *pool; /* NULL: the caller's thread alone */
} rf_exact_source;
/* errors: RF_EUNSUPPORTED when it is not known. */
rf_status rf__source_exact_field(rf_field *out, rf_exact_source *exact);

#endif
