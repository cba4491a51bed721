/* picture.c - from [-1, 1] to bytes, and where a cell of a grid lies. */
#include "picture.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"

#define GAP 2 /* pixels between the cells of a grid */
#define MOST_PIXELS (1 << 28)

rf_status rf__picture_create(rf_picture *out, int width, int height, int channels) {
    *out = (rf_picture){width, height, channels, NULL};
    if (channels != 1 && channels != 3)
        return rf__fail(RF_EUNSUPPORTED,
                        "model makes %d channels, expected 1 (gray) or 3 (colour) for a picture", channels);
    if (width < 1 || height < 1 || (int64_t)width * height > MOST_PIXELS)
        return rf__fail(RF_EINVAL, "picture would be %dx%d, expected at most %d pixels", width, height,
                        MOST_PIXELS);
    out->pixels = rf__alloc_array((size_t)width * (size_t)height, (size_t)channels);
    if (!out->pixels) return rf__fail(RF_ENOMEM, "no memory for a picture of %dx%d", width, height);
    return RF_OK;
}

rf_status rf__picture_create_grid(rf_picture *out, int width, int height, int channels, int64_t count,
                                  int columns) {
    int64_t rows = (count + columns - 1) / columns;
    int64_t total_width = (int64_t)columns * (width + GAP) - GAP, total_height = rows * (height + GAP) - GAP;
    *out = (rf_picture){0};
    if (total_width > MOST_PIXELS || total_height > MOST_PIXELS)
        return rf__fail(RF_EINVAL, "grid would be %lldx%lld pixels, expected at most %d",
                        (long long)total_width, (long long)total_height, MOST_PIXELS);
    return rf__picture_create(out, (int)total_width, (int)total_height, channels);
}

void rf__picture_fini(rf_picture *picture) {
    rf__free(picture->pixels);
    picture->pixels = NULL;
}

static uint8_t byte_of(float x) {
    float scaled = (x + 1) * 127.5f;
    return (uint8_t)(scaled <= 0 ? 0 : scaled >= 255 ? 255 : lrintf(scaled));
}

void rf__picture_put(rf_picture *picture, const float *x, int width, int height, int columns, int64_t k) {
    int64_t left = columns ? k % columns * (width + GAP) : 0,
            top = columns ? k / columns * (height + GAP) : 0;
    int64_t row = (int64_t)width * picture->channels;
    for (int y = 0; y < height; y++) {
        uint8_t *out = picture->pixels + ((top + y) * picture->width + left) * picture->channels;
        for (int64_t i = 0; i < row; i++) out[i] = byte_of(x[y * row + i]);
    }
}
