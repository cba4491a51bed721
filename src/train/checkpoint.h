/* checkpoint.h - the whole state of a run as one safetensors file, so that a killed run continues to the same bytes. */
#ifndef RF_TRAIN_CHECKPOINT_H
#define RF_TRAIN_CHECKPOINT_H
#include "trainer.h"

/* Write FOLDER/checkpoint_STEP.safetensors (complete or not at all), then remove all but the newest two. bins: what gathered since the
 * last line of the log. */
rf_status rf__checkpoint_save(const rf_trainer *trainer, const rf_loss_bins *bins, const char *folder);
/* Continue from the newest checkpoint of `folder` that can be read. RF_ENOTFOUND: there is none. RF_EMISMATCH: it is of another recipe, or
 * of other files than those that the recipe names now; the sentence names the key. On failure the trainer must not be used. */
rf_status rf__checkpoint_load(rf_trainer *trainer, rf_loss_bins *bins, const char *folder);
/* Step of the newest checkpoint, -1: none. */
int64_t rf__checkpoint_newest(const char *folder);

#endif
