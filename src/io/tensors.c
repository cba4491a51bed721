/* tensors.c - see tensors.h: recognising the format, and what all formats share. */
#include "tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "tensors_inside.h"

#define FILE_LIMIT ((uint64_t)8 << 30)
#define LIST_LIMIT ((uint64_t)16 << 20)

/* ---- formats ---- */

static rf_status read_safetensors(rf_tensors *tensors, rf_bytes bytes) {
    /* A copy, so that every format owns what its entries point to. */
    uint8_t *copy = rf__tensors_block(tensors, bytes.size);
    if (!copy) return rf__fail(RF_ENOMEM, "no memory for %zu bytes", bytes.size);
    memcpy(copy, bytes.at, bytes.size);
    RF_TRY(rf__safetensors_parse(&tensors->file, copy, bytes.size, "file"));
    for (int i = 0; i < rf__safetensors_count(tensors->file); i++) {
        const rf_tensor_entry *e = rf__safetensors_entry(tensors->file, i);
        RF_TRY(rf__tensors_add(tensors, e->name, e->type, e->rank, e->dim, e->data));
    }
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

void *rf__tensors_block(rf_tensors *tensors, size_t size) {
    if (tensors->block_count == tensors->block_room) {
        int room = tensors->block_room ? 2 * tensors->block_room : 64;
        void **wider = realloc(tensors->blocks, (size_t)room * sizeof *wider);
        if (!wider) return NULL;
        tensors->blocks = wider;
        tensors->block_room = room;
    }
    void *block = rf__alloc(size ? size : 1);
    if (block) tensors->blocks[tensors->block_count++] = block;
    return block;
}

/* ---- opening ---- */

static rf_status begin(rf_tensors **out) {
    rf_tensors *tensors = *out = rf__alloc(sizeof *tensors);
    if (tensors && (tensors->arena = rf__arena_create())) return RF_OK;
    return rf__fail(RF_ENOMEM, "no memory");
}

static rf_status finish(rf_tensors **tensors, rf_status status, const char *name) {
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
    rf_status status = begin(out);
    if (status == RF_OK) status = parse(*out, (rf_bytes){bytes, size});
    return finish(out, status, name);
}

rf_status rf__tensors_parse_ncnn(rf_tensors **out, const void *list, size_t list_size, const void *bytes, size_t size, const char *name) {
    rf_status status = begin(out);
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
    uint8_t *bytes = NULL, *list = NULL;
    size_t size = 0, list_size = 0;
    char list_path[1024];
    *out = NULL;
    RF_TRY(rf__file_read(path, FILE_LIMIT, &bytes, &size));
    bool beside = list_beside(path, list_path);
    rf_status status = beside ? rf__file_read(list_path, LIST_LIMIT, &list, &list_size) : RF_OK;
    if (status == RF_OK)
        status = beside ? rf__tensors_parse_ncnn(out, list, list_size, bytes, size, path) : rf__tensors_parse(out, bytes, size, path);
    rf__free(list);
    rf__free(bytes);
    return status;
}

void rf__tensors_close(rf_tensors **tensors) {
    rf_tensors *dead = *tensors;
    if (!dead) return;
    rf__safetensors_close(&dead->file);
    for (int i = 0; i < dead->block_count; i++) rf__free(dead->blocks[i]);
    free(dead->blocks);
    free(dead->entries);
    rf__arena_free(&dead->arena);
    rf__free(dead);
    *tensors = NULL;
}

const char *rf__tensors_format(const rf_tensors *tensors) { return tensors->format; }
int rf__tensors_count(const rf_tensors *tensors) { return tensors->count; }
const rf_tensor_entry *rf__tensors_entry(const rf_tensors *tensors, int index) { return &tensors->entries[index]; }

const rf_tensor_entry *rf__tensors_find(const rf_tensors *tensors, const char *name) {
    for (int i = 0; i < tensors->count; i++)
        if (!strcmp(tensors->entries[i].name, name)) return &tensors->entries[i];
    return NULL;
}
