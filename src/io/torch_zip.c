/* torch_zip.c - PyTorch files since 1.6: a zip archive of NAME/data.pkl and one stored entry NAME/data/KEY a storage. */
#include <stdio.h>
#include <string.h>

#include "npz.h"
#include "tensors_inside.h"
#include "torch_flatten.h"
#include "zip_archive.h"

#define PICKLE_LIMIT ((size_t)8 << 20)

typedef struct archive {
    rf_tensors *tensors;
    const rf_zip *zip;
    char prefix[256];     /* "NAME/" */
    const uint8_t **seen; /* [entries] storages that were read already */
} archive;

/* Entry `index` as a block of the tensors. */
static rf_status block_of(const archive *a, int64_t index, size_t limit, const uint8_t **out, size_t *size) {
    RF_TRY(rf__zip_size(a->zip, index, size));
    if (*size > limit) return rf__fail(RF_EFORMAT, "zip entry %.100s has %zu bytes, expected at most %zu", rf__zip_name(a->zip, index), *size, limit);
    uint8_t *block;
    RF_TRY(rf__tensors_block(a->tensors, *size, &block));
    *out = block;
    return rf__zip_read(a->zip, index, block, *size);
}

static rf_status find(void *self, const rf_pickle *storage, const uint8_t **bytes) {
    archive *a = self;
    char name[600];
    size_t size = 0;
    snprintf(name, sizeof name, "%sdata/%.300s", a->prefix, storage->text);
    int64_t index = rf__zip_find(a->zip, name);
    if (index < 0) return rf__fail(RF_EFORMAT, "storage %.100s is missing", name);
    RF_TRY(rf__zip_size(a->zip, index, &size));
    if (size / rf__tensor_type_size(storage->type) < (uint64_t)storage->number)
        return rf__fail(RF_EFORMAT, "storage %.100s has %zu bytes, expected %lld numbers", name, size, (long long)storage->number);
    if (!a->seen[index]) RF_TRY(block_of(a, index, SIZE_MAX, &a->seen[index], &size));
    *bytes = a->seen[index];
    return RF_OK;
}

/* Index of the entry that ends with "/data.pkl", -1 when there is none. */
static int64_t find_pickle(const rf_zip *zip, char prefix[256]) {
    static const char tail[] = "data.pkl";
    for (int64_t i = 0; i < rf__zip_count(zip); i++) {
        const char *name = rf__zip_name(zip, i);
        size_t length = name ? strlen(name) : 0, head = length - (sizeof tail - 1);
        if (length < sizeof tail - 1 || head >= 256 || strcmp(name + head, tail) || (head && name[head - 1] != '/')) continue;
        memcpy(prefix, name, head);
        prefix[head] = 0;
        return i;
    }
    return -1;
}

/* NAME/byteorder says "little"; older files say nothing. */
static rf_status check_order(const archive *a) {
    char name[600], order[8] = "";
    size_t size;
    snprintf(name, sizeof name, "%sbyteorder", a->prefix);
    int64_t index = rf__zip_find(a->zip, name);
    if (index < 0) return RF_OK;
    RF_TRY(rf__zip_size(a->zip, index, &size));
    if (size < sizeof order) RF_TRY(rf__zip_read(a->zip, index, order, size));
    return strcmp(order, "little") ? rf__fail(RF_EUNSUPPORTED, "has the byte order \"%s\", expected little", order) : RF_OK;
}

static rf_status read_torch(archive *a, int64_t pickle) {
    const uint8_t *bytes;
    const rf_pickle *root;
    size_t size, used;
    RF_TRY(block_of(a, pickle, PICKLE_LIMIT, &bytes, &size));
    RF_TRY(check_order(a));
    RF_TRY(rf__pickle_read(&root, a->tensors->arena, bytes, size, &used, NULL));
    a->seen = rf__arena_alloc(a->tensors->arena, (size_t)rf__zip_count(a->zip) * sizeof *a->seen);
    if (!a->seen) return rf__fail(RF_ENOMEM, "no memory");
    a->tensors->format = "torch zip";
    return rf__torch_flatten(a->tensors, root, (rf_storage_source){a, find});
}

rf_status rf__tensors_read_zip(rf_tensors *tensors, rf_bytes bytes) {
    rf_zip *zip = NULL;
    RF_TRY(rf__zip_open(&zip, bytes.at, bytes.size));
    archive a = {.tensors = tensors, .zip = zip};
    int64_t pickle = find_pickle(zip, a.prefix);
    rf_status status = pickle >= 0 ? read_torch(&a, pickle) : rf__npz_read(tensors, zip);
    if (tensors->lazy_count) tensors->zip = zip;
    else rf__zip_close(&zip);
    return status;
}
