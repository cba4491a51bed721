/* tensors.c - see tensors.h: recognising the format, and what all formats share. */
#include "tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "tensors_inside.h"

#define LIST_LIMIT ((uint64_t)16 << 20)
#define HELD_FACTOR 64              /* weights do not pack better than by a small factor; zeros do */
#define HELD_LEAST ((uint64_t)64 << 20)

/* ---- formats ---- */

static rf_status read_safetensors(rf_tensors *tensors, rf_bytes bytes) {
    RF_TRY(rf__safetensors_parse(&tensors->file, bytes.at, bytes.size, NULL));
    for (int i = 0; i < rf__safetensors_count(tensors->file); i++) {
        const rf_tensor_entry *e = rf__safetensors_entry(tensors->file, i);
        RF_TRY(rf__tensors_add(tensors, e->name, e->type, e->rank, e->dim, e->data));
    }
    json_object_update(tensors->metadata, (json_t *)rf__safetensors_metadata_all(tensors->file));
    return RF_OK;
}

static bool is_zip(rf_bytes b) { return b.size >= 4 && memcmp(b.at, "PK\3\4", 4) == 0; }
static bool is_pickle(rf_bytes b) { return b.size >= 2 && b.at[0] == 0x80 && b.at[1] >= 2 && b.at[1] <= 5; }
static bool is_safetensors(rf_bytes b) { return b.size > 8 && b.at[8] == '{'; }

static const struct format {
    const char *name;
    bool (*is)(rf_bytes bytes);
    rf_status (*read)(rf_tensors *tensors, rf_bytes bytes);
} formats[] = {
    {"zip", is_zip, rf__tensors_read_zip},
    {"torch stream", is_pickle, rf__tensors_read_torch_stream},
    {"safetensors", is_safetensors, read_safetensors},
};

/* ---- shared by the formats ---- */

rf_status rf__tensors_add(rf_tensors *tensors, const char *name, rf_tensor_type type, int rank, const int64_t *dim, const void *data) {
    if (tensors->count == RF_TENSORS_MOST) return rf__fail(RF_EFORMAT, "has more than %d tensors", RF_TENSORS_MOST);
    if (tensors->count == tensors->room) {
        int room = tensors->room ? 2 * tensors->room : 64;
        rf_tensor_entry *wider = realloc(tensors->entries, (size_t)room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "no memory for %d tensors", room);
        tensors->entries = wider;
        tensors->room = room;
    }
    rf_tensor_entry *entry = &tensors->entries[tensors->count];
    *entry = (rf_tensor_entry){.name = rf__arena_strdup(tensors->arena, name), .type = type, .rank = rank, .count = 1, .data = data};
    if (!entry->name) return rf__fail(RF_ENOMEM, "no memory for a name");
    for (int i = 0; i < rank; i++) {
        entry->dim[i] = dim[i];
        entry->count *= dim[i];
    }
    tensors->count++;
    return RF_OK;
}

rf_status rf__tensors_add_lazy(rf_tensors *tensors, int64_t member, size_t start) {
    rf_lazy *wider = realloc(tensors->lazy, (size_t)(tensors->lazy_count + 1) * sizeof *wider);
    if (!wider) return rf__fail(RF_ENOMEM, "no memory for %d arrays", tensors->lazy_count);
    tensors->lazy = wider;
    tensors->lazy[tensors->lazy_count++] = (rf_lazy){tensors->count - 1, member, start};
    return RF_OK;
}

static rf_status unpacks_too_far(const rf_tensors *tensors) {
    return rf__fail(RF_EFORMAT, "unpacks to more than %llu bytes, %d times its size: refused", (unsigned long long)tensors->most, HELD_FACTOR);
}

rf_status rf__tensors_note(rf_tensors *tensors, const char *key, const char *text) {
    size_t size = strlen(text);
    if (json_object_size(tensors->metadata) >= RF_TENSORS_MOST) return rf__fail(RF_EFORMAT, "has more than %d values beside its tensors", RF_TENSORS_MOST);
    if (size > tensors->most - tensors->held) return unpacks_too_far(tensors);
    tensors->held += size;
    /* Text that is not UTF-8 has no place in a JSON report. */
    json_t *value = json_string(text);
    if (json_object_set_new(tensors->metadata, key, value ? value : json_string("(not text)")))
        return rf__fail(RF_EFORMAT, "has a name that is not UTF-8");
    return RF_OK;
}

rf_status rf__tensors_block(rf_tensors *tensors, uint64_t size, uint8_t **out) {
    if (size > tensors->most - tensors->held) return unpacks_too_far(tensors);
    if (tensors->block_count == tensors->block_room) {
        int room = tensors->block_room ? 2 * tensors->block_room : 64;
        void **wider = realloc(tensors->blocks, (size_t)room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "no memory for %d storages", room);
        tensors->blocks = wider;
        tensors->block_room = room;
    }
    *out = rf__alloc(size ? (size_t)size : 1);
    if (!*out) return rf__fail(RF_ENOMEM, "no memory for %llu bytes", (unsigned long long)size);
    tensors->blocks[tensors->block_count++] = *out;
    tensors->held += size;
    return RF_OK;
}

rf_status rf__tensors_gather(rf_tensors *tensors, rf_tensor_type type, int rank, const int64_t *dim, const int64_t *stride, const uint8_t *from,
                             const uint8_t **out) {
    size_t width = rf__tensor_type_size(type);
    int64_t index[RF_TENSOR_RANK_MAX] = {0}, count = 1;
    uint8_t *copy;
    for (int d = 0; d < rank; d++) count *= dim[d];
    RF_TRY(rf__tensors_block(tensors, (uint64_t)count * width, &copy));
    for (int64_t i = 0; i < count; i++) {
        int64_t at = 0;
        for (int d = 0; d < rank; d++) at += index[d] * stride[d];
        memcpy(copy + (size_t)i * width, from + (size_t)at * width, width);
        for (int d = rank - 1; d >= 0 && ++index[d] == dim[d]; d--) index[d] = 0;
    }
    *out = copy;
    return RF_OK;
}

/* ---- opening ---- */

static rf_status begin(rf_tensors **out, size_t size) {
    rf_tensors *tensors = *out = rf__alloc(sizeof *tensors);
    if (!tensors) return rf__fail(RF_ENOMEM, "no memory");
    tensors->most = HELD_FACTOR * (uint64_t)size + HELD_LEAST;
    tensors->arena = rf__arena_create();
    tensors->metadata = json_object();
    return tensors->arena && tensors->metadata ? RF_OK : rf__fail(RF_ENOMEM, "no memory");
}

static int by_name(const void *a, const void *b, void *entries) {
    const rf_tensor_entry *list = entries;
    return strcmp(list[*(const int *)a].name, list[*(const int *)b].name);
}

/* Two tensors of one name: a key with a dot in it beside a container, or an entry that an archive has twice. */
static rf_status sort_names(rf_tensors *tensors) {
    tensors->order = malloc(((size_t)tensors->count + 1) * sizeof *tensors->order);
    if (!tensors->order) return rf__fail(RF_ENOMEM, "no memory for %d names", tensors->count);
    for (int i = 0; i < tensors->count; i++) tensors->order[i] = i;
    qsort_r(tensors->order, (size_t)tensors->count, sizeof *tensors->order, by_name, tensors->entries);
    for (int i = 1; i < tensors->count; i++)
        if (!by_name(&tensors->order[i - 1], &tensors->order[i], tensors->entries))
            return rf__fail(RF_EFORMAT, "has two tensors called %.100s", tensors->entries[tensors->order[i]].name);
    return RF_OK;
}

static rf_status finish(rf_tensors **tensors, rf_status status, const char *name) {
    if (status == RF_OK) status = sort_names(*tensors);
    if (status == RF_OK) return RF_OK;
    rf__tensors_close(tensors);
    return rf__fail_in(status, "%s: ", name);
}

static rf_status parse(rf_tensors *tensors, rf_bytes all) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!formats[i].is(all)) continue;
        tensors->format = formats[i].name;
        return formats[i].read(tensors, all);
    }
    if (all.size >= 7 && !memcmp(all.at, "7767517", 7))
        return rf__fail(RF_EFORMAT, "is an ncnn list of layers, expected the .bin with the numbers, which lies beside it");
    return rf__fail(RF_EFORMAT, "is none of the formats of tensors that are read: safetensors, PyTorch (.pt, .pth, .th), npz, ncnn (.bin)");
}

rf_status rf__tensors_parse(rf_tensors **out, const void *bytes, size_t size, const char *name) {
    rf_status status = begin(out, size);
    if (status == RF_OK) status = parse(*out, (rf_bytes){bytes, size});
    return finish(out, status, name);
}

rf_status rf__tensors_parse_ncnn(rf_tensors **out, const void *list, size_t list_size, const void *bytes, size_t size, const char *name) {
    rf_status status = begin(out, size);
    if (status == RF_OK) (*out)->format = "ncnn";
    if (status == RF_OK) status = rf__tensors_read_ncnn(*out, (rf_bytes){list, list_size}, (rf_bytes){bytes, size});
    return finish(out, status, name);
}

/* NAME.bin -> NAME.param, when both are there. */
static bool list_beside(const char *path, char list[1024]) {
    size_t length = strlen(path);
    if (length < 4 || strcmp(path + length - 4, ".bin") || length + 3 > 1024) return false;
    snprintf(list, 1024, "%.*s.param", (int)length - 4, path);
    return rf__file_exists(list);
}

rf_status rf__tensors_open(rf_tensors **out, const char *path) {
    const uint8_t *bytes;
    uint8_t *list = NULL;
    size_t size, list_size = 0;
    char list_path[1024];
    *out = NULL;
    RF_TRY(rf__file_map(path, &bytes, &size));
    bool beside = list_beside(path, list_path);
    rf_status status = beside ? rf__file_read(list_path, LIST_LIMIT, &list, &list_size) : RF_OK;
    if (status == RF_OK)
        status = beside ? rf__tensors_parse_ncnn(out, list, list_size, bytes, size, path) : rf__tensors_parse(out, bytes, size, path);
    rf__free(list);
    if (status != RF_OK) {
        rf__file_unmap(&bytes, size);
        return status;
    }
    (*out)->mapping = bytes;
    (*out)->mapped = size;
    return RF_OK;
}

void rf__tensors_close(rf_tensors **tensors) {
    rf_tensors *dead = *tensors;
    if (!dead) return;
    rf__zip_stream_close(&dead->cursor.stream);
    rf__zip_close(&dead->zip);
    rf__safetensors_close(&dead->file);
    for (int i = 0; i < dead->block_count; i++) rf__free(dead->blocks[i]);
    json_decref(dead->metadata);
    free(dead->blocks);
    free(dead->entries);
    free(dead->order);
    free(dead->lazy);
    rf__arena_free(&dead->arena);
    rf__file_unmap(&dead->mapping, dead->mapped);
    rf__free(dead);
    *tensors = NULL;
}

/* ---- using ---- */

const char *rf__tensors_format(const rf_tensors *tensors) { return tensors->format; }
int rf__tensors_count(const rf_tensors *tensors) { return tensors->count; }
const rf_tensor_entry *rf__tensors_entry(const rf_tensors *tensors, int index) { return &tensors->entries[index]; }

const json_t *rf__tensors_metadata_all(const rf_tensors *tensors) { return tensors->metadata; }

const char *rf__tensors_metadata(const rf_tensors *tensors, const char *key) {
    return json_string_value(json_object_get(tensors->metadata, key));
}

const rf_tensor_entry *rf__tensors_find(const rf_tensors *tensors, const char *name) {
    for (int low = 0, high = tensors->count; low < high;) {
        int middle = low + (high - low) / 2, order = strcmp(name, tensors->entries[tensors->order[middle]].name);
        if (!order) return &tensors->entries[tensors->order[middle]];
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

/* Put the cursor before byte `at` of the numbers: on from where it is, or from the start. */
static rf_status seek(rf_tensors *tensors, int lazy, uint64_t at) {
    uint8_t skipped[16384];
    uint64_t left = at - tensors->cursor.at;
    if (!tensors->cursor.stream || tensors->cursor.lazy != lazy || at < tensors->cursor.at) {
        rf__zip_stream_close(&tensors->cursor.stream);
        RF_TRY(rf__zip_stream_open(&tensors->cursor.stream, tensors->zip, tensors->lazy[lazy].member));
        tensors->cursor.lazy = lazy;
        left = at + tensors->lazy[lazy].start;
    }
    for (; left > 0; left -= left < sizeof skipped ? left : sizeof skipped)
        RF_TRY(rf__zip_stream_read(tensors->cursor.stream, skipped, left < sizeof skipped ? left : sizeof skipped));
    tensors->cursor.at = at;
    return RF_OK;
}

static rf_status read_lazy(rf_tensors *tensors, const rf_tensor_entry *entry, uint64_t at, uint64_t size, void *out) {
    int lazy = 0;
    while (&tensors->entries[tensors->lazy[lazy].entry] != entry) lazy++;
    rf_status status = seek(tensors, lazy, at);
    if (status == RF_OK) status = rf__zip_stream_read(tensors->cursor.stream, out, size);
    tensors->cursor.at = at + size;
    if (status != RF_OK) rf__zip_stream_close(&tensors->cursor.stream);
    return status == RF_OK ? RF_OK : rf__fail_in(status, "%s: ", entry->name);
}

rf_status rf__tensors_read(rf_tensors *tensors, const rf_tensor_entry *entry, int64_t first, int64_t count, void *out) {
    size_t width = rf__tensor_type_size(entry->type);
    if (first < 0 || count < 0 || first > entry->count - count)
        return rf__fail(RF_EINVAL, "%s: numbers %lld to %lld of %lld", entry->name, (long long)first, (long long)(first + count), (long long)entry->count);
    if (!entry->data) return read_lazy(tensors, entry, (uint64_t)first * width, (uint64_t)count * width, out);
    memcpy(out, (const uint8_t *)entry->data + (size_t)first * width, (size_t)count * width);
    return RF_OK;
}
