/* feature_store.h - q, k and v of attention blocks, kept from one walk for another (fireflow.md section 5). Keys are whole numbers, never
 * times: the interval of the grid counted from the noise end, whether the evaluation was at the step's beginning or inside it, the block,
 * the tensor. */
#ifndef RF_FLOW_FEATURE_STORE_H
#define RF_FLOW_FEATURE_STORE_H
#include <stddef.h>

#include "../base/status.h"

typedef struct rf_feature_store rf_feature_store;

typedef struct rf_feature_key {
    int interval; /* 0: the one at the noise */
    bool inside;  /* false: evaluated at the beginning of the step */
    int block;
    int tensor; /* 0 q, 1 k, 2 v */
} rf_feature_key;

typedef struct rf_feature_stats {
    int64_t kept, dropped; /* tensors: held in memory or on disk; refused because both are full */
    int64_t hits, misses;  /* of get */
    size_t memory_bytes, disk_bytes;
} rf_feature_stats;

/* memory: bytes held at most; disk: bytes of a nameless file in the temporary folder that takes what memory cannot; 0: none. */
rf_status rf__feature_store_create(rf_feature_store **out, size_t memory, size_t disk);
void rf__feature_store_free(rf_feature_store **store);
/* Keep [tokens, width], rows `stride` apart; exactly (in 16 bits each when all of them are bf16 numbers). A second put of a key replaces the
 * first. false: dropped, which is counted. */
bool rf__feature_store_put(rf_feature_store *store, rf_feature_key key, int64_t tokens, int64_t width, int64_t stride, const float *from);
/* Write what was put, rows `stride` apart. false: it is not there, or has another size. */
bool rf__feature_store_get(rf_feature_store *store, rf_feature_key key, int64_t tokens, int64_t width, int64_t stride, float *to);
rf_feature_stats rf__feature_store_stats(const rf_feature_store *store);

#endif
