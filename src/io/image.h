/* image.h - 8-bit pictures: PNG and JPEG in, PNG out with text chunks, sheets of many. */
#ifndef RF_IO_IMAGE_H
#define RF_IO_IMAGE_H
#include "../base/status.h"

typedef struct rf_image {
    int width, height, channels; /* 1 gray, 3 RGB, 4 RGBA */
    uint8_t *pixels;             /* [height, width, channels]; free with rf__image_free */
} rf_image;

typedef struct rf_png_text {
    const char *key, *text; /* UTF-8; written as tEXt when plain ASCII, else iTXt */
} rf_png_text;

/* channels: 1 or 3 converts (alpha over white); 0 keeps what the file has. Refuses above 64 million pixels before it allocates. */
rf_status rf__image_read(rf_image *out, const char *path, int channels);
rf_status rf__image_parse(rf_image *out, const void *bytes, size_t size, const char *name, int channels);
void rf__image_free(rf_image *image);
rf_status rf__image_create(rf_image *out, int width, int height, int channels); /* black */

/* Atomic. texts: may be NULL. The same picture and texts give the same bytes. */
rf_status rf__png_write(const char *path, const rf_image *image, const rf_png_text *texts, int text_count);
/* The same into memory; *out: free with free(). */
rf_status rf__png_encode(const rf_image *image, const rf_png_text *texts, int text_count, uint8_t **out, size_t *size);

/* `count` images [height, width, channels] f32 in [-1,1] as a sheet of `columns`, each pixel `scale` times as large, two pixels apart. */
rf_status rf__image_sheet(rf_image *out, const float *images, int count, int height, int width, int channels, int columns, int scale);

/* [-1,1] to 0..255 (rounded, clamped; not-a-number to 0) and back. */
uint8_t rf__pixel_from_f32(float value);
static inline float rf__pixel_to_f32(uint8_t value) { return (float)value * (2.0f / 255.0f) - 1.0f; }

#endif
