/* memory_need.h - whether a network can be trained in the memory there is, asked before any of it is taken. */
#ifndef RF_TRAIN_MEMORY_NEED_H
#define RF_TRAIN_MEMORY_NEED_H
#include "../graph/plan.h"
#include "recipe.h"

/* Scalars of the recipe's network, fixed ones included, without taking memory for them. */
rf_status rf__recipe_parameters(const rf_recipe *recipe, int64_t *count);
/* By the number of weights alone: themselves, their packed form, the EMA, Adam's two moments and a gradient a lane, four bytes each.
 * errors: RF_ENOMEM with the number of parameters, what they take and what there is. */
rf_status rf__need_of_weights(const rf_recipe *recipe);
/* The activations of a micro-batch, once for each of `workers`. */
rf_status rf__need_of_plan(const rf_recipe *recipe, const rf_plan *plan, int workers);

#endif
