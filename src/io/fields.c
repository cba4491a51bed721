/* fields.c - settings by table: defaults, JSON in and out, key=value, help. */
#include "fields.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "yaml.h"

static const char *const type_names[] = {"a whole number", "a number", "true or false", "a text", "a name", "a list of whole numbers",
                                         "a list of numbers"};

static void *member(const rf_field_desc *field, void *config) { return (char *)config + field->offset; }

/* "FILE:LINE" of a key (of the object itself without one) when it came from YAML, else `where`. */
static void location(const json_t *object, const char *key, const char *where, char out[512]) {
    int line = key ? rf__yaml_key_line(object, key) : rf__yaml_line(object);
    if (key && line <= 0) line = rf__yaml_line(json_object_get(object, key)); /* a copy of what was read: the values are the same */
    if (line > 0) snprintf(out, 512, "%s:%d", where, line);
    else snprintf(out, 512, "%s", where);
}

static rf_status range_error(const rf_field_desc *field, double value, const char *at) {
    return rf__fail(RF_EFORMAT, "%s: %s is %g, expected %g .. %g", at, field->key, value, field->min, field->max);
}

static bool in_range(const rf_field_desc *field, double value) {
    if (!isfinite(value)) return false;
    return (field->min == 0 && field->max == 0) || (value >= field->min && value <= field->max);
}

static rf_status type_error(const rf_field_desc *field, const json_t *value, const char *at) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    rf_status status = rf__fail(RF_EFORMAT, "%s: %s is %.60s, expected %s", at, field->key, text ? text : "?", type_names[field->type]);
    free(text);
    return status;
}

static rf_status read_choice(const rf_field_desc *field, void *config, const char *text, const char *at) {
    char list[256] = "";
    for (int i = 0; field->choices[i]; i++) {
        if (!strcmp(field->choices[i], text)) {
            *(int *)member(field, config) = i;
            return RF_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", field->choices[i]);
    }
    return rf__fail(RF_EFORMAT, "%s: %s is \"%.60s\", expected one of %s", at, field->key, text, list);
}

static rf_status read_list(const rf_field_desc *field, void *config, const json_t *value, const char *at) {
    bool whole = field->type == RF_FIELD_INTS;
    size_t room = whole ? RF_FIELD_LIST_MAX : 64, count = json_array_size(value);
    if (!json_is_array(value)) return type_error(field, value, at);
    if (count > room) return rf__fail(RF_EFORMAT, "%s: %s has %zu entries, expected at most %zu", at, field->key, count, room);
    rf_int_list ints = {(int)count, {0}};
    rf_float_list floats = {(int)count, {0}};
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        if (whole ? !json_is_integer(item) : !json_is_number(item)) return type_error(field, value, at);
        if (!in_range(field, json_number_value(item))) return range_error(field, json_number_value(item), at);
        if (whole) ints.at[i] = json_integer_value(item);
        else floats.at[i] = json_number_value(item);
    }
    if (whole) *(rf_int_list *)member(field, config) = ints;
    else *(rf_float_list *)member(field, config) = floats;
    return RF_OK;
}

static rf_status read_value(const rf_field_desc *field, void *config, const json_t *value, const char *at) {
    switch (field->type) {
    case RF_FIELD_INT:
        if (!json_is_integer(value)) return type_error(field, value, at);
        if (!in_range(field, (double)json_integer_value(value))) return range_error(field, (double)json_integer_value(value), at);
        *(int64_t *)member(field, config) = json_integer_value(value);
        return RF_OK;
    case RF_FIELD_FLOAT:
        if (!json_is_number(value)) return type_error(field, value, at);
        if (!in_range(field, json_number_value(value))) return range_error(field, json_number_value(value), at);
        *(double *)member(field, config) = json_number_value(value);
        return RF_OK;
    case RF_FIELD_BOOL:
        if (!json_is_boolean(value)) return type_error(field, value, at);
        *(bool *)member(field, config) = json_is_true(value);
        return RF_OK;
    case RF_FIELD_STRING:
        if (!json_is_string(value)) return type_error(field, value, at);
        if (json_string_length(value) >= RF_FIELD_STRING_MAX)
            return rf__fail(RF_EFORMAT, "%s: %s has %zu bytes, expected below %d", at, field->key, json_string_length(value),
                            RF_FIELD_STRING_MAX);
        snprintf(member(field, config), RF_FIELD_STRING_MAX, "%s", json_string_value(value));
        return RF_OK;
    case RF_FIELD_CHOICE:
        if (!json_is_string(value)) return type_error(field, value, at);
        return read_choice(field, config, json_string_value(value), at);
    case RF_FIELD_INTS:
    case RF_FIELD_FLOATS: return read_list(field, config, value, at);
    }
    return type_error(field, value, at);
}

/* A text from a command line or a preset as JSON: what parses as JSON is that, everything else is a string. */
static json_t *value_of_text(const rf_field_desc *field, const char *text) {
    if (field->type == RF_FIELD_STRING || field->type == RF_FIELD_CHOICE) return json_string(text);
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    return value ? value : json_string(text);
}

static rf_status set_text(const rf_field_desc *field, void *config, const char *text, const char *where) {
    json_t *value = value_of_text(field, text);
    if (!value) return rf__fail(RF_EFORMAT, "%s: %s is not text in UTF-8", where, field->key);
    rf_status status = read_value(field, config, value, where);
    json_decref(value);
    return status;
}

rf_status rf__fields_defaults(const rf_field_desc *table, void *config) {
    for (const rf_field_desc *field = table; field->key; field++)
        if (field->preset) RF_TRY(set_text(field, config, field->preset, "default"));
    return RF_OK;
}

/* ---- unknown keys get the nearest known one ---- */

static int edit_distance(const char *a, const char *b) {
    int row[64], n = (int)strlen(b);
    if (n > 62 || strlen(a) > 62) return 99;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = corner + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

static const rf_field_desc *find(const rf_field_desc *table, const char *key) {
    for (; table->key; table++)
        if (!strcmp(table->key, key)) return table;
    return NULL;
}

static rf_status unknown_key(const rf_field_desc *table, const char *key, const char *at) {
    const rf_field_desc *nearest = NULL;
    int best = 4;
    for (const rf_field_desc *field = table; field->key; field++) {
        int distance = edit_distance(key, field->key);
        if (distance < best) best = distance, nearest = field;
    }
    if (nearest) return rf__fail(RF_EFORMAT, "%s: unknown key %.60s, did you mean %s?", at, key, nearest->key);
    return rf__fail(RF_EFORMAT, "%s: unknown key %.60s", at, key);
}

rf_status rf__fields_read(const rf_field_desc *table, void *config, const json_t *object, const char *where) {
    char at[512];
    if (!json_is_object(object)) return rf__fail(RF_EFORMAT, "%s: expected keys and values", where);
    RF_TRY(rf__fields_defaults(table, config));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const rf_field_desc *field = find(table, key);
        location(object, key, where, at);
        if (!field) return unknown_key(table, key, at);
        RF_TRY(read_value(field, config, value, at));
    }
    location(object, NULL, where, at);
    for (const rf_field_desc *field = table; field->key; field++)
        if (!field->preset && !json_object_get(object, field->key))
            return rf__fail(RF_EFORMAT, "%s: %s is missing (%s)", at, field->key, field->help);
    return RF_OK;
}

static json_t *write_value(const rf_field_desc *field, const void *config) {
    const void *at = (const char *)config + field->offset;
    json_t *list;
    switch (field->type) {
    case RF_FIELD_INT: return json_integer(*(const int64_t *)at);
    case RF_FIELD_FLOAT: return json_real(*(const double *)at);
    case RF_FIELD_BOOL: return json_boolean(*(const bool *)at);
    case RF_FIELD_STRING: return json_string(at);
    case RF_FIELD_CHOICE: return json_string(field->choices[*(const int *)at]);
    case RF_FIELD_INTS:
        list = json_array();
        for (int i = 0; i < ((const rf_int_list *)at)->count; i++)
            json_array_append_new(list, json_integer(((const rf_int_list *)at)->at[i]));
        return list;
    case RF_FIELD_FLOATS:
        list = json_array();
        for (int i = 0; i < ((const rf_float_list *)at)->count; i++)
            json_array_append_new(list, json_real(((const rf_float_list *)at)->at[i]));
        return list;
    }
    return NULL;
}

json_t *rf__fields_write(const rf_field_desc *table, const void *config) {
    json_t *object = json_object();
    for (const rf_field_desc *field = table; object && field->key; field++)
        if (json_object_set_new(object, field->key, write_value(field, config))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

rf_status rf__fields_set(const rf_field_desc *table, void *config, const char *key, const char *value, const char *where) {
    const rf_field_desc *field = find(table, key);
    return field ? set_text(field, config, value, where) : unknown_key(table, key, where);
}

void rf__fields_help(const rf_field_desc *table, FILE *stream) {
    for (const rf_field_desc *field = table; field->key; field++)
        fprintf(stream, "  %-18s %-12s %s\n", field->key, field->preset ? field->preset : "(required)", field->help);
}
