/* toy.h - the toy data sources. */
#ifndef RF_TRAIN_TOY_H
#define RF_TRAIN_TOY_H
#include "source.h"

extern const rf_source_kind rf__source_8gauss;

#endif
