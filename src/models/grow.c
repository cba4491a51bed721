/* grow.c - see grow.h. */
#include "grow.h"

#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../io/sha256.h"
#include "model_inside.h"

/* A parameter of the same shape, or one that looks at fewer inputs (its last axis is shorter). */
rf_status rf__param_from(rf_model *to, int index, rf_model *from, const char *name) {
    const rf_param *param = rf__weights_param(to->weights, index);
    int source = rf__weights_find(from->weights, name), last = param->shape.rank - 1;
    float *out = rf__weights_data(to->weights, index);
    int64_t count = rf__shape_count(&param->shape), width = param->shape.dim[last];
    if (source < 0) { /* a layer for what the other is not told */
        memset(out, 0, (size_t)count * sizeof *out);
        return RF_OK;
    }
    const rf_param *old = rf__weights_param(from->weights, source);
    const float *in = rf__weights_data(from->weights, source);
    int64_t known = old->shape.dim[last];
    bool fits = old->shape.rank == param->shape.rank && known <= width && rf__shape_count(&old->shape) / known == count / width;
    if (!fits) return rf__fail(RF_EMISMATCH, "%s has another shape in the two networks", param->name);
    for (int64_t row = 0; row < count / width; row++) {
        memcpy(out + row * width, in + row * known, (size_t)known * sizeof *in);
        memset(out + row * width + known, 0, (size_t)(width - known) * sizeof *out);
    }
    return RF_OK;
}

/* Settings but those that say how to train, what a network is told beside x and t, and how deep it is. */
static json_t *fixed_settings(const rf_model *model) {
    static const char *const names[] = {"dropout", "extra", "extra_image", "refines"};
    json_t *settings = rf__fields_write(model->kind->fields, model->config);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) json_object_del(settings, names[i]);
    if (model->kind->depth) json_object_del(settings, model->kind->depth);
    return settings;
}

static rf_status same_settings(const rf_model *to, const rf_model *from) {
    if (to->kind != from->kind) return rf__fail(RF_EMISMATCH, "is a %s, expected a %s", from->kind->name, to->kind->name);
    json_t *a = fixed_settings(to), *b = fixed_settings(from), *value;
    const char *key;
    rf_status status = a && b ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the settings");
    json_object_foreach(a, key, value) {
        json_t *other = json_object_get(b, key);
        if (status != RF_OK || (other && json_equal(value, other))) continue;
        char *mine = json_dumps(value, JSON_ENCODE_ANY), *yours = other ? json_dumps(other, JSON_ENCODE_ANY) : NULL;
        status = rf__fail(RF_EMISMATCH, "has %s %s in its settings, expected %s (the same network)", key, yours ? yours : "missing", mine ? mine : "?");
        free(mine);
        free(yours);
    }
    if (status == RF_OK && from->shape.refines && from->shape.refines != to->shape.refines)
        status = rf__fail(RF_EMISMATCH, "has refines %s in its settings, expected %s or nothing", rf__refines_names[from->shape.refines],
                          rf__refines_names[to->shape.refines]);
    if (status == RF_OK && from->shape.extra > to->shape.extra)
        status = rf__fail(RF_EMISMATCH, "has extra %d in its settings, expected at most %d", from->shape.extra, to->shape.extra);
    json_decref(a);
    json_decref(b);
    return status;
}

/* Blocks that `to` has more; 0 for kinds that have no depth. */
static rf_status count_deeper(int64_t *out, const rf_model *to, const rf_model *from) {
    const char *key = to->kind->depth;
    *out = 0;
    if (!key) return RF_OK;
    json_t *a = rf__fields_write(to->kind->fields, to->config), *b = rf__fields_write(from->kind->fields, from->config);
    const int64_t mine = json_integer_value(json_object_get(a, key)), yours = json_integer_value(json_object_get(b, key));
    rf_status status = a && b ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the settings");
    json_decref(a);
    json_decref(b);
    *out = mine - yours;
    if (status == RF_OK && *out < 0)
        status = rf__fail(RF_EMISMATCH, "has %s %lld in its settings, expected at most %lld", key, (long long)yours, (long long)mine);
    if (status == RF_OK && *out > 0 && (to->shape.extra != from->shape.extra || to->shape.refines != from->shape.refines))
        status = rf__fail(RF_EMISMATCH, "has %s %lld and is told less in extra or refines, expected one difference at a time", key, (long long)yours);
    return status;
}

/* New blocks stay as they begin: they add nothing. */
static rf_status copy_known(rf_model *to, rf_model *from) {
    for (int i = 0; i < rf__weights_count(to->weights); i++) {
        const char *name = rf__weights_param(to->weights, i)->name;
        if (rf__weights_find(from->weights, name) >= 0) RF_TRY(rf__param_from(to, i, from, name));
    }
    return RF_OK;
}

static rf_status take_over(rf_model *to, rf_model *from) {
    int64_t deeper;
    RF_TRY(same_settings(to, from));
    RF_TRY(count_deeper(&deeper, to, from));
    if (deeper > 0) return to->kind->deepen ? to->kind->deepen(to, from) : copy_known(to, from);
    const bool silent = to->shape.refines && !from->shape.refines;
    for (int i = 0; i < rf__weights_count(to->weights); i++) {
        const rf_param *param = rf__weights_param(to->weights, i);
        if (silent && to->kind->last && strstr(param->name, to->kind->last))
            memset(rf__weights_data(to->weights, i), 0, (size_t)rf__shape_count(&param->shape) * sizeof(float));
        else
            RF_TRY(rf__param_from(to, i, from, param->name));
    }
    return RF_OK;
}

rf_status rf__model_grow(rf_model *to, rf_model *from) {
    RF_TRY(take_over(to, from));
    return rf__weights_refresh(to->weights, NULL);
}

/* ---- whose child a model is ---- */

static json_t *metadata_of(const rf_model *model) { return model->metadata_json ? json_loads(model->metadata_json, 0, NULL) : NULL; }

void rf__model_base(const rf_model *model, char sha256[65]) {
    json_t *metadata = metadata_of(model);
    const char *base = json_string_value(json_object_get(metadata, "base_sha256"));
    snprintf(sha256, 65, "%s", base && strlen(base) == 64 ? base : model->sha256);
    json_decref(metadata);
}

/* ---- differences ---- */

/* A network like `shape_of`, with the weights of `from`. */
static rf_status grown(rf_model **out, const rf_model *shape_of, rf_model *from) {
    RF_TRY(rf__model_create(out, shape_of->kind, shape_of->config, 0));
    rf_status status = rf__model_grow(*out, from);
    if (status != RF_OK) rf__model_free(out);
    return status;
}

rf_status rf__delta_save(rf_model *teacher, rf_model *student, const char *path, rf_dtype dtype) {
    char base[65], own[65];
    rf__model_base(teacher, base);
    rf__model_base(student, own);
    if (strcmp(base, own))
        return rf__fail(RF_EMISMATCH, "%s was started from %.16s.., the teacher descends from %.16s.., expected the same base", student->path, own, base);
    rf_model *start = NULL;
    rf_status status = grown(&start, student, teacher);
    if (status != RF_OK) return rf__fail_in(status, "%s: ", teacher->path);
    int64_t count;
    float *difference = rf__weights_all(start->weights, &count);
    const float *end = rf__weights_all(student->weights, &count);
    for (int64_t i = 0; i < count; i++) difference[i] = end[i] - difference[i];
    json_t *metadata = json_pack("{s:s, s:s, s:s, s:s}", RF_DELTA_KEY, base, "base_sha256", base, "teacher_sha256", teacher->sha256, "student_sha256",
                                 student->sha256);
    char *text = metadata ? json_dumps(metadata, JSON_COMPACT) : NULL;
    status = text ? rf__model_save(student, difference, path, dtype, text) : rf__fail(RF_ENOMEM, "%s: no memory for the metadata", path);
    free(text);
    json_decref(metadata);
    rf__model_free(&start);
    return status;
}

static rf_status check_base(const rf_model *model, const rf_model *delta, const char *path) {
    char base[65];
    json_t *metadata = metadata_of(delta);
    char wanted[65];
    snprintf(wanted, sizeof wanted, "%s", json_string_value(json_object_get(metadata, RF_DELTA_KEY)));
    json_decref(metadata);
    rf__model_base(model, base);
    if (!strcmp(wanted, base) || !strcmp(wanted, model->sha256)) return RF_OK;
    return rf__fail(RF_EMISMATCH, "%s: is a delta for base %.16s.., %s descends from %.16s..", path, wanted, model->path, base);
}

/* The sum, named by both files. */
static rf_status add(rf_model **out, rf_model *model, rf_model *delta, const char *path) {
    RF_TRY(grown(out, delta, model));
    rf_model *sum = *out;
    int64_t count;
    float *all = rf__weights_all(sum->weights, &count);
    const float *difference = rf__weights_all(delta->weights, &count);
    for (int64_t i = 0; i < rf__weights_trained(sum->weights); i++) all[i] += difference[i];
    char both[131];
    snprintf(both, sizeof both, "%s+%s", model->sha256, delta->sha256);
    rf__sha256_bytes(both, strlen(both), sum->sha256);
    sum->windows = delta->windows;
    sum->metadata_json = model->metadata_json ? strdup(model->metadata_json) : NULL;
    sum->path = strdup(model->path);
    sum->delta_path = strdup(path);
    if (sum->path && sum->delta_path && (sum->metadata_json || !model->metadata_json)) return RF_OK;
    rf__model_free(out);
    return rf__fail(RF_ENOMEM, "%s: no memory", path);
}

rf_status rf__delta_add(rf_model **model, const char *path) {
    rf_model *delta = NULL, *sum = NULL;
    RF_TRY(rf__delta_open(&delta, path));
    rf_status status = check_base(*model, delta, path);
    if (status == RF_OK && (status = add(&sum, *model, delta, path)) != RF_OK) rf__fail_in(status, "%s: ", path);
    rf__model_free(&delta);
    if (status != RF_OK) return status;
    rf__model_free(model);
    *model = sum;
    return RF_OK;
}
