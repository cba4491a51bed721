/* picture_fuzz.c - any bytes as a PNG or JPEG, and as the texts of a PNG. Of a PNG the checksums are put right first:
 * no mutation would get past them otherwise. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/image.h"
#include "io/png_text.h"

static void put_checksums_right(uint8_t *png, size_t size) {
    for (size_t at = 8; size - at >= 12;) {
        size_t length = (size_t)png[at] << 24 | (size_t)png[at + 1] << 16 | (size_t)png[at + 2] << 8 | png[at + 3];
        if (length > size - at - 12) return;
        uint32_t sum = (uint32_t)crc32(0, png + at + 4, (uInt)length + 4);
        for (int i = 0; i < 4; i++) png[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rf_image image;
    json_t *texts;
    uint8_t *bytes = malloc(size + 1);
    if (!bytes) return 0;
    memcpy(bytes, data, size);
    if (size > 8 && bytes[0] == 0x89) put_checksums_right(bytes, size);
    if (rf__image_parse(&image, bytes, size, "fuzz", 3) == RF_OK) rf__image_free(&image);
    if (rf__png_texts_parse(bytes, size, "fuzz", &texts) == RF_OK) json_decref(texts);
    free(bytes);
    return 0;
}
