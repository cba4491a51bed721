/* safetensors.c - reader that trusts nothing, writer that completes or leaves nothing. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "../base/file.h"

#define HEADER_LIMIT ((uint64_t)100 << 20)
#define TENSORS_LIMIT 100000

struct rf_safetensors {
    const uint8_t *mapping; /* NULL when the bytes are borrowed */
    size_t mapped;
    const uint8_t *data; /* first byte after the header */
    uint64_t data_size;
    json_t *header;
    rf_tensor_entry *entries;
    uint64_t (*spans)[2]; /* begin, end of each entry */
    int count;
};

/* ---- reading ---- */

static rf_status read_type(const json_t *value, rf_tensor_entry *entry) {
    const char *name = json_string_value(value);
    for (int i = 0; name && i < RF_TENSOR_TYPES; i++)
        if (!strcmp(name, rf__tensor_type_name((rf_tensor_type)i))) {
            entry->type = (rf_tensor_type)i;
            return RF_OK;
        }
    return rf__fail(RF_EFORMAT, "%.100s: dtype is %.20s, expected F32, F16, BF16, F64, I64, I32, I16, I8, U8 or BOOL", entry->name,
                    name ? name : "not a text");
}

static rf_status read_shape(const json_t *value, rf_tensor_entry *entry) {
    if (!json_is_array(value) || json_array_size(value) > RF_TENSOR_RANK_MAX)
        return rf__fail(RF_EFORMAT, "%.100s: shape is not a list of at most %d sizes", entry->name, RF_TENSOR_RANK_MAX);
    entry->rank = (int)json_array_size(value);
    entry->count = 1;
    for (int i = 0; i < entry->rank; i++) {
        const json_t *item = json_array_get(value, (size_t)i);
        int64_t dim = json_integer_value(item);
        if (!json_is_integer(item) || dim < 0 || __builtin_mul_overflow(entry->count, dim, &entry->count) ||
            entry->count > ((int64_t)1 << 48))
            return rf__fail(RF_EFORMAT, "%.100s: shape has the size %lld, or is too large as a whole", entry->name, (long long)dim);
        entry->dim[i] = dim;
    }
    return RF_OK;
}

static rf_status read_span(const rf_safetensors *file, const json_t *value, const rf_tensor_entry *entry, uint64_t span[2]) {
    const json_t *first = json_array_get(value, 0), *last = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return rf__fail(RF_EFORMAT, "%.100s: data_offsets is not a pair of whole numbers", entry->name);
    long long begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > file->data_size)
        return rf__fail(RF_EFORMAT, "%.100s: data_offsets are [%lld, %lld], the file has %llu bytes of data", entry->name, begin, end,
                        (unsigned long long)file->data_size);
    uint64_t wanted = (uint64_t)entry->count * rf__tensor_type_size(entry->type);
    if ((uint64_t)(end - begin) != wanted)
        return rf__fail(RF_EFORMAT, "%.100s: data_offsets span %lld bytes, its shape and dtype need %llu", entry->name, end - begin,
                        (unsigned long long)wanted);
    span[0] = (uint64_t)begin;
    span[1] = (uint64_t)end;
    return RF_OK;
}

static rf_status read_entry(rf_safetensors *file, const char *name, const json_t *value) {
    rf_tensor_entry *entry = &file->entries[file->count];
    entry->name = name;
    if (!json_is_object(value)) return rf__fail(RF_EFORMAT, "%.100s: is not described by an object", name);
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)value, key, item) {
        if (strcmp(key, "dtype") && strcmp(key, "shape") && strcmp(key, "data_offsets"))
            return rf__fail(RF_EFORMAT, "%.100s: unknown key %.40s", name, key);
    }
    RF_TRY(read_type(json_object_get(value, "dtype"), entry));
    RF_TRY(read_shape(json_object_get(value, "shape"), entry));
    RF_TRY(read_span(file, json_object_get(value, "data_offsets"), entry, file->spans[file->count]));
    entry->data = file->data + file->spans[file->count][0];
    file->count++;
    return RF_OK;
}

typedef struct ordered { /* for sorting spans with their owner */
    uint64_t begin, end;
    rf_tensor_entry entry;
} ordered;

static int by_begin(const void *a, const void *b) {
    const ordered *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Tensors must fill the data exactly: an overlap or a hole means that the header lies. */
static rf_status check_spans(rf_safetensors *file) {
    ordered *list = calloc((size_t)file->count + 1, sizeof *list);
    if (!list) return rf__fail(RF_ENOMEM, "no memory for %d tensors", file->count);
    for (int i = 0; i < file->count; i++) list[i] = (ordered){file->spans[i][0], file->spans[i][1], file->entries[i]};
    qsort(list, (size_t)file->count, sizeof *list, by_begin);
    uint64_t at = 0;
    rf_status status = RF_OK;
    for (int i = 0; i < file->count && status == RF_OK; i++) {
        if (list[i].begin != at)
            status = rf__fail(RF_EFORMAT, "%.100s: begins at byte %llu, expected %llu (%s)", list[i].entry.name,
                              (unsigned long long)list[i].begin, (unsigned long long)at, list[i].begin < at ? "overlap" : "hole");
        at = list[i].end;
        file->entries[i] = list[i].entry;
    }
    if (status == RF_OK && at != file->data_size)
        status = rf__fail(RF_EFORMAT, "the tensors end at byte %llu, the data at %llu", (unsigned long long)at,
                          (unsigned long long)file->data_size);
    free(list);
    return status;
}

static rf_status check_metadata(const json_t *metadata) {
    const char *key;
    json_t *value;
    if (metadata && !json_is_object(metadata)) return rf__fail(RF_EFORMAT, "__metadata__ is not an object");
    json_object_foreach((json_t *)metadata, key, value) {
        if (!json_is_string(value)) return rf__fail(RF_EFORMAT, "__metadata__: %.60s is not a text", key);
    }
    return RF_OK;
}

static rf_status parse_header(rf_safetensors *file, const uint8_t *bytes, size_t size) {
    uint64_t length = 0;
    if (size < 8) return rf__fail(RF_EFORMAT, "has %zu bytes, too few for a safetensors file", size);
    for (int i = 7; i >= 0; i--) length = length << 8 | bytes[i];
    if (length > HEADER_LIMIT || length > size - 8)
        return rf__fail(RF_EFORMAT, "says its header has %llu bytes, the file has %zu", (unsigned long long)length, size);
    json_error_t error;
    file->header = json_loadb((const char *)bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!file->header || !json_is_object(file->header))
        return rf__fail(RF_EFORMAT, "its header is not a JSON object (%s)", file->header ? "another value" : error.text);
    size_t room = json_object_size(file->header);
    if (room > TENSORS_LIMIT) return rf__fail(RF_EFORMAT, "has %zu tensors, expected at most %d", room, TENSORS_LIMIT);
    file->data = bytes + 8 + length;
    file->data_size = size - 8 - length;
    file->entries = calloc(room + 1, sizeof *file->entries);
    file->spans = calloc(room + 1, sizeof *file->spans);
    if (!file->entries || !file->spans) return rf__fail(RF_ENOMEM, "no memory for %zu tensors", room);
    RF_TRY(check_metadata(json_object_get(file->header, "__metadata__")));
    const char *name;
    json_t *value;
    json_object_foreach(file->header, name, value) {
        if (strcmp(name, "__metadata__")) RF_TRY(read_entry(file, name, value));
    }
    return check_spans(file);
}

rf_status rf__safetensors_parse(rf_safetensors **out, const void *bytes, size_t size, const char *name) {
    *out = NULL;
    rf_safetensors *file = calloc(1, sizeof *file);
    if (!file) return rf__fail(RF_ENOMEM, "no memory for a checkpoint");
    rf_status status = parse_header(file, bytes, size);
    if (status != RF_OK) {
        rf__safetensors_close(&file);
        return name ? rf__fail_in(status, "%s: ", name) : status;
    }
    *out = file;
    return RF_OK;
}

bool rf__safetensors_begins(const char *path) {
    unsigned char head[9] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    return got < sizeof head || head[8] == '{';
}

rf_status rf__safetensors_open(rf_safetensors **out, const char *path) {
    const uint8_t *bytes;
    size_t size;
    *out = NULL;
    RF_TRY(rf__file_map(path, &bytes, &size));
    rf_status status = rf__safetensors_parse(out, bytes, size, path);
    if (status != RF_OK) {
        rf__file_unmap(&bytes, size);
        return status;
    }
    (*out)->mapping = bytes;
    (*out)->mapped = size;
    return RF_OK;
}

void rf__safetensors_close(rf_safetensors **file_pointer) {
    rf_safetensors *file = file_pointer ? *file_pointer : NULL;
    if (!file) return;
    json_decref(file->header);
    free(file->entries);
    free(file->spans);
    rf__file_unmap(&file->mapping, file->mapped);
    free(file);
    *file_pointer = NULL;
}

int rf__safetensors_count(const rf_safetensors *file) { return file->count; }
const rf_tensor_entry *rf__safetensors_entry(const rf_safetensors *file, int index) { return &file->entries[index]; }

const rf_tensor_entry *rf__safetensors_find(const rf_safetensors *file, const char *name) {
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->entries[i].name, name)) return &file->entries[i];
    return NULL;
}

const json_t *rf__safetensors_metadata_all(const rf_safetensors *file) { return json_object_get(file->header, "__metadata__"); }

const char *rf__safetensors_metadata(const rf_safetensors *file, const char *key) {
    return json_string_value(json_object_get(rf__safetensors_metadata_all(file), key));
}

/* ---- writing ---- */

static json_t *describe(const rf_tensor_entry *entry, uint64_t begin, uint64_t end) {
    json_t *shape = json_array();
    for (int i = 0; i < entry->rank; i++) json_array_append_new(shape, json_integer(entry->dim[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", rf__tensor_type_name(entry->type), "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)end);
}

/* Header text padded with blanks, so that the data starts on a multiple of eight bytes. */
static char *header_text(const rf_tensor_entry *entries, int count, const json_t *metadata) {
    json_t *header = json_object();
    uint64_t at = 0;
    if (header && metadata) json_object_set(header, "__metadata__", (json_t *)metadata);
    for (int i = 0; header && i < count; i++) {
        uint64_t size = (uint64_t)entries[i].count * rf__tensor_type_size(entries[i].type);
        json_object_set_new(header, entries[i].name, describe(&entries[i], at, at + size));
        at += size;
    }
    char *text = header && json_object_size(header) == (size_t)count + (metadata != NULL) ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    size_t length = text ? strlen(text) : 0, padded = (length + 7) / 8 * 8;
    char *wider = text ? realloc(text, padded + 1) : NULL;
    if (!wider) {
        free(text);
        return NULL;
    }
    memset(wider + length, ' ', padded - length);
    wider[padded] = 0;
    return wider;
}

rf_status rf__safetensors_save(const char *path, const rf_tensor_entry *entries, int count, const json_t *metadata) {
    rf_writer *writer;
    char *header = header_text(entries, count, metadata);
    if (!header) return rf__fail(RF_EINVAL, "%s: two tensors share a name, or no memory for the header", path);
    rf_status status = rf__writer_open(&writer, path);
    if (status != RF_OK) {
        free(header);
        return status;
    }
    FILE *stream = rf__writer_stream(writer);
    uint64_t length = strlen(header);
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)(length >> (8 * i));
    fwrite(prefix, 1, 8, stream);
    fwrite(header, 1, (size_t)length, stream);
    for (int i = 0; i < count && !ferror(stream); i++)
        fwrite(entries[i].data, rf__tensor_type_size(entries[i].type), (size_t)entries[i].count, stream);
    free(header);
    return rf__writer_commit(&writer); /* reports what any of the writes met */
}
