/* images.h - data sources of 8-bit images: the data sets of io/dataset.h, and random ones for benchmarks. */
#ifndef RF_TRAIN_IMAGES_H
#define RF_TRAIN_IMAGES_H
#include "../io/dataset.h"
#include "source.h"

/* A source for each entry of rf__dataset_kinds(). */
const rf_plugin *const *rf__image_sources(void);
/* The set behind a source, NULL for a toy; borrowed. */
const rf_dataset *rf__source_dataset(const rf_source *source);

/* The same pictures averaged down to another size, drawn by the same numbers. whole: of pictures; it may go first.
 * errors: RF_EUNSUPPORTED for a toy; a size that does not divide the set's. */
rf_status rf__source_smaller(rf_source *out, const rf_source *whole, int height, int width);

/* A few random images of the size and classes of a network: costs what a data set costs, needs no file. */
rf_status rf__source_random(rf_source *source, const rf_model_shape *shape);

#endif
