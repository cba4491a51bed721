/* row_cache.h - row times (flow/row_times.h) on disk, so that a model is measured once a machine: $XDG_CACHE_HOME/strait, else
 * ~/.cache/strait, one JSON file for each (model hash, dtype, threads, kernels). */
#ifndef RF_API_ROW_CACHE_H
#define RF_API_ROW_CACHE_H
#include "../flow/row_times.h"

typedef struct rf_row_key {
    const char *sha256; /* of the checkpoint; "" is never stored */
    const char *dtype, *isa, *provider;
    int threads;
} rf_row_key;

/* The path of the file of a key; free with free. NULL: no home folder is known, or the model came from no file. */
char *rf__row_cache_path(const rf_row_key *key);
/* False when there is none. One that is damaged or speaks of something else counts as none, after a warning with its path. */
bool rf__row_cache_load(rf_row_times *out, const rf_row_key *key);
/* A folder that cannot be written is said at level debug: the times then live as long as the process. */
void rf__row_cache_store(const rf_row_times *times, const rf_row_key *key);

#endif
