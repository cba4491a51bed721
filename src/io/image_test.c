/* image_test.c - pictures and their texts: round trips, bombs, cuts and noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "image.h"
#include "png_text.h"

static rf_image noise_image(int width, int height, int channels) {
    rf_image image;
    assert_int_equal(rf__image_create(&image, width, height, channels), RF_OK);
    for (int i = 0; i < width * height * channels; i++) image.pixels[i] = (uint8_t)rf__rng_below(1, 99, (uint64_t)i, 256);
    return image;
}

static void round_trip(void **state) {
    (void)state;
    const rf_png_text texts[] = {{"parameters", "a cat\nSteps: 20"}, {"strait", "{\"name\":\"h\303\251\"}"}};
    for (int channels = 1; channels <= 4; channels += channels == 1 ? 2 : 1) {
        rf_image image = noise_image(13, 7, channels), back;
        uint8_t *bytes;
        size_t size;
        assert_int_equal(rf__png_encode(&image, texts, 2, &bytes, &size), RF_OK);
        assert_int_equal(rf__image_parse(&back, bytes, size, "a.png", 0), RF_OK);
        assert_true(back.width == 13 && back.height == 7 && back.channels == channels);
        assert_memory_equal(back.pixels, image.pixels, (size_t)(13 * 7 * channels));
        json_t *read;
        assert_int_equal(rf__png_texts_parse(bytes, size, "a.png", &read), RF_OK);
        for (int i = 0; i < 2; i++) assert_string_equal(json_string_value(json_object_get(read, texts[i].key)), texts[i].text);
        json_decref(read);
        for (size_t cut = 0; cut < size; cut += 7) { /* every cut is refused, none reads past its end */
            uint8_t *exact = malloc(cut + 1);
            memcpy(exact, bytes, cut);
            rf_image none;
            assert_int_not_equal(rf__image_parse(&none, exact, cut, "cut.png", 0), RF_OK);
            assert_null(none.pixels);
            free(exact);
        }
        rf__image_free(&back);
        rf__image_free(&image);
        free(bytes);
    }
}

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Append a chunk; returns the new size. */
static size_t chunk(uint8_t *file, size_t at, const char *type, const void *data, uint32_t length) {
    put32(file + at, length);
    memcpy(file + at + 4, type, 4);
    if (length) memcpy(file + at + 8, data, length);
    put32(file + at + 8 + length, (uint32_t)crc32(0, file + at + 4, length + 4));
    return at + 12 + length;
}

static size_t png_with_size(uint8_t *file, uint32_t width, uint32_t height) {
    uint8_t header[13] = {0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0};
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    put32(header, width);
    put32(header + 4, height);
    return chunk(file, 8, "IHDR", header, 13);
}

static void bombs(void **state) {
    (void)state;
    static uint8_t file[1 << 17];
    rf_image image;
    /* a picture of 100,000 x 100,000 in a hundred bytes: refused by its header, before memory is asked for */
    size_t size = png_with_size(file, 100000, 100000);
    size = chunk(file, size, "IDAT", "x", 1);
    size = chunk(file, size, "IEND", NULL, 0);
    assert_int_equal(rf__image_parse(&image, file, size, "bomb.png", 3), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "bomb.png"));
    size = png_with_size(file, 0xffffffffu, 1);
    assert_int_equal(rf__image_parse(&image, file, size, "bomb.png", 3), RF_EFORMAT);
    /* a compressed text of 64 MiB */
    uLongf packed = sizeof file - 4096;
    uint8_t *zeros = calloc(1, 64u << 20), *text = malloc(packed + 16);
    memset(zeros, 'a', 64u << 20);
    memcpy(text, "k\0\0", 3);
    assert_int_equal(compress2(text + 3, &packed, zeros, 64u << 20, 9), Z_OK);
    size = png_with_size(file, 4, 4);
    size = chunk(file, size, "zTXt", text, (uint32_t)packed + 3);
    size = chunk(file, size, "IEND", NULL, 0);
    json_t *texts;
    assert_int_equal(rf__png_texts_parse(file, size, "bomb.png", &texts), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "does not inflate"));
    free(zeros);
    free(text);
}

static void damaged_texts(void **state) {
    (void)state;
    static uint8_t file[4096];
    json_t *texts;
    size_t head = png_with_size(file, 4, 4), size = chunk(file, head, "tEXt", "no end of key", 13);
    assert_int_equal(rf__png_texts_parse(file, size, "t.png", &texts), RF_EFORMAT);
    size = chunk(file, head, "tEXt", "\0value", 6); /* empty key */
    rf_status status = rf__png_texts_parse(file, size, "t.png", &texts);
    if (status == RF_OK) json_decref(texts);
    size = chunk(file, head, "tEXt", "key\0value", 9);
    file[size - 1] ^= 1;
    assert_int_equal(rf__png_texts_parse(file, size, "t.png", &texts), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "checksum"));
    put32(file + head, 0x7fffffff);
    assert_int_equal(rf__png_texts_parse(file, size, "t.png", &texts), RF_EFORMAT);
    assert_int_equal(rf__png_texts_parse("GIF89a", 6, "t.gif", &texts), RF_EFORMAT);
    size = chunk(file, head, "iTXt", "k\0\0\0", 4);
    assert_int_equal(rf__png_texts_parse(file, size, "t.png", &texts), RF_EFORMAT);
}

static void other_files(void **state) {
    (void)state;
    rf_image image;
    assert_int_equal(rf__image_parse(&image, "hello", 5, "a.txt", 3), RF_EFORMAT);
    assert_int_equal(rf__image_parse(&image, "\xff\xd8\xff\xe0garbage", 11, "a.jpg", 3), RF_EFORMAT);
    assert_int_equal(rf__image_parse(&image, "", 0, "empty", 3), RF_EFORMAT);
    assert_int_equal(rf__image_read(&image, "/nowhere.png", 3), RF_ENOTFOUND);
    assert_int_equal(rf__image_create(&image, 1 << 20, 1 << 20, 3), RF_EFORMAT);
}

static void floats(void **state) {
    (void)state;
    for (int i = 0; i < 256; i++) assert_int_equal(rf__pixel_from_f32(rf__pixel_to_f32((uint8_t)i)), i);
    assert_int_equal(rf__pixel_from_f32(-5), 0);
    assert_int_equal(rf__pixel_from_f32(5), 255);
    assert_int_equal(rf__pixel_from_f32(0.0f / 0.0f), 0);
    float images[3 * 4] = {-1, -1, -1, -1, 1, 1, 1, 1, 0, 0, 0, 0};
    rf_image sheet;
    assert_int_equal(rf__image_sheet(&sheet, images, 3, 2, 2, 1, 2, 3), RF_OK);
    assert_true(sheet.width == 2 * 8 + 2 && sheet.height == 2 * 8 + 2);
    assert_int_equal(sheet.pixels[2 * sheet.width + 2], 0);
    assert_int_equal(sheet.pixels[2 * sheet.width + 10], 255);
    assert_int_equal(sheet.pixels[10 * sheet.width + 2], 128);
    rf__image_free(&sheet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),  cmocka_unit_test(bombs),  cmocka_unit_test(damaged_texts),
        cmocka_unit_test(other_files), cmocka_unit_test(floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
