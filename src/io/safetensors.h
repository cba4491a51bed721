/* safetensors.h - the checkpoint format: u64 header length, JSON header, raw tensors. Every field of the header is checked. */
#ifndef RF_IO_SAFETENSORS_H
#define RF_IO_SAFETENSORS_H
#include <jansson.h>

#include "tensor_type.h"

typedef struct rf_safetensors rf_safetensors;

/* False when the file's first bytes say that it is something else; true also when it cannot be read: opening it says why. */
bool rf__safetensors_begins(const char *path);
rf_status rf__safetensors_open(rf_safetensors **out, const char *path);
/* The same checks on bytes in memory, which must outlive the result; `name` begins the sentence of a failure, NULL: nothing does. */
rf_status rf__safetensors_parse(rf_safetensors **out, const void *bytes, size_t size, const char *name);
void rf__safetensors_close(rf_safetensors **file);
int rf__safetensors_count(const rf_safetensors *file);
const rf_tensor_entry *rf__safetensors_entry(const rf_safetensors *file, int index); /* in file order */
const rf_tensor_entry *rf__safetensors_find(const rf_safetensors *file, const char *name); /* NULL when absent */
const char *rf__safetensors_metadata(const rf_safetensors *file, const char *key);         /* NULL when absent */
const json_t *rf__safetensors_metadata_all(const rf_safetensors *file);                    /* object or NULL; borrowed */

/* Write atomically, entries in the order given. metadata: object of strings, or NULL. */
rf_status rf__safetensors_save(const char *path, const rf_tensor_entry *entries, int count, const json_t *metadata);

#endif
