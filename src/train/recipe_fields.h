/* recipe_fields.h - the field tables of a recipe's sections (data: source.h). */
#ifndef RF_TRAIN_RECIPE_FIELDS_H
#define RF_TRAIN_RECIPE_FIELDS_H
#include "recipe.h"

extern const rf_field_desc rf__train_fields[], rf__sample_fields[], rf__evaluate_fields[];

#endif
