/* accuracy.h - how many pictures of a data set a trained classifier names right. */
#ifndef RF_TRAIN_ACCURACY_H
#define RF_TRAIN_ACCURACY_H
#include "source.h"

/* out: share of right answers over the `split` of the recipe's data set, in f32. errors: the set has no labels or cannot be read. */
rf_status rf__train_accuracy(rf_model *model, const rf_data_config *data, const char *split, rf_pool *pool, double *out);

#endif
