/* cmd_delta.c - what a training changed, as a file that is added to other models of the same base. */
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/log.h"
#include "../models/grow.h"
#include "args.h"
#include "command.h"
#include "outpath.h"
#include "report.h"

typedef struct delta_flags {
    const char *dtype, *out;
} delta_flags;

static const char *const dtype_names[] = {"f32", "bf16", NULL};
static const rf_arg table[] = {
    {"output", 'o', NULL, RF_ARG_OUTPUT, offsetof(delta_flags, out), .value = "FILE", .help = "the difference (safetensors)"},
    {"dtype", 0, "type", RF_ARG_CHOICE, offsetof(delta_flags, dtype), .preset = "f32", .choices = dtype_names, .value = "TYPE",
     .help = "f32 or bf16 (matrices only; half the size)"},
    {NULL},
};
static const char examples[] = "  strait delta fashion.safetensors runs/perflow/model.safetensors -o perflow-delta.safetensors\n"
                               "  strait generate -m shoes.safetensors --delta perflow-delta.safetensors --steps 4 -b 16 --grid -o shoes.png\n";

static rf_status make(const char *base, const char *child, const delta_flags *flags, const char *json) {
    rf_model *teacher = NULL, *student = NULL;
    rf_status status = rf__model_open(&teacher, base);
    if (status == RF_OK) status = rf__model_open(&student, child);
    if (status == RF_OK) status = rf__outpath_prepare(flags->out);
    if (status == RF_OK) status = rf__delta_save(teacher, student, flags->out, rf__dtype_of(flags->dtype));
    if (status == RF_OK) rf__info("%s: %s, %lld parameters", flags->out, student->kind->name, (long long)rf__model_parameters(student));
    if (status == RF_OK && json)
        status = rf__report_write(json, json_pack("{s:s s:s s:s s:s s:I}", "command", "delta", "teacher", base, "student", child, "output", flags->out,
                                                  "parameters", (json_int_t)rf__model_parameters(student)));
    rf__model_free(&teacher);
    rf__model_free(&student);
    return status;
}

static int delta_main(int argc, char **argv) {
    delta_flags flags;
    rf_common common = {0};
    rf_arg_rest rest = {0};
    const rf_args spec = {.command = "delta", .summary = rf__cmd_delta.help, .positional = "TEACHER STUDENT", .positional_min = 2, .positional_max = 2,
                          .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &flags, &common, &rest);
    int code = flags.out ? rf__cli_failed("delta", make(rest.at[0], rest.at[1], &flags, common.json))
                         : rf__cli_usage("delta", "--output is not given, expected the file for the difference");
    free(rest.at);
    rf__args_fini(table, &flags);
    return code;
}

const rf_command rf__cmd_delta = {"delta", "the difference of two models, to be added to a third", delta_main, examples};
