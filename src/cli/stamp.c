/* stamp.c - the two descriptions of a picture. */
#include "stamp.h"

#include <ctype.h>
#include <string.h>

#include "../base/cpu.h"
#include "../base/dtype.h"
#include "class_names.h"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static json_t *model_json(const rf_stamp *stamp) {
    const rf_model *model = rf__sampler_model(stamp->sampler);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "path", stamp->model_path, "name", base_name(stamp->model_path),
                             "kind", model->kind->name, "sha256", model->sha256);
    if (model->delta_path) json_object_set_new(json, "delta", json_string(model->delta_path)); /* the hash is that of the sum */
    return json;
}

static void add_refiner(json_t *json, const rf_stamp *stamp) {
    const rf_model *refiner = rf__sampler_refiner(stamp->sampler);
    if (!refiner) return;
    json_object_set_new(json, "refiner", json_pack("{s:s, s:s, s:s}", "path", stamp->refiner_path, "name", base_name(stamp->refiner_path), "sha256",
                                                   refiner->sha256));
}

static void add_grid(json_t *json, const rf_stamp *stamp, const rf_model *model) {
    json_t *seeds = json_array(), *labels = json_array();
    for (int64_t k = 0; k < stamp->order->count; k++) {
        json_array_append_new(seeds, json_integer((json_int_t)rf__order_seed(stamp->order, k)));
        json_array_append_new(labels, json_integer(rf__order_label(stamp->order, model, k)));
    }
    json_object_set_new(json, "columns", json_integer(stamp->columns));
    json_object_set_new(json, "seeds", seeds);
    json_object_set_new(json, "class_labels", labels);
}

json_t *rf__stamp_json(const rf_stamp *stamp) {
    const rf_model *model = rf__sampler_model(stamp->sampler);
    json_t *json = rf__order_json(stamp->order);
    if (!json) return NULL;
    json_object_set_new(json, "version", json_string(rf_version()));
    json_object_set_new(json, "convention", json_string("t = 0 noise, t = 1 data, dx/dt = v"));
    json_object_set_new(json, "model", model_json(stamp));
    add_refiner(json, stamp);
    json_object_set_new(json, "dtype", json_string(rf__dtype_name(rf__sampler_dtype(stamp->sampler))));
    json_object_set_new(json, "isa", json_string(rf__cpu_name(rf__cpu_flags())));
    json_object_set_new(json, "width", json_integer(model->shape.width));
    json_object_set_new(json, "height", json_integer(model->shape.height));
    if (stamp->zoom > 1) json_object_set_new(json, "zoom", json_integer(stamp->zoom));
    if (stamp->order->latent_path && !stamp->columns) json_object_set_new(json, "latent_index", json_integer((json_int_t)stamp->k));
    rf__order_json_record(json, stamp->order, stamp->columns ? -1 : stamp->k);
    if (stamp->columns) {
        add_grid(json, stamp, model);
    } else {
        json_object_set_new(json, "seed", json_integer((json_int_t)rf__order_seed(stamp->order, stamp->k)));
        json_object_set_new(json, "class_label",
                            json_integer(rf__order_label(stamp->order, model, stamp->k)));
    }
    return json;
}

/* A1111 writes names with a capital. */
static void capital(const char *name, char *out, size_t size) {
    snprintf(out, size, "%s", name);
    out[0] = (char)toupper((unsigned char)out[0]);
}

char *rf__stamp_parameters(const rf_stamp *stamp) {
    const rf_order *order = stamp->order;
    const rf_model *model = rf__sampler_model(stamp->sampler);
    int32_t label = rf__order_label(order, model, stamp->k);
    char sampler[64], schedule[64], first_line[128] = "", *text = NULL;
    capital(order->solver->name, sampler, sizeof sampler);
    capital(order->schedule->name, schedule, sizeof schedule);
    const json_t *stages = order->stages ? rf__stage_set_json(order->stages) : NULL;
    if (stages) snprintf(sampler, sizeof sampler, "Blocks in %zu stages", json_array_size(stages));
    if (stamp->columns)
        snprintf(first_line, sizeof first_line, "grid of %lld images", (long long)order->count);
    else if (label >= 0 && !rf__class_name(model, label, first_line, sizeof first_line))
        snprintf(first_line, sizeof first_line, "class %d", label);
    for (char *c = first_line; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' '; /* the first line is the prompt, and only that */
    if (asprintf(&text,
                 "%s\nSteps: %d, Sampler: %s, Schedule type: %s, CFG scale: %g, Seed: %llu, Size: %dx%d, "
                 "Model hash: %.10s, Model: %s, Version: strait %s",
                 first_line, stages ? (int)rf__stage_set_answers(order->stages) : order->grid.steps, sampler, schedule, order->guidance.scale,
                 (unsigned long long)rf__order_seed(order, stamp->k), model->shape.width, model->shape.height,
                 model->sha256, base_name(stamp->model_path), rf_version()) < 0)
        return NULL;
    return text;
}
