/* images.h - data sources of 8-bit images: the data sets of io/dataset.h, and random ones for benchmarks. */
#ifndef RF_TRAIN_IMAGES_H
#define RF_TRAIN_IMAGES_H
#include "source.h"



/* A few random images of the size and classes of a network: costs what a data set costs, needs no file. */
rf_status rf__source_random(rf_source *source, const rf_model_shape *shape);

#endif
