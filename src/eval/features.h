/* features.h - an extractor at work: pictures in, features and answers out. Plans are kept by size, rows go in batches over the pool. */
#ifndef RF_EVAL_FEATURES_H
#define RF_EVAL_FEATURES_H
#include "../models/features.h"
#include "sample_set.h"

typedef struct rf_features rf_features;

typedef struct rf_features_opts {
    rf_dtype dtype; /* RF_F32; of activations */
    bool any_file;  /* false: weights must have the published checksum, where one is known */
} rf_features_opts;

typedef struct rf_features_info {
    const char *name;            /* of the extractor */
    const char *sha256;          /* of its weights, 64 hex digits */
    const char *resize;          /* how pictures of another size are brought to its own; static */
    int height, width, channels; /* of a picture */
    int feature_width, classes;
} rf_features_info;

typedef struct rf_picture_shape {
    int height, width, channels;
} rf_picture_shape;

/* name: of rf__feature_nets; weights: its file, or for "classifier" a checkpoint that `strait train` made. opts: NULL for the defaults.
 * pool: borrowed, may be NULL. */
rf_status rf__features_open(rf_features **out, const char *name, const char *weights, const rf_features_opts *opts, rf_pool *pool);
void rf__features_close(rf_features **features);
rf_features_info rf__features_describe(const rf_features *features);
/* Can it look at such pictures? Other sizes are resized, one channel is read as gray. */
rf_status rf__features_check(const rf_features *features, rf_picture_shape shape);
/* images [n, height, width, channels] f32 in [-1,1] -> features [n, feature_width], logits [n, classes] (may be NULL). The bytes of a row do
 * not depend on the other rows nor on the number of threads. */
rf_status rf__features_run(rf_features *features, rf_picture_shape shape, const float *images, int64_t n, float *out, float *logits);
/* The same into a set. labels [n] or NULL. */
rf_status rf__features_judge(rf_features *features, rf_picture_shape shape, const float *images, int64_t n, const int32_t *labels,
                             rf_sample_set *set);

#endif
