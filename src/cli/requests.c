/* requests.c - JSON lines to orders, through the same table that parses the flags. */
#include "requests.h"

#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "sampling_args.h"

#define MOST_BYTES (64u << 20)

/* The text a flag would have: 3 -> "3", [3, 5] -> "3,5", "heun" -> "heun". Returned, free with free; NULL: no
 * such form. */
static char *text_of(const json_t *value) {
    if (json_is_string(value)) return strdup(json_string_value(value));
    if (json_is_object(value) || json_is_null(value)) return NULL;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    size_t size = text ? strlen(text) : 0;
    if (size >= 2 && text[0] == '[') {
        memmove(text, text + 1, size - 2);
        text[size - 2] = '\0';
    }
    return text;
}

const rf_arg *rf__request_key(const rf_arg *table, const char *key) {
    const rf_arg *arg = rf__args_find(table, key);
    return arg && arg->offset < sizeof(rf_sampling_flags) ? arg : NULL;
}

static rf_status copy_list(rf_arg_list *list) {
    if (!list->count) return RF_OK;
    double *at = malloc((size_t)list->count * sizeof *at);
    if (!at) return rf__fail(RF_ENOMEM, "no memory for a list of %d numbers", list->count);
    memcpy(at, list->at, (size_t)list->count * sizeof *at);
    list->at = at;
    return RF_OK;
}

static void free_lists(rf_sampling_flags *flags) {
    free(flags->class_label.at);
    free(flags->sigmas.at);
    free(flags->times.at);
}

static rf_status copy_flags(rf_sampling_flags *out, const rf_sampling_flags *base) {
    *out = *base;
    out->output = NULL; /* the pattern of the command line numbers all images of the run */
    rf_arg_list *lists[] = {&out->class_label, &out->sigmas, &out->times};
    for (int i = 0; i < 3; i++) {
        rf_status status = copy_list(lists[i]);
        if (status == RF_OK) continue;
        for (int k = i; k < 3; k++) lists[k]->at = NULL;
        free_lists(out);
        return status;
    }
    return RF_OK;
}

/* texts keeps the values alive until the order is built. */
static rf_status set_keys(rf_sampling_flags *flags, const rf_arg *table, const json_t *line,
                          const char *where, json_t *texts) {
    const char *key;
    json_t *value;
    const rf_arg *given[RF_ARGS_MAX];
    int count = 0;
    json_object_foreach((json_t *)line, key, value) {
        const rf_arg *arg = rf__request_key(table, key);
        for (int i = 0; arg && i < count; i++)
            if (given[i] == arg) return rf__fail(RF_EINVAL, "%s: %s is another name of %s, and both are given, expected one of them", where, key, arg->name);
        if (!arg)
            return rf__fail(RF_EINVAL,
                            "%s: unknown key '%.60s', expected a sampling flag of generate with underscores",
                            where, key);
        given[count++] = arg; /* a table has no more entries, and none comes here twice */
        char *text = text_of(value), label[400], error[600];
        if (!text) return rf__fail(RF_EINVAL, "%s: %s has no plain value", where, key);
        json_t *kept = json_string(text);
        free(text);
        if (!kept || json_array_append_new(texts, kept)) return rf__fail(RF_ENOMEM, "%s: no memory", where);
        snprintf(label, sizeof label, "%s: %s", where, key);
        if (!rf__args_set(arg, flags, json_string_value(kept), label, error, sizeof error))
            return rf__fail(RF_EINVAL, "%s", error);
    }
    return RF_OK;
}

rf_status rf__request_parse(const json_t *object, const char *where, const rf_arg *table, const rf_sampling_flags *base,
                            const rf_model *model, rf_order *out) {
    rf_sampling_flags flags;
    RF_TRY(copy_flags(&flags, base));
    json_t *texts = json_array();
    rf_status status = set_keys(&flags, table, object, where, texts);
    if (status == RF_OK) {
        status = rf__order_build(out, &flags, model);
        if (status != RF_OK) rf__fail_in(status, "%s: ", where);
    }
    free_lists(&flags);
    json_decref(texts);
    return status;
}

static rf_status read_line(const char *text, size_t size, const char *where, const rf_arg *table,
                           const rf_sampling_flags *base, const rf_model *model, rf_order *out) {
    json_error_t error;
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    rf_status status;
    if (json_is_object(line))
        status = rf__request_parse(line, where, table, base, model, out);
    else
        status =
            rf__fail(RF_EINVAL, "%s: %s, expected a JSON object", where, line ? "not an object" : error.text);
    json_decref(line);
    return status;
}

static bool blank(const char *text, size_t size) {
    while (size && strchr(" \t\r", *text)) text++, size--;
    return size == 0;
}

rf_status rf__requests_read(const char *path, const rf_arg *table, const rf_sampling_flags *base,
                            const rf_model *model, rf_order **orders, int *count) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    RF_TRY(rf__file_read(path, MOST_BYTES, &bytes, &size));
    int lines = 1, number = 0;
    for (size_t i = 0; i < size; i++) lines += bytes[i] == '\n';
    *count = 0;
    *orders = rf__alloc_array((size_t)lines, sizeof **orders);
    rf_status status = *orders ? RF_OK : rf__fail(RF_ENOMEM, "%s: no memory for %d requests", path, lines);
    for (const char *line = (const char *)bytes, *end = line + size; status == RF_OK && line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        char where[300];
        snprintf(where, sizeof where, "%.250s:%d", path, ++number);
        if (!blank(line, length)) {
            status = read_line(line, length, where, table, base, model, &(*orders)[*count]);
            if (status == RF_OK) (*count)++;
        }
        line += length + 1;
    }
    if (status == RF_OK && *count == 0)
        status = rf__fail(RF_EINVAL, "%s: has no request, expected one JSON object a line", path);
    rf__free(bytes);
    if (status == RF_OK) return RF_OK;
    for (int i = 0; i < *count; i++) rf__order_fini(&(*orders)[i]);
    rf__free(*orders);
    *orders = NULL;
    *count = 0;
    return status;
}
