/* picture.h - where the pixels of an image go: a picture of its own, or its cell of a grid. */
#ifndef RF_CLI_PICTURE_H
#define RF_CLI_PICTURE_H
#include "../io/image.h"
#include "../models/model.h"

/* How images become pictures. */
typedef struct rf_frame {
    const rf_model_shape *shape;
    int columns; /* of a grid; 0: one image a picture */
    int zoom;    /* side of a pixel, at least 1 */
} rf_frame;

#define RF_MOST_ZOOM 64

/* Black, with room for `count` images (1 without a grid). errors: RF_EUNSUPPORTED when the model makes no
 * pictures, RF_EINVAL when it would be too large, RF_ENOMEM. */
rf_status rf__picture_create(rf_image *out, const rf_frame *frame, int64_t count);
/* A picture of the model's size as the model sees it: *out [height, width, channels] in [-1, 1], rf__free. errors: what the
 * file is wrong about, RF_EINVAL when its size is not the model's. */
rf_status rf__picture_read(float **out, const rf_model_shape *shape, const char *path);
/* x [height, width, channels] in [-1, 1] to cell k. */
void rf__picture_put(rf_image *picture, const rf_frame *frame, const float *x, int64_t k);

#endif
