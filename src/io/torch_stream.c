/* torch_stream.c - PyTorch files before 1.6: five pickles in a row (magic number, version, machine, the object, storage keys), then for
 * each key a count and the raw little-endian numbers. */
#include <stdlib.h>
#include <string.h>

#include "tensors_inside.h"
#include "torch_flatten.h"

#define PICKLE_LIMIT ((size_t)8 << 20)

typedef struct block {
    const char *key;
    const uint8_t *at;
    uint64_t room; /* bytes that lie there */
} block;

typedef struct stream {
    int64_t count;
    block *blocks; /* sorted by key once all are known */
} stream;

static int by_key(const void *a, const void *b) { return strcmp(((const block *)a)->key, ((const block *)b)->key); }
static int by_text(const void *a, const void *b) { return strcmp((*(const rf_pickle *const *)a)->text, (*(const rf_pickle *const *)b)->text); }

static rf_status find(void *self, const rf_pickle *storage, const uint8_t **bytes) {
    const stream *s = self;
    const block *found = bsearch(&(block){.key = storage->text}, s->blocks, (size_t)s->count, sizeof *found, by_key);
    if (!found) return rf__fail(RF_EFORMAT, "storage %.60s is missing", storage->text);
    if (found->room / rf__tensor_type_size(storage->type) < (uint64_t)storage->number)
        return rf__fail(RF_EFORMAT, "storage %.60s has %llu bytes, expected %lld numbers", storage->text, (unsigned long long)found->room,
                        (long long)storage->number);
    *bytes = found->at;
    return RF_OK;
}

static uint64_t count_at(const uint8_t *p) {
    uint64_t count = 0;
    for (int i = 0; i < 8; i++) count |= (uint64_t)p[i] << (8 * i);
    return count;
}

/* keys: in the order of the blocks. storages: those that the object names, sorted; they say the type of a key. */
static rf_status read_blocks(stream *s, const rf_pickle *keys, const rf_pickle *storages, rf_bytes bytes) {
    size_t used = 0;
    for (int64_t i = 0; i < keys->count; i++) {
        const rf_pickle *key = keys->item[i], *const *user = NULL;
        if (key->kind == RF_PICKLE_TEXT && storages->count)
            user = bsearch(&key, storages->item, (size_t)storages->count, sizeof key, by_text);
        if (!user) return rf__fail(RF_EFORMAT, "storage number %lld belongs to no tensor, so its size is not known", (long long)i);
        uint64_t count = bytes.size - used >= 8 ? count_at(bytes.at + used) : UINT64_MAX, width = rf__tensor_type_size((*user)->type);
        if (bytes.size - used < 8 || count > (bytes.size - used - 8) / width)
            return rf__fail(RF_EFORMAT, "storage %.60s does not fit in the file: truncated", key->text);
        s->blocks[i] = (block){key->text, bytes.at + used + 8, count * width};
        used += 8 + (size_t)(count * width);
    }
    if (s->count) qsort(s->blocks, (size_t)s->count, sizeof *s->blocks, by_key);
    return RF_OK;
}

/* {"little_endian": True, ...} */
static rf_status check_machine(const rf_pickle *machine) {
    for (int64_t i = 0; machine->kind == RF_PICKLE_DICT && i + 1 < machine->count; i += 2) {
        const rf_pickle *key = machine->item[i], *value = machine->item[i + 1];
        if (key->kind == RF_PICKLE_TEXT && !strcmp(key->text, "little_endian") && value->kind == RF_PICKLE_BOOL && !value->number)
            return rf__fail(RF_EUNSUPPORTED, "was written by a big-endian machine, which is not read");
    }
    return RF_OK;
}

rf_status rf__tensors_read_torch_stream(rf_tensors *tensors, rf_bytes bytes) {
    enum { MAGIC, VERSION, MACHINE, OBJECT, KEYS, PICKLES };
    const rf_pickle *part[PICKLES], *storages = NULL;
    size_t at = 0, used;
    for (int i = 0; i < PICKLES; i++) {
        size_t left = bytes.size - at;
        RF_TRY(rf__pickle_read(&part[i], tensors->arena, bytes.at + at, left < PICKLE_LIMIT ? left : PICKLE_LIMIT, &used,
                               i == OBJECT ? &storages : NULL));
        at += used;
        if (i == VERSION && (part[i]->kind != RF_PICKLE_INT || part[i]->number != 1001))
            return rf__fail(RF_EFORMAT, "is a pickle, but not one of PyTorch: its version is not 1001");
    }
    RF_TRY(check_machine(part[MACHINE]));
    if (part[KEYS]->kind != RF_PICKLE_LIST) return rf__fail(RF_EFORMAT, "has no list of storages");
    stream s = {.count = part[KEYS]->count};
    s.blocks = rf__arena_alloc(tensors->arena, (size_t)(s.count + 1) * sizeof *s.blocks);
    if (!s.blocks) return rf__fail(RF_ENOMEM, "no memory for %lld storages", (long long)s.count);
    if (storages->count) qsort(storages->item, (size_t)storages->count, sizeof *storages->item, by_text);
    RF_TRY(read_blocks(&s, part[KEYS], storages, (rf_bytes){bytes.at + at, bytes.size - at}));
    tensors->format = "torch stream";
    return rf__torch_flatten(tensors, part[OBJECT], (rf_storage_source){&s, find});
}
