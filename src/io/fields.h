/* fields.h - one table makes reader, writer, defaults, range checks and help of a settings struct. Used for recipes (YAML),
 * checkpoint metadata (JSON) and requests (JSON lines). */
#ifndef RF_IO_FIELDS_H
#define RF_IO_FIELDS_H
#include <jansson.h>

#include "../base/status.h"

#define RF_FIELD_LIST_MAX 16

typedef enum rf_field_type {
    RF_FIELD_INT,    /* int64_t */
    RF_FIELD_FLOAT,  /* double */
    RF_FIELD_BOOL,   /* bool */
    RF_FIELD_STRING, /* char[RF_FIELD_STRING_MAX] */
    RF_FIELD_CHOICE, /* int: index into `choices` */
    RF_FIELD_INTS,   /* rf_int_list */
    RF_FIELD_FLOATS, /* rf_float_list */
} rf_field_type;

#define RF_FIELD_STRING_MAX 256
typedef struct rf_int_list { int count; int64_t at[RF_FIELD_LIST_MAX]; } rf_int_list;
typedef struct rf_float_list { int count; double at[64]; } rf_float_list;

/* A table ends with an entry whose key is NULL. */
typedef struct rf_field_desc {
    const char *key;
    rf_field_type type;
    size_t offset;
    const char *preset;         /* default as text ("1e-4", "[1,2,2]", "adam"); NULL: must be given */
    double min, max;            /* of a number or each list item; both 0: any */
    const char *const *choices; /* NULL-terminated, for CHOICE */
    const char *help;
} rf_field_desc;

/* Fill every field with its default (required ones with zero). */
rf_status rf__fields_defaults(const rf_field_desc *table, void *config);
/* Read a JSON object. Unknown key, wrong type, value out of range, required key missing: RF_EFORMAT and one sentence that starts with
 * `where` and the key ("recipes/a.yaml:12: batch is 0, expected 1 .. 65536"). Line numbers when `object` came from rf__yaml_read. */
rf_status rf__fields_read(const rf_field_desc *table, void *config, const json_t *object, const char *where);
/* All fields as a JSON object (new reference), or NULL when out of memory. */
json_t *rf__fields_write(const rf_field_desc *table, const void *config);
/* "key=value" as on a command line; nested tables are the caller's business. */
rf_status rf__fields_set(const rf_field_desc *table, void *config, const char *key, const char *value, const char *where);
/* A help line per key on `stream`. */
void rf__fields_help(const rf_field_desc *table, FILE *stream);

#endif
