/* crossing.h - S and V of a trained network over the pairs it learned from, and a warning where its loss asks for pairs that do not cross. */
#ifndef RF_TRAIN_CROSSING_H
#define RF_TRAIN_CROSSING_H
#include "../eval/straightness.h"
#include "recipe.h"

/* A premetric, or a loss over its own residual, keeps the mean velocity as its optimum only where pairs do not cross. True for such a recipe. */
bool rf__train_needs_straight(const rf_recipe *recipe);
/* Over evaluate.crossing pairs of the source (for a source of data alone: fresh noise). Warns when the recipe needs a coupling that does not
 * cross and V is more than a twentieth of E|x1 - x0|^2; V holds the network's regression error too, so a warning may also mean an untrained one. */
rf_status rf__train_crossing(const rf_recipe *recipe, const rf_source *source, const rf_field *field, rf_straightness *out);

#endif
