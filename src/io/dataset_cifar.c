/* dataset_cifar.c - CIFAR-10: the original binary batches (a label byte, then 1024 red, green and blue bytes an image), or mosaics: one PNG
 * a batch with image i at column i mod 100, row i div 100, and its labels in a file beside it. */
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "dataset.h"
#include "image.h"

#define SIDE 32
#define PLANE (SIDE * SIDE)
#define RECORD (1 + 3 * PLANE)
#define BATCH 10000
#define MOSAIC_COLUMNS 100

static rf_status set_label(rf_dataset *out, int64_t index, int label, const char *path) {
    if (label > 9) return rf__fail(RF_EFORMAT, "%s: label %lld is %d, expected 0 .. 9", path, (long long)(index % BATCH), label);
    out->labels[index] = label;
    return RF_OK;
}

static rf_status read_binary(rf_dataset *out, const char *path, int64_t first) {
    uint8_t *bytes;
    size_t size;
    RF_TRY(rf__file_read(path, (uint64_t)BATCH * RECORD, &bytes, &size));
    rf_status status = size == (size_t)BATCH * RECORD
                           ? RF_OK
                           : rf__fail(RF_EFORMAT, "%s: has %zu bytes, expected %d", path, size, BATCH * RECORD);
    for (int i = 0; i < BATCH && status == RF_OK; i++) {
        const uint8_t *record = bytes + (size_t)i * RECORD;
        uint8_t *to = out->pixels + (first + i) * 3 * PLANE;
        status = set_label(out, first + i, record[0], path);
        for (int p = 0; p < PLANE; p++)
            for (int c = 0; c < 3; c++) to[3 * p + c] = record[1 + c * PLANE + p];
    }
    rf__free(bytes);
    return status;
}

static void cut_tile(const rf_image *mosaic, int index, uint8_t *to) {
    int x0 = SIDE * (index % MOSAIC_COLUMNS), y0 = SIDE * (index / MOSAIC_COLUMNS);
    for (int y = 0; y < SIDE; y++)
        memcpy(to + y * SIDE * 3, mosaic->pixels + ((size_t)(y0 + y) * (size_t)mosaic->width + (size_t)x0) * 3, SIDE * 3);
}

static rf_status read_mosaic(rf_dataset *out, const char *path, const char *labels_path, int64_t first) {
    rf_image mosaic;
    uint8_t *labels = NULL;
    size_t count = 0;
    RF_TRY(rf__image_read(&mosaic, path, 3));
    rf_status status = rf__file_read(labels_path, BATCH, &labels, &count);
    if (status == RF_ENOTFOUND) status = RF_EFORMAT; /* the set is there, but not whole */
    if (status == RF_OK && (mosaic.width != SIDE * MOSAIC_COLUMNS || mosaic.height != SIDE * BATCH / MOSAIC_COLUMNS || count != BATCH))
        status = rf__fail(RF_EFORMAT, "%s: has %dx%d pixels and %zu labels, expected 3200x3200 and %d", path, mosaic.width,
                          mosaic.height, count, BATCH);
    for (int i = 0; i < BATCH && status == RF_OK; i++) {
        cut_tile(&mosaic, i, out->pixels + (first + i) * 3 * PLANE);
        status = set_label(out, first + i, labels[i], labels_path);
    }
    rf__free(labels);
    rf__image_free(&mosaic);
    return status;
}

static rf_status read_batch(rf_dataset *out, const char *directory, const char *batch, int64_t first) {
    char path[4400], labels[4400];
    snprintf(path, sizeof path, "%.4000s/%s.bin", directory, batch);
    if (rf__file_exists(path)) return read_binary(out, path, first);
    snprintf(path, sizeof path, "%.4000s/%s.png", directory, batch);
    snprintf(labels, sizeof labels, "%.4000s/%s.labels", directory, batch);
    if (rf__file_exists(path)) return read_mosaic(out, path, labels, first);
    return rf__fail(RF_EFORMAT, "%s: has no %s.bin or %s.png", directory, batch, batch);
}

static rf_status read_cifar10(rf_dataset *out, const char *directory, const rf_dataset_spec *spec) {
    static const char *const names[] = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
    bool test = spec->split && !strcmp(spec->split, "test");
    int batches = test ? 1 : 5;
    if (!test && spec->limit > 0 && spec->limit < 5 * BATCH) batches = (int)((spec->limit + BATCH - 1) / BATCH);
    char probe[4400];
    snprintf(probe, sizeof probe, "%.4000s/%s.bin", directory, test ? "test_batch" : "data_batch_1");
    bool binary = rf__file_exists(probe);
    memcpy(strrchr(probe, '.'), ".png", 5);
    if (!binary && !rf__file_exists(probe)) return rf__fail(RF_ENOTFOUND, "%s: no CIFAR-10 batches", directory);
    RF_TRY(rf__dataset_alloc(out, (int64_t)batches * BATCH, SIDE, SIDE, 3, 10));
    for (int i = 0; i < batches; i++) {
        char batch[32] = "test_batch";
        if (!test) snprintf(batch, sizeof batch, "data_batch_%d", i + 1);
        RF_TRY(read_batch(out, directory, batch, (int64_t)i * BATCH));
    }
    return rf__dataset_names(out, names);
}

const rf_dataset_kind rf__dataset_cifar10 = {
    .name = "cifar10",
    .source = "Krizhevsky 2009",
    .help = "60,000 RGB 32x32 pictures of ten classes",
    .how_to_get = "Unpack the official \"binary version\" (data_batch_1.bin .. data_batch_5.bin, test_batch.bin) there; sha256 of "
                  "data_batch_1.bin: cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5 (docs/data.md has the others)",
    .places = (const char *const[]){"../shared/data/cifar10", NULL},
    .read = read_cifar10,
};
