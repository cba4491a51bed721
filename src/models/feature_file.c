/* feature_file.c - feature networks from files: other people's tensors, or a checkpoint of ours. */
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../io/sha256.h"
#include "../io/tensors.h"
#include "features.h"
#include "model.h"

/* ---- a file as a source ---- */

typedef struct tensor_file {
    rf_tensors *tensors;
    char path[512];
    char prefix[128]; /* of every name */
} tensor_file;

static const rf_tensor_entry *entry_of(const tensor_file *file, const char *name) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", file->prefix, name);
    return rf__tensors_find(file->tensors, full);
}

static bool file_has(void *self, const char *name) { return entry_of(self, name) != NULL; }

static rf_status file_read(void *self, const char *name, int64_t count, float *out) {
    const tensor_file *file = self;
    const rf_tensor_entry *entry = entry_of(file, name);
    if (!entry) return rf__fail(RF_EMISMATCH, "%s: %s is missing", file->path, name);
    if (entry->count != count)
        return rf__fail(RF_EMISMATCH, "%s: %s has %lld numbers, expected %lld", file->path, name, (long long)entry->count, (long long)count);
    return rf__tensor_read_f32(entry, out, count);
}

/* What stands before `probe` in the name of a tensor. */
static rf_status find_prefix(tensor_file *file, const char *probe) {
    size_t length = strlen(probe);
    for (int i = 0; i < rf__tensors_count(file->tensors); i++) {
        const char *name = rf__tensors_entry(file->tensors, i)->name;
        size_t before = strlen(name) - length;
        if (strlen(name) < length || strcmp(name + before, probe) || before >= sizeof file->prefix || (before && name[before - 1] != '.')) continue;
        memcpy(file->prefix, name, before);
        return RF_OK;
    }
    return rf__fail(RF_EMISMATCH, "%s: %s is missing, so it is not the file of this network", file->path, probe);
}

void rf__tensor_file_close(rf_tensor_source *source) {
    tensor_file *file = source->self;
    if (file) rf__tensors_close(&file->tensors);
    free(file);
    *source = (rf_tensor_source){0};
}

rf_status rf__tensor_file_open(rf_tensor_source *out, const char *path, const char *probe) {
    tensor_file *file = calloc(1, sizeof *file);
    *out = (rf_tensor_source){file, file_has, file_read};
    if (!file) return rf__fail(RF_ENOMEM, "no memory for a file of tensors");
    snprintf(file->path, sizeof file->path, "%s", path);
    rf_status status = rf__tensors_open(&file->tensors, path);
    if (status == RF_OK) status = find_prefix(file, probe);
    if (status != RF_OK) rf__tensor_file_close(out);
    return status;
}

rf_status rf__feature_checksum(const char *expected, const char *got, const char *path) {
    for (const char *p = expected; p && *p; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");
        if (!strncmp(p, got, length)) return RF_OK;
        p += length;
    }
    if (!expected) return RF_OK;
    return rf__fail(RF_EMISMATCH, "%s: its SHA-256 begins with %.8s, expected %s, the published file's", path, got, expected);
}

/* ---- opening ---- */

/* Declare the parameters by building for one picture; what comes out says how wide it is. */
static rf_status declare(rf_feature_model *m) {
    rf_graph *graph = rf__graph_create(RF_F32);
    if (!graph) return rf__fail(RF_ENOMEM, "no memory for a graph");
    rf_node *x = rf__input(graph, "x", RF_F32, rf__shape4(1, m->height, m->width, m->channels));
    rf_feature_out out = rf__feature_build(graph, m->net, m->form, x, 0, 0, RF_FEATURE_ALL);
    rf_status status = rf__graph_status(graph);
    if (status == RF_OK) {
        m->features = (int)rf__node_shape(out.features).dim[1];
        m->classes = (int)rf__node_shape(out.logits).dim[1];
        if (!m->weights) status = rf__weights_create(&m->weights, graph);
    }
    rf__graph_free(&graph);
    return status;
}

static rf_status open_checkpoint(rf_feature_model *m, const char *path) {
    RF_TRY(rf__model_open(&m->checkpoint, path));
    const rf_model *model = m->checkpoint;
    if (model->kind != m->net->kind)
        return rf__fail(RF_EMISMATCH, "%s: is a model of kind %s, expected %s", path, model->kind->name, m->net->kind->name);
    m->form = model->config;
    m->weights = model->weights;
    m->height = model->shape.height;
    m->width = model->shape.width;
    m->channels = model->shape.channels;
    return declare(m);
}

static rf_status open_tensors(rf_feature_model *m, const char *path) {
    m->height = m->width = m->net->size;
    m->channels = m->net->channels;
    RF_TRY(declare(m));
    const char *probe = NULL;
    for (int i = 0; i < rf__weights_count(m->weights) && !probe; i++)
        if (rf__weights_param(m->weights, i)->conv) probe = rf__weights_param(m->weights, i)->name;
    rf_tensor_source source;
    RF_TRY(rf__tensor_file_open(&source, path, probe));
    rf_status status = rf__feature_load(m->net, m->weights, "", &source);
    rf__tensor_file_close(&source);
    return status;
}

rf_status rf__feature_open(rf_feature_model **out, const char *name, const char *path, bool any_file) {
    *out = NULL;
    const rf_feature_net *net = rf__feature_net_find(name);
    if (!net) return RF_ENOTFOUND;
    if (!path || !*path) return rf__fail(RF_EINVAL, "%s needs a file of weights: %s", net->name, net->help);
    rf_feature_model *m = calloc(1, sizeof *m);
    if (!m) return rf__fail(RF_ENOMEM, "no memory for a feature network");
    m->net = net;
    rf_status status = rf__sha256_file(path, m->sha256);
    if (status == RF_OK && !any_file) status = rf__feature_checksum(net->sha256, m->sha256, path);
    if (status == RF_OK) status = net->kind ? open_checkpoint(m, path) : open_tensors(m, path);
    if (status != RF_OK) rf__feature_free(&m);
    *out = m;
    return status;
}

rf_status rf__feature_copy(const rf_feature_model *model, rf_weights *to, const char *prefix) {
    for (int i = 0; i < rf__weights_count(to); i++) {
        const rf_param *param = rf__weights_param(to, i);
        if (strncmp(param->name, prefix, strlen(prefix)) != 0) continue;
        int source = rf__weights_find(model->weights, param->name + strlen(prefix));
        if (source < 0) return rf__fail(RF_EMISMATCH, "%s: has no %s", model->net->name, param->name + strlen(prefix));
        memcpy(rf__weights_data(to, i), rf__weights_data(model->weights, source), (size_t)rf__shape_count(&param->shape) * sizeof(float));
    }
    return RF_OK;
}

void rf__feature_free(rf_feature_model **model_pointer) {
    rf_feature_model *m = model_pointer ? *model_pointer : NULL;
    if (!m) return;
    if (m->checkpoint) rf__model_free(&m->checkpoint);
    else rf__weights_free(&m->weights);
    free(m);
    *model_pointer = NULL;
}
