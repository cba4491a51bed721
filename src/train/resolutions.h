/* resolutions.h - one network trained at several sizes of picture, for coarse-to-fine walks (data.resolutions).
 *
 * The sizes serve in turn, a whole step each: step k has the size of entry k mod count of the list, so that a run is a function of its recipe
 * and can be resumed anywhere. Each size has its data (the set's pictures, averaged down), its plan and its lanes; weights, optimiser and
 * EMA are those of the one network. */
#ifndef RF_TRAIN_RESOLUTIONS_H
#define RF_TRAIN_RESOLUTIONS_H
#include "trainer.h"

/* Whether the recipe's list makes sense; RF_OK without one. */
rf_status rf__resolutions_check(const rf_recipe *recipe, const char *where);
/* NULL when the recipe has no list. trainer: everything else of it stands; borrowed. Also after an error to be freed. */
rf_status rf__resolutions_open(rf_resolutions **out, const rf_trainer *trainer);
void rf__resolutions_free(rf_resolutions **resolutions);
/* Who does step `step`. */
rf_lanes *rf__resolutions_lanes(rf_resolutions *resolutions, int64_t step);

#endif
