/* conditioning.c - a table by the bytes of what was told. When it is full it is emptied: what is kept is only ever a saving. */
#include "conditioning.h"

#include <stdlib.h>
#include <string.h>

enum { FEW_ROWS = 8, MANY_ROWS = 64, FIRST_ROOM = 64 };

const char *const rf__told_names[] = {"t", "label", "gap", "scale", "extra", NULL};

struct rf_conditioning {
    rf_conditioning_opts opts;
    rf_plan_cache *plans;
    uint64_t version;          /* of the weights that everything kept was computed with */
    int64_t width;             /* floats of a row's vectors, all places one after the other; 0: not known yet */
    int64_t count, room, most; /* rows kept, allocated, allowed */
    float *told, *vectors;     /* [room, opts.told], [room, width] */
    int32_t *slots;            /* [slot_count], a power of two >= 2 room: 1 + row, 0 for none */
    int64_t slot_count;
    rf_conditioning_stats stats;
};

void rf__told_write(rf_exec *exec, const float *told, int width, int64_t rows, int64_t bucket) {
    for (int k = 0; rf__told_names[k]; k++) {
        float *to = rf__exec_buffer(exec, rf__told_names[k]);
        const int64_t count = k == RF_TOLD_EXTRA ? width - RF_TOLD_EXTRA : 1;
        for (int64_t r = 0; r < bucket && to; r++)
            memcpy(to + r * count, told + (r < rows ? r : rows - 1) * width + k, (size_t)count * sizeof *to);
    }
}

rf_status rf__conditioning_open(rf_conditioning **out, const rf_conditioning_opts *opts) {
    *out = NULL;
    rf_conditioning *c = calloc(1, sizeof *c);
    if (!c) return rf__fail(RF_ENOMEM, "no memory for a table of conditions");
    c->opts = *opts;
    rf_status status = rf__plan_cache_create(&c->plans, opts->build, opts->self, opts->weights, NULL, 2);
    if (status != RF_OK) rf__conditioning_close(&c);
    *out = c;
    return status;
}

void rf__conditioning_close(rf_conditioning **conditioning) {
    rf_conditioning *c = conditioning ? *conditioning : NULL;
    if (!c) return;
    rf__plan_cache_free(&c->plans);
    free(c->told);
    free(c->vectors);
    free(c->slots);
    free(c);
    *conditioning = NULL;
}

/* ---- the table ---- */

static uint64_t hash_of(const float *told, int width) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
    for (int i = 0; i < width; i++) {
        uint32_t word;
        memcpy(&word, told + i, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

/* The slot of what was told: the row that holds it, or a free place for it. */
static int32_t *slot_of(const rf_conditioning *c, const float *told) {
    const int width = c->opts.told;
    const uint64_t mask = (uint64_t)c->slot_count - 1;
    for (uint64_t i = hash_of(told, width) & mask;; i = (i + 1) & mask) {
        const int32_t row = c->slots[i];
        if (!row || !memcmp(c->told + (int64_t)(row - 1) * width, told, (size_t)width * sizeof *told)) return &c->slots[i];
    }
}

static void forget(rf_conditioning *c) {
    c->count = 0;
    memset(c->slots, 0, (size_t)c->slot_count * sizeof *c->slots);
}

/* Room for `wanted` rows, at most what is allowed. */
static rf_status grow(rf_conditioning *c, int64_t wanted) {
    if (wanted <= c->room) return RF_OK;
    int64_t room = c->room ? c->room : FIRST_ROOM;
    while (room < wanted) room *= 2;
    if (room > c->most) room = c->most;
    int64_t slot_count = 1;
    while (slot_count < 2 * room) slot_count *= 2;
    float *told = realloc(c->told, (size_t)(room * c->opts.told) * sizeof *told);
    if (told) c->told = told;
    float *vectors = realloc(c->vectors, (size_t)(room * c->width) * sizeof *vectors);
    if (vectors) c->vectors = vectors;
    int32_t *slots = calloc((size_t)slot_count, sizeof *slots);
    if (!told || !vectors || !slots) {
        free(slots);
        return rf__fail(RF_ENOMEM, "no memory to keep the conditions of %lld rows", (long long)room);
    }
    free(c->slots);
    c->slots = slots;
    c->slot_count = slot_count;
    c->room = room;
    for (int64_t row = 0; row < c->count; row++) *slot_of(c, c->told + row * c->opts.told) = (int32_t)row + 1;
    return RF_OK;
}

/* ---- computing ---- */

static rf_status exec_for(rf_conditioning *c, int64_t rows, int64_t *bucket, rf_exec **exec) {
    rf_plan_key key = c->opts.key;
    *bucket = key.rows = rows > FEW_ROWS ? MANY_ROWS : FEW_ROWS;
    return rf__plan_cache_get(c->plans, &key, exec);
}

/* How wide a row's vectors are is known when the first plan is there. */
static rf_status measure(rf_conditioning *c) {
    int64_t bucket, width;
    rf_exec *exec;
    RF_TRY(exec_for(c, 1, &bucket, &exec));
    for (int k = 0; rf__exec_cut(exec, k, &width); k++) c->width += width;
    c->most = c->opts.bytes / (c->width * (int64_t)sizeof(float));
    if (c->most < c->opts.rows) c->most = c->opts.rows;
    rf_status status = grow(c, 1);
    if (status != RF_OK) c->width = 0; /* tried again */
    return status;
}

static void collect(rf_conditioning *c, rf_exec *exec, int64_t first, int64_t rows) {
    int64_t width, at = 0;
    const float *from;
    for (int k = 0; (from = rf__exec_cut(exec, k, &width)); at += width, k++)
        for (int64_t r = 0; r < rows; r++) memcpy(c->vectors + (first + r) * c->width + at, from + r * width, (size_t)width * sizeof *from);
}

/* The vectors of rows [first, count), whose told is there. */
static rf_status compute(rf_conditioning *c, int64_t first) {
    while (first < c->count) {
        int64_t bucket, rows = c->count - first;
        rf_exec *exec;
        RF_TRY(exec_for(c, rows, &bucket, &exec));
        if (rows > bucket) rows = bucket;
        rf__told_write(exec, c->told + first * c->opts.told, c->opts.told, rows, bucket);
        RF_TRY(rf__exec_run(exec, c->opts.pool));
        collect(c, exec, first, rows);
        first += rows;
        c->stats.computed += rows;
    }
    return RF_OK;
}

/* Enter rows that are not there; their vectors come with `compute`. */
static rf_status enter(rf_conditioning *c, int64_t rows, const float *told, int32_t *place) {
    for (int64_t r = 0; r < rows; r++) {
        const float *one = told + r * c->opts.told;
        int32_t *slot = slot_of(c, one);
        if (!*slot) {
            RF_TRY(grow(c, c->count + 1));
            memcpy(c->told + c->count * c->opts.told, one, (size_t)c->opts.told * sizeof *one);
            slot = slot_of(c, one);
            *slot = (int32_t)++c->count;
        }
        if (place) place[r] = *slot - 1;
    }
    return RF_OK;
}

/* Rows that are not there; one that is told twice counts twice. */
static int64_t missing(const rf_conditioning *c, int64_t rows, const float *told) {
    int64_t count = 0;
    for (int64_t r = 0; r < rows; r++) count += !*slot_of(c, told + r * c->opts.told);
    return count;
}

static rf_status ready(rf_conditioning *c) {
    if (!c->width) RF_TRY(measure(c));
    const uint64_t version = rf__weights_version(c->opts.weights);
    if (version != c->version) forget(c);
    c->version = version;
    return RF_OK;
}

rf_status rf__conditioning_warm(rf_conditioning *c) {
    int64_t bucket;
    rf_exec *exec;
    RF_TRY(ready(c));
    RF_TRY(exec_for(c, FEW_ROWS, &bucket, &exec));
    return exec_for(c, MANY_ROWS, &bucket, &exec);
}

static rf_status fill(rf_conditioning *c, int64_t rows, const float *told, int32_t *place) {
    const int64_t first = c->count;
    rf_status status = enter(c, rows, told, place);
    if (status == RF_OK) status = compute(c, first);
    if (status != RF_OK) forget(c); /* rows without vectors may not stay */
    return status;
}

rf_status rf__conditioning_find(rf_conditioning *c, int64_t rows, const float *told, int32_t *place) {
    RF_TRY(ready(c));
    const int64_t gone = missing(c, rows, told);
    if (c->count + gone > c->most) forget(c);
    else c->stats.found += rows - gone;
    return fill(c, rows, told, place);
}

rf_status rf__conditioning_ahead(rf_conditioning *c, int64_t rows, const float *told) {
    RF_TRY(ready(c));
    if (c->count + missing(c, rows, told) > c->most) return RF_OK;
    return fill(c, rows, told, NULL);
}

void rf__conditioning_write(const rf_conditioning *c, const int32_t *place, int64_t rows, int64_t bucket, rf_exec *rest) {
    int64_t width, at = 0;
    float *to;
    for (int k = 0; (to = rf__exec_cut(rest, k, &width)); at += width, k++)
        for (int64_t r = 0; r < bucket; r++)
            memcpy(to + r * width, c->vectors + place[r < rows ? r : rows - 1] * c->width + at, (size_t)width * sizeof *to);
}

rf_conditioning_stats rf__conditioning_stats(const rf_conditioning *c) { return c->stats; }
