/* picture.h - pixels of the program: one image or a grid of them, as 8-bit rows. */
#ifndef RF_CLI_PICTURE_H
#define RF_CLI_PICTURE_H
#include <stdint.h>

#include "../base/status.h"

typedef struct rf_picture {
    int width, height, channels; /* 1: gray, 3: RGB */
    uint8_t *pixels;             /* [height, width, channels] */
} rf_picture;

/* Black. errors: RF_EUNSUPPORTED for channels that no picture has, RF_ENOMEM. */
rf_status rf__picture_create(rf_picture *out, int width, int height, int channels);
/* Room for `count` images of this size, `columns` a row, with a thin gap between. */
rf_status rf__picture_create_grid(rf_picture *out, int width, int height, int channels, int64_t count,
                                  int columns);
void rf__picture_fini(rf_picture *picture);
/* x [height, width, channels] in [-1, 1], clamped and rounded, to cell k of a grid (cell 0 of a single
 * image). columns 0: no grid. */
void rf__picture_put(rf_picture *picture, const float *x, int width, int height, int columns, int64_t k);

#endif
