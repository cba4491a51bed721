/* dataset_test.c - idx, CIFAR-10, emoji and folders: read what was written, refuse what lies, say where a missing set comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "dataset.h"
#include "image.h"
#include "sha256.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/strait-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}
static int remove_folder(void **state) {
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *in_folder(const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_idx(const char *name, uint32_t magic, uint32_t count, uint32_t rows, uint32_t columns, size_t bytes, int value) {
    uint8_t *file = malloc(16 + bytes), *at = file;
    const uint32_t head[] = {magic, count, rows, columns};
    for (int i = 0; i < (rows ? 4 : 2); i++)
        for (int k = 0; k < 4; k++) *at++ = (uint8_t)(head[i] >> (24 - 8 * k));
    memset(at, value, bytes);
    assert_int_equal(rf__file_write(in_folder(name), file, (size_t)(at - file) + bytes), RF_OK);
    free(file);
}

static rf_status open_set(rf_dataset **out, const char *name, const char *split, int64_t limit) {
    return rf__dataset_open(out, &(rf_dataset_spec){name, folder, split, limit});
}

static void idx(void **state) {
    (void)state;
    rf_dataset *set;
    write_idx("t10k-images-idx3-ubyte", 2051, 5, 4, 3, 60, 255);
    write_idx("t10k-labels-idx1-ubyte", 2049, 5, 0, 0, 5, 9);
    assert_int_equal(open_set(&set, "mnist", "test", 3), RF_OK);
    assert_true(set->count == 3 && set->height == 4 && set->width == 3 && set->channels == 1 && set->classes == 10);
    assert_int_equal(set->labels[2], 9);
    float x[12];
    rf__dataset_image(set, 1, true, x);
    assert_true(x[0] == 1 && x[11] == 1);
    rf__dataset_free(&set);
    assert_int_equal(open_set(&set, "mnist", "train", 0), RF_ENOTFOUND);
    assert_non_null(strstr(rf_last_error(), "md5"));
    write_idx("t10k-labels-idx1-ubyte", 2049, 5, 0, 0, 5, 10); /* a label out of range */
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    write_idx("t10k-labels-idx1-ubyte", 2049, 4, 0, 0, 4, 1);
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EMISMATCH);
    write_idx("t10k-images-idx3-ubyte", 2051, 5, 4, 3, 59, 0); /* cut */
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    write_idx("t10k-images-idx3-ubyte", 2051, 5, 4, 3, 61, 0); /* too long */
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    write_idx("t10k-images-idx3-ubyte", 2052, 5, 4, 3, 60, 0);
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    write_idx("t10k-images-idx3-ubyte", 2051, 9000000, 4096, 4096, 60, 0); /* no memory is asked for what cannot be there */
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "can hold"));
    write_idx("t10k-images-idx3-ubyte", 2051, 0xffffffffu, 4, 3, 60, 0);
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    assert_int_equal(open_set(&set, "imagenet", "test", 0), RF_ENOTFOUND);
    assert_non_null(strstr(rf_last_error(), "fashion-mnist, mnist, cifar10, emoji, folder"));
    assert_int_equal(open_set(&set, "mnist", "valid", 0), RF_EINVAL);
}

static void write_gz(const char *name, const void *bytes, unsigned size) {
    gzFile file = gzopen(in_folder(name), "wb9");
    assert_int_equal(gzwrite(file, bytes, size), (int)size);
    assert_int_equal(gzclose(file), Z_OK);
}

static void idx_in_gzip(void **state) {
    (void)state;
    rf_dataset *set;
    uint8_t images[16 + 24] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 3}, labels[10] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 2};
    for (int i = 0; i < 24; i++) images[16 + i] = (uint8_t)(i * 77);
    write_gz("train-images-idx3-ubyte.gz", images, sizeof images);
    write_gz("train-labels-idx1-ubyte.gz", labels, sizeof labels);
    assert_int_equal(open_set(&set, "fashion-mnist", "train", 0), RF_OK);
    assert_true(set->count == 2 && set->labels[1] == 2);
    assert_string_equal(set->class_names[9], "Ankle boot");
    assert_memory_equal(set->pixels, images + 16, 24);
    rf__dataset_free(&set);
    assert_int_equal(open_set(&set, "mnist", "train:2", 0), RF_OK); /* of two pictures the second */
    assert_true(set->count == 1 && set->labels[0] == 2 && set->classes == 10 && set->pixels[1] == images[16 + 13]);
    rf__dataset_free(&set);
    assert_int_equal(open_set(&set, "mnist", "train:1,2", 0), RF_OK);
    assert_int_equal(set->count, 2);
    rf__dataset_free(&set);
    static const char *const wrong[] = {"train:", "train:3", "train:10", "train:1,", "train:1;2", "train:-1"};
    for (int w = 0; w < 6; w++) assert_int_equal(open_set(&set, "mnist", wrong[w], 0), RF_EINVAL);
    uint8_t *packed;
    size_t size;
    assert_int_equal(rf__file_read(in_folder("train-images-idx3-ubyte.gz"), 1000, &packed, &size), RF_OK);
    for (size_t cut = 0; cut < size; cut++) { /* the last eight bytes are checksum and length */
        assert_int_equal(rf__file_write(in_folder("train-images-idx3-ubyte.gz"), packed, cut), RF_OK);
        assert_int_equal(open_set(&set, "fashion-mnist", "train", 0), RF_EFORMAT);
    }
    packed[size - 6] ^= 1;
    assert_int_equal(rf__file_write(in_folder("train-images-idx3-ubyte.gz"), packed, size), RF_OK);
    assert_int_equal(open_set(&set, "fashion-mnist", "train", 0), RF_EFORMAT);
    rf__free(packed);
    /* Sixteen bytes that ask for 15 GiB: refused before memory is taken. */
    memcpy(images + 4, "\0\0\x03\xc0\0\0\x10\0\0\0\x10\0", 12);
    write_gz("train-images-idx3-ubyte.gz", images, 16);
    assert_int_equal(open_set(&set, "fashion-mnist", "train", 0), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "says 960 pictures of 4096x4096, more than the file can hold"));
    assert_int_equal(unlink(in_folder("train-images-idx3-ubyte.gz")), 0);
    /* Labels that go on. */
    write_idx("t10k-images-idx3-ubyte", 2051, 2, 4, 3, 24, 0);
    write_idx("t10k-labels-idx1-ubyte", 2049, 2, 0, 0, 3, 1);
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "more data than its header says"));
    assert_int_equal(unlink(in_folder("t10k-labels-idx1-ubyte")), 0);
    assert_int_equal(open_set(&set, "mnist", "test", 0), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "label file is missing"));
}

static void cifar_that_is_not_whole(void **state) {
    (void)state;
    rf_dataset *set;
    rf_image image;
    assert_int_equal(rf__make_dirs(in_folder("c")), RF_OK);
    char *place = strdup(in_folder("c"));
    rf_dataset_spec spec = {"cifar10", place, "train", 10};
    assert_int_equal(rf__dataset_open(&set, &spec), RF_ENOTFOUND);
    assert_non_null(strstr(rf_last_error(), "sha256"));
    assert_int_equal(rf__image_create(&image, 64, 64, 3), RF_OK);
    assert_int_equal(rf__png_write(in_folder("c/data_batch_1.png"), &image, NULL, 0), RF_OK);
    rf__image_free(&image);
    assert_int_equal(rf__dataset_open(&set, &spec), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "data_batch_1.labels"));
    assert_int_equal(rf__file_write(in_folder("c/data_batch_1.labels"), "\1\2", 2), RF_OK);
    assert_int_equal(rf__dataset_open(&set, &spec), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "64x64 pixels and 2 labels"));
    free(place);
}

static void folder_without_classes(void **state) {
    (void)state;
    rf_dataset *set;
    rf_image image;
    assert_int_equal(rf__make_dirs(in_folder("flat")), RF_OK);
    char *place = strdup(in_folder("flat"));
    rf_dataset_spec spec = {"folder", place, "train", 0};
    assert_int_equal(rf__dataset_open(&set, &spec), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "no PNG or JPEG"));
    assert_int_equal(rf__image_create(&image, 3, 2, 1), RF_OK);
    for (int i = 0; i < 3; i++) {
        char name[32];
        image.pixels[0] = (uint8_t)i;
        snprintf(name, sizeof name, "flat/%d.png", i);
        assert_int_equal(rf__png_write(in_folder(name), &image, NULL, 0), RF_OK);
    }
    rf__image_free(&image);
    assert_int_equal(rf__dataset_open(&set, &spec), RF_OK);
    assert_true(set->count == 3 && set->channels == 1 && set->classes == 0 && !set->labels && set->pixels[12] == 2);
    rf__dataset_free(&set);
    spec.limit = 2;
    assert_int_equal(rf__dataset_open(&set, &spec), RF_OK);
    assert_int_equal(set->count, 2);
    rf__dataset_free(&set);
    assert_int_equal(rf__file_write(in_folder("flat/2.png"), "not a picture", 13), RF_OK);
    spec.limit = 0;
    assert_int_equal(rf__dataset_open(&set, &spec), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "flat/2.png: is neither PNG nor JPEG"));
    free(place);
}

static void cifar_binary(void **state) {
    (void)state;
    rf_dataset *set;
    uint8_t *batch = calloc(10000, 3073);
    batch[3073] = 7;                            /* image 1: class 7, red plane 10, green 20, blue 30 */
    for (int c = 0; c < 3; c++) memset(batch + 3074 + 1024 * c, 10 * (c + 1), 1024);
    assert_int_equal(rf__file_write(in_folder("test_batch.bin"), batch, 10000 * 3073), RF_OK);
    assert_int_equal(open_set(&set, "cifar10", "test", 0), RF_OK);
    assert_int_equal(set->count, 10000);
    assert_int_equal(set->labels[1], 7);
    assert_memory_equal(set->pixels + 3072, "\x0a\x14\x1e\x0a\x14\x1e", 6);
    rf__dataset_free(&set);
    batch[0] = 10;
    assert_int_equal(rf__file_write(in_folder("test_batch.bin"), batch, 10000 * 3073), RF_OK);
    assert_int_equal(open_set(&set, "cifar10", "test", 0), RF_EFORMAT);
    assert_int_equal(rf__file_write(in_folder("test_batch.bin"), batch, 9999 * 3073), RF_OK);
    assert_int_equal(open_set(&set, "cifar10", "test", 0), RF_EFORMAT);
    free(batch);
}

static void folder_of_pictures(void **state) {
    (void)state;
    rf_dataset *set;
    rf_image image;
    assert_int_equal(rf__make_dirs(in_folder("b/dogs")), RF_OK);
    assert_int_equal(rf__make_dirs(in_folder("b/cats")), RF_OK);
    assert_int_equal(rf__image_create(&image, 6, 5, 3), RF_OK);
    memset(image.pixels, 200, 90);
    assert_int_equal(rf__png_write(in_folder("b/dogs/1.png"), &image, NULL, 0), RF_OK);
    assert_int_equal(rf__png_write(in_folder("b/cats/2.PNG"), &image, NULL, 0), RF_OK);
    rf_dataset_spec spec = {"folder", strdup(in_folder("b")), "train", 0};
    assert_int_equal(rf__dataset_open(&set, &spec), RF_OK);
    assert_true(set->count == 2 && set->classes == 2 && set->height == 5 && set->width == 6);
    assert_string_equal(set->class_names[0], "cats");
    assert_int_equal(set->labels[1], 1);
    rf__dataset_free(&set);
    rf__image_free(&image);
    assert_int_equal(rf__image_create(&image, 7, 5, 3), RF_OK);
    assert_int_equal(rf__png_write(in_folder("b/dogs/3.png"), &image, NULL, 0), RF_OK);
    assert_int_equal(rf__dataset_open(&set, &spec), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "3.png: has 7x5"));
    rf__image_free(&image);
    free((char *)spec.path);
    assert_int_equal(rf__dataset_open(&set, &(rf_dataset_spec){"folder", "/nowhere", "train", 0}), RF_EIO);
}

static void folder_of_splits(void **state) {
    (void)state;
    rf_dataset *set;
    rf_image image;
    char *place = strdup(in_folder("parts"));
    assert_int_equal(rf__make_dirs(in_folder("parts/train")), RF_OK);
    assert_int_equal(rf__make_dirs(in_folder("parts/test")), RF_OK);
    assert_int_equal(rf__image_create(&image, 2, 2, 1), RF_OK);
    assert_int_equal(rf__png_write(in_folder("parts/train/1.png"), &image, NULL, 0), RF_OK);
    assert_int_equal(rf__png_write(in_folder("parts/train/2.png"), &image, NULL, 0), RF_OK);
    assert_int_equal(rf__png_write(in_folder("parts/test/1.png"), &image, NULL, 0), RF_OK);
    rf__image_free(&image);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rf__dataset_open(&set, &(rf_dataset_spec){"folder", place, i ? "test" : "train", 0}), RF_OK);
        assert_true(set->count == (i ? 1 : 2) && set->classes == 0);
        rf__dataset_free(&set);
    }
    free(place);
}

/* A sheet of 2x1 cells, one of them half transparent: over white; rows of the table that are not Noto's are passed over. */
static void emoji_sheet(void **state) {
    (void)state;
    rf_dataset *set;
    rf_image sheet;
    char *path = strdup(in_folder("emoji"));
    assert_int_equal(rf__make_dirs(path), RF_OK);
    assert_int_equal(rf__image_create(&sheet, 132, 66, 4), RF_OK);
    for (int y = 0; y < 66; y++)
        for (int x = 0; x < 132; x++) memcpy(sheet.pixels + 4 * (y * 132 + x), x < 66 ? "\x0a\x14\x1e\xff" : "\0\0\0\0", 4);
    assert_int_equal(rf__png_write(in_folder("emoji/noto_64.png"), &sheet, NULL, 0), RF_OK);
    rf__image_free(&sheet);
    const char *table = "sheet_x\tsheet_y\tcaption\tcategory\tsubcategory\tunified\tin_noto\tin_twemoji\n0\t0\ta\tFlags\tx\t1F\t1\t1\n"
                        "0\t0\tb\tFlags\tx\t1F\t0\t1\n1\t0\tc\tSymbols\tx\t1F\t1\t1\n";
    assert_int_equal(rf__file_write(in_folder("emoji/captions.tsv"), table, strlen(table)), RF_OK);
    const rf_dataset_spec spec = {"emoji", path, "train", 0};
    assert_int_equal(rf__dataset_open(&set, &spec), RF_OK);
    assert_true(set->count == 2 && set->classes == 10 && set->height == 64 && set->width == 64);
    assert_string_equal(set->class_names[set->labels[0]], "Flags");
    assert_string_equal(set->class_names[set->labels[1]], "Symbols");
    assert_memory_equal(set->pixels + 3 * (64 * 64 - 1), "\x0a\x14\x1e\xff\xff\xff", 6);
    rf__dataset_free(&set);
    const char *returns = "sheet_x\r0\t0\ta\tFlags\tx\t1F\t1\r1\t0\tc\tSymbols\tx\t1F\t1\r0\t0\td\tFlags\tx\t1F\t1\r"; /* of an old Macintosh */
    assert_int_equal(rf__file_write(in_folder("emoji/captions.tsv"), returns, strlen(returns)), RF_OK);
    assert_int_equal(rf__dataset_open(&set, &spec), RF_OK);
    assert_int_equal(set->count, 3);
    rf__dataset_free(&set);
    const char *bad = "sheet_x\n2\t0\ta\tFlags\tx\t1F\t1\n";
    assert_int_equal(rf__file_write(in_folder("emoji/captions.tsv"), bad, strlen(bad)), RF_OK);
    assert_int_equal(rf__dataset_open(&set, &spec), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "captions.tsv:2: cell 2, 0 lies outside"));
    free(path);
}

/* Means, rounded: of (0, 1, 2, 4) 2, of (10, 10, 10, 11) 10. */
static void smaller(void **state) {
    (void)state;
    rf_dataset set = {0}, *small;
    assert_int_equal(rf__dataset_alloc(&set, 1, 2, 4, 1, 0), RF_OK);
    memcpy(set.pixels, "\0\1\12\12\2\4\12\13", 8);
    assert_int_equal(rf__dataset_smaller(&small, &set, 1, 2), RF_OK);
    assert_true(small->count == 1 && small->height == 1 && small->width == 2 && !small->labels);
    assert_memory_equal(small->pixels, "\2\12", 2);
    rf__dataset_free(&small);
    assert_int_equal(rf__dataset_smaller(&small, &set, 1, 3), RF_EINVAL);
    rf__free(set.pixels);
}

/* The real set, where it is: the mosaics hold the official bytes. */
static void cifar_mosaic(void **state) {
    (void)state;
    rf_dataset *set;
    const char *shared = getenv("STRAIT_SHARED");
    char path[4096], hex[65];
    snprintf(path, sizeof path, "%s/data/cifar10", shared ? shared : "../shared");
    if (!rf__file_exists(path)) {
        print_message("skipped: %s is not here\n", path);
        skip();
    }
    assert_int_equal(rf__dataset_open(&set, &(rf_dataset_spec){"cifar10", path, "test", 0}), RF_OK);
    uint8_t *official = malloc(10000 * 3073);
    for (int i = 0; i < 10000; i++) {
        official[i * 3073] = (uint8_t)set->labels[i];
        for (int p = 0; p < 1024; p++)
            for (int c = 0; c < 3; c++) official[i * 3073 + 1 + c * 1024 + p] = set->pixels[(i * 1024 + p) * 3 + c];
    }
    rf__sha256_bytes(official, 10000 * 3073, hex);
    assert_string_equal(hex, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"); /* test_batch.bin */
    free(official);
    rf__dataset_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx),
        cmocka_unit_test(idx_in_gzip),
        cmocka_unit_test(cifar_that_is_not_whole),
        cmocka_unit_test(folder_without_classes),
        cmocka_unit_test(cifar_binary),
        cmocka_unit_test(folder_of_pictures), cmocka_unit_test(folder_of_splits),
        cmocka_unit_test(emoji_sheet),
        cmocka_unit_test(smaller),
        cmocka_unit_test(cifar_mosaic),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
