/* torch_stream.c - PyTorch files before 1.6: five pickles in a row (magic number, version, machine, the object, storage keys), then for
 * each key a count and the raw little-endian numbers. */
#include <string.h>

#include "tensors_inside.h"
#include "torch_flatten.h"

#define PICKLE_LIMIT ((size_t)8 << 20)

typedef struct stream {
    rf_tensors *tensors;
    const rf_pickle *keys;    /* in the order of the blocks */
    const uint8_t **block;    /* [keys] */
    uint64_t *room;           /* [keys] bytes that lie there */
} stream;

static rf_status find(void *self, const rf_pickle *storage, const uint8_t **bytes) {
    const stream *s = self;
    for (int64_t i = 0; i < s->keys->count; i++) {
        if (s->keys->item[i]->kind != RF_PICKLE_TEXT || strcmp(s->keys->item[i]->text, storage->text)) continue;
        if (s->room[i] / rf__tensor_type_size(storage->type) < (uint64_t)storage->number)
            return rf__fail(RF_EFORMAT, "storage %.60s has %llu bytes, expected %lld numbers", storage->text, (unsigned long long)s->room[i],
                            (long long)storage->number);
        *bytes = s->block[i];
        return RF_OK;
    }
    return rf__fail(RF_EFORMAT, "storage %.60s is missing", storage->text);
}

static uint64_t count_at(const uint8_t *p) {
    uint64_t count = 0;
    for (int i = 0; i < 8; i++) count |= (uint64_t)p[i] << (8 * i);
    return count;
}

/* The type of a key is said by the tensors that use it; NULL: nobody does. */
static const rf_pickle *user_of(const rf_pickle *value, const char *key, int depth) {
    if (depth > 32) return NULL;
    if (value->kind == RF_PICKLE_TENSOR) return strcmp(value->storage->text, key) ? NULL : value->storage;
    const rf_pickle *found = NULL;
    for (int64_t i = 0; (value->kind == RF_PICKLE_LIST || value->kind == RF_PICKLE_DICT) && i < value->count && !found; i++)
        found = user_of(value->item[i], key, depth + 1);
    return found;
}

/* A copy of the blocks: the bytes of the file are only borrowed. */
static rf_status read_blocks(stream *s, const rf_pickle *object, const uint8_t *at, size_t size) {
    uint8_t *copy = rf__tensors_block(s->tensors, size);
    if (!copy) return rf__fail(RF_ENOMEM, "no memory for %zu bytes", size);
    memcpy(copy, at, size);
    size_t used = 0;
    for (int64_t i = 0; i < s->keys->count; i++) {
        const rf_pickle *key = s->keys->item[i];
        const rf_pickle *storage = key->kind == RF_PICKLE_TEXT ? user_of(object, key->text, 0) : NULL;
        if (!storage) return rf__fail(RF_EFORMAT, "storage number %lld belongs to no tensor, so its size is not known", (long long)i);
        uint64_t count = size - used >= 8 ? count_at(copy + used) : UINT64_MAX, width = rf__tensor_type_size(storage->type);
        if (count > (size - used - 8) / width)
            return rf__fail(RF_EFORMAT, "storage %.60s does not fit in the file: truncated", key->text);
        s->block[i] = copy + used + 8;
        s->room[i] = count * width;
        used += 8 + (size_t)(count * width);
    }
    return RF_OK;
}

rf_status rf__tensors_read_torch_stream(rf_tensors *tensors, rf_bytes bytes) {
    enum { MAGIC, VERSION, MACHINE, OBJECT, KEYS, PICKLES };
    const rf_pickle *part[PICKLES];
    size_t at = 0, used;
    for (int i = 0; i < PICKLES; i++) {
        size_t left = bytes.size - at;
        RF_TRY(rf__pickle_read(&part[i], tensors->arena, bytes.at + at, left < PICKLE_LIMIT ? left : PICKLE_LIMIT, &used));
        at += used;
        if (i == VERSION && (part[i]->kind != RF_PICKLE_INT || part[i]->number != 1001))
            return rf__fail(RF_EFORMAT, "is a pickle, but not one of PyTorch: its version is not 1001");
    }
    if (part[KEYS]->kind != RF_PICKLE_LIST) return rf__fail(RF_EFORMAT, "has no list of storages");
    size_t keys = (size_t)part[KEYS]->count + 1;
    stream s = {.tensors = tensors, .keys = part[KEYS], .block = rf__arena_alloc(tensors->arena, keys * sizeof *s.block),
                .room = rf__arena_alloc(tensors->arena, keys * sizeof *s.room)};
    if (!s.block || !s.room) return rf__fail(RF_ENOMEM, "no memory for %zu storages", keys);
    RF_TRY(read_blocks(&s, part[OBJECT], bytes.at + at, bytes.size - at));
    tensors->format = "torch stream";
    return rf__torch_flatten(tensors, part[OBJECT], (rf_storage_source){&s, find});
}
