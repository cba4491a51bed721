/* model_file.c - a model's way to and from its file. */
#include "grow.h"
#include "import.h"
#include "model_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../io/sha256.h"

#define CONVENTION "t=0 noise, t=1 data, v=x1-x0"

/* ---- what a file must hold: convolutions are [out,in,kh,kw] there and [out,kh,kw,in] in memory ---- */

static rf_shape file_shape(const rf_param *param) {
    rf_shape s = param->shape;
    if (param->conv) s = rf__shape4(s.dim[0], s.dim[3], s.dim[1], s.dim[2]);
    return s;
}

static const char *dims_text(int rank, const int64_t *dim, char out[64]) {
    out[0] = 0;
    for (int i = 0, used = 0; i < rank && used < 50; i++)
        used += snprintf(out + used, 64 - (size_t)used, i ? "x%lld" : "%lld", (long long)dim[i]);
    return out;
}

/* Fixed positions and frequencies may be left out: they follow from the settings. */
rf_status rf__param_fits(const rf_param *param, const rf_tensor_entry *entry) {
    rf_shape want = file_shape(param);
    char a[64], b[64];
    if (!entry && !param->trained) return RF_OK;
    if (!entry) return rf__fail(RF_EMISMATCH, "%s: is missing from the file", param->name);
    if (entry->rank != want.rank || memcmp(entry->dim, want.dim, (size_t)want.rank * sizeof *want.dim))
        return rf__fail(RF_EMISMATCH, "%s: file has %s, model wants %s", param->name, dims_text(entry->rank, entry->dim, a),
                        dims_text(want.rank, want.dim, b));
    return RF_OK;
}

rf_status rf__model_file_fits(const rf_graph *graph, const rf_safetensors *file) {
    int known = 0, params = rf__graph_param_count(graph);
    for (int i = 0; i < params; i++) {
        const rf_tensor_entry *entry = rf__safetensors_find(file, rf__graph_param(graph, i)->name);
        RF_TRY(rf__param_fits(rf__graph_param(graph, i), entry));
        known += entry != NULL;
    }
    for (int i = 0; i < rf__safetensors_count(file) && known < rf__safetensors_count(file); i++) {
        const char *name = rf__safetensors_entry(file, i)->name;
        bool found = false;
        for (int k = 0; k < params && !found; k++) found = !strcmp(rf__graph_param(graph, k)->name, name);
        if (!found) return rf__fail(RF_EMISMATCH, "%.100s: the model has no such parameter", name);
    }
    return RF_OK;
}

/* ---- reading ---- */

rf_status rf__model_set(rf_model *model, int index, const float *values) {
    const rf_param *param = rf__weights_param(model->weights, index);
    for (int64_t i = 0; i < rf__shape_count(&param->shape); i++)
        if (!isfinite(values[i])) return rf__fail(RF_ENUMERIC, "%s: number %lld is not finite", param->name, (long long)i);
    rf__param_turn(param, values, rf__weights_data(model->weights, index), false);
    return RF_OK;
}

static rf_status load_param(rf_model *model, int index, const rf_safetensors *file, float *buffer) {
    const rf_param *param = rf__weights_param(model->weights, index);
    const rf_tensor_entry *entry = rf__safetensors_find(file, param->name);
    if (!entry) return RF_OK;
    RF_TRY(rf__tensor_read_f32(entry, buffer, rf__shape_count(&param->shape)));
    return rf__model_set(model, index, buffer);
}

int64_t rf__weights_largest(const rf_weights *weights) {
    int64_t largest = 1;
    for (int i = 0; i < rf__weights_count(weights); i++) {
        int64_t count = rf__shape_count(&rf__weights_param(weights, i)->shape);
        if (count > largest) largest = count;
    }
    return largest;
}

static rf_status load_weights(rf_model *model, const rf_safetensors *file) {
    float *buffer = rf__alloc_array((size_t)rf__weights_largest(model->weights), sizeof *buffer);
    if (!buffer) return rf__fail(RF_ENOMEM, "no memory to read the weights");
    rf_status status = RF_OK;
    for (int i = 0; i < rf__weights_count(model->weights) && status == RF_OK; i++) status = load_param(model, i, file, buffer);
    rf__free(buffer);
    return status;
}

/* Windows are part of what the weights mean: without them the network would be asked the wrong things. */
static rf_status take_windows(rf_model *model, const rf_safetensors *file) {
    const char *text = rf__safetensors_metadata(file, "strait.windows");
    if (!text) return RF_OK;
    RF_TRY(rf__windows_parse(&model->windows, text));
    int extra = model->shape.extra, wanted = model->windows.count + 1;
    if (extra == 0 || extra == wanted) return RF_OK;
    return rf__fail(RF_EMISMATCH, "extra is %d with %d windows, expected %d (one for each and the part that is done) or 0", extra,
                    model->windows.count, wanted);
}

static double number_at(const json_t *object, const char *key, size_t index) {
    return json_number_value(json_array_get(json_object_get(object, key), index));
}

/* {"predictor": HASH, "gap": [least, most], "scale": [least, most], "from_start": true or not there}. Files from before that key are known by their
 * gaps: no refiner of ours was trained for all of them. */
static rf_status take_refiner(rf_model *model, const rf_safetensors *file) {
    const char *text = rf__safetensors_metadata(file, "strait.refiner");
    if (model->shape.refines == RF_REFINES_NOTHING) return RF_OK;
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    const char *hash = json_string_value(json_object_get(object, "predictor"));
    rf_refiner_facts *facts = &model->refiner;
    *facts = (rf_refiner_facts){.gap_least = number_at(object, "gap", 0), .gap_most = number_at(object, "gap", 1),
                                .scale_least = number_at(object, "scale", 0), .scale_most = number_at(object, "scale", 1)};
    bool fits = hash && strlen(hash) == sizeof facts->predictor - 1 && facts->gap_least >= 0 && facts->gap_most > facts->gap_least &&
                facts->gap_most <= 1 && facts->scale_most >= facts->scale_least;
    if (fits) memcpy(facts->predictor, hash, sizeof facts->predictor);
    facts->from_start = json_is_true(json_object_get(object, "from_start")) ||
                        (model->shape.refines == RF_REFINES_PLAIN && facts->gap_least == 0 && facts->gap_most == 1);
    json_decref(object);
    return fits ? RF_OK : rf__fail(RF_EFORMAT, "its strait.refiner is \"%.80s\", expected a predictor's hash, gaps and scales", text ? text : "");
}

static char *refiner_text(const rf_refiner_facts *facts) {
    json_t *object = json_pack("{s:s, s:[f,f], s:[f,f]}", "predictor", facts->predictor, "gap", facts->gap_least, facts->gap_most, "scale",
                               facts->scale_least, facts->scale_most);
    if (object && facts->from_start) json_object_set_new(object, "from_start", json_true());
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    return text;
}

/* {"kind": ..., "settings": {...}} from the metadata to a model without weights. */
static rf_status model_from_metadata(rf_model **out, const rf_safetensors *file) {
    const char *text = rf__safetensors_metadata(file, "strait.model"), *convention = rf__safetensors_metadata(file, "strait.convention");
    if (!text) return rf__fail(RF_EFORMAT, "its metadata has no strait.model, so it is not a checkpoint of ours");
    if (!convention || strcmp(convention, CONVENTION))
        return rf__fail(RF_EFORMAT, "its convention is \"%.60s\", expected \"" CONVENTION "\"", convention ? convention : "not stated");
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(object, "kind"));
    const rf_model_kind *kind = name ? rf__model_kind_find(name) : NULL;
    rf_status status = RF_OK;
    void *config = kind ? calloc(1, kind->config_size) : NULL;
    if (!name) status = rf__fail(RF_EFORMAT, "strait.model is not an object with a kind");
    else if (!kind) status = RF_EFORMAT; /* the sentence lists the kinds */
    else if (!config) status = rf__fail(RF_ENOMEM, "no memory for the settings");
    else status = rf__fields_read(kind->fields, config, json_object_get(object, "settings"), "strait.model");
    if (status == RF_OK) status = rf__model_new(out, kind, config, file);
    free(config);
    json_decref(object);
    return status;
}

static rf_status open_ours(rf_model **out, rf_safetensors *file, const char *path, bool delta) {
    rf_model *model = NULL;
    bool is_delta = rf__safetensors_metadata(file, RF_DELTA_KEY) != NULL;
    rf_status status = RF_OK;
    if (is_delta != delta)
        status = rf__fail(RF_EMISMATCH, delta ? "is a whole model, expected the difference of two (strait delta)"
                                              : "is the difference of two models, expected a whole one: --delta adds it");
    if (status == RF_OK) status = model_from_metadata(&model, file);
    if (status == RF_OK) {
        rf__weights_init(model->weights, 0); /* fixed buffers that the file leaves out */
        status = load_weights(model, file);
    }
    if (status == RF_OK) status = take_windows(model, file);
    if (status == RF_OK) status = take_refiner(model, file);
    if (status == RF_OK) status = rf__sha256_file(path, model->sha256);
    if (status == RF_OK) {
        model->metadata_json = json_dumps(rf__safetensors_metadata_all(file), JSON_COMPACT | JSON_SORT_KEYS);
        model->path = strdup(path);
        if (!model->metadata_json || !model->path) status = rf__fail(RF_ENOMEM, "no memory");
    }
    if (status != RF_OK) {
        rf__model_free(&model);
        return rf__fail_in(status, "%s: ", path);
    }
    *out = model;
    return RF_OK;
}

rf_status rf__model_open(rf_model **out, const char *path) {
    rf_safetensors *file;
    *out = NULL;
    if (!rf__safetensors_begins(path)) return rf__model_import(out, path);
    RF_TRY(rf__safetensors_open(&file, path));
    bool ours = rf__safetensors_metadata(file, "strait.model") != NULL;
    rf_status status = ours ? open_ours(out, file, path, false) : RF_OK;
    rf__safetensors_close(&file);
    return ours ? status : rf__model_import(out, path);
}

rf_status rf__delta_open(rf_model **out, const char *path) {
    rf_safetensors *file;
    *out = NULL;
    RF_TRY(rf__safetensors_open(&file, path));
    rf_status status = open_ours(out, file, path, true);
    rf__safetensors_close(&file);
    return status;
}

/* ---- saving ---- */

static json_t *save_metadata(const rf_model *model, const char *metadata_json) {
    json_t *all = json_object(), *more = metadata_json ? json_loads(metadata_json, 0, NULL) : NULL;
    json_t *settings = rf__fields_write(model->kind->fields, model->config);
    json_t *described = settings ? json_pack("{s:s, s:o}", "kind", model->kind->name, "settings", settings) : NULL;
    char *text = described ? json_dumps(described, JSON_COMPACT) : NULL;
    const char *key;
    json_t *value;
    json_object_foreach(more, key, value) {
        char *dump = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json_object_set_new(all, key, json_string(dump ? dump : json_string_value(value)));
        free(dump);
    }
    if (text && (!metadata_json || json_is_object(more))) {
        json_object_set_new(all, "format", json_string("strait"));
        json_object_set_new(all, "strait.version", json_string(RF_VERSION));
        json_object_set_new(all, "strait.convention", json_string(CONVENTION));
        json_object_set_new(all, "strait.model", json_string(text));
        char *windows = model->windows.count ? rf__windows_text(&model->windows) : NULL;
        if (windows) json_object_set_new(all, "strait.windows", json_string(windows));
        free(windows);
        char *refiner = model->refiner.predictor[0] ? refiner_text(&model->refiner) : NULL;
        if (refiner) json_object_set_new(all, "strait.refiner", json_string(refiner));
        free(refiner);
    } else {
        json_decref(all);
        all = NULL;
    }
    free(text);
    json_decref(described);
    json_decref(more);
    return all;
}

/* bf16 is for what is multiplied: vectors and fixed tables stay f32 in the kernels, so they do in the file. Computing in bf16 from
 * either file then gives the same bytes (class tables excepted). */
static rf_dtype stored_as(const rf_param *param, rf_dtype dtype) { return param->trained && param->shape.rank > 1 ? dtype : RF_F32; }

/* Parameters in the order of the vector, one buffer for all. */
static rf_status save_tensors(const rf_model *model, const float *all, rf_dtype dtype, rf_tensor_entry *entries, uint8_t **bytes) {
    const rf_weights *weights = model->weights;
    int count = rf__weights_count(weights);
    size_t total = 1;
    for (int i = 0; i < count; i++) {
        const rf_param *param = rf__weights_param(weights, i);
        total += (size_t)rf__shape_count(&param->shape) * rf__dtype_size(stored_as(param, dtype)) + 3;
    }
    float *buffer = rf__alloc_array((size_t)rf__weights_largest(weights), sizeof *buffer);
    uint8_t *at = *bytes = rf__alloc(total);
    if (!buffer || !at) {
        rf__free(buffer);
        return rf__fail(RF_ENOMEM, "no memory for %zu bytes of weights", total);
    }
    for (int i = 0; i < count; i++) {
        const rf_param *param = rf__weights_param(weights, i);
        rf_shape shape = file_shape(param);
        rf_dtype type = stored_as(param, dtype);
        int64_t n = rf__shape_count(&shape);
        rf__param_turn(param, all + rf__weights_offset(weights, i), buffer, true);
        for (int64_t k = 0; k < n && type == RF_BF16; k++) ((uint16_t *)(void *)at)[k] = rf__f32_to_bf16(buffer[k]);
        if (type == RF_F32) memcpy(at, buffer, (size_t)n * sizeof *buffer);
        entries[i] = (rf_tensor_entry){.name = param->name, .type = type == RF_BF16 ? RF_TENSOR_BF16 : RF_TENSOR_F32,
                                       .rank = shape.rank, .count = n, .data = at};
        memcpy(entries[i].dim, shape.dim, (size_t)shape.rank * sizeof *shape.dim);
        at += ((size_t)n * rf__dtype_size(type) + 3) / 4 * 4;
    }
    rf__free(buffer);
    return RF_OK;
}

rf_status rf__model_save(const rf_model *model, const float *all, const char *path, rf_dtype dtype, const char *metadata_json) {
    int count = rf__weights_count(model->weights);
    rf_tensor_entry *entries = calloc((size_t)count + 1, sizeof *entries);
    json_t *metadata = save_metadata(model, metadata_json);
    uint8_t *bytes = NULL;
    rf_status status = metadata ? RF_OK : rf__fail(RF_EINVAL, "%s: the metadata is not a JSON object: %.80s", path, metadata_json);
    if (!entries) status = rf__fail(RF_ENOMEM, "%s: no memory", path);
    if (status == RF_OK) status = save_tensors(model, all, dtype, entries, &bytes);
    if (status == RF_OK) status = rf__safetensors_save(path, entries, count, metadata);
    rf__free(bytes);
    free(entries);
    json_decref(metadata);
    return status;
}
