/* plan_cache.h - plans by key, built on first use, the least recently used dropped, everything counted. `t`, conditions and seeds are
 * inputs of a plan and never part of its key. */
#ifndef RF_PLAN_CACHE_H
#define RF_PLAN_CACHE_H
#include "plan.h"

typedef struct rf_plan_key {
    int64_t rows;      /* bucket */
    int height, width; /* resolution */
    int layout;        /* guidance layout or purpose, the owner's numbering */
    rf_dtype dtype;
    int threads;
} rf_plan_key;

typedef struct rf_plan_cache rf_plan_cache;

typedef struct rf_plan_cache_stats {
    int64_t hits, builds, dropped;
    int64_t background;   /* of the builds, those on another thread */
    double build_seconds; /* of all builds, from graph to arena */
    size_t bytes;         /* arenas of the plans that are held */
} rf_plan_cache_stats;

/* Build the graph of a key, for a plan that runs with `weights`. Called on a miss, from another thread when rf__plan_cache_request asked. */
typedef rf_status (*rf_plan_builder)(void *self, const rf_plan_key *key, rf_graph **graph);

/* kernels: borrowed, NULL for those of the process. limit: plans held at once. */
rf_status rf__plan_cache_create(rf_plan_cache **out, rf_plan_builder build, void *self, rf_weights *weights,
                                const rf_kernels *kernels, int limit);
void rf__plan_cache_free(rf_plan_cache **cache);
/* An exec ready to run: borrowed, good until the next get. */
rf_status rf__plan_cache_get(rf_plan_cache *cache, const rf_plan_key *key, rf_exec **exec);
/* Whether get would find it. */
bool rf__plan_cache_holds(const rf_plan_cache *cache, const rf_plan_key *key);
/* Begin to build it on another thread, one plan at a time; nothing happens while that thread has another to do, or when it failed at this
 * key before (get then says why). The finished plan is taken in by the next call of get or request. */
void rf__plan_cache_request(rf_plan_cache *cache, const rf_plan_key *key);
/* Wait until the other thread has nothing to do, and take in what it built. */
void rf__plan_cache_settle(rf_plan_cache *cache);
rf_plan_cache_stats rf__plan_cache_stats(const rf_plan_cache *cache);

#endif
