/* checkpoint.c - see checkpoint.h. The vectors are stored whole, in the order of rf__weights_all: they are for the same program and
 * recipe; model.safetensors is the file for everybody else. */
#include "checkpoint.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../io/safetensors.h"
#include "inputs.h"

#define FORMAT "strait checkpoint 1"

static const char *path_of(char buffer[4096], const char *folder, int64_t step) {
    snprintf(buffer, 4096, "%s/checkpoint_%09lld.safetensors", folder, (long long)step);
    return buffer;
}

/* Step of a file name, -1 when it is no checkpoint's. */
static int64_t step_of(const char *name) {
    long long step;
    int used = 0;
    if (sscanf(name, "checkpoint_%lld.safetensors%n", &step, &used) != 1 || used == 0 || name[used]) return -1;
    return step;
}

/* The largest step below `below`, -1: none. */
static int64_t newest_below(const char *folder, int64_t below) {
    DIR *dir = opendir(folder);
    int64_t best = -1;
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        int64_t step = step_of(entry->d_name);
        if (step > best && step < below) best = step;
    }
    if (dir) closedir(dir);
    return best;
}

int64_t rf__checkpoint_newest(const char *folder) { return newest_below(folder, INT64_MAX); }

/* ---- saving ---- */

static json_t *metadata_of(const rf_trainer *tr) {
    json_t *recipe = rf__recipe_json(tr->recipe);
    char *text = recipe ? json_dumps(recipe, JSON_COMPACT) : NULL, *inputs = json_dumps(tr->inputs, JSON_COMPACT), step[32], updates[32], skipped[32];
    snprintf(step, sizeof step, "%lld", (long long)tr->step);
    snprintf(updates, sizeof updates, "%lld", (long long)tr->optim.updates);
    snprintf(skipped, sizeof skipped, "%lld", (long long)tr->optim.skipped);
    json_t *object = text && inputs ? json_pack("{ss ss ss ss ss ss ss}", "format", FORMAT, "version", RF_VERSION, "step", step, "updates", updates,
                                                "skipped", skipped, "recipe", text, "inputs", inputs) : NULL;
    free(inputs);
    free(text);
    json_decref(recipe);
    return object;
}

static rf_tensor_entry vector(const char *name, const float *data, int64_t count) {
    return (rf_tensor_entry){.name = name, .type = RF_TENSOR_F32, .rank = 1, .dim = {count}, .count = count, .data = data};
}

static rf_tensor_entry raw(const char *name, const void *data, size_t size) {
    return (rf_tensor_entry){.name = name, .type = RF_TENSOR_U8, .rank = 1, .dim = {(int64_t)size}, .count = (int64_t)size, .data = data};
}

enum { MOST_ENTRIES = 11 };

/* All there is to keep; how many. */
static int entries_of(const rf_trainer *tr, const rf_loss_bins *bins, rf_tensor_entry out[MOST_ENTRIES]) {
    int64_t count, trained = tr->optim.count;
    const float *all = rf__weights_all(tr->model->weights, &count);
    int n = 0;
    out[n++] = vector("weights", all, count);
    out[n++] = vector("ema", tr->ema, count);
    out[n++] = vector("adam.m", tr->optim.m, trained);
    out[n++] = vector("adam.v", tr->optim.v, trained);
    out[n++] = raw("bins", bins, sizeof *bins);
    out[n++] = raw("anneal", &tr->anneal, sizeof tr->anneal);
    if (tr->scale) out[n++] = raw("time_scale", tr->scale, sizeof *tr->scale);
    if (!tr->adversary) return n;
    rf_adversary_memory memory = rf__adversary_memory(tr->adversary);
    out[n++] = vector("adversary.weights", memory.weights, memory.count);
    out[n++] = vector("adversary.m", memory.m, memory.count);
    out[n++] = vector("adversary.v", memory.v, memory.count);
    out[n++] = raw("adversary.state", memory.state, sizeof *memory.state);
    return n;
}

rf_status rf__checkpoint_save(const rf_trainer *tr, const rf_loss_bins *bins, const char *folder) {
    char path[4096];
    path_of(path, folder, tr->step);
    json_t *metadata = metadata_of(tr);
    if (!metadata) return rf__fail(RF_ENOMEM, "%s: no memory for the metadata", path);
    rf_tensor_entry entries[MOST_ENTRIES];
    rf_status status = rf__safetensors_save(path, entries, entries_of(tr, bins, entries), metadata);
    json_decref(metadata);
    RF_TRY(status);
    int64_t kept = newest_below(folder, tr->step);
    for (int64_t old; kept >= 0 && (old = newest_below(folder, kept)) >= 0;)
        if (remove(path_of(path, folder, old)) != 0) break; /* an old file too many does no harm */
    return RF_OK;
}

/* ---- loading ---- */

static rf_status read_vector(const rf_safetensors *file, const char *name, float *out, int64_t count) {
    const rf_tensor_entry *entry = rf__safetensors_find(file, name);
    if (!entry) return rf__fail(RF_EFORMAT, "has no tensor %s", name);
    return rf__tensor_read_f32(entry, out, count);
}

static rf_status read_bytes(const rf_safetensors *file, const char *name, void *out, size_t bytes) {
    const rf_tensor_entry *entry = rf__safetensors_find(file, name);
    if (!entry || entry->type != RF_TENSOR_U8 || entry->count != (int64_t)bytes) return rf__fail(RF_EFORMAT, "has no tensor %s", name);
    memcpy(out, entry->data, bytes);
    return RF_OK;
}

static rf_status read_adversary(rf_adversary *adversary, const rf_safetensors *file) {
    rf_adversary_memory memory = rf__adversary_memory(adversary);
    RF_TRY(read_vector(file, "adversary.weights", memory.weights, memory.count));
    RF_TRY(read_vector(file, "adversary.m", memory.m, memory.count));
    RF_TRY(read_vector(file, "adversary.v", memory.v, memory.count));
    RF_TRY(read_bytes(file, "adversary.state", memory.state, sizeof *memory.state));
    return rf__adversary_resume(adversary);
}

static rf_status read_number(const rf_safetensors *file, const char *key, int64_t *out) {
    const char *text = rf__safetensors_metadata(file, key);
    char *end = NULL;
    long long value = text ? strtoll(text, &end, 10) : -1;
    if (!text || end == text || *end || value < 0) return rf__fail(RF_EFORMAT, "its metadata has %s \"%.40s\", expected a number", key, text ? text : "");
    *out = value;
    return RF_OK;
}

static rf_status check_recipe(const rf_trainer *tr, const rf_safetensors *file) {
    const char *format = rf__safetensors_metadata(file, "format"), *text = rf__safetensors_metadata(file, "recipe");
    if (!format || strcmp(format, FORMAT) != 0 || !text) return rf__fail(RF_EFORMAT, "is not a checkpoint of a run, expected format \"" FORMAT "\"");
    json_t *theirs = json_loads(text, 0, NULL);
    rf_status status = theirs ? rf__recipe_same(tr->recipe, theirs) : rf__fail(RF_EFORMAT, "its recipe cannot be read");
    json_decref(theirs);
    return status;
}

/* Checkpoints from before that key say nothing of it. */
static rf_status check_inputs(const rf_trainer *tr, const rf_safetensors *file) {
    const char *text = rf__safetensors_metadata(file, "inputs");
    json_t *theirs = text ? json_loads(text, 0, NULL) : json_object();
    rf_status status = theirs ? rf__inputs_same(tr->inputs, theirs) : rf__fail(RF_EFORMAT, "its inputs cannot be read");
    json_decref(theirs);
    return status;
}

static rf_status read_state(rf_trainer *tr, rf_loss_bins *bins, const rf_safetensors *file) {
    int64_t count, step, trained = tr->optim.count;
    float *all = rf__weights_all(tr->model->weights, &count);
    RF_TRY(check_recipe(tr, file));
    RF_TRY(check_inputs(tr, file));
    RF_TRY(read_number(file, "step", &step));
    if (step > tr->recipe->train.steps)
        return rf__fail(RF_EMISMATCH, "is at step %lld, train.steps is %lld", (long long)step, (long long)tr->recipe->train.steps);
    RF_TRY(read_number(file, "updates", &tr->optim.updates));
    RF_TRY(read_number(file, "skipped", &tr->optim.skipped));
    RF_TRY(read_vector(file, "weights", all, count));
    RF_TRY(read_vector(file, "ema", tr->ema, count));
    RF_TRY(read_vector(file, "adam.m", tr->optim.m, trained));
    RF_TRY(read_vector(file, "adam.v", tr->optim.v, trained));
    RF_TRY(read_bytes(file, "bins", bins, sizeof *bins));
    RF_TRY(read_bytes(file, "anneal", &tr->anneal, sizeof tr->anneal));
    if (tr->scale) RF_TRY(read_bytes(file, "time_scale", tr->scale, sizeof *tr->scale));
    if (tr->adversary) RF_TRY(read_adversary(tr->adversary, file));
    tr->step = step;
    return rf__weights_refresh(tr->model->weights, tr->pool);
}

static rf_status load(rf_trainer *tr, rf_loss_bins *bins, const char *path) {
    rf_safetensors *file = NULL;
    RF_TRY(rf__safetensors_open(&file, path));
    rf_status status = read_state(tr, bins, file);
    rf__safetensors_close(&file);
    return status == RF_OK ? status : rf__fail_in(status, "%s: ", path);
}

rf_status rf__checkpoint_load(rf_trainer *tr, rf_loss_bins *bins, const char *folder) {
    char path[4096];
    rf_status status = rf__fail(RF_ENOTFOUND, "%s: has no checkpoint", folder);
    for (int64_t step = INT64_MAX; (step = newest_below(folder, step)) >= 0;) {
        status = load(tr, bins, path_of(path, folder, step));
        if (status == RF_OK || status == RF_EMISMATCH) return status;
        rf__warn("%s; trying the checkpoint before it", rf_last_error());
    }
    return status;
}
