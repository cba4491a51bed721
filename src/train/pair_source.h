/* pair_source.h - a coupling store (io/pairs.h) as a data source: what reflow and distillation train on. */
#ifndef RF_TRAIN_PAIR_SOURCE_H
#define RF_TRAIN_PAIR_SOURCE_H
#include "source.h"

extern const rf_source_kind rf__source_pairs;

#endif
