/* npz.c - see npz.h. The .npy header is a Python literal of fixed keys; we look for the three that matter. */
#include "npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "../base/file.h"
#include "tensors_inside.h"

static const struct { const char *descr; rf_tensor_type type; } types[] = {
    {"<f4", RF_TENSOR_F32}, {"<f8", RF_TENSOR_F64}, {"<f2", RF_TENSOR_F16}, {"|u1", RF_TENSOR_U8},  {"<i4", RF_TENSOR_I32},
    {"<i8", RF_TENSOR_I64}, {"|i1", RF_TENSOR_I8},  {"<i2", RF_TENSOR_I16}, {"|b1", RF_TENSOR_BOOL},
};
#define TYPES (sizeof types / sizeof *types)

/* ---- reading ---- */

/* The text after 'key': in a header. */
static const char *value_of(const char *header, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    if (!at) return NULL;
    at += strlen(quoted);
    return at + strspn(at, " ");
}

static rf_status read_shape(const char *text, int *rank, int64_t dim[RF_TENSOR_RANK_MAX], int64_t *count) {
    *rank = 0;
    *count = 1;
    if (!text || *text++ != '(') return rf__fail(RF_EFORMAT, "has an array without a shape");
    for (;;) {
        text += strspn(text, " ,");
        if (*text == ')') return RF_OK;
        char *end;
        long long size = strtoll(text, &end, 10);
        if (end == text || size < 0 || *rank == RF_TENSOR_RANK_MAX || __builtin_mul_overflow(*count, size, count))
            return rf__fail(RF_EFORMAT, "has an array with a shape that is no list of at most %d sizes", RF_TENSOR_RANK_MAX);
        dim[(*rank)++] = size;
        text = end;
    }
}

static rf_status read_type(const char *text, rf_tensor_type *type) {
    for (size_t i = 0; text && i < TYPES; i++)
        if (*text == '\'' && !strncmp(text + 1, types[i].descr, 3) && text[4] == '\'') {
            *type = types[i].type;
            return RF_OK;
        }
    return rf__fail(RF_EFORMAT, "has an array of type %.8s, expected little-endian floats or integers", text ? text : "none");
}

/* bytes: one .npy file. */
static rf_status read_array(rf_tensors *tensors, const char *name, const uint8_t *bytes, size_t size) {
    char header[1024];
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) return rf__fail(RF_EFORMAT, "is no array");
    bool wide = bytes[6] >= 2;
    size_t start = wide ? 12 : 10, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (wide) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length >= sizeof header || length > size - start) return rf__fail(RF_EFORMAT, "has a header of %zu bytes, which does not fit", length);
    memcpy(header, bytes + start, length);
    header[length] = 0;
    rf_tensor_type type = RF_TENSOR_F32;
    int rank;
    int64_t dim[RF_TENSOR_RANK_MAX], count;
    const char *fortran = value_of(header, "fortran_order");
    RF_TRY(read_type(value_of(header, "descr"), &type));
    RF_TRY(read_shape(value_of(header, "shape"), &rank, dim, &count));
    if (!fortran || (strncmp(fortran, "False", 5) && rank > 1)) return rf__fail(RF_EUNSUPPORTED, "is in Fortran order, expected C order");
    if ((uint64_t)count > (size - start - length) / rf__tensor_type_size(type))
        return rf__fail(RF_EFORMAT, "has %zu bytes, expected %lld numbers", size - start - length, (long long)count);
    return rf__tensors_add(tensors, name, type, rank, dim, bytes + start + length);
}

rf_status rf__npz_read(rf_tensors *tensors, const rf_zip *zip) {
    tensors->format = "npz";
    for (int64_t i = 0; i < rf__zip_count(zip); i++) {
        char name[256];
        size_t size;
        const char *entry = rf__zip_name(zip, i);
        size_t length = entry ? strlen(entry) : 0;
        if (length < 5 || length >= sizeof name || strcmp(entry + length - 4, ".npy")) continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - 4), entry);
        RF_TRY(rf__zip_size(zip, i, &size));
        uint8_t *block = rf__tensors_block(tensors, size);
        if (!block) return rf__fail(RF_ENOMEM, "no memory for %zu bytes", size);
        RF_TRY(rf__zip_read(zip, i, block, size));
        rf_status status = read_array(tensors, name, block, size);
        if (status != RF_OK) return rf__fail_in(status, "array %.100s ", name);
    }
    return tensors->count ? RF_OK : rf__fail(RF_EFORMAT, "is a zip archive with neither a PyTorch pickle nor arrays");
}

/* ---- writing ---- */

/* A whole .npy file; free with free. NULL when the type has no name in NumPy or memory ends. */
static uint8_t *npy_of(const rf_tensor_entry *entry, size_t *size) {
    char header[256];
    size_t at = 0, bytes = (size_t)entry->count * rf__tensor_type_size(entry->type);
    while (at < TYPES && types[at].type != entry->type) at++;
    if (at == TYPES) return NULL;
    int used = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (", types[at].descr);
    for (int i = 0; i < entry->rank; i++) used += snprintf(header + used, sizeof header - (size_t)used, "%lld,%s", (long long)entry->dim[i], i + 1 < entry->rank ? " " : "");
    used += snprintf(header + used, sizeof header - (size_t)used, "), }");
    size_t padded = ((size_t)used + 11 + 63) / 64 * 64; /* data starts on a multiple of 64; the header ends with a line feed */
    uint8_t *out = malloc(padded + bytes);
    if (!out) return NULL;
    memset(out, ' ', padded);
    memcpy(out, "\x93NUMPY\1\0", 8);
    out[8] = (uint8_t)((padded - 10) & 255), out[9] = (uint8_t)((padded - 10) >> 8);
    memcpy(out + 10, header, (size_t)used);
    out[padded - 1] = '\n';
    memcpy(out + padded, entry->data, bytes);
    *size = padded + bytes;
    return out;
}

static rf_status add_entry(zip_t *zip, const rf_tensor_entry *entry) {
    char name[300];
    size_t size;
    uint8_t *npy = npy_of(entry, &size);
    if (!npy) return rf__fail(RF_EINVAL, "array %s of type %s cannot be written", entry->name, rf__tensor_type_name(entry->type));
    zip_source_t *source = zip_source_buffer(zip, npy, size, 1);
    if (!source) {
        free(npy);
        return rf__fail(RF_ENOMEM, "no memory for array %s", entry->name);
    }
    snprintf(name, sizeof name, "%.250s.npy", entry->name);
    zip_int64_t index = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return rf__fail(RF_EIO, "array %s: %s", entry->name, zip_strerror(zip));
    }
    zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0);
    zip_file_set_mtime(zip, (zip_uint64_t)index, 315532800, 0); /* 1980: the same arrays give the same bytes */
    return RF_OK;
}

rf_status rf__npz_save(const char *path, const rf_tensor_entry *entries, int count) {
    int code = 0;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!zip) return rf__fail(RF_EIO, "%s: cannot be written (zip error %d)", path, code);
    rf_status status = RF_OK;
    for (int i = 0; i < count && status == RF_OK; i++) status = add_entry(zip, &entries[i]);
    /* libzip writes beside the file and renames. */
    if (status == RF_OK && zip_close(zip) == 0) return RF_OK;
    if (status == RF_OK) status = rf__fail(RF_EIO, "%s: cannot be written: %s", path, zip_strerror(zip));
    zip_discard(zip);
    return status;
}
