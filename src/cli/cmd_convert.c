/* cmd_convert.c - other people's checkpoint, or one of ours, as a safetensors checkpoint of ours. */
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/log.h"
#include "../models/grow.h"
#include "args.h"
#include "claims.h"
#include "command.h"
#include "outpath.h"
#include "report.h"

typedef struct convert_flags {
    const char *dtype, *delta;
} convert_flags;

static const char *const dtype_names[] = {"f32", "bf16", NULL};
static const rf_arg table[] = {
    {"dtype", 0, "type", RF_ARG_CHOICE, offsetof(convert_flags, dtype), .preset = "f32", .choices = dtype_names, .value = "TYPE",
     .help = "f32 or bf16 (matrices only; half the size)"},
    {"delta", 0, NULL, RF_ARG_STRING, offsetof(convert_flags, delta), .value = "FILE", .help = "a difference of strait delta that is added first"},
    {NULL},
};
static const char examples[] = "  strait convert DiffusionViT.pth digits.safetensors\n"
                               "  strait convert fashion.safetensors fashion-bf16.safetensors --dtype bf16\n";

static json_t *report_of(const rf_model *model, const char *to, const char *dtype) {
    return json_pack("{s:s s:s s:s s:s s:s s:I}", "command", "convert", "file", model->path, "output", to, "kind", model->kind->name, "dtype",
                     dtype, "parameters", (json_int_t)rf__model_parameters(model));
}

static int convert_main(int argc, char **argv) {
    convert_flags flags;
    rf_common common = {0};
    rf_arg_rest rest = {0};
    const rf_args spec = {.command = "convert", .summary = rf__cmd_convert.help, .positional = "IN OUT.safetensors", .positional_min = 2,
                          .positional_max = 2, .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &flags, &common, &rest);
    const char *from = rest.at[0], *to = rest.at[1];
    if (!strcmp(to, "-")) {
        free(rest.at);
        return rf__cli_usage("convert", "OUT is -, expected a file: a checkpoint is written whole or not at all");
    }
    const char *read = rf__same_file(from, to) ? from : flags.delta && rf__same_file(flags.delta, to) ? flags.delta : NULL;
    if (read) {
        free(rest.at);
        return rf__cli_usage("convert", "OUT is %s, which is read too, expected another file", to);
    }
    rf_model *model = NULL;
    int64_t numbers;
    rf_status status = rf__model_open(&model, from);
    if (status == RF_OK && flags.delta) status = rf__delta_add(&model, flags.delta);
    if (status == RF_OK) status = rf__outpath_prepare(to);
    if (status == RF_OK)
        status = rf__model_save(model, rf__weights_all(model->weights, &numbers), to, rf__dtype_of(flags.dtype),
                                model->metadata_json);
    if (status == RF_OK) rf__info("%s: %s, %lld parameters, %s", to, model->kind->name, (long long)rf__model_parameters(model), flags.dtype);
    if (status == RF_OK && common.json) status = rf__report_write(common.json, report_of(model, to, flags.dtype));
    rf__model_free(&model);
    free(rest.at);
    return rf__cli_failed("convert", status);
}

const rf_command rf__cmd_convert = {"convert", "keep another's checkpoint as one of ours", convert_main, examples};
