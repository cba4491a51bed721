/* cmd_info.c - what a picture, a checkpoint, an archive of tensors or a store of pairs says about itself, as text or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../io/pairs.h"
#include "../io/png_text.h"
#include "../io/safetensors.h"
#include "../io/sha256.h"
#include "../io/tensors.h"
#include "../models/grow.h"
#include "args.h"
#include "command.h"
#include "infotext.h"
#include "report.h"

static const rf_arg table[] = {{NULL}};
static const char examples[] = "  strait info out_003.png\n"
                               "  strait info fashion.safetensors\n"
                               "  strait info fashion.safetensors --json -\n"
                               "  strait info runs/fashion.pairs\n";

static bool is_png(const char *path) { return rf__file_begins(path, "\x89PNG\r\n\x1a\n", 8); }

/* ---- pictures ---- */
static rf_status info_of_picture(const char *path, json_t **out) {
    json_t *texts = NULL, *ours = NULL;
    RF_TRY(rf__png_texts(path, &texts));
    if (json_object_get(texts, RF_PNG_JSON_KEY)) {
        rf_status status = rf__png_json(path, &ours);
        if (status != RF_OK) {
            json_decref(texts);
            return status;
        }
    }
    json_t *json = json_pack("{s:s, s:s}", "file", path, "format", "png");
    const char *parameters = json_string_value(json_object_get(texts, RF_PNG_PARAMETERS_KEY));
    if (parameters) {
        json_object_set_new(json, "parameters_text", json_string(parameters));
        json_object_set_new(json, "parameters", rf__infotext_parse(parameters));
    }
    if (ours) json_object_set_new(json, RF_PNG_JSON_KEY, ours);
    json_object_del(texts, RF_PNG_PARAMETERS_KEY);
    json_object_del(texts, RF_PNG_JSON_KEY);
    if (json_object_size(texts)) json_object_set(json, "texts", texts);
    json_decref(texts);
    *out = json;
    return RF_OK;
}

/* ---- checkpoints ---- */
/* "f32", or {"bf16": 80, "f32": 2} when they are mixed. */
static json_t *types_of(const rf_tensors *file) {
    json_t *types = json_object();
    for (int i = 0; i < rf__tensors_count(file); i++) {
        const char *name = rf__tensor_type_name(rf__tensors_entry(file, i)->type);
        json_object_set_new(types, name, json_integer(json_integer_value(json_object_get(types, name)) + 1));
    }
    if (json_object_size(types) != 1) return types;
    json_t *only = json_string(json_object_iter_key(json_object_iter(types)));
    json_decref(types);
    return only;
}

/* safetensors metadata holds strings only; what is JSON inside is shown as what it is. */
static json_t *metadata_of(const rf_safetensors *file) {
    json_t *out = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)rf__safetensors_metadata_all(file), key, value) {
        const char *text = json_string_value(value);
        bool nested = text && (text[0] == '{' || text[0] == '[');
        json_t *parsed = nested ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        json_object_set_new(out, key, parsed ? parsed : json_incref(value));
    }
    return out;
}

/* What any archive of tensors says. */
static void describe_tensors(json_t *json, const rf_tensors *file) {
    int64_t numbers = 0;
    for (int i = 0; i < rf__tensors_count(file); i++) numbers += rf__tensors_entry(file, i)->count;
    json_object_set_new(json, "format", json_string(rf__tensors_format(file)));
    json_object_set_new(json, "tensors", json_integer(rf__tensors_count(file)));
    json_object_set_new(json, "numbers", json_integer((json_int_t)numbers));
    json_object_set_new(json, "dtype", types_of(file));
}

static json_t *shape_of(const rf_tensor_entry *entry) {
    char text[160] = "";
    size_t used = 0;
    for (int i = 0; i < entry->rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", i ? "x" : "", (long long)entry->dim[i]);
    snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", rf__tensor_type_name(entry->type));
    return json_string(text);
}

/* {"conv1.weight": "16x3x3x3 F32"} */
static json_t *shapes_of(const rf_tensors *file) {
    json_t *shapes = json_object();
    for (int i = 0; i < rf__tensors_count(file); i++)
        json_object_set_new(shapes, rf__tensors_entry(file, i)->name, shape_of(rf__tensors_entry(file, i)));
    return shapes;
}

static void describe_metadata(json_t *json, const rf_safetensors *file) {
    const char *names[][2] = {{"strait.convention", "convention"},
                              {"class_names", "class_names"},
                              {"strait.version", "written_by"},
                              {"training", "training"}};
    json_t *metadata = metadata_of(file);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(metadata, names[i][0]);
        if (!value) continue;
        json_object_set(json, names[i][1], value);
        json_object_del(metadata, names[i][0]);
    }
    json_object_del(metadata, "strait.model"); /* shown as kind and config */
    if (json_object_size(metadata)) json_object_set(json, "metadata", metadata);
    json_decref(metadata);
}

/* What we know about a network that we can run; its weights were checked. */
static void describe_network(json_t *json, const rf_model *model) {
    const rf_model_shape *shape = &model->shape;
    json_object_set_new(json, "kind", json_string(model->kind->name));
    json_object_set_new(json, "source", json_string(model->kind->source));
    json_object_set_new(json, "parameters", json_integer((json_int_t)rf__model_parameters(model)));
    json_object_set_new(json, "width", json_integer(shape->width));
    json_object_set_new(json, "height", json_integer(shape->height));
    json_object_set_new(json, "channels", json_integer(shape->channels));
    json_object_set_new(json, "classes", json_integer(shape->classes));
    json_object_set_new(json, "config", rf__fields_write(model->kind->fields, model->config));
}

/* A file of ours must be sound as a network. Any other archive may be a network that we can run; if not, its tensors are listed. */
static rf_status describe_contents(json_t *json, const char *path, const rf_tensors *tensors) {
    rf_safetensors *file = NULL;
    rf_model *model = NULL;
    if (rf__safetensors_begins(path)) RF_TRY(rf__safetensors_open(&file, path));
    bool ours = file && rf__safetensors_metadata(file, "strait.model"), delta = file && rf__safetensors_metadata(file, RF_DELTA_KEY);
    rf_status status = delta ? rf__delta_open(&model, path) : rf__model_open(&model, path);
    if (status == RF_OK) {
        describe_network(json, model);
    } else if (!ours) {
        status = RF_OK;
        json_object_set_new(json, "shapes", shapes_of(tensors));
        if (!file && json_object_size(rf__tensors_metadata_all(tensors)))
            json_object_set(json, "metadata", (json_t *)rf__tensors_metadata_all(tensors));
    }
    if (status == RF_OK && file) describe_metadata(json, file);
    rf__model_free(&model);
    rf__safetensors_close(&file);
    return status;
}

static rf_status info_of_archive(const char *path, json_t **out) {
    char sha256[65];
    rf_tensors *tensors = NULL;
    RF_TRY(rf__tensors_open(&tensors, path));
    json_t *json = json_pack("{s:s}", "file", path);
    rf_status status = json ? rf__sha256_file(path, sha256) : rf__fail(RF_ENOMEM, "no memory for the description of a file");
    if (status == RF_OK) {
        describe_tensors(json, tensors);
        json_object_set_new(json, "sha256", json_string(sha256));
        status = describe_contents(json, path, tensors);
    }
    rf__tensors_close(&tensors);
    if (status == RF_OK) *out = json;
    else json_decref(json);
    return status;
}

/* ---- stores of pairs ---- */
static rf_status info_of_pairs(const char *path, json_t **out) {
    rf_pairs *pairs = NULL;
    RF_TRY(rf__pairs_open(&pairs, path));
    const rf_pairs_head head = rf__pairs_describe(pairs);
    *out = json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:s, s:s, s:O?}", "file", path, "format", "pairs", "pairs", (json_int_t)rf__pairs_count(pairs),
                     "planned", (json_int_t)head.planned, "width", head.width, "height", head.height, "channels", head.channels, "classes", head.classes,
                     "data", head.data == RF_PAIRS_F32 ? "f32" : "u8", "noise", head.noise ? "stored" : "made from the seeds", "provenance", head.provenance);
    rf__pairs_free(&pairs);
    return *out ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the description of a file");
}

static rf_status describe(const char *path, json_t **out) {
    if (is_png(path)) return info_of_picture(path, out);
    return rf__pairs_begins(path) ? info_of_pairs(path, out) : info_of_archive(path, out);
}

/* ---- text ---- */
static void print_value(const char *key, const json_t *value, int depth) {
    printf("%*s%-*s ", 2 * depth, "", 22 - 2 * depth, key);
    if (json_is_string(value)) {
        printf("%s\n", json_string_value(value));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        size_t length = text ? strlen(text) : 0;
        printf("%.*s%s\n", length > 120 ? 117 : (int)length, text ? text : "", length > 120 ? "..." : "");
        free(text);
    }
}

static void print_object(const json_t *object, int depth) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (json_is_object(value)) {
            printf("%*s%s\n", 2 * depth, "", key);
            print_object(value, depth + 1);
        } else {
            print_value(key, value, depth);
        }
    }
}

static int info_main(int argc, char **argv) {
    char nothing = 0;
    rf_common common = {0};
    rf_arg_rest rest = {0};
    const rf_args spec = {.command = "info",
                          .summary = rf__cmd_info.help,
                          .positional = "FILE",
                          .positional_min = 1,
                          .positional_max = 1,
                          .table = table,
                          .examples = examples};
    rf__args_parse(&spec, argc, argv, &nothing, &common, &rest);
    const char *path = rest.at[0];
    json_t *json = NULL;
    rf_status status = describe(path, &json);
    if (status == RF_OK && common.json)
        status = rf__report_write(common.json, json_incref(json));
    else if (status == RF_OK)
        print_object(json, 0);
    json_decref(json);
    free(rest.at);
    return rf__cli_failed("info", status);
}

const rf_command rf__cmd_info = {"info", "describe a picture, a checkpoint, an archive of tensors or a store of pairs", info_main, examples};
