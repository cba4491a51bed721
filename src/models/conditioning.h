/* conditioning.h - what a network makes of time, class and the other things a row is told: embeddings and the vectors that modulate its blocks.
 * They do not depend on the picture, so they are computed once for the times of a whole grid, in one product a layer, and kept by what was
 * told: with one row a call, reading those layers' weights again at every step is what they cost. The network itself then begins at the vectors. */
#ifndef RF_CONDITIONING_H
#define RF_CONDITIONING_H
#include "../graph/plan_cache.h"

/* A row of what is told, as floats: these, then the extra vector. The label's 32 bits are stored as they are. */
enum { RF_TOLD_TIME, RF_TOLD_LABEL, RF_TOLD_GAP, RF_TOLD_SCALE, RF_TOLD_EXTRA };
/* The plan's inputs of those names; NULL-terminated. */
extern const char *const rf__told_names[];
/* Write `rows` rows told [rows, width] to those of them that a plan has, the last one repeated up to its `bucket`. */
void rf__told_write(rf_exec *exec, const float *told, int width, int64_t rows, int64_t bucket);

typedef struct rf_conditioning rf_conditioning;

typedef struct rf_conditioning_opts {
    rf_plan_builder build; /* the front half of the network's graph (rf__graph_cut) for a key */
    void *self;
    rf_weights *weights;   /* borrowed; after a refresh everything kept is forgotten */
    rf_pool *pool;         /* borrowed */
    rf_plan_key key;       /* of whatever rows */
    int told;              /* floats a row */
    int64_t rows;          /* most rows of one find */
    int64_t bytes;         /* most to keep, though never fewer than `rows` */
} rf_conditioning_opts;

typedef struct rf_conditioning_stats {
    int64_t found, computed; /* rows that were there, and that were not */
} rf_conditioning_stats;

rf_status rf__conditioning_open(rf_conditioning **out, const rf_conditioning_opts *opts);
void rf__conditioning_close(rf_conditioning **conditioning);
/* Build the plans now. */
rf_status rf__conditioning_warm(rf_conditioning *conditioning);
/* Where the vectors of each row are kept, computing those that are missing; good until the next find. */
rf_status rf__conditioning_find(rf_conditioning *conditioning, int64_t rows, const float *told, int32_t *place);
/* Compute rows that will be asked for, as far as there is room beside what is kept. */
rf_status rf__conditioning_ahead(rf_conditioning *conditioning, int64_t rows, const float *told);
/* Hand `rows` found rows to the other half, the last one repeated up to its `bucket`. */
void rf__conditioning_write(const rf_conditioning *conditioning, const int32_t *place, int64_t rows, int64_t bucket, rf_exec *rest);
rf_conditioning_stats rf__conditioning_stats(const rf_conditioning *conditioning);

#endif
