/* order_json.c - the settings of an order as JSON, exactly enough to make the same images again, and back. */
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "order.h"
#include "picture.h"

static void add_options(json_t *json, const char *key, const rf_option *table, const rf_options *options) {
    char text[1024];
    if (!table) return;
    rf__options_text(table, options, text, sizeof text);
    json_object_set_new(json, key, json_string(text));
}

static void add_blocks(json_t *json, const rf_order *order) {
    char text[160];
    if (!order->blocks.runs) return;
    rf__blocks_text(&order->blocks, text, sizeof text);
    json_object_set_new(json, "blocks", json_string(text));
}

static void add_guidance(json_t *json, const rf_order *order) {
    json_object_set_new(json, "guidance", json_string(order->guide->name));
    if (!order->target && !order->guide->remembers) return;
    json_object_set_new(json, "guidance_delta", json_real(order->guidance.delta));
    json_object_set_new(json, "guidance_end", json_integer(order->guidance.end));
    if (order->target_path) json_object_set_new(json, "guidance_target", json_string(order->target_path));
}

json_t *rf__order_json(const rf_order *order) {
    json_t *times = json_array();
    for (int i = 0; !order->stages && i <= order->grid.steps; i++) json_array_append_new(times, json_real(order->grid.t[i]));
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:o, s:f, s:f, s:f, s:s}", "sampling_method", order->solver->name,
                  "scheduler", order->schedule->name, "steps", order->grid.steps, "times", times, "cfg_scale",
                  order->guidance.scale, "guidance_low", order->guidance.low, "guidance_high",
                  order->guidance.high, "policy", order->policy->name);
    if (json && order->shift) json_object_set_new(json, "flow_shift", json_real(order->shift));
    if (json) add_options(json, "sampling_option", order->solver->options, &order->solver_options);
    if (json) add_options(json, "policy_option", order->policy->options, &order->policy_options);
    if (json) add_blocks(json, order);
    if (json && order->stages) {
        json_object_set_new(json, "stages", json_deep_copy(rf__stage_set_json(order->stages)));
        json_object_set_new(json, "sampling_method", json_string("blocks"));
        json_object_del(json, "times"); /* each stage has its own */
        json_object_del(json, "steps");
    }
    if (json) add_guidance(json, order);
    if (json && order->latent_path) json_object_set_new(json, "init_latent", json_string(order->latent_path));
    return json;
}

static rf_status parse_times(rf_order *order, const json_t *times) {
    size_t count = json_array_size(times);
    if (count < 2 || count > RF_MAX_STEPS + 1)
        return rf__fail(RF_EFORMAT, "times has %zu numbers, expected 2 .. %d", count, RF_MAX_STEPS + 1);
    order->grid.t = rf__alloc_array(count, sizeof *order->grid.t);
    if (!order->grid.t) return rf__fail(RF_ENOMEM, "no memory for %zu times", count);
    order->grid.steps = (int)count - 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(times, i);
        order->grid.t[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return rf__grid_check(order->grid.t, order->grid.steps);
}

static rf_status parse_numbers(rf_order *order, const json_t *json) {
    const char *keys[] = {"cfg_scale", "guidance_low", "guidance_high"};
    double *places[] = {&order->guidance.scale, &order->guidance.low, &order->guidance.high};
    for (int i = 0; i < 3; i++) {
        const json_t *value = json_object_get(json, keys[i]);
        if (!json_is_number(value)) return rf__fail(RF_EFORMAT, "%s is missing, expected a number", keys[i]);
        *places[i] = json_number_value(value);
    }
    const json_t *shift = json_object_get(json, "flow_shift");
    order->shift = shift ? json_number_value(shift) : 0;
    return RF_OK;
}

/* Pictures made before guidance had names do not say which. */
static rf_status parse_guidance(rf_order *order, const json_t *json, const rf_model *model) {
    const json_t *name = json_object_get(json, "guidance"), *delta = json_object_get(json, "guidance_delta");
    const char *target = json_string_value(json_object_get(json, "guidance_target"));
    const json_t *end = json_object_get(json, "guidance_end");
    order->guidance.delta = delta ? json_number_value(delta) : 1;
    order->guidance.end = end ? (int)json_integer_value(end) : 1;
    if (name && !json_is_string(name)) return rf__fail(RF_EFORMAT, "guidance is no text, expected a name");
    order->guide = rf__guidance_find(name ? json_string_value(name) : model->shape.classes ? "cfg" : "none");
    if (!order->guide) return RF_ENOTFOUND;
    if (target) {
        order->target_path = strdup(target);
        if (!order->target_path) return rf__fail(RF_ENOMEM, "no memory for a file name");
        RF_TRY(rf__picture_read(&order->target, &model->shape, target));
        order->guidance.target = order->target;
    }
    return order->guide->check ? order->guide->check(&order->guidance) : RF_OK;
}

static rf_status parse_options(const json_t *json, const char *key, const rf_option *table, rf_options *options, const char *owner) {
    const json_t *text = json_object_get(json, key);
    if (text && !json_is_string(text)) return rf__fail(RF_EFORMAT, "%s is no text, expected NAME=VALUE,..", key);
    return rf__options_parse(table, options, owner, json_string_value(text));
}

static rf_status parse_blocks(rf_order *order, const json_t *json) {
    const json_t *text = json_object_get(json, "blocks");
    if (!text) return RF_OK;
    if (!json_is_string(text)) return rf__fail(RF_EFORMAT, "blocks is no text, expected a list such as H2P4R2");
    return rf__blocks_parse(&order->blocks, json_string_value(text));
}

void rf__order_json_record(json_t *json, const rf_order *order, int64_t k) {
    if (!order->asked) return;
    char note[120];
    const rf_option *options = order->policy->options;
    const int knob = order->policy->knob - 1;
    snprintf(note, sizeof note, "%s", order->policy_note);
    if (!order->policy->internal)
        snprintf(note, sizeof note, "%s, %s=%.6g", order->policy->name, options[knob].name, rf__option(options, &order->policy_options, knob));
    json_t *list = json_array();
    for (int64_t i = 0; k < 0 && i < order->count; i++) json_array_append_new(list, json_string(rf__order_asked(order, i)));
    if (k >= 0) json_array_append_new(list, json_string(rf__order_asked(order, k)));
    json_object_del(json, "policy_option");
    json_object_set_new(json, "policy", json_string("recorded"));
    json_object_set_new(json, "policy_note", json_string(note));
    json_object_set_new(json, "asked", list);
}

static rf_status parse_record(rf_order *order, const json_t *json) {
    const json_t *list = json_object_get(json, "asked");
    const char *note = json_string_value(json_object_get(json, "policy_note"));
    if (!order->policy->internal) return RF_OK;
    size_t stride = (size_t)order->grid.steps + 1;
    if (json_array_size(list) != (size_t)order->count)
        return rf__fail(RF_EFORMAT, "asked has %zu records, expected %lld", json_array_size(list), (long long)order->count);
    order->asked = rf__alloc_array((size_t)order->count, stride);
    if (!order->asked) return rf__fail(RF_ENOMEM, "no memory for %lld records", (long long)order->count);
    for (int64_t i = 0; i < order->count; i++) {
        const char *asked = json_string_value(json_array_get(list, (size_t)i));
        if (!asked || strlen(asked) + 1 != stride || strspn(asked, RF_LETTERS) + 1 != stride)
            return rf__fail(RF_EFORMAT, "asked of image %lld is not one 0, 1 or r for each of %d steps", (long long)i, order->grid.steps);
        strcpy(rf__order_asked(order, i), asked);
    }
    if (note) snprintf(order->policy_note, sizeof order->policy_note, "%s", note);
    return RF_OK;
}

/* seed + class_label of one image, or seeds + class_labels of a grid. */
static rf_status parse_images(rf_order *order, const json_t *json, const rf_model *model) {
    const json_t *seeds = json_object_get(json, "seeds"), *labels = json_object_get(json, "class_labels");
    bool many = json_is_array(seeds);
    size_t count = many ? json_array_size(seeds) : 1;
    if (count < 1 || count > 1000000 || (many && json_array_size(labels) != count))
        return rf__fail(RF_EFORMAT,
                        "seeds has %zu numbers and class_labels %zu, expected as many, at least one", count,
                        json_array_size(labels));
    order->count = (int64_t)count;
    order->label_count = (int)count;
    order->seeds = rf__alloc_array(count, sizeof *order->seeds);
    order->labels = rf__alloc_array(count, sizeof *order->labels);
    if (!order->seeds || !order->labels) return rf__fail(RF_ENOMEM, "no memory for %zu images", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *seed = many ? json_array_get(seeds, i) : json_object_get(json, "seed");
        const json_t *label = many ? json_array_get(labels, i) : json_object_get(json, "class_label");
        if (!json_is_integer(seed) || !json_is_integer(label))
            return rf__fail(RF_EFORMAT,
                            "seed and class_label of image %zu are missing, expected whole numbers", i);
        RF_TRY(rf__sampler_check_label(model, json_integer_value(label)));
        order->seeds[i] = (uint64_t)json_integer_value(seed);
        order->labels[i] = (int32_t)json_integer_value(label);
    }
    return RF_OK;
}

/* A picture says which of the latents it began from; a grid has all of them. */
static rf_status parse_latents(rf_order *order, const json_t *json, const rf_model *model) {
    const char *path = json_string_value(json_object_get(json, "init_latent"));
    const json_t *index = json_object_get(json, "latent_index");
    if (!path) return RF_OK;
    RF_TRY(rf__order_take_latents(order, path, model));
    int64_t first = json_is_integer(index) ? json_integer_value(index) : 0, n = rf__model_scalars(model);
    if (first < 0 || order->count > order->latents.count - first)
        return rf__fail(RF_EFORMAT, "%s: has %lld latents, expected %lld from number %lld on", path, (long long)order->latents.count,
                        (long long)order->count, (long long)first);
    rf_latents *latents = &order->latents;
    size_t bytes = (size_t)(order->count * n) * sizeof(float);
    memmove(latents->x, latents->x + first * n, bytes);
    if (latents->carry) memmove(latents->carry, latents->carry + first * n, bytes);
    return RF_OK;
}

static rf_status parse(rf_order *order, const json_t *json, const rf_model *model) {
    const char *method = json_string_value(json_object_get(json, "sampling_method"));
    const char *scheduler = json_string_value(json_object_get(json, "scheduler"));
    const char *policy = json_string_value(json_object_get(json, "policy"));
    if (!method || !scheduler || !policy)
        return rf__fail(RF_EFORMAT, "sampling_method, scheduler or policy is missing, expected three names");
    order->solver = rf__solver_find(method);
    order->schedule = rf__schedule_find(scheduler);
    order->policy = rf__policy_find(policy);
    if (!order->solver || !order->schedule || !order->policy) return RF_ENOTFOUND;
    if (order->policy->profile) return rf__fail(RF_EFORMAT, "policy is %s without a record of where it asked", policy);
    RF_TRY(parse_numbers(order, json));
    RF_TRY(parse_options(json, "sampling_option", order->solver->options, &order->solver_options, order->solver->name));
    RF_TRY(parse_options(json, "policy_option", order->policy->options, &order->policy_options, order->policy->name));
    RF_TRY(parse_guidance(order, json, model));
    RF_TRY(parse_blocks(order, json));
    if (!json_object_get(json, "stages")) RF_TRY(parse_times(order, json_object_get(json, "times")));
    RF_TRY(parse_images(order, json, model));
    RF_TRY(parse_latents(order, json, model));
    return parse_record(order, json);
}

rf_status rf__order_parse(rf_order *out, const json_t *json, const rf_model *model) {
    memset(out, 0, sizeof *out);
    rf_status status = parse(out, json, model);
    if (status != RF_OK) rf__order_fini(out);
    return status;
}
