/* eval_explain.c - two reports side by side: which fields of their protocols differ, and whether that makes their numbers incomparable.
 * Most quarrels about a distance are about its protocol. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "eval.h"

/* How much a field matters. */
#define MATTERS "yes"
#define SUBJECT "subject" /* what the reports compare, if that was the purpose */
#define NOISE "noise"
#define HARMLESS "no"

/* The first pattern that fits a field's path decides. */
static const struct { const char *pattern, *matters, *why; } rules[] = {
    {"version", HARMLESS, "versions give the same numbers unless their notes say otherwise"},
    {"*.file", HARMLESS, "only a name; rows_sha256 and sha256 say whether it holds the same"},
    {"extractor", MATTERS, "one report has no features"},
    {"extractor.dtype", MATTERS, "features are rounded differently"},
    {"extractor*resize", MATTERS, "the law of resizing alone moves a Fréchet distance by points"},
    {"extractor*", MATTERS, "distances in different features are different quantities"},
    {"perceptual*", MATTERS, "learned distances of different networks are different quantities"},
    {"*.of.*", MATTERS, "the statistics were made otherwise"},
    {"made.count", MATTERS, "distances of features fall as the number of pictures grows (a bias of about 1/N)"},
    {"reference*.count", MATTERS, "distances of features fall as the number of pictures grows (a bias of about 1/N)"},
    {"*.size", MATTERS, "pictures of another size are resized, or are another task"},
    {"made.seed", NOISE, "other samples of the same law"},
    {"*model_sha256", SUBJECT, "another model"},
    {"made.weights", SUBJECT, "averaged against raw weights: say which"},
    {"made.rows_sha256", SUBJECT, "the judged rows are not the same bytes"},
    {"made*", SUBJECT, "what is judged, or how it was made"},
    {"reference.rows_sha256", MATTERS, "the reference is not the same bytes"},
    {"reference*", MATTERS, "distances to different data are different quantities"},
    {"settings.seed", NOISE, "other subsets and directions"},
    {"settings.*", MATTERS, "the measure is computed otherwise"},
    {"seeds", NOISE, "more or fewer groups of samples"},
    {"threads", NOISE, "the same numbers from any number of threads, but for the seconds"},
    {"isa", NOISE, "other kernels round otherwise, and take other seconds"},
    {"provider", NOISE, "other kernels round otherwise, and take other seconds"},
    {"*", MATTERS, "not a field we know; taken to matter"},
};

static rf_status read_protocol(const char *path, json_t **out) {
    uint8_t *bytes = NULL;
    size_t size;
    json_error_t error;
    RF_TRY(rf__file_read(path, 64 << 20, &bytes, &size));
    json_t *report = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &error), *protocol = json_object_get(report, "protocol");
    rf__free(bytes);
    *out = json_object_size(protocol) ? json_incref(protocol) : NULL;
    json_decref(report);
    if (*out) return RF_OK;
    if (!report) return rf__fail(RF_EFORMAT, "%s:%d: is not JSON (%s)", path, error.line, error.text);
    return rf__fail(RF_EFORMAT, "%s: has no protocol, expected a report of strait eval or strait compare", path);
}

static void add_difference(json_t *out, const char *field, const json_t *a, const json_t *b) {
    size_t rule = 0;
    while (fnmatch(rules[rule].pattern, field, 0) != 0) rule++;
    json_t *entry = json_pack("{s:s, s:s, s:s}", "field", field, "matters", rules[rule].matters, "why", rules[rule].why);
    json_object_set_new(entry, "a", a ? json_deep_copy(a) : json_null());
    json_object_set_new(entry, "b", b ? json_deep_copy(b) : json_null());
    json_array_append_new(out, entry);
}

/* Objects are walked together; everything else is one field. */
static void compare(json_t *out, const char *prefix, const json_t *a, const json_t *b) {
    const char *key;
    json_t *value;
    char path[512];
    if (json_is_object(a) && json_is_object(b)) {
        json_object_foreach((json_t *)a, key, value) {
            snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", key);
            compare(out, path, value, json_object_get(b, key));
        }
        json_object_foreach((json_t *)b, key, value) {
            snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", key);
            if (!json_object_get(a, key)) compare(out, path, NULL, value);
        }
        return;
    }
    bool equal = a && b ? json_equal(a, b) : (!a || json_is_null(a)) && (!b || json_is_null(b));
    if (!equal) add_difference(out, prefix, a, b);
}

rf_status rf__eval_explain(const char *a, const char *b, json_t **out) {
    json_t *left = NULL, *right = NULL, *differences = json_array(), *entry;
    size_t index;
    rf_status status = read_protocol(a, &left);
    if (status == RF_OK) status = read_protocol(b, &right);
    if (status == RF_OK) {
        bool comparable = true;
        compare(differences, "", left, right);
        json_array_foreach(differences, index, entry)
            if (!strcmp(json_string_value(json_object_get(entry, "matters")), MATTERS)) comparable = false;
        *out = json_pack("{s:O, s:b}", "differences", differences, "comparable", comparable);
    }
    json_decref(left);
    json_decref(right);
    json_decref(differences);
    return status;
}

static void print_value(const char *name, const json_t *value, FILE *stream) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(7));
    size_t length = text ? strlen(text) : 0;
    fprintf(stream, "    %s: %.100s%s\n", name, text ? text : "", length > 100 ? "..." : "");
    free(text);
}

void rf__eval_explain_print(const json_t *explanation, const char *a, const char *b, FILE *stream) {
    json_t *differences = json_object_get(explanation, "differences"), *entry;
    size_t index;
    json_array_foreach(differences, index, entry) {
        const char *matters = json_string_value(json_object_get(entry, "matters"));
        fprintf(stream, "%s  [%s] %s\n", json_string_value(json_object_get(entry, "field")),
                !strcmp(matters, MATTERS) ? "matters" : !strcmp(matters, SUBJECT) ? "what is compared" : !strcmp(matters, NOISE) ? "noise" : "harmless",
                json_string_value(json_object_get(entry, "why")));
        print_value(a, json_object_get(entry, "a"), stream);
        print_value(b, json_object_get(entry, "b"), stream);
    }
    if (json_array_size(differences) == 0) fputs("The protocols are equal: the numbers can be compared.\n", stream);
    else if (json_is_true(json_object_get(explanation, "comparable"))) fputs("Nothing differs that keeps the numbers from being compared.\n", stream);
    else fputs("The numbers cannot be compared as they are.\n", stream);
}
