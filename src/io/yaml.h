/* yaml.h - recipes: YAML into a jansson tree that remembers its lines. */
#ifndef RF_IO_YAML_H
#define RF_IO_YAML_H
#include <jansson.h>

#include "../base/status.h"

/* Read a file of at most 1 MiB. One document of plain mappings, sequences and scalars; anchors, tags and duplicate keys are refused with a line.
 * *out: free with rf__yaml_free, which also forgets the lines. */
rf_status rf__yaml_read(json_t **out, const char *path);
rf_status rf__yaml_parse(json_t **out, const void *bytes, size_t size, const char *name);
void rf__yaml_free(json_t **tree);

/* Line of a value read by rf__yaml_read and not freed yet; 0 when it is none. Booleans and null have none: ask for their key's. */
int rf__yaml_line(const json_t *value);
int rf__yaml_key_line(const json_t *object, const char *key);

#endif
