/* compare_grid.c - the grid file of `strait compare`: plain settings, and blocks whose lists are crossed into rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/memory.h"
#include "../io/yaml.h"
#include "compare.h"
#include "requests.h"

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

const char *const rf__compare_how[RF_COMPARE_HOW + 1] = {"sampling_method", "steps", "sampling_option", "blocks", "scheduler", "flow_shift", "times", "sigmas",
                                                         "policy", "policy_option", "profile", "quality_budget", NULL};
const char *const rf__compare_own[] = {"dtype", "model", "refiner", "batch_size", "name", NULL};

static bool is_among(const char *key, const char *const *names) {
    while (*names && strcmp(*names, key)) names++;
    return *names != NULL;
}

/* ---- names ---- */

/* How a key is shown before its value; NULL: the value says it. */
static const char *shown_as(const char *key) {
    static const char *const plain[] = {"dtype", "policy", "policy_option", NULL};
    if (is_among(key, plain)) return NULL;
    return strcmp(key, "cfg_scale") ? key : "cfg";
}

/* "heun 8, cfg 1.5": solver and steps first, then every other key; blocks say both: "H2P4R2, cfg 1.5"; a list of times has its own number of
 * steps: "heun, times [0,0.5,1]". Rows of one series differ in steps and in their policy's options only. */
static void name_row(rf_compare_row *row) {
    const char *solver = json_string_value(json_object_get(row->wanted, "sampling_method")), *key;
    const char *blocks = json_string_value(json_object_get(row->wanted, "blocks"));
    const json_t *steps = json_object_get(row->wanted, "steps");
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
    else if (steps) snprintf(row->label, sizeof row->label, "%s %lld%.90s", solver ? solver : "euler", (long long)json_integer_value(steps), all);
    else snprintf(row->label, sizeof row->label, "%s%.90s", solver ? solver : "euler", all);
}

/* ---- rows ---- */

static rf_status check_texts(const json_t *wanted, const char *where) {
    static const char *const texts[] = {"dtype", "model", "refiner", "name", NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)wanted, key, value)
        if (is_among(key, texts) && !json_is_string(value)) return rf__fail(RF_EINVAL, "%s: %s is no text, expected the name of one", where, key);
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
    RF_TRY(check_texts(wanted, where));
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

/* How a row spells a key: by the flag's name, with underscores, so that whoever looks for it there finds it. errors: nobody reads it, or it says which
 * pictures are made, which is the same for all rows. */
static rf_status spell(const rf_compare *compare, const char *key, const char *where, char out[RF_COMPARE_LABEL]) {
    static const char *const pictures[] = {"seed", "batch_count", "count", NULL};
    bool own = is_among(key, rf__compare_own);
    const rf_arg *arg = own ? NULL : rf__request_key(compare->table, key);
    snprintf(out, RF_COMPARE_LABEL, "%s", arg ? arg->name : key);
    for (char *c = out; *c; c++)
        if (*c == '-') *c = '_';
    if (is_among(out, pictures))
        return rf__fail(RF_EINVAL, "%s: %s is given for a row, expected images, seeds and --seed for all of them: rows are compared on the same pictures", where, key);
    if (own || arg) return RF_OK;
    return rf__fail(RF_EINVAL, "%s: unknown key '%.60s', expected a sampling flag with underscores, or dtype, model, refiner, batch_size or name", where, key);
}

/* A block in the spelling of rows. Its values are copies: those of the YAML reader carry lines and die with the tree. */
static rf_status spell_block(const rf_compare *compare, const json_t *block, const char *where, json_t *out) {
    const char *key;
    json_t *value;
    char name[RF_COMPARE_LABEL];
    json_object_foreach((json_t *)block, key, value) {
        RF_TRY(spell(compare, key, where, name));
        if (json_object_get(out, name))
            return rf__fail(RF_EINVAL, "%s: %s is given under two names, expected one of them", where, name);
        if (json_object_set_new(out, name, json_deep_copy(value))) return rf__fail(RF_ENOMEM, "%s: no memory for %s", where, key);
    }
    return RF_OK;
}

/* Whole numbers without a point, as a file would have them. */
static json_t *number_json(double value) { return value == floor(value) ? json_integer((json_int_t)value) : json_real(value); }

/* What the command line gave for a flag; NULL: its default. */
static json_t *given(const rf_arg *arg, const rf_sampling_flags *flags) {
    const void *at = (const char *)flags + arg->offset;
    if (arg->type == RF_ARG_INT) return *(const int64_t *)at ? json_integer((json_int_t)*(const int64_t *)at) : NULL;
    if (arg->type == RF_ARG_FLOAT) return *(const double *)at != 0 ? number_json(*(const double *)at) : NULL;
    if (arg->type == RF_ARG_FLOATS) {
        const rf_arg_list *list = at;
        json_t *array = list->count ? json_array() : NULL;
        for (int i = 0; i < list->count; i++) json_array_append_new(array, number_json(list->at[i]));
        return array;
    }
    const char *text = *(const char *const *)at;
    return text && (!arg->preset || strcmp(text, arg->preset)) ? json_string(text) : NULL;
}

static bool has_list(const json_t *block) { return json_object_get(block, "times") || json_object_get(block, "sigmas"); }

/* A block with a time grid of its own takes none from the command line, and one with step blocks neither solver nor steps. */
static bool takes(const json_t *block, const char *key) {
    static const char *const grid[] = {"steps", "scheduler", "flow_shift", "times", "sigmas", NULL};
    static const char *const steps[] = {"steps", "sampling_method", "sampling_option", NULL};
    return !(has_list(block) && is_among(key, grid)) && !(json_object_get(block, "blocks") && is_among(key, steps));
}

/* What the rows of a block begin with: how the command line samples. Lists of times and blocks say how many steps, blocks also of what. */
static json_t *start_of(const rf_compare *compare, const json_t *block) {
    const rf_sampling_flags *base = compare->base;
    bool blocks = base->blocks || json_object_get(block, "blocks");
    bool listed = blocks || base->times.count || base->sigmas.count || has_list(block);
    json_t *row = json_object();
    for (int i = 0; row && rf__compare_how[i]; i++) {
        const char *key = rf__compare_how[i];
        json_t *value = takes(block, key) ? given(rf__args_find(compare->table, key), base) : NULL;
        if (!value && !blocks && !strcmp(key, "sampling_method")) value = json_string(base->method);
        if (!value && !listed && !strcmp(key, "steps")) value = json_integer(20);
        if (value) json_object_set_new(row, key, value);
    }
    return row;
}

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
        json_object_set(row, key, list ? json_array_get(value, i) : value);
        RF_TRY(cross(compare, block, next, row, where));
    }
    return RF_OK;
}

static rf_status read_block(rf_compare *compare, const json_t *block, const char *where) {
    json_t *spelt = json_object(), *row = NULL;
    rf_status status = spelt ? spell_block(compare, block, where, spelt) : rf__fail(RF_ENOMEM, "%s: no memory", where);
    if (status == RF_OK) {
        row = start_of(compare, spelt);
        status = row ? cross(compare, spelt, json_object_iter(spelt), row, where) : rf__fail(RF_ENOMEM, "%s: no memory", where);
    }
    json_decref(row);
    json_decref(spelt);
    return status;
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
        RF_TRY(read_block(compare, block, where));
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
