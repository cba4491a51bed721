/* pairs.h - the coupling store: noise and data that a flow joins, for reflow and distillation.
 *
 * One file, appended to: a head of 4096 bytes (magic, then JSON: sizes, storage, provenance), then records of equal length
 *   u64 key | i32 label | u32 reserved (0) | data (u8 or f32, [scalars]) | noise (f32 [scalars], only when the head says so) | u32 CRC
 * The noise of a pair that a teacher made is not stored: it is sample 0 of the seed `key` (base/rng.h), bit for bit. A record is valid
 * when its CRC-32 is; what a crash or a full disk left behind the last valid record is cut off when the store is opened for appending. */
#ifndef RF_IO_PAIRS_H
#define RF_IO_PAIRS_H
#include <jansson.h>

#include "../base/status.h"

typedef enum rf_pairs_data { RF_PAIRS_U8, RF_PAIRS_F32 } rf_pairs_data;

typedef struct rf_pairs_head {
    int height, width, channels, classes; /* classes 0: no labels */
    bool flat;                            /* points, not pictures */
    rf_pairs_data data;
    bool noise;                           /* stored: the noise was found by inversion, no seed makes it */
    int64_t planned;                      /* pairs that the store shall have */
    json_t *provenance;                   /* teacher's hash, solver ...; compared when appending; owned by whoever fills it */
} rf_pairs_head;

typedef struct rf_pairs rf_pairs;        /* reading */
typedef struct rf_pairs_writer rf_pairs_writer;

/* Create, or go on with a store of the same head: the sentence of a refusal names the first key that differs. */
rf_status rf__pairs_append(rf_pairs_writer **out, const char *path, const rf_pairs_head *head);
int64_t rf__pairs_done(const rf_pairs_writer *writer);              /* records that are there */
bool rf__pairs_has(const rf_pairs_writer *writer, uint64_t key);
/* x1 [scalars] in [-1,1] (u8: clamped and rounded); x0 [scalars] or NULL, as the head says. A failed write leaves a store that can be gone on with. */
rf_status rf__pairs_write(rf_pairs_writer *writer, uint64_t key, int32_t label, const float *x1, const float *x0);
rf_status rf__pairs_close(rf_pairs_writer **writer);                /* flushed to the disk; NULL-safe */

bool rf__pairs_begins(const char *path); /* the file's first bytes say so */
/* errors: not a store, damaged head, no valid record. A truncated tail is left out and counted. */
rf_status rf__pairs_open(rf_pairs **out, const char *path);
void rf__pairs_free(rf_pairs **pairs);
int64_t rf__pairs_count(const rf_pairs *pairs);
rf_pairs_head rf__pairs_describe(const rf_pairs *pairs);            /* provenance borrowed */
/* Pair `index`: x0, x1 [scalars]; label -1: none. errors: its CRC does not fit. */
rf_status rf__pairs_read(const rf_pairs *pairs, int64_t index, float *x0, float *x1, int32_t *label);

#endif
