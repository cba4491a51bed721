/* plan_cache.c - a small array of plans in order of last use: there are a handful of buckets, so a scan is enough. A second thread may
 * build one plan at a time; only the owner's thread touches the array, so that a plan in use is never dropped under its feet. */
#include "plan_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../base/progress.h"

typedef struct cached {
    rf_plan_key key;
    rf_plan *plan;
    rf_exec *exec;
    int64_t used;
    double seconds; /* to build */
} cached;

/* The thread that builds ahead. */
typedef struct builder {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, stop;
    enum { IDLE, WANTED, READY } state; /* WANTED until `fresh` is there */
    cached fresh;                       /* its key says what is wanted; no plan when READY: the build failed */
} builder;

struct rf_plan_cache {
    rf_plan_builder build;
    void *self;
    rf_weights *weights;
    const rf_kernels *kernels;
    cached *entries;
    int count, limit;
    int64_t clock;
    rf_plan_cache_stats stats;
    builder ahead;
    rf_plan_key failed; /* the newest key that `ahead` could not build; rows 0: none */
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
    pthread_mutex_init(&cache->ahead.lock, NULL);
    pthread_cond_init(&cache->ahead.changed, NULL);
    *out = cache;
    return RF_OK;
}

static void drop(cached *entry) {
    rf__exec_free(&entry->exec);
    rf__plan_free(&entry->plan);
}

static void stop_builder(builder *ahead) {
    pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    if (ahead->started) pthread_join(ahead->thread, NULL);
    drop(&ahead->fresh);
    pthread_mutex_destroy(&ahead->lock);
    pthread_cond_destroy(&ahead->changed);
}

void rf__plan_cache_free(rf_plan_cache **cache_pointer) {
    rf_plan_cache *cache = cache_pointer ? *cache_pointer : NULL;
    if (!cache) return;
    stop_builder(&cache->ahead);
    for (int i = 0; i < cache->count; i++) drop(&cache->entries[i]);
    free(cache->entries);
    free(cache);
    *cache_pointer = NULL;
}

static bool same_key(const rf_plan_key *a, const rf_plan_key *b) {
    return a->rows == b->rows && a->height == b->height && a->width == b->width && a->layout == b->layout && a->dtype == b->dtype &&
           a->threads == b->threads;
}

static cached *find(const rf_plan_cache *cache, const rf_plan_key *key) {
    for (int i = 0; i < cache->count; i++)
        if (same_key(&cache->entries[i].key, key)) return &cache->entries[i];
    return NULL;
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

static rf_status build_entry(const rf_plan_cache *cache, const rf_plan_key *key, cached *fresh) {
    rf_graph *graph = NULL;
    double started = rf__now();
    *fresh = (cached){.key = *key};
    rf_status status = cache->build(cache->self, key, &graph);
    if (status == RF_OK) status = rf__plan_build(&fresh->plan, graph, cache->weights, cache->kernels);
    rf__graph_free(&graph);
    if (status == RF_OK) status = rf__exec_create(&fresh->exec, fresh->plan, key->threads);
    if (status != RF_OK) drop(fresh);
    fresh->seconds = rf__now() - started;
    return status;
}

static cached *adopt(rf_plan_cache *cache, const cached *fresh) {
    cache->stats.builds++;
    cache->stats.build_seconds += fresh->seconds;
    cache->stats.bytes += rf__plan_stats(fresh->plan).arena_bytes;
    cached *place = make_room(cache);
    *place = *fresh;
    place->used = cache->clock;
    return place;
}

/* ---- the thread that builds ahead ---- */
static void *build_ahead(void *arg) {
    rf_plan_cache *cache = arg;
    builder *ahead = &cache->ahead;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->stop) {
        if (ahead->state != WANTED) {
            pthread_cond_wait(&ahead->changed, &ahead->lock);
            continue;
        }
        rf_plan_key key = ahead->fresh.key;
        cached fresh;
        pthread_mutex_unlock(&ahead->lock);
        build_entry(cache, &key, &fresh);
        pthread_mutex_lock(&ahead->lock);
        ahead->fresh = fresh;
        ahead->state = READY;
        pthread_cond_broadcast(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* Under the lock: what is ready joins the others, unless the owner has built the same meanwhile. */
static void take_in(rf_plan_cache *cache) {
    builder *ahead = &cache->ahead;
    if (ahead->state != READY) return;
    cached fresh = ahead->fresh;
    ahead->fresh = (cached){0};
    ahead->state = IDLE;
    if (!fresh.plan) cache->failed = fresh.key;
    else if (find(cache, &fresh.key)) drop(&fresh);
    else adopt(cache, &fresh), cache->stats.background++;
}

static void collect(rf_plan_cache *cache) {
    if (!cache->ahead.started) return;
    pthread_mutex_lock(&cache->ahead.lock);
    take_in(cache);
    pthread_mutex_unlock(&cache->ahead.lock);
}

void rf__plan_cache_request(rf_plan_cache *cache, const rf_plan_key *key) {
    builder *ahead = &cache->ahead;
    collect(cache);
    if (find(cache, key) || same_key(key, &cache->failed)) return;
    if (!ahead->started) ahead->started = pthread_create(&ahead->thread, NULL, build_ahead, cache) == 0;
    if (!ahead->started) return; /* no thread to be had: get builds it */
    pthread_mutex_lock(&ahead->lock);
    if (ahead->state == IDLE) {
        ahead->fresh = (cached){.key = *key};
        ahead->state = WANTED;
        pthread_cond_broadcast(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
}

void rf__plan_cache_settle(rf_plan_cache *cache) {
    builder *ahead = &cache->ahead;
    if (!ahead->started) return;
    pthread_mutex_lock(&ahead->lock);
    while (ahead->state == WANTED) pthread_cond_wait(&ahead->changed, &ahead->lock);
    take_in(cache);
    pthread_mutex_unlock(&ahead->lock);
}

/* ---- the owner ---- */
bool rf__plan_cache_holds(const rf_plan_cache *cache, const rf_plan_key *key) { return find(cache, key) != NULL; }

rf_status rf__plan_cache_get(rf_plan_cache *cache, const rf_plan_key *key, rf_exec **exec) {
    *exec = NULL;
    cache->clock++;
    collect(cache);
    cached *entry = find(cache, key);
    if (entry) {
        entry->used = cache->clock;
        cache->stats.hits++;
    } else {
        cached fresh;
        RF_TRY(build_entry(cache, key, &fresh));
        entry = adopt(cache, &fresh);
    }
    *exec = entry->exec;
    return RF_OK;
}

rf_plan_cache_stats rf__plan_cache_stats(const rf_plan_cache *cache) { return cache->stats; }
