/* cmd_info.c - what a picture or a checkpoint says about itself, as text or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../io/png_text.h"
#include "../models/model.h"
#include "args.h"
#include "command.h"
#include "infotext.h"
#include "report.h"

static const rf_arg table[] = {{NULL}};
static const char examples[] = "  strait info out_003.png\n"
                               "  strait info fashion.safetensors\n"
                               "  strait info fashion.safetensors --json -\n";

static bool is_png(const char *path) {
    static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char head[8] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    return got == sizeof head && memcmp(head, signature, sizeof head) == 0;
}

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
static rf_status info_of_model(const char *path, json_t **out) {
    rf_model *model = NULL;
    RF_TRY(rf__model_open(&model, path));
    const rf_model_shape *shape = &model->shape;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "file", path, "format", "safetensors", "kind",
                             model->kind->name, "source", model->kind->source, "parameters",
                             (json_int_t)rf__model_parameters(model), "sha256", model->sha256);
    json_object_set_new(json, "image",
                        json_pack("{s:i, s:i, s:i}", "width", shape->width, "height", shape->height,
                                  "channels", shape->channels));
    json_object_set_new(json, "classes", json_integer(shape->classes));
    json_object_set_new(json, "config", rf__fields_write(model->kind->fields, model->config));
    json_t *metadata = model->metadata_json ? json_loads(model->metadata_json, 0, NULL) : NULL;
    if (metadata) json_object_set_new(json, "metadata", metadata);
    rf__model_free(&model);
    *out = json;
    return RF_OK;
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
    rf_status status = is_png(path) ? info_of_picture(path, &json) : info_of_model(path, &json);
    if (status == RF_OK && common.json)
        status = rf__report_write(common.json, json_incref(json));
    else if (status == RF_OK)
        print_object(json, 0);
    json_decref(json);
    free(rest.at);
    return rf__cli_failed("info", status);
}

const rf_command rf__cmd_info = {"info", "describe a picture or a checkpoint", info_main, examples};
