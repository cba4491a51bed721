/* latent.c - see latent.h. */
#include "latent.h"

#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../io/safetensors.h"

static rf_status read_tensor(float **out, int64_t *count, const rf_safetensors *file, const char *name, const rf_model_shape *shape, const char *path) {
    const rf_tensor_entry *entry = rf__safetensors_find(file, name);
    if (!entry) return rf__fail(RF_EFORMAT, "%s: has no '%s', expected a file of strait invert", path, name);
    bool fits = entry->rank == 4 && entry->dim[0] > 0 && entry->dim[1] == shape->height && entry->dim[2] == shape->width &&
                entry->dim[3] == shape->channels;
    if (!fits)
        return rf__fail(RF_EMISMATCH, "%s: '%s' is not of the model's shape, expected [n, %d, %d, %d]", path, name, shape->height, shape->width,
                        shape->channels);
    if (*count && *count != entry->dim[0])
        return rf__fail(RF_EMISMATCH, "%s: '%s' has %lld rows, expected %lld", path, name, (long long)entry->dim[0], (long long)*count);
    *count = entry->dim[0];
    *out = rf__alloc_array((size_t)entry->count, sizeof **out);
    if (!*out) return rf__fail(RF_ENOMEM, "%s: no memory for %lld numbers", path, (long long)entry->count);
    return rf__tensor_read_f32(entry, *out, entry->count);
}

static rf_status read_all(rf_latents *out, const rf_safetensors *file, const char *path, const rf_model_shape *shape) {
    const char *text = rf__safetensors_metadata(file, RF_LATENT_KEY);
    out->facts = text ? json_loads(text, 0, NULL) : NULL;
    if (!json_is_object(out->facts)) return rf__fail(RF_EFORMAT, "%s: does not say how it was made, expected a file of strait invert", path);
    RF_TRY(read_tensor(&out->x, &out->count, file, "latent", shape, path));
    return rf__safetensors_find(file, "carry") ? read_tensor(&out->carry, &out->count, file, "carry", shape, path) : RF_OK;
}

rf_status rf__latents_read(rf_latents *out, const char *path, const rf_model_shape *shape) {
    *out = (rf_latents){0};
    rf_safetensors *file = NULL;
    RF_TRY(rf__safetensors_open(&file, path));
    rf_status status = read_all(out, file, path, shape);
    rf__safetensors_close(&file);
    if (status != RF_OK) rf__latents_fini(out);
    return status;
}

rf_status rf__latents_write(const rf_latents *latents, const char *path, const rf_model_shape *shape) {
    int64_t count = latents->count * shape->height * shape->width * shape->channels;
    rf_tensor_entry entry = {.name = "latent", .type = RF_TENSOR_F32, .rank = 4, .dim = {latents->count, shape->height, shape->width, shape->channels},
                             .count = count, .data = latents->x};
    rf_tensor_entry entries[2] = {entry, entry};
    entries[1].name = "carry";
    entries[1].data = latents->carry;
    char *text = json_dumps(latents->facts, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_t *metadata = text ? json_pack("{s:s}", RF_LATENT_KEY, text) : NULL;
    free(text);
    if (!metadata) return rf__fail(RF_ENOMEM, "%s: no memory for its metadata", path);
    rf_status status = rf__safetensors_save(path, entries, latents->carry ? 2 : 1, metadata);
    json_decref(metadata);
    return status;
}

void rf__latents_fini(rf_latents *latents) {
    rf__free(latents->x);
    rf__free(latents->carry);
    json_decref(latents->facts);
    *latents = (rf_latents){0};
}

int32_t rf__latents_label(const rf_latents *latents, int64_t k) {
    const json_t *label = json_array_get(json_object_get(latents->facts, "class_labels"), (size_t)k);
    return json_is_integer(label) ? (int32_t)json_integer_value(label) : -1;
}
