/* compare_grid.c - the grid file of `strait compare`: plain settings, and blocks whose lists are crossed into rows. */
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/memory.h"
#include "../io/yaml.h"
#include "compare.h"

#define AT(member) offsetof(rf_compare_settings, member)
const rf_field_desc rf__compare_fields[] = {
    {"images", RF_FIELD_INT, AT(images), "500", 2, 1e6, NULL, "images of each row and seed group, for the distance to data"},
    {"paired", RF_FIELD_INT, AT(paired), "64", 1, 1e5, NULL, "of them, how many are compared with the reference solve"},
    {"seeds", RF_FIELD_INT, AT(seeds), "3", 1, RF_COMPARE_SEEDS, NULL, "seed groups; their spread is shown"},
    {"reference_solver", RF_FIELD_STRING, AT(reference_solver), "heun", 0, 0, NULL, "solver of the reference, always in f32"},
    {"reference_steps", RF_FIELD_INT, AT(reference_steps), "200", 1, 10000, NULL, "its steps"},
    {"data", RF_FIELD_STRING, AT(data), "", 0, 0, NULL, "data set that the images should look like; empty: no distance to data"},
    {"data_path", RF_FIELD_STRING, AT(data_path), "", 0, 0, NULL, "where it is; empty: the usual places"},
    {"split", RF_FIELD_STRING, AT(split), "test", 0, 0, NULL, "train or test"},
    {"data_limit", RF_FIELD_INT, AT(data_limit), "0", 0, 1e9, NULL, "only the first so many; 0: all"},
    {"extractor", RF_FIELD_STRING, AT(extractor), "classifier", 0, 0, NULL, "network whose features are compared"},
    {"extractor_weights", RF_FIELD_STRING, AT(weights), "", 0, 0, NULL, "its file"},
    {"controls", RF_FIELD_BOOL, AT(controls), "true", 0, 0, NULL, "also run Euler and Heun with as many network answers as each row"},
    {"waterfall", RF_FIELD_BOOL, AT(waterfall), "false", 0, 0, NULL, "each row adds one thing to the row before: factors instead of controls"},
    {NULL},
};

/* ---- rows ---- */

/* How a key is shown before its value; NULL: the value says it. */
static const char *shown_as(const char *key) {
    static const char *const plain[] = {"dtype", "policy", "policy_option", NULL};
    for (int i = 0; plain[i]; i++)
        if (!strcmp(key, plain[i])) return NULL;
    return strcmp(key, "cfg_scale") ? key : "cfg";
}

/* "heun 8, cfg 1.5": solver and steps first, then every other key; blocks say both: "H2P4R2, cfg 1.5". Rows of one series differ in steps
 * and in their policy's options only. */
static void name_row(rf_compare_row *row) {
    const char *solver = json_string_value(json_object_get(row->wanted, "sampling_method")), *key;
    const char *blocks = json_string_value(json_object_get(row->wanted, "blocks"));
    long long steps = (long long)json_integer_value(json_object_get(row->wanted, "steps"));
    char all[RF_COMPARE_LABEL] = "", lasting[RF_COMPARE_LABEL] = "";
    json_t *value;
    json_object_foreach(row->wanted, key, value) {
        if (!strcmp(key, "sampling_method") || !strcmp(key, "steps") || !strcmp(key, "blocks")) continue;
        char *text = json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        const char *shown = shown_as(key);
        bool option = !strcmp(key, "policy_option");
        char *const ends[] = {all, option ? NULL : lasting};
        for (int i = 0; i < 2 && ends[i]; i++) {
            size_t used = strlen(ends[i]);
            snprintf(ends[i] + used, RF_COMPARE_LABEL - used, "%s%s%s%s", option ? " " : ", ", shown ? shown : "", shown ? " " : "", text ? text : "");
        }
        free(text);
    }
    snprintf(row->series, sizeof row->series, "%s%.90s", blocks ? "blocks" : solver ? solver : "euler", lasting);
    if (blocks) snprintf(row->label, sizeof row->label, "%.24s%.90s", blocks, all);
    else snprintf(row->label, sizeof row->label, "%s %lld%.90s", solver ? solver : "euler", steps, all);
}

/* Names are texts, and which pictures are made is the same for all rows. */
static rf_status check_row(const rf_compare *compare, json_t *wanted, const char *where) {
    static const char *const texts[] = {"dtype", "model", "refiner", "name"};
    const char *key;
    json_t *value;
    json_object_foreach(wanted, key, value) {
        for (int i = 0; i < 4; i++)
            if (!strcmp(key, texts[i]) && !json_is_string(value)) return rf__fail(RF_EINVAL, "%s: %s is no text, expected the name of one", where, key);
        const rf_arg *arg = rf__args_find(compare->table, key);
        if ((arg && !strcmp(arg->name, "seed")) || !strcmp(key, "batch_count") || !strcmp(key, "count"))
            return rf__fail(RF_EINVAL, "%s: %s is given for a row, expected images, seeds and --seed for all of them: rows are compared on the same pictures", where, key);
    }
    return RF_OK;
}

rf_status rf__compare_add(rf_compare *compare, json_t *wanted, bool control, const char *where) {
    for (int i = 0; i < compare->rows; i++)
        if (json_equal(compare->row[i].wanted, wanted)) {
            json_decref(wanted);
            return RF_OK;
        }
    rf_compare_row *row = &compare->row[compare->rows];
    if (compare->rows == RF_COMPARE_ROWS) {
        json_decref(wanted);
        return rf__fail(RF_EINVAL, "%s: more than %d rows", where, RF_COMPARE_ROWS);
    }
    *row = (rf_compare_row){.wanted = wanted, .control = control};
    compare->rows++;
    RF_TRY(check_row(compare, wanted, where));
    const char *dtype = json_string_value(json_object_get(wanted, "dtype"));
    row->dtype = dtype ? rf__dtype_of(dtype) : RF_F32;
    if (row->dtype == RF_DTYPES) return rf__fail(RF_EINVAL, "%s: dtype is %.20s, expected f32, bf16 or int8", where, dtype);
    row->model = json_string_value(json_object_get(wanted, "model"));
    row->refiner = json_string_value(json_object_get(wanted, "refiner"));
    const json_t *batch = json_object_get(wanted, "batch_size");
    if (batch && (!json_is_integer(batch) || json_integer_value(batch) < 1 || json_integer_value(batch) > 4096))
        return rf__fail(RF_EINVAL, "%s: batch_size is not a whole number of 1 .. 4096", where);
    row->batch = (int)json_integer_value(batch);
    const char *name = json_string_value(json_object_get(wanted, "name"));
    if (name) {
        snprintf(row->label, sizeof row->label, "%s", name);
        snprintf(row->series, sizeof row->series, "%s", name);
    } else {
        name_row(row);
    }
    return RF_OK;
}

/* Plain copies of what the YAML reader made: its values carry lines and die with the tree. */
static json_t *plain(const json_t *value) { return json_deep_copy(value); }

/* Every combination of the lists of `block`, from its key number `at` on. */
static rf_status cross(rf_compare *compare, const json_t *block, void *at, json_t *row, const char *where) {
    if (!at) return rf__compare_add(compare, json_deep_copy(row), false, where);
    const char *key = json_object_iter_key(at);
    json_t *value = json_object_iter_value(at);
    void *next = json_object_iter_next((json_t *)block, at);
    bool list = json_is_array(value) && strcmp(key, "times") && strcmp(key, "sigmas");
    size_t count = list ? json_array_size(value) : 1;
    if (count == 0) return rf__fail(RF_EINVAL, "%s: %s is an empty list, expected at least one value", where, key);
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(row, key, plain(list ? json_array_get(value, i) : value));
        RF_TRY(cross(compare, block, next, row, where));
    }
    return RF_OK;
}

static rf_status read_grid(rf_compare *compare, const json_t *grid, const char *path) {
    size_t index;
    const json_t *block;
    if (!json_is_array(grid) || json_array_size(grid) == 0)
        return rf__fail(RF_EFORMAT, "%s: grid is missing, expected a list of blocks such as {sampling_method: [euler, heun], steps: [4, 8]}", path);
    json_array_foreach(grid, index, block) {
        char where[400];
        snprintf(where, sizeof where, "%.300s:%d: grid", path, rf__yaml_line(block));
        if (!json_is_object(block)) return rf__fail(RF_EFORMAT, "%s: block %zu is not a mapping of sampling flags", where, index);
        bool blocks = json_object_get(block, "blocks") != NULL; /* they say how many steps, and of what */
        const rf_sampling_flags *base = compare->base;
        json_t *row = blocks ? json_object() : json_pack("{s:s, s:I}", "sampling_method", base->method, "steps", (json_int_t)(base->steps ? base->steps : 20));
        rf_status status = cross(compare, block, json_object_iter((json_t *)block), row, where);
        json_decref(row);
        RF_TRY(status);
    }
    return RF_OK;
}

rf_status rf__compare_read(rf_compare *compare, const char *path) {
    json_t *tree = NULL;
    RF_TRY(rf__yaml_read(&tree, path));
    compare->row = rf__alloc_array(RF_COMPARE_ROWS, sizeof *compare->row);
    json_t *settings = json_copy(tree), *grid = json_incref(json_object_get(tree, "grid"));
    json_object_del(settings, "grid");
    rf_status status = compare->row ? RF_OK : rf__fail(RF_ENOMEM, "%s: no memory for %d rows", path, RF_COMPARE_ROWS);
    if (status == RF_OK) status = rf__fields_read(rf__compare_fields, &compare->settings, settings, path);
    if (status == RF_OK && compare->settings.paired > compare->settings.images)
        status = rf__fail(RF_EFORMAT, "%s: paired is %lld, expected at most images, which is %lld", path, (long long)compare->settings.paired,
                          (long long)compare->settings.images);
    if (status == RF_OK) status = read_grid(compare, grid, path);
    json_decref(settings);
    json_decref(grid);
    rf__yaml_free(&tree);
    return status;
}

void rf__compare_fini(rf_compare *compare) {
    rf__compare_engines_close(compare); /* their paths live in the rows */
    for (int i = 0; i < compare->rows; i++) json_decref(compare->row[i].wanted);
    rf__free(compare->row);
    json_decref(compare->protocol);
}
