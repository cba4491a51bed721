/* features.h - an extractor at work: pictures in, features and answers out, in batches of fixed size through one plan. */
#ifndef RF_EVAL_FEATURES_H
#define RF_EVAL_FEATURES_H
#include "../base/threads.h"
#include "sample_set.h"

typedef struct rf_features rf_features;

typedef struct rf_features_info {
    const char *name;            /* of the extractor */
    const char *sha256;          /* of its weights, 64 hex digits */
    int height, width, channels; /* of a picture */
    int feature_width, classes;  /* classes 0: it does not answer */
} rf_features_info;

/* name: of an extractor; "classifier": weights is a checkpoint that `strait train` made. pool: borrowed. f32 throughout. */
rf_status rf__features_open(rf_features **out, const char *name, const char *weights, rf_pool *pool);
void rf__features_close(rf_features **features);
rf_features_info rf__features_describe(const rf_features *features);
/* Pictures of this size fit; the sentence names both sizes. */
rf_status rf__features_check(const rf_features *features, int height, int width, int channels);
/* images [n, height, width, channels] f32 in [-1,1] -> features [n, feature_width], logits [n, classes] (may be NULL). */
rf_status rf__features_run(rf_features *features, const float *images, int64_t n, float *out, float *logits);
/* The same into a set. labels [n] or NULL. */
rf_status rf__features_judge(rf_features *features, const float *images, int64_t n, const int32_t *labels, rf_sample_set *set);

#endif
