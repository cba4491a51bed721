/* dataset_idx.c - the idx files of MNIST and Fashion-MNIST, plain or gzip (zlib reads both). */
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "../base/file.h"
#include "dataset.h"

#define MAGIC_IMAGES 2051u
#define MAGIC_LABELS 2049u

static rf_status read_be32(gzFile file, const char *path, uint32_t *out) {
    uint8_t b[4];
    if (gzread(file, b, 4) != 4) return rf__fail(RF_EFORMAT, "%s: ends inside its header", path);
    *out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return RF_OK;
}

static rf_status read_bytes(gzFile file, const char *path, uint8_t *out, uint64_t size) {
    for (uint64_t at = 0; at < size;) {
        unsigned piece = size - at > (1u << 24) ? 1u << 24 : (unsigned)(size - at);
        int got = gzread(file, out + at, piece);
        if (got <= 0)
            return rf__fail(RF_EFORMAT, "%s: ends at byte %llu of its data, expected %llu", path, (unsigned long long)at,
                            (unsigned long long)size);
        at += (uint64_t)got;
    }
    return RF_OK;
}

/* Nothing may follow, and the checksum at the end of a gzip file must be right. */
static rf_status check_end(gzFile file, const char *path) {
    int error = Z_OK;
    if (gzgetc(file) != -1) return rf__fail(RF_EFORMAT, "%s: has more data than its header says", path);
    const char *text = gzerror(file, &error);
    return error == Z_OK || error == Z_STREAM_END ? RF_OK : rf__fail(RF_EFORMAT, "%s: is damaged at its end (%s)", path, text);
}

/* Whether a file of this size can hold so much; asked before memory is taken on the word of a header. */
static bool can_hold(gzFile file, const char *path, uint64_t bytes) {
    struct stat info;
    if (stat(path, &info) || info.st_size < 0) return false;
    uint64_t most = gzdirect(file) ? (uint64_t)info.st_size : 1032 * (uint64_t)info.st_size; /* deflate's largest ratio */
    return bytes <= most;
}

static rf_status read_images(rf_dataset *out, gzFile file, const char *path) {
    uint32_t magic, count, rows, columns;
    RF_TRY(read_be32(file, path, &magic));
    if (magic != MAGIC_IMAGES) return rf__fail(RF_EFORMAT, "%s: its magic number is %u, expected %u", path, magic, MAGIC_IMAGES);
    RF_TRY(read_be32(file, path, &count));
    RF_TRY(read_be32(file, path, &rows));
    RF_TRY(read_be32(file, path, &columns));
    if (count > 10000000u || rows > 4096 || columns > 4096)
        return rf__fail(RF_EFORMAT, "%s: says %u pictures of %ux%u", path, count, rows, columns);
    if (!can_hold(file, path, (uint64_t)count * rows * columns))
        return rf__fail(RF_EFORMAT, "%s: says %u pictures of %ux%u, more than the file can hold", path, count, rows, columns);
    RF_TRY(rf__dataset_alloc(out, count, (int)rows, (int)columns, 1, 10));
    RF_TRY(read_bytes(file, path, out->pixels, (uint64_t)count * rows * columns));
    return check_end(file, path);
}

static rf_status read_labels(rf_dataset *out, gzFile file, const char *path) {
    uint32_t magic, count;
    RF_TRY(read_be32(file, path, &magic));
    if (magic != MAGIC_LABELS) return rf__fail(RF_EFORMAT, "%s: its magic number is %u, expected %u", path, magic, MAGIC_LABELS);
    RF_TRY(read_be32(file, path, &count));
    if (count != out->count) return rf__fail(RF_EMISMATCH, "%s: has %u labels for %lld pictures", path, count, (long long)out->count);
    for (int64_t i = 0; i < out->count; i++) {
        int label = gzgetc(file);
        if (label < 0) return rf__fail(RF_EFORMAT, "%s: ends at label %lld, expected %lld", path, (long long)i, (long long)out->count);
        if (label > 9)
            return rf__fail(RF_EFORMAT, "%s: label %lld is %d, expected 0 .. 9", path, (long long)i, label);
        out->labels[i] = label;
    }
    return check_end(file, path);
}

/* "DIR/NAME" or "DIR/NAME.gz", whichever is there. */
static gzFile open_either(const char *directory, const char *name, char path[4400]) {
    static const char *const endings[] = {"", ".gz"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, 4400, "%.4000s/%s%s", directory, name, endings[i]);
        if (rf__file_exists(path)) return gzopen(path, "rb");
    }
    return NULL;
}

static rf_status read_idx(rf_dataset *out, const char *directory, const rf_dataset_spec *spec, const char *const *names) {
    char path[4400];
    bool test = spec->split && !strcmp(spec->split, "test");
    gzFile images = open_either(directory, test ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte", path);
    if (!images && rf__file_exists(path)) return rf__fail(RF_EIO, "%s: cannot be read", path);
    if (!images) return rf__fail(RF_ENOTFOUND, "%s: no idx files", directory);
    rf_status status = read_images(out, images, path);
    gzclose(images);
    RF_TRY(status);
    gzFile labels = open_either(directory, test ? "t10k-labels-idx1-ubyte" : "train-labels-idx1-ubyte", path);
    if (!labels) return rf__fail(RF_EFORMAT, "%s: the label file is missing", path);
    status = read_labels(out, labels, path);
    gzclose(labels);
    return status == RF_OK ? rf__dataset_names(out, names) : status;
}

static rf_status read_fashion(rf_dataset *out, const char *directory, const rf_dataset_spec *spec) {
    static const char *const names[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
    return read_idx(out, directory, spec, names);
}

static rf_status read_mnist(rf_dataset *out, const char *directory, const rf_dataset_spec *spec) {
    static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    return read_idx(out, directory, spec, names);
}

const rf_dataset_kind rf__dataset_fashion = {
    .name = "fashion-mnist",
    .source = "Xiao et al. 2017, arXiv 1708.07747",
    .help = "70,000 gray 28x28 pictures of ten garments",
    .how_to_get = "Get it with: apt-get install dataset-fashion-mnist; sha256 of the unpacked training images: "
                  "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 (docs/data.md has the others)",
    .places = (const char *const[]){"/usr/share/datasets/fashion-mnist", NULL},
    .read = read_fashion,
};

const rf_dataset_kind rf__dataset_mnist = {
    .name = "mnist",
    .source = "LeCun et al. 1998",
    .help = "70,000 gray 28x28 digits",
    .how_to_get = "Put the four original files (train-images-idx3-ubyte.gz and its siblings) there; md5 of the unpacked "
                  "training images: 6bbc9ace898e44ae57da46a324031adb (docs/data.md has the others)",
    .places = (const char *const[]){"../shared/data/mnist", NULL},
    .read = read_mnist,
};
