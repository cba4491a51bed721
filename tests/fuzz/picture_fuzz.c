/* picture_fuzz.c - any bytes as a PNG or JPEG, and as the texts of a PNG. */
#include "io/image.h"
#include "io/png_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rf_image image;
    json_t *texts;
    if (rf__image_parse(&image, data, size, "fuzz", 3) == RF_OK) rf__image_free(&image);
    if (rf__png_texts_parse(data, size, "fuzz", &texts) == RF_OK) json_decref(texts);
    return 0;
}
