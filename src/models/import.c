/* import.c - which kind a file belongs to, its settings, and its numbers as parameters of ours. */
#include "import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../io/sha256.h"
#include "model_inside.h"

/* What training kept beside the parameters; folded, or of no use. */
static const char *const beside[] = {".running_mean", ".running_var", ".num_batches_tracked"};

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcmp(text + length - tail, end);
}

const rf_tensor_entry *rf__import_find(const rf_import_file *file, const char *name) {
    char full[640];
    snprintf(full, sizeof full, "%s%s", file->prefix, name);
    return rf__tensors_find(file->tensors, full);
}

int64_t rf__import_dim(const rf_import_file *file, const char *name, int axis) {
    const rf_tensor_entry *entry = rf__import_find(file, name);
    return entry && axis < entry->rank ? entry->dim[axis] : 0;
}

rf_status rf__import_read(const rf_import_file *file, const char *name, int64_t count, float *out) {
    const rf_tensor_entry *entry = rf__import_find(file, name);
    if (!entry) return rf__fail(RF_EMISMATCH, "%s: is missing from the file", name);
    return rf__tensor_read_f32(entry, out, count);
}

/* ---- whose file it is ---- */

static bool has_marks(const rf_import_file *file, const rf_model_import *import) {
    for (int i = 0; i < 4 && import->marks[i]; i++)
        if (!rf__import_find(file, import->marks[i])) return false;
    return true;
}

/* The state dict may lie anywhere in the file: try what stands before the first mark. */
static bool recognise(rf_import_file *file, const rf_model_import *import) {
    for (int i = 0; i < rf__tensors_count(file->tensors); i++) {
        const char *name = rf__tensors_entry(file->tensors, i)->name;
        size_t head = strlen(name) - (ends_with(name, import->marks[0]) ? strlen(import->marks[0]) : 0);
        if (!ends_with(name, import->marks[0]) || head >= sizeof file->prefix || (head && name[head - 1] != '.')) continue;
        memcpy(file->prefix, name, head);
        file->prefix[head] = 0;
        if (has_marks(file, import)) return true;
    }
    return false;
}

static rf_status find_kind(rf_import_file *file, const rf_model_kind **out) {
    char list[512] = "";
    for (const rf_model_kind *const *kind = rf__model_kinds(); *kind; kind++) {
        if (!(*kind)->import) continue;
        *out = *kind;
        if (recognise(file, (*kind)->import)) return RF_OK;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s (%s)", used ? ", " : "", (*kind)->name, (*kind)->import->source);
    }
    return rf__fail(RF_EFORMAT, "has no strait.model, so it is not ours, and the tensors of no network that is known: %s", list);
}

/* Defaults, then sizes, then the ranges of the settings table, which a recipe would have to keep too. */
static rf_status read_settings(const rf_import_file *file, const rf_model_kind *kind, void *config) {
    RF_TRY(rf__fields_defaults(kind->fields, config));
    RF_TRY(kind->import->settings(file, config));
    json_t *written = rf__fields_write(kind->fields, config);
    rf_status status = written ? rf__fields_read(kind->fields, config, written, "sizes of the tensors")
                               : rf__fail(RF_ENOMEM, "no memory for the settings");
    json_decref(written);
    return status;
}

/* ---- numbers ---- */

/* weight = gamma / sqrt(var + eps), bias = beta - mean * weight; `name` ends with one of the two. */
static rf_status fold_norm(const rf_import_file *file, const char *name, double eps, int64_t channels, float *out, bool *done) {
    static const char *const fields[] = {"weight", "bias", "running_mean", "running_var"};
    const char *dot = strrchr(name, '.');
    char full[512];
    snprintf(full, sizeof full, "%.*s.running_var", (int)(dot ? dot - name : 0), name);
    if (!dot || !rf__import_find(file, full)) return RF_OK;
    float *v = rf__alloc_array(4 * (size_t)channels, sizeof *v);
    rf_status status = v ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the norm %s", full);
    for (int i = 0; i < 4 && status == RF_OK; i++) {
        snprintf(full, sizeof full, "%.*s.%s", (int)(dot - name), name, fields[i]);
        status = rf__import_read(file, full, channels, v + i * channels);
    }
    for (int64_t c = 0; c < channels && status == RF_OK; c++) {
        const float *at = v + c;
        if (at[3 * channels] < 0) status = rf__fail(RF_ENUMERIC, "%s: variance %lld is %g, expected at least 0", full, (long long)c, (double)at[3 * channels]);
        double factor = at[0] / sqrt(at[3 * channels] + eps);
        out[c] = (float)(ends_with(name, ".weight") ? factor : at[channels] - at[2 * channels] * factor);
    }
    rf__free(v);
    *done = true;
    return status;
}

static rf_status load_one(rf_model *model, int index, const rf_import_file *file, float *buffer) {
    const rf_model_import *import = model->kind->import;
    const rf_param *param = rf__weights_param(model->weights, index);
    bool done = false;
    if (import->read) RF_TRY(import->read(file, param, buffer, &done));
    if (!done && import->norm_eps > 0 && param->shape.rank == 1)
        RF_TRY(fold_norm(file, param->name, import->norm_eps, param->shape.dim[0], buffer, &done));
    if (!done) {
        const rf_tensor_entry *entry = rf__import_find(file, param->name);
        if (!entry && !param->trained) return RF_OK;
        RF_TRY(rf__param_fits(param, entry));
        RF_TRY(rf__tensor_read_f32(entry, buffer, rf__shape_count(&param->shape)));
    }
    return rf__model_set(model, index, buffer);
}

/* A tensor of the state dict that belongs to nothing means that the network is another one. */
static rf_status check_rest(const rf_model *model, const rf_import_file *file) {
    size_t head = strlen(file->prefix);
    for (int i = 0; i < rf__tensors_count(file->tensors); i++) {
        const char *name = rf__tensors_entry(file->tensors, i)->name;
        bool known = strncmp(name, file->prefix, head) != 0;
        for (size_t k = 0; k < sizeof beside / sizeof *beside; k++) known |= ends_with(name, beside[k]);
        if (!known && rf__weights_find(model->weights, name + head) < 0)
            return rf__fail(RF_EMISMATCH, "%.100s: the network %s has no such parameter", name, model->kind->name);
    }
    return RF_OK;
}

static rf_status load_all(rf_model *model, const rf_import_file *file) {
    float *buffer = rf__alloc_array((size_t)rf__weights_largest(model->weights), sizeof *buffer);
    rf_status status = buffer ? check_rest(model, file) : rf__fail(RF_ENOMEM, "no memory to read the weights");
    for (int i = 0; i < rf__weights_count(model->weights) && status == RF_OK; i++) status = load_one(model, i, file, buffer);
    rf__free(buffer);
    return status;
}

static rf_status describe(rf_model *model, const char *path) {
    RF_TRY(rf__sha256_file(path, model->sha256));
    const rf_model_import *import = model->kind->import;
    json_t *metadata = json_pack("{s:s s:s s:s*}", "imported_from", import->source, "imported_sha256", model->sha256, "class_names",
                                 import->class_names);
    model->metadata_json = metadata ? json_dumps(metadata, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(metadata);
    model->path = strdup(path);
    return model->metadata_json && model->path ? RF_OK : rf__fail(RF_ENOMEM, "no memory");
}

static rf_status import_tensors(rf_model **out, const rf_tensors *tensors, const char *path) {
    rf_import_file file = {.tensors = tensors};
    const rf_model_kind *kind = NULL;
    RF_TRY(find_kind(&file, &kind));
    void *config = calloc(1, kind->config_size);
    if (!config) return rf__fail(RF_ENOMEM, "no memory for the settings");
    rf_status status = read_settings(&file, kind, config);
    if (status == RF_OK) status = rf__model_create(out, kind, config, 0);
    free(config);
    RF_TRY(status);
    RF_TRY(load_all(*out, &file));
    return describe(*out, path);
}

rf_status rf__model_import(rf_model **out, const char *path) {
    rf_tensors *tensors = NULL;
    *out = NULL;
    RF_TRY(rf__tensors_open(&tensors, path));
    rf_status status = import_tensors(out, tensors, path);
    rf__tensors_close(&tensors);
    if (status == RF_OK) return RF_OK;
    rf__model_free(out);
    return rf__fail_in(status, "%s: ", path);
}
