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

#define LAZY ((size_t)64 << 20) /* bytes; larger arrays are read in pieces */

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

typedef struct npy {
    rf_tensor_type type;
    int rank;
    int64_t dim[RF_TENSOR_RANK_MAX], count;
    bool fortran;
    size_t start; /* bytes before the numbers */
} npy;

/* bytes: the beginning of a .npy file of `size` bytes, at most 1024 of them. */
static rf_status read_header(npy *out, const uint8_t *bytes, size_t size) {
    char header[1024];
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) return rf__fail(RF_EFORMAT, "is no array");
    bool wide = bytes[6] >= 2;
    size_t start = wide ? 12 : 10, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (wide) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > sizeof header - 12 || length > size - start) return rf__fail(RF_EFORMAT, "has a header of %zu bytes, which does not fit", length);
    memcpy(header, bytes + start, length);
    header[length] = 0;
    const char *fortran = value_of(header, "fortran_order");
    RF_TRY(read_type(value_of(header, "descr"), &out->type));
    RF_TRY(read_shape(value_of(header, "shape"), &out->rank, out->dim, &out->count));
    if (!fortran || (strncmp(fortran, "False", 5) && strncmp(fortran, "True", 4))) return rf__fail(RF_EFORMAT, "does not say its order");
    out->fortran = *fortran == 'T' && out->rank > 1;
    out->start = start + length;
    if ((uint64_t)out->count > (size - out->start) / rf__tensor_type_size(out->type))
        return rf__fail(RF_EFORMAT, "has %zu bytes, expected %lld numbers", size - out->start, (long long)out->count);
    return RF_OK;
}

static rf_status add_array(rf_tensors *tensors, const char *name, const npy *a, const uint8_t *numbers) {
    if (!a->fortran) return rf__tensors_add(tensors, name, a->type, a->rank, a->dim, numbers);
    int64_t stride[RF_TENSOR_RANK_MAX], step = 1; /* the first axis runs fastest */
    for (int d = 0; d < a->rank; d++) stride[d] = step, step *= a->dim[d];
    RF_TRY(rf__tensors_gather(tensors, a->type, a->rank, a->dim, stride, numbers, &numbers));
    return rf__tensors_add(tensors, name, a->type, a->rank, a->dim, numbers);
}

/* Large arrays stay packed. */
static rf_status read_array(rf_tensors *tensors, const char *name, const rf_zip *zip, int64_t index) {
    uint8_t head[1024] = {0}, *block;
    size_t size;
    npy a;
    rf_zip_stream *stream;
    RF_TRY(rf__zip_size(zip, index, &size));
    RF_TRY(rf__zip_stream_open(&stream, zip, index));
    rf_status status = rf__zip_stream_read(stream, head, size < sizeof head ? size : sizeof head);
    rf__zip_stream_close(&stream);
    if (status == RF_OK) status = read_header(&a, head, size);
    RF_TRY(status);
    if (size > LAZY) {
        if (a.fortran) return rf__fail(RF_EUNSUPPORTED, "is in Fortran order, expected C order above %zu bytes", LAZY);
        RF_TRY(rf__tensors_add(tensors, name, a.type, a.rank, a.dim, NULL));
        return rf__tensors_add_lazy(tensors, index, a.start);
    }
    RF_TRY(rf__tensors_block(tensors, size, &block));
    RF_TRY(rf__zip_read(zip, index, block, size));
    return add_array(tensors, name, &a, block + a.start);
}

rf_status rf__npz_read(rf_tensors *tensors, const rf_zip *zip) {
    tensors->format = "npz";
    for (int64_t i = 0; i < rf__zip_count(zip); i++) {
        char name[256];
        const char *entry = rf__zip_name(zip, i);
        size_t length = entry ? strlen(entry) : 0;
        if (length < 5 || length >= sizeof name || strcmp(entry + length - 4, ".npy")) continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - 4), entry);
        rf_status status = read_array(tensors, name, zip, i);
        if (status != RF_OK) return rf__fail_in(status, "array %.100s ", name);
    }
    return tensors->count ? RF_OK : rf__fail(RF_EFORMAT, "is a zip archive with neither a PyTorch pickle nor arrays");
}

/* ---- writing ---- */

/* One array while libzip asks for its bytes: a header, then the numbers in pieces. */
typedef struct writing {
    const rf_npz_array *array;
    char header[320];
    size_t header_size;
    uint64_t at, size; /* of the whole .npy file */
    uint8_t *piece;    /* numbers that were asked for and not yet taken */
    int64_t first, count;
    zip_error_t error;
    rf_status status;
} writing;

enum { PIECE = 1 << 16 }; /* numbers */

static rf_status write_header(writing *w) {
    const rf_tensor_entry *entry = &w->array->entry;
    size_t at = 0;
    while (at < TYPES && types[at].type != entry->type) at++;
    if (at == TYPES) return rf__fail(RF_EINVAL, "array %s: NumPy has no type %s", entry->name, rf__tensor_type_name(entry->type));
    char *h = w->header;
    memset(h, ' ', sizeof w->header);
    memcpy(h, "\x93NUMPY\1\0", 8);
    int used = 10 + snprintf(h + 10, 200, "{'descr': '%s', 'fortran_order': False, 'shape': (", types[at].descr);
    for (int i = 0; i < entry->rank; i++) used += snprintf(h + used, 32, "%lld,%s", (long long)entry->dim[i], i + 1 < entry->rank ? " " : "");
    used += snprintf(h + used, 8, "), }");
    h[used] = ' ';
    w->header_size = ((size_t)used + 1 + 63) / 64 * 64; /* numbers start on a multiple of 64; the header ends with a line feed */
    h[8] = (char)((w->header_size - 10) & 255), h[9] = (char)((w->header_size - 10) >> 8);
    h[w->header_size - 1] = '\n';
    w->size = w->header_size + (uint64_t)entry->count * rf__tensor_type_size(entry->type);
    return RF_OK;
}

/* Bytes [at, at + length) of the numbers, as many of them as the current piece has. */
static zip_int64_t give_numbers(writing *w, uint8_t *out, uint64_t length) {
    const rf_tensor_entry *entry = &w->array->entry;
    size_t width = rf__tensor_type_size(entry->type);
    uint64_t at = w->at - w->header_size, end = (uint64_t)entry->count * width;
    const uint8_t *from = entry->data;
    if (!from) {
        if (at >= (uint64_t)(w->first + w->count) * width) {
            w->first += w->count;
            w->count = entry->count - w->first < PIECE ? entry->count - w->first : PIECE;
            w->status = w->array->fill(w->array->self, w->first, w->count, w->piece);
            if (w->status != RF_OK) return -1;
        }
        from = w->piece;
        at -= (uint64_t)w->first * width;
        end = (uint64_t)w->count * width;
    }
    uint64_t take = end - at < length ? end - at : length;
    memcpy(out, from + at, take);
    return (zip_int64_t)take;
}

static zip_int64_t read_some(writing *w, uint8_t *out, uint64_t length) {
    uint64_t done = 0;
    while (done < length && w->at < w->size) {
        zip_int64_t got = (zip_int64_t)(length - done);
        if (w->at < w->header_size) {
            if ((uint64_t)got > w->header_size - w->at) got = (zip_int64_t)(w->header_size - w->at);
            memcpy(out + done, w->header + w->at, (size_t)got);
        } else if ((got = give_numbers(w, out + done, length - done)) < 0) {
            zip_error_set(&w->error, ZIP_ER_INTERNAL, 0);
            return -1;
        }
        w->at += (uint64_t)got;
        done += (uint64_t)got;
    }
    return (zip_int64_t)done;
}

/* libzip's protocol for data that is made while it is written. */
static zip_int64_t answer(void *self, void *data, zip_uint64_t length, zip_source_cmd_t command) {
    writing *w = self;
    switch (command) {
    case ZIP_SOURCE_OPEN: w->at = 0, w->first = w->count = 0; return 0;
    case ZIP_SOURCE_READ: return read_some(w, data, length);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&w->error, data, length);
    case ZIP_SOURCE_STAT:
        zip_stat_init(data);
        ((zip_stat_t *)data)->size = w->size;
        ((zip_stat_t *)data)->valid = ZIP_STAT_SIZE;
        return sizeof(zip_stat_t);
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_READABLE;
    default: zip_error_set(&w->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

static rf_status add_entry(zip_t *zip, writing *w) {
    char name[300];
    const rf_tensor_entry *entry = &w->array->entry;
    RF_TRY(write_header(w));
    if (!entry->data && !(w->piece = rf__alloc(PIECE * rf__tensor_type_size(entry->type)))) return rf__fail(RF_ENOMEM, "no memory for array %s", entry->name);
    zip_source_t *source = zip_source_function(zip, answer, w);
    if (!source) return rf__fail(RF_ENOMEM, "no memory for array %s", entry->name);
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

rf_status rf__npz_write(const char *path, const rf_npz_array *arrays, int count) {
    int code = 0;
    writing *all = rf__alloc_array((size_t)count + 1, sizeof *all);
    zip_t *zip = all ? zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code) : NULL;
    rf_status status = zip ? RF_OK : rf__fail(all ? RF_EIO : RF_ENOMEM, "%s: cannot be written (zip error %d)", path, code);
    for (int i = 0; i < count && status == RF_OK; i++) {
        all[i].array = &arrays[i];
        status = add_entry(zip, &all[i]);
    }
    /* libzip writes beside the file and renames. */
    if (status == RF_OK && zip_close(zip) == 0) {
        zip = NULL;
    } else if (status == RF_OK) {
        for (int i = 0; i < count && status == RF_OK; i++) status = all[i].status; /* `fill` left its sentence */
        if (status == RF_OK) status = rf__fail(RF_EIO, "%s: cannot be written: %s", path, zip_strerror(zip));
    }
    if (zip) zip_discard(zip);
    for (int i = 0; all && i < count; i++) rf__free(all[i].piece);
    rf__free(all);
    return status;
}

rf_status rf__npz_save(const char *path, const rf_tensor_entry *entries, int count) {
    rf_npz_array *arrays = rf__alloc_array((size_t)count + 1, sizeof *arrays);
    if (!arrays) return rf__fail(RF_ENOMEM, "%s: no memory", path);
    for (int i = 0; i < count; i++) arrays[i].entry = entries[i];
    rf_status status = rf__npz_write(path, arrays, count);
    rf__free(arrays);
    return status;
}
