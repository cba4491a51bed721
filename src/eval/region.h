/* region.h - where an edit may be expected to change a picture, said from the source alone, so that all ways to edit are judged on the same
 * pixels. A table: a new way to say it is an entry. */
#ifndef RF_EVAL_REGION_H
#define RF_EVAL_REGION_H
#include "features.h"

/* The picture asked about. */
typedef struct rf_region_case {
    rf_picture_shape shape;
    const float *x;     /* [height, width, channels] in [-1, 1] */
    int label;          /* its class; used when the region asks the judge */
    rf_features *judge; /* a classifier, or NULL */
} rf_region_case;

typedef struct rf_region {
    const char *name, *source, *help;
    bool judged; /* needs judge and label */
    rf_status (*make)(const rf_region_case *of, float *inside);
} rf_region;

const rf_region *const *rf__regions(void);          /* NULL-terminated */
const rf_region *rf__region_find(const char *name); /* NULL and a sentence listing the names */
/* inside [height, width]: 1 in the region, else 0. errors: no judge or no class where it needs them, a class the judge lacks. */
rf_status rf__region_make(const rf_region *region, const rf_region_case *of, float *inside);
/* out [height, width, channels]: x in the region, y outside of it. What a network sees of a change there alone. */
void rf__region_paste(const float *inside, const float *x, const float *y, rf_picture_shape shape, float *out);

#endif
