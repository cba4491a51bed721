/* grid.h - sample grids of a run, from the EMA, with seeds that never change, so that a row of pictures shows the progress. */
#ifndef RF_TRAIN_GRID_H
#define RF_TRAIN_GRID_H
#include "../models/model.h"
#include "recipe.h"

/* Write a PNG as recipe->sample says: a row a class (without the null class), or columns x columns images of an unconditional network. */
rf_status rf__train_grid(rf_model *ema, const rf_recipe *recipe, int threads, const char *path);

#endif
