/* inputs.h - the files that a run's weights depend on beside its recipe, known by what is in them: a recipe names paths, and a path may hold
 * another network tomorrow. */
#ifndef RF_TRAIN_INPUTS_H
#define RF_TRAIN_INPUTS_H
#include <jansson.h>

#include "recipe.h"

/* {"train.init": SHA-256, ..., "data": number of samples}: every file that the recipe names. Owned; NULL when one cannot be read. */
json_t *rf__inputs_json(const rf_recipe *recipe, const rf_source *source);
/* errors: RF_EMISMATCH with the first that is another. Keys that only one of them has say nothing: older checkpoints have none. */
rf_status rf__inputs_same(const json_t *ours, const json_t *theirs);

#endif
