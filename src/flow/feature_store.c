/* feature_store.c - see feature_store.h. */
#include "feature_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct entry {
    rf_feature_key key;
    int64_t tokens, width;
    size_t bytes;
    bool half;    /* bf16 numbers, 16 bits each */
    void *memory; /* NULL: on disk at `offset` */
    size_t offset;
} entry;

struct rf_feature_store {
    entry *at;
    int count, room;
    int newest; /* walks ask in the order in which they were recorded, or the other way round: look there first */
    size_t memory, disk;
    FILE *file; /* has no name; NULL until it is needed */
    void *scratch;
    size_t scratch_bytes;
    rf_feature_stats stats;
};

rf_status rf__feature_store_create(rf_feature_store **out, size_t memory, size_t disk) {
    *out = calloc(1, sizeof **out);
    if (!*out) return rf__fail(RF_ENOMEM, "no memory for a feature store");
    (*out)->memory = memory;
    (*out)->disk = disk;
    return RF_OK;
}

void rf__feature_store_free(rf_feature_store **store) {
    rf_feature_store *dead = *store;
    if (!dead) return;
    for (int i = 0; i < dead->count; i++) free(dead->at[i].memory);
    if (dead->file) fclose(dead->file);
    free(dead->scratch);
    free(dead->at);
    free(dead);
    *store = NULL;
}

rf_feature_stats rf__feature_store_stats(const rf_feature_store *store) { return store->stats; }

static bool same(rf_feature_key a, rf_feature_key b) {
    return a.interval == b.interval && a.inside == b.inside && a.block == b.block && a.tensor == b.tensor;
}

static entry *find(rf_feature_store *store, rf_feature_key key) {
    for (int distance = 0; distance < store->count; distance++) {
        int ahead = store->newest + distance, behind = store->newest - distance;
        if (ahead < store->count && same(store->at[ahead].key, key)) return &store->at[store->newest = ahead];
        if (behind >= 0 && same(store->at[behind].key, key)) return &store->at[store->newest = behind];
        if (ahead >= store->count && behind < 0) return NULL;
    }
    return NULL;
}

static entry *add(rf_feature_store *store, rf_feature_key key) {
    if (store->count == store->room) {
        int room = store->room ? 2 * store->room : 64;
        entry *larger = realloc(store->at, (size_t)room * sizeof *larger);
        if (!larger) return NULL;
        store->at = larger;
        store->room = room;
    }
    entry *e = &store->at[store->count];
    *e = (entry){.key = key};
    store->newest = store->count++;
    return e;
}

static bool all_half(const float *from, int64_t tokens, int64_t width, int64_t stride) {
    uint32_t low = 0;
    for (int64_t i = 0; i < tokens; i++)
        for (int64_t j = 0; j < width; j++) {
            uint32_t bits;
            memcpy(&bits, from + i * stride + j, sizeof bits);
            low |= bits & 0xffff;
        }
    return low == 0;
}

static void pack(const entry *e, const float *from, int64_t stride, void *to) {
    uint16_t *halves = to;
    for (int64_t i = 0; i < e->tokens; i++) {
        if (!e->half) memcpy((float *)to + i * e->width, from + i * stride, (size_t)e->width * sizeof(float));
        else
            for (int64_t j = 0; j < e->width; j++) memcpy(halves + i * e->width + j, (const char *)(from + i * stride + j) + 2, 2);
    }
}

static void unpack(const entry *e, const void *from, int64_t stride, float *to) {
    const uint16_t *halves = from;
    for (int64_t i = 0; i < e->tokens; i++) {
        if (!e->half) memcpy(to + i * stride, (const float *)from + i * e->width, (size_t)e->width * sizeof(float));
        else
            for (int64_t j = 0; j < e->width; j++) {
                uint32_t bits = (uint32_t)halves[i * e->width + j] << 16;
                memcpy(to + i * stride + j, &bits, sizeof bits);
            }
    }
}

static void *scratch(rf_feature_store *store, size_t bytes) {
    if (bytes > store->scratch_bytes) {
        void *larger = realloc(store->scratch, bytes);
        if (!larger) return NULL;
        store->scratch = larger;
        store->scratch_bytes = bytes;
    }
    return store->scratch;
}

static bool write_at(int fd, const char *from, size_t bytes, size_t offset) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(fd, from + done, bytes - done, (off_t)(offset + done));
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool read_at(int fd, char *to, size_t bytes, size_t offset) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, to + done, bytes - done, (off_t)(offset + done));
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool to_disk(rf_feature_store *store, entry *e, const float *from, int64_t stride) {
    if (store->stats.disk_bytes + e->bytes > store->disk) return false;
    if (!store->file) store->file = tmpfile();
    char *packed = scratch(store, e->bytes);
    if (!store->file || !packed) return false;
    pack(e, from, stride, packed);
    e->offset = store->stats.disk_bytes;
    if (!write_at(fileno(store->file), packed, e->bytes, e->offset)) return false;
    store->stats.disk_bytes += e->bytes;
    return true;
}

static bool place(rf_feature_store *store, entry *e, const float *from, int64_t stride) {
    if (store->stats.memory_bytes + e->bytes <= store->memory && (e->memory = malloc(e->bytes)) != NULL) {
        pack(e, from, stride, e->memory);
        store->stats.memory_bytes += e->bytes;
        return true;
    }
    return to_disk(store, e, from, stride);
}

/* The space on disk of an entry that is put again is not used again: that happens only when a failed call is repeated. */
static void forget(rf_feature_store *store, entry *e) {
    if (e->memory) store->stats.memory_bytes -= e->bytes;
    free(e->memory);
    store->stats.kept--;
    *e = store->at[--store->count];
    store->newest = 0;
}

bool rf__feature_store_put(rf_feature_store *store, rf_feature_key key, int64_t tokens, int64_t width, int64_t stride, const float *from) {
    entry *e = find(store, key);
    if (e) forget(store, e);
    e = add(store, key);
    if (e) {
        e->tokens = tokens;
        e->width = width;
        e->half = all_half(from, tokens, width, stride);
        e->bytes = (size_t)(tokens * width) * (e->half ? 2 : 4);
        store->stats.kept++;
        if (place(store, e, from, stride)) return true;
        forget(store, e);
    }
    store->stats.dropped++;
    return false;
}

bool rf__feature_store_get(rf_feature_store *store, rf_feature_key key, int64_t tokens, int64_t width, int64_t stride, float *to) {
    const entry *e = find(store, key);
    bool found = e && e->tokens == tokens && e->width == width;
    const void *packed = found ? e->memory : NULL;
    if (found && !packed) {
        char *room = scratch(store, e->bytes);
        found = room && read_at(fileno(store->file), room, e->bytes, e->offset);
        packed = room;
    }
    if (found) unpack(e, packed, stride, to);
    *(found ? &store->stats.hits : &store->stats.misses) += 1;
    return found;
}
