/* pairs.c - see pairs.h. */
#include "pairs.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/rng.h"

#define MAGIC "STRAIT PAIRS 1\n"
enum { HEAD = 4096, FIXED = 16 /* key, label, reserved */, SCALARS_MOST = 1 << 24 };

typedef struct layout {
    int64_t scalars;
    size_t data, noise, record; /* bytes */
} layout;

struct rf_pairs {
    rf_pairs_head head;
    layout layout;
    const uint8_t *mapping;
    size_t mapped;
    int64_t count;
};

struct rf_pairs_writer {
    char *path;
    int file, lock;
    layout layout;
    rf_pairs_data data;
    int64_t done;
    uint64_t *keys; /* [room], sorted only when asked */
    int64_t room, sorted;
    uint8_t *record;
};

static layout layout_of(const rf_pairs_head *head) {
    layout l = {.scalars = (int64_t)head->height * head->width * head->channels};
    l.data = (size_t)l.scalars * (head->data == RF_PAIRS_F32 ? 4 : 1);
    l.noise = head->noise ? (size_t)l.scalars * 4 : 0;
    l.record = FIXED + l.data + l.noise + 4;
    return l;
}

/* ---- head ---- */

static json_t *head_json(const rf_pairs_head *head) {
    return json_pack("{s:i, s:i, s:i, s:i, s:b, s:s, s:b, s:I, s:O?}", "height", head->height, "width", head->width, "channels", head->channels,
                     "classes", head->classes, "flat", head->flat, "data", head->data == RF_PAIRS_F32 ? "f32" : "u8", "noise", head->noise,
                     "planned", (json_int_t)head->planned, "provenance", head->provenance);
}

static rf_status parse_head(rf_pairs_head *head, const uint8_t *bytes, json_t **json) {
    char text[HEAD + 1];
    if (memcmp(bytes, MAGIC, sizeof MAGIC - 1) != 0) return rf__fail(RF_EFORMAT, "is no store of pairs");
    memcpy(text, bytes + sizeof MAGIC - 1, HEAD - (sizeof MAGIC - 1));
    text[HEAD - (sizeof MAGIC - 1)] = 0;
    json_t *object = *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    const char *data = json_string_value(json_object_get(object, "data"));
    const char *keys[] = {"height", "width", "channels", "classes"};
    int *places[] = {&head->height, &head->width, &head->channels, &head->classes};
    for (int i = 0; i < 4; i++) {
        json_int_t value = json_integer_value(json_object_get(object, keys[i]));
        if (value < (i < 3) || value > SCALARS_MOST) return rf__fail(RF_EFORMAT, "its head has %s %lld", keys[i], (long long)value);
        *places[i] = (int)value;
    }
    if (!data || (strcmp(data, "u8") && strcmp(data, "f32"))) return rf__fail(RF_EFORMAT, "its head does not say how the data are stored");
    if ((double)head->height * head->width * head->channels > SCALARS_MOST) return rf__fail(RF_EFORMAT, "its head has pictures of more than %d numbers", SCALARS_MOST);
    head->data = strcmp(data, "f32") ? RF_PAIRS_U8 : RF_PAIRS_F32;
    head->flat = json_is_true(json_object_get(object, "flat"));
    head->noise = json_is_true(json_object_get(object, "noise"));
    head->planned = json_integer_value(json_object_get(object, "planned"));
    head->provenance = json_object_get(object, "provenance"); /* borrowed from *json */
    return RF_OK;
}

/* ---- records ---- */

static uint32_t load32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static void store32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t key_of(const uint8_t *record) { return (uint64_t)load32(record + 4) << 32 | load32(record); }

static bool is_valid(const uint8_t *record, const layout *l) {
    return load32(record + l->record - 4) == (uint32_t)crc32(0, record, (uInt)(l->record - 4));
}

/* ---- writing ---- */

static rf_status write_all(const rf_pairs_writer *w, const uint8_t *bytes, size_t size, off_t at) {
    for (size_t done = 0; done < size;) {
        ssize_t wrote = pwrite(w->file, bytes + done, size - done, at + (off_t)done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0)
            return rf__fail(RF_EIO, "%s: pair %lld cannot be written: %s; the store has those before it and can be gone on with", w->path,
                            (long long)w->done, strerror(wrote ? errno : ENOSPC));
        done += (size_t)wrote;
    }
    return RF_OK;
}

static rf_status write_head(rf_pairs_writer *w, const rf_pairs_head *head) {
    uint8_t bytes[HEAD];
    json_t *json = head_json(head);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    size_t length = text ? strlen(text) : 0, room = HEAD - (sizeof MAGIC - 1) - 1;
    rf_status status = text && length <= room ? RF_OK : rf__fail(RF_EINVAL, "%s: the head has %zu bytes, expected at most %zu", w->path, length, room);
    memset(bytes, ' ', sizeof bytes);
    memcpy(bytes, MAGIC, sizeof MAGIC - 1);
    if (status == RF_OK) memcpy(bytes + sizeof MAGIC - 1, text, length);
    bytes[HEAD - 1] = '\n';
    if (status == RF_OK) status = write_all(w, bytes, HEAD, 0);
    free(text);
    json_decref(json);
    return status;
}

/* The first key of ours that the file's head has otherwise. */
static rf_status same_head(const rf_pairs_head *ours, const uint8_t *bytes, const char *path) {
    rf_pairs_head theirs;
    json_t *file = NULL, *mine = head_json(ours);
    const char *key;
    json_t *value;
    rf_status status = parse_head(&theirs, bytes, &file);
    if (status != RF_OK) rf__fail_in(status, "%s: ", path);
    json_t *flat_file = json_copy(file), *flat_mine = json_copy(mine);
    json_object_update(flat_file, json_object_get(file, "provenance"));
    json_object_update(flat_mine, json_object_get(mine, "provenance"));
    json_object_foreach(flat_mine, key, value) {
        if (status != RF_OK || !strcmp(key, "provenance") || json_equal(value, json_object_get(flat_file, key))) continue;
        char *a = json_dumps(json_object_get(flat_file, key), JSON_ENCODE_ANY), *b = json_dumps(value, JSON_ENCODE_ANY);
        status = rf__fail(RF_EMISMATCH, "%s: was made with %s %.80s, expected %.80s: another file, or the settings it was begun with", path, key,
                          a ? a : "nothing", b ? b : "nothing");
        free(a);
        free(b);
    }
    json_decref(flat_file);
    json_decref(flat_mine);
    json_decref(file);
    json_decref(mine);
    return status;
}

static rf_status remember(rf_pairs_writer *w, uint64_t key) {
    if (w->done == w->room) {
        int64_t room = w->room ? 2 * w->room : 1024;
        uint64_t *wider = realloc(w->keys, (size_t)room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "%s: no memory for the keys of %lld pairs", w->path, (long long)room);
        w->keys = wider;
        w->room = room;
    }
    w->keys[w->done++] = key;
    return RF_OK;
}

static off_t place_of(const rf_pairs_writer *w, int64_t index) { return HEAD + (off_t)index * (off_t)w->layout.record; }

static rf_status read_record(const rf_pairs_writer *w, int64_t index) {
    if (pread(w->file, w->record, w->layout.record, place_of(w, index)) == (ssize_t)w->layout.record) return RF_OK;
    return rf__fail(RF_EIO, "%s: pair %lld cannot be read: %s", w->path, (long long)index, strerror(errno));
}

/* Keys of the valid records. The last record takes the place of a damaged one, as their order means nothing, and what is behind them is cut off. */
static rf_status scan(rf_pairs_writer *w) {
    struct stat info;
    if (fstat(w->file, &info) != 0) return rf__fail(RF_EIO, "%s: %s", w->path, strerror(errno));
    int64_t count = (info.st_size - HEAD) / (off_t)w->layout.record, end = count;
    while (w->done < end) {
        RF_TRY(read_record(w, w->done));
        if (is_valid(w->record, &w->layout)) {
            RF_TRY(remember(w, key_of(w->record)));
            continue;
        }
        if (--end == w->done) break;
        RF_TRY(read_record(w, end));
        RF_TRY(write_all(w, w->record, w->layout.record, place_of(w, w->done)));
    }
    const int64_t torn = info.st_size - place_of(w, count);
    if (end < count) rf__warn("%s: %lld of %lld pairs are damaged and left out", w->path, (long long)(count - end), (long long)count);
    if (torn) rf__info("%s: %lld bytes behind pair %lld are incomplete and cut off", w->path, (long long)torn, (long long)count);
    if (ftruncate(w->file, place_of(w, end)) != 0) return rf__fail(RF_EIO, "%s: %s", w->path, strerror(errno));
    return RF_OK;
}

static rf_status begin(rf_pairs_writer *w, const rf_pairs_head *head) {
    uint8_t bytes[HEAD];
    w->file = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (w->file < 0) return rf__fail(RF_EIO, "%s: cannot be opened for writing: %s", w->path, strerror(errno));
    RF_TRY(rf__path_lock(&w->lock, w->path, false));
    ssize_t got = pread(w->file, bytes, HEAD, 0);
    if (got == 0) {
        rf_status status = write_head(w, head);
        if (status != RF_OK) unlink(w->path); /* half a head would be no store for anybody */
        return status;
    }
    if (got != HEAD) return rf__fail(RF_EFORMAT, "%s: is no store of pairs (%lld bytes)", w->path, (long long)got);
    RF_TRY(same_head(head, bytes, w->path));
    return scan(w);
}

rf_status rf__pairs_append(rf_pairs_writer **out, const char *path, const rf_pairs_head *head) {
    *out = NULL;
    rf_pairs_writer *w = rf__alloc(sizeof *w);
    if (!w) return rf__fail(RF_ENOMEM, "%s: no memory", path);
    *w = (rf_pairs_writer){.path = strdup(path), .file = -1, .lock = -1, .layout = layout_of(head), .data = head->data};
    w->record = rf__alloc(w->layout.record);
    rf_status status = w->path && w->record ? begin(w, head) : rf__fail(RF_ENOMEM, "%s: no memory", path);
    if (status == RF_OK) *out = w;
    else rf__pairs_close(&w);
    return status;
}

int64_t rf__pairs_done(const rf_pairs_writer *writer) { return writer->done; }

static int by_key(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool rf__pairs_has(const rf_pairs_writer *writer, uint64_t key) {
    rf_pairs_writer *w = (rf_pairs_writer *)writer; /* the order of the keys is nobody's business */
    if (w->sorted != w->done) qsort(w->keys, (size_t)w->done, sizeof *w->keys, by_key);
    w->sorted = w->done;
    return w->done && bsearch(&key, w->keys, (size_t)w->done, sizeof *w->keys, by_key);
}

rf_status rf__pairs_write(rf_pairs_writer *w, uint64_t key, int32_t label, const float *x1, const float *x0) {
    uint8_t *at = w->record;
    if ((x0 != NULL) != (w->layout.noise != 0)) return rf__fail(RF_EINVAL, "%s: its pairs have %s noise", w->path, x0 ? "no" : "stored");
    store32(at, (uint32_t)key);
    store32(at + 4, (uint32_t)(key >> 32));
    store32(at + 8, (uint32_t)label);
    store32(at + 12, 0);
    at += FIXED;
    if (w->data == RF_PAIRS_F32) memcpy(at, x1, w->layout.data);
    else
        for (int64_t i = 0; i < w->layout.scalars; i++) {
            float level = rintf((x1[i] + 1) * 127.5f);
            at[i] = (uint8_t)(level > 0 ? level < 255 ? level : 255 : 0);
        }
    at += w->layout.data;
    if (x0) memcpy(at, x0, w->layout.noise);
    store32(at + w->layout.noise, (uint32_t)crc32(0, w->record, (uInt)(w->layout.record - 4)));
    RF_TRY(write_all(w, w->record, w->layout.record, place_of(w, w->done)));
    return remember(w, key);
}

rf_status rf__pairs_close(rf_pairs_writer **writer) {
    rf_pairs_writer *w = *writer;
    if (!w) return RF_OK;
    rf_status status = RF_OK;
    if (w->file >= 0 && fsync(w->file) != 0) status = rf__fail(RF_EIO, "%s: %s", w->path, strerror(errno));
    if (w->file >= 0) close(w->file);
    rf__path_unlock(&w->lock);
    rf__free(w->record);
    free(w->keys);
    free(w->path);
    rf__free(w);
    *writer = NULL;
    return status;
}

/* ---- reading ---- */

static rf_status read_store(rf_pairs *p, const char *path) {
    json_t *json = NULL;
    if (p->mapped < HEAD) return rf__fail(RF_EFORMAT, "is no store of pairs (%zu bytes)", p->mapped);
    rf_status status = parse_head(&p->head, p->mapping, &json);
    json_incref(p->head.provenance);
    json_decref(json);
    RF_TRY(status);
    p->layout = layout_of(&p->head);
    p->count = (int64_t)((p->mapped - HEAD) / p->layout.record);
    while (p->count > 0 && !is_valid(p->mapping + HEAD + (size_t)(p->count - 1) * p->layout.record, &p->layout)) p->count--;
    if (p->count == 0) return rf__fail(RF_EFORMAT, "has no complete pair");
    if (p->count < p->head.planned)
        rf__warn("%s: has %lld of %lld pairs; strait pairs with the same settings makes the others", path, (long long)p->count, (long long)p->head.planned);
    return RF_OK;
}

bool rf__pairs_begins(const char *path) { return rf__file_begins(path, MAGIC, sizeof MAGIC - 1); }

rf_status rf__pairs_open(rf_pairs **out, const char *path) {
    *out = NULL;
    rf_pairs *pairs = rf__alloc(sizeof *pairs);
    if (!pairs) return rf__fail(RF_ENOMEM, "%s: no memory", path);
    rf_status status = rf__file_map(path, &pairs->mapping, &pairs->mapped);
    if (status == RF_OK) {
        status = read_store(pairs, path);
        if (status != RF_OK) rf__fail_in(status, "%s: ", path);
    }
    if (status == RF_OK) *out = pairs;
    else rf__pairs_free(&pairs);
    return status;
}

void rf__pairs_free(rf_pairs **pairs) {
    rf_pairs *dead = *pairs;
    if (!dead) return;
    rf__file_unmap(&dead->mapping, dead->mapped);
    json_decref(dead->head.provenance);
    rf__free(dead);
    *pairs = NULL;
}

int64_t rf__pairs_count(const rf_pairs *pairs) { return pairs->count; }
rf_pairs_head rf__pairs_describe(const rf_pairs *pairs) { return pairs->head; }

rf_status rf__pairs_read(const rf_pairs *pairs, int64_t index, float *x0, float *x1, int32_t *label) {
    const layout *l = &pairs->layout;
    const uint8_t *record = pairs->mapping + HEAD + (size_t)index * l->record, *data = record + FIXED;
    if (!is_valid(record, l)) return rf__fail(RF_EFORMAT, "pair %lld of the store is damaged", (long long)index);
    *label = (int32_t)load32(record + 8);
    if (*label < -1 || *label >= (pairs->head.classes ? pairs->head.classes : 1))
        return rf__fail(RF_EFORMAT, "pair %lld of the store has class %d, expected -1 (none) .. %d", (long long)index, (int)*label, pairs->head.classes - 1);
    if (pairs->head.data == RF_PAIRS_F32) memcpy(x1, data, l->data);
    else
        for (int64_t i = 0; i < l->scalars; i++) x1[i] = (float)data[i] / 127.5f - 1;
    if (l->noise) memcpy(x0, data + l->data, l->noise);
    else rf__rng_normal_sample(key_of(record), RF_STREAM_NOISE, 0, l->scalars, x0);
    return RF_OK;
}
