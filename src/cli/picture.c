/* picture.c - cells of a grid lie two pixels apart; a zoomed pixel is a square. */
#include "picture.h"

#include <string.h>

#include "../base/memory.h"

#define GAP 2

static rf_status check_channels(const rf_model_shape *shape) {
    if (!shape->flat && (shape->channels == 1 || shape->channels == 3)) return RF_OK;
    return rf__fail(RF_EUNSUPPORTED,
                    "model makes %d numbers a place, expected 1 (gray) or 3 (colour) for a picture",
                    shape->channels);
}

rf_status rf__picture_read(float **out, const rf_model_shape *shape, const char *path) {
    *out = NULL;
    rf_image image;
    RF_TRY(check_channels(shape));
    RF_TRY(rf__image_read(&image, path, shape->channels));
    rf_status status = RF_OK;
    size_t count = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
    if (image.width != shape->width || image.height != shape->height)
        status = rf__fail(RF_EINVAL, "%s: is %dx%d, expected the model's %dx%d (docs/data.md says how to bring it there)", path, image.width, image.height, shape->width,
                          shape->height);
    if (status == RF_OK && !(*out = rf__alloc_array(count, sizeof **out)))
        status = rf__fail(RF_ENOMEM, "%s: no memory for %dx%d pixels", path, image.width, image.height);
    for (size_t i = 0; status == RF_OK && i < count; i++) (*out)[i] = rf__pixel_to_f32(image.pixels[i]);
    rf__image_free(&image);
    return status;
}

rf_status rf__picture_create(rf_image *out, const rf_frame *frame, int64_t count) {
    const rf_model_shape *shape = frame->shape;
    *out = (rf_image){0};
    RF_TRY(check_channels(shape));
    int64_t columns = frame->columns ? frame->columns : 1, rows = (count + columns - 1) / columns;
    int64_t width = columns * (shape->width * frame->zoom + GAP) - GAP;
    int64_t height = rows * (shape->height * frame->zoom + GAP) - GAP;
    if (width > 65536 || height > 65536)
        return rf__fail(RF_EINVAL, "picture would be %lldx%lld pixels, expected at most 65536 a side",
                        (long long)width, (long long)height);
    return rf__image_create(out, (int)width, (int)height, shape->channels);
}

void rf__picture_put(rf_image *picture, const rf_frame *frame, const float *x, int64_t k) {
    int width = frame->shape->width, height = frame->shape->height, channels = frame->shape->channels,
        zoom = frame->zoom;
    int64_t left = frame->columns ? k % frame->columns * (width * zoom + GAP) : 0;
    int64_t top = frame->columns ? k / frame->columns * (height * zoom + GAP) : 0;
    for (int y = 0; y < height * zoom; y++) {
        uint8_t *out = picture->pixels + ((top + y) * picture->width + left) * channels;
        const float *row = x + (int64_t)(y / zoom) * width * channels;
        for (int column = 0; column < width * zoom; column++)
            for (int c = 0; c < channels; c++) *out++ = rf__pixel_from_f32(row[column / zoom * channels + c]);
    }
}
