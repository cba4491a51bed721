/* image_test.c - pictures and their texts: round trips, bombs, cuts and noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
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
    assert_int_equal(rf__png_texts_parse(file, size, "t.png", &texts), RF_EFORMAT);
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

/* Row-by-row data without a filter, deflated into an IDAT, then the end. */
static size_t finish_png(uint8_t *file, size_t at, const uint8_t *rows, size_t size) {
    uint8_t packed[512];
    uLongf length = sizeof packed;
    assert_int_equal(compress(packed, &length, rows, size), Z_OK);
    at = chunk(file, at, "IDAT", packed, (uint32_t)length);
    return chunk(file, at, "IEND", NULL, 0);
}

/* A 2x1 picture of this depth and colour type as one row of raw bytes; `extra` chunks come first. */
static void read_odd(uint8_t depth, uint8_t colour, const char *type, const char *extra, uint32_t extra_size, const char *row,
                     size_t row_size, int channels, const char *expected) {
    static uint8_t file[2048];
    uint8_t header[13] = {0, 0, 0, 2, 0, 0, 0, 1, depth, colour, 0, 0, 0}, raw[64] = {0};
    rf_image image;
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    size_t at = chunk(file, 8, "IHDR", header, 13);
    if (colour == 3) at = chunk(file, at, "PLTE", "\x01\x02\x03\x0a\x14\x1e", 6);
    if (type) at = chunk(file, at, type, extra, extra_size);
    memcpy(raw + 1, row, row_size);
    at = finish_png(file, at, raw, row_size + 1);
    if (rf__image_parse(&image, file, at, "odd.png", 0) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.pixels, expected, (size_t)(2 * channels));
    rf__image_free(&image);
}

static void every_colour_type(void **state) {
    (void)state;
    read_odd(1, 0, NULL, NULL, 0, "\x40", 1, 1, "\x00\xff");
    read_odd(16, 0, NULL, NULL, 0, "\x12\x34\xab\xcd", 4, 1, "\x12\xab");
    read_odd(8, 0, "tRNS", "\x00\x07", 2, "\x07\x09", 2, 4, "\x07\x07\x07\x00\x09\x09\x09\xff");
    read_odd(8, 3, NULL, NULL, 0, "\x01\x00", 2, 3, "\x0a\x14\x1e\x01\x02\x03");
    read_odd(8, 3, "tRNS", "\x80", 1, "\x01\x00", 2, 4, "\x0a\x14\x1e\xff\x01\x02\x03\x80");
    read_odd(8, 4, NULL, NULL, 0, "\x05\x80\x06\xff", 4, 4, "\x05\x05\x05\x80\x06\x06\x06\xff");
}

static void alpha_lies_over_white(void **state) {
    (void)state;
    rf_image image, back;
    assert_int_equal(rf__image_create(&image, 2, 1, 4), RF_OK);
    memcpy(image.pixels, "\x00\x00\x00\x00\xff\x00\x00\xff", 8);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(rf__png_encode(&image, NULL, 0, &bytes, &size), RF_OK);
    assert_int_equal(rf__image_parse(&back, bytes, size, "a.png", 3), RF_OK);
    assert_memory_equal(back.pixels, "\xff\xff\xff\xff\x00\x00", 6);
    rf__image_free(&back);
    assert_int_equal(rf__image_parse(&back, bytes, size, "a.png", 1), RF_OK);
    assert_memory_equal(back.pixels, "\xff\x4c", 2); /* red is 0.299 bright */
    rf__image_free(&back);
    image.channels = 2;
    free(bytes);
    assert_int_equal(rf__png_encode(&image, NULL, 0, &bytes, &size), RF_EUNSUPPORTED);
    assert_null(bytes);
    rf__image_free(&image);
}

static void jpeg(void **state) {
    (void)state;
    static uint8_t rgb[16 * 8 * 3];
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    rf_image image;
    memset(rgb, 90, sizeof rgb);
    tjhandle maker = tjInitCompress();
    assert_int_equal(tjCompress2(maker, rgb, 16, 0, 8, TJPF_RGB, &bytes, &size, TJSAMP_444, 95, 0), 0);
    tjDestroy(maker);
    assert_int_equal(rf__image_parse(&image, bytes, size, "a.jpg", 0), RF_OK);
    assert_true(image.width == 16 && image.height == 8 && image.channels == 3);
    for (int i = 0; i < 16 * 8 * 3; i++) assert_in_range(image.pixels[i], 88, 92);
    rf__image_free(&image);
    for (unsigned long cut = 3; cut < size - 2; cut += 11) { /* without its last bytes it is a warning, and refused */
        uint8_t *exact = malloc(cut);
        memcpy(exact, bytes, cut);
        assert_int_equal(rf__image_parse(&image, exact, cut, "cut.jpg", 0), RF_EFORMAT);
        assert_null(image.pixels);
        free(exact);
    }
    for (unsigned long i = 0; i + 8 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) memset(bytes + i + 5, 0x7f, 4); /* 32639 x 32639 */
    assert_int_equal(rf__image_parse(&image, bytes, size, "bomb.jpg", 0), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "bomb.jpg: a picture of 32639x32639"));
    tjFree(bytes);
}

static void sheets_that_cannot_be(void **state) {
    (void)state;
    float x[4] = {0};
    rf_image sheet;
    assert_int_equal(rf__image_sheet(&sheet, x, 0, 2, 2, 1, 2, 1), RF_EINVAL);
    assert_int_equal(rf__image_sheet(&sheet, x, 1, 2, 2, 1, 2, 0), RF_EINVAL);
    assert_int_equal(rf__image_sheet(&sheet, x, 1 << 30, 2, 2, 1, 1, 1), RF_EINVAL);
    assert_null(sheet.pixels);
    assert_int_equal(rf__image_sheet(&sheet, x, 1, 2, 2, 1, 0, 1), RF_OK);
    rf__image_free(&sheet);
}

static void compressed_and_latin1_texts(void **state) {
    (void)state;
    static uint8_t file[4096];
    uint8_t body[256] = "zipped\0";
    uLongf packed = 200;
    json_t *texts;
    size_t at = png_with_size(file, 4, 4);
    assert_int_equal(compress(body + 8, &packed, (const Bytef *)"some words", 10), Z_OK);
    at = chunk(file, at, "zTXt", body, 8 + (uint32_t)packed);
    at = chunk(file, at, "tEXt", "old\0caf\xe9", 8);
    at = chunk(file, at, "iTXt", "new\0\0\0fr\0cle\0caf\xc3\xa9", 18);
    at = chunk(file, at, "tEXt", "new\0second", 10); /* the first of a key stays */
    at = chunk(file, at, "tEXt", "none\0", 5);
    at = chunk(file, at, "IEND", NULL, 0);
    assert_int_equal(rf__png_texts_parse(file, at, "t.png", &texts), RF_OK);
    assert_int_equal(json_object_size(texts), 4);
    assert_string_equal(json_string_value(json_object_get(texts, "zipped")), "some words");
    assert_string_equal(json_string_value(json_object_get(texts, "old")), "caf\xc3\xa9");
    assert_string_equal(json_string_value(json_object_get(texts, "new")), "caf\xc3\xa9");
    assert_string_equal(json_string_value(json_object_get(texts, "none")), "");
    json_decref(texts);
}

/* Twenty texts of 8 MB each in 160 kB: each within the limit, all together not. */
static void many_compressed_texts(void **state) {
    (void)state;
    const size_t each = 8000000;
    uint8_t *plain = malloc(each), *body = malloc(16384), *file = malloc(1 << 19);
    memset(plain, 'a', each);
    uLongf packed = 16000;
    memcpy(body, "k00\0", 5);
    assert_int_equal(compress2(body + 5, &packed, plain, each, 9), Z_OK);
    size_t at = png_with_size(file, 4, 4);
    for (int i = 0; i < 20; i++) {
        body[1] = (uint8_t)('a' + i);
        at = chunk(file, at, "zTXt", body, 5 + (uint32_t)packed);
    }
    at = chunk(file, at, "IEND", NULL, 0);
    json_t *texts;
    assert_int_equal(rf__png_texts_parse(file, at, "many.png", &texts), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "many.png: has more than"));
    free(plain), free(body), free(file);
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
        cmocka_unit_test(other_files), cmocka_unit_test(floats), cmocka_unit_test(every_colour_type),
        cmocka_unit_test(alpha_lies_over_white), cmocka_unit_test(jpeg), cmocka_unit_test(sheets_that_cannot_be),
        cmocka_unit_test(compressed_and_latin1_texts), cmocka_unit_test(many_compressed_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
