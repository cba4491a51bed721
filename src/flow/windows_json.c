/* windows_json.c - the windows of a model as text in its checkpoint's metadata, so that everything that samples finds them by itself. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "windows.h"

/* A list of `count` numbers; absent: out stays. */
static rf_status numbers(const json_t *object, const char *key, double *out, int count) {
    const json_t *list = json_object_get(object, key);
    if (!list) return RF_OK;
    if (!json_is_array(list) || json_array_size(list) != (size_t)count)
        return rf__fail(RF_EFORMAT, "%s of the windows has %zu numbers, expected %d", key, json_array_size(list), count);
    for (int i = 0; i < count; i++) {
        double value = json_number_value(json_array_get(list, (size_t)i));
        if (!json_is_number(json_array_get(list, (size_t)i)) || !isfinite(value) || value == 0)
            return rf__fail(RF_EFORMAT, "%s of window %d is %g, expected a finite number that is not 0", key, i, value);
        out[i] = value;
    }
    return RF_OK;
}

static rf_status read(rf_windows *out, const json_t *object) {
    const json_t *edges = json_object_get(object, "edges");
    const char *predicts = json_string_value(json_object_get(object, "predicts"));
    double edge[RF_MAX_WINDOWS + 1] = {0};
    size_t size = json_array_size(edges);
    if (size < 2 || size > RF_MAX_WINDOWS + 1)
        return rf__fail(RF_EFORMAT, "windows have %zu edges, expected 2 .. %d", size, RF_MAX_WINDOWS + 1);
    for (size_t i = 0; i < size; i++) edge[i] = json_number_value(json_array_get(edges, i));
    if (rf__windows_between(out, edge, (int)size - 1) != RF_OK) return rf__fail_in(RF_EFORMAT, "metadata: ");
    if (!predicts || (strcmp(predicts, "velocity") && strcmp(predicts, "noise")))
        return rf__fail(RF_EFORMAT, "windows predict \"%.40s\", expected velocity or noise", predicts ? predicts : "nothing");
    out->noise = !strcmp(predicts, "noise");
    if (!out->noise) return RF_OK;
    RF_TRY(numbers(object, "lambda", out->lambda, out->count));
    return numbers(object, "eta", out->eta, out->count);
}

rf_status rf__windows_parse(rf_windows *out, const char *json) {
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    rf_status status = json_is_object(object) ? read(out, object) : rf__fail(RF_EFORMAT, "strait.windows is not an object");
    json_decref(object);
    if (status != RF_OK) *out = (rf_windows){0};
    return status;
}

static json_t *list_of(const double *numbers, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_real(numbers[i]));
    return list;
}

char *rf__windows_text(const rf_windows *windows) {
    json_t *object = json_pack("{s:o, s:s}", "edges", list_of(windows->edge, windows->count + 1), "predicts", windows->noise ? "noise" : "velocity");
    if (windows->noise && object) {
        json_object_set_new(object, "lambda", list_of(windows->lambda, windows->count));
        json_object_set_new(object, "eta", list_of(windows->eta, windows->count));
    }
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL; /* 17 digits: the numbers come back as they were */
    json_decref(object);
    return text;
}
