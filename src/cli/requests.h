/* requests.h - `--requests FILE.jsonl`: one order a line; keys are the sampling flags with underscores. */
#ifndef RF_CLI_REQUESTS_H
#define RF_CLI_REQUESTS_H
#include "order.h"

/* The sampling flag that a key names, by its name or an alias, with underscores or dashes; NULL: none. */
const rf_arg *rf__request_key(const rf_arg *table, const char *key);
/* What the command line says is the default of every line. table: the options whose values lie in
 * rf_sampling_flags at `base`. *orders: [*count], free each with rf__order_fini and the array with rf__free.
 * errors: a sentence that begins with FILE:LINE. */
rf_status rf__requests_read(const char *path, const rf_arg *table, const rf_sampling_flags *base,
                            const rf_model *model, rf_order **orders, int *count);
/* The same for one object that is at hand already; `where` begins the sentences. */
rf_status rf__request_parse(const json_t *object, const char *where, const rf_arg *table, const rf_sampling_flags *base,
                            const rf_model *model, rf_order *out);

#endif
