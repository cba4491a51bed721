/* plan_cache.c - a small array of plans in order of last use: there are a handful of buckets, so a scan is enough. */
#include "plan_cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct cached {
    rf_plan_key key;
    rf_plan *plan;
    rf_exec *exec;
    int64_t used;
} cached;

struct rf_plan_cache {
    rf_plan_builder build;
    void *self;
    rf_weights *weights;
    const rf_kernels *kernels;
    cached *entries;
    int count, limit;
    int64_t clock;
    rf_plan_cache_stats stats;
};

rf_status rf__plan_cache_create(rf_plan_cache **out, rf_plan_builder build, void *self, rf_weights *weights,
                                const rf_kernels *kernels, int limit) {
    rf_plan_cache *cache = calloc(1, sizeof *cache);
    *out = NULL;
    if (limit < 1) limit = 1;
    if (cache) cache->entries = calloc((size_t)limit, sizeof *cache->entries);
    if (!cache || !cache->entries) {
        free(cache);
        return rf__fail(RF_ENOMEM, "no memory for a plan cache");
    }
    cache->build = build;
    cache->self = self;
    cache->weights = weights;
    cache->kernels = kernels;
    cache->limit = limit;
    *out = cache;
    return RF_OK;
}

static void drop(cached *entry) {
    rf__exec_free(&entry->exec);
    rf__plan_free(&entry->plan);
}

void rf__plan_cache_free(rf_plan_cache **cache_pointer) {
    rf_plan_cache *cache = cache_pointer ? *cache_pointer : NULL;
    if (!cache) return;
    for (int i = 0; i < cache->count; i++) drop(&cache->entries[i]);
    free(cache->entries);
    free(cache);
    *cache_pointer = NULL;
}

static bool same_key(const rf_plan_key *a, const rf_plan_key *b) {
    return a->rows == b->rows && a->height == b->height && a->width == b->width && a->layout == b->layout && a->dtype == b->dtype &&
           a->threads == b->threads;
}

/* A free place: the end, or that of the least recently used. */
static cached *make_room(rf_plan_cache *cache) {
    if (cache->count < cache->limit) return &cache->entries[cache->count++];
    cached *oldest = &cache->entries[0];
    for (int i = 1; i < cache->count; i++)
        if (cache->entries[i].used < oldest->used) oldest = &cache->entries[i];
    cache->stats.bytes -= rf__plan_stats(oldest->plan).arena_bytes;
    cache->stats.dropped++;
    drop(oldest);
    return oldest;
}

static rf_status build_entry(rf_plan_cache *cache, const rf_plan_key *key, cached *fresh) {
    rf_graph *graph = NULL;
    *fresh = (cached){.key = *key};
    rf_status status = cache->build(cache->self, key, &graph);
    if (status == RF_OK) status = rf__plan_build(&fresh->plan, graph, cache->weights, cache->kernels);
    rf__graph_free(&graph);
    if (status == RF_OK) status = rf__exec_create(&fresh->exec, fresh->plan, key->threads);
    if (status != RF_OK) drop(fresh);
    return status;
}

rf_status rf__plan_cache_get(rf_plan_cache *cache, const rf_plan_key *key, rf_exec **exec) {
    *exec = NULL;
    cache->clock++;
    for (int i = 0; i < cache->count; i++) {
        if (!same_key(&cache->entries[i].key, key)) continue;
        cache->entries[i].used = cache->clock;
        cache->stats.hits++;
        *exec = cache->entries[i].exec;
        return RF_OK;
    }
    cached fresh;
    RF_TRY(build_entry(cache, key, &fresh));
    rf_plan_stats stats = rf__plan_stats(fresh.plan);
    cache->stats.builds++;
    cache->stats.build_seconds += stats.build_seconds;
    cache->stats.bytes += stats.arena_bytes;
    fresh.used = cache->clock;
    cached *place = make_room(cache);
    *place = fresh;
    *exec = place->exec;
    return RF_OK;
}

rf_plan_cache_stats rf__plan_cache_stats(const rf_plan_cache *cache) { return cache->stats; }
