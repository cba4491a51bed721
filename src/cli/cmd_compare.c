/* cmd_compare.c - methods side by side on one checkpoint. */
#include <string.h>

#include "../base/log.h"
#include "command.h"
#include "compare.h"
#include "outpath.h"
#include "report.h"
#include "sampling_args.h"

typedef struct compare_flags {
    rf_sampling_flags sampling; /* first: what every row starts from */
    const char *model, *refiner, *grid, *folder, *data, *weights;
    int64_t images, seeds, paired, rows, threads;
    bool resume;
} compare_flags;

#define AT(field) offsetof(compare_flags, field)
static const rf_arg own[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(model), .value = "FILE", .help = "checkpoint (safetensors)"},
    {"refiner", 0, NULL, RF_ARG_STRING, AT(refiner), .value = "FILE",
     .help = "refiner of this very model, for steps R of --blocks"},
    {"grid", 0, NULL, RF_ARG_STRING, AT(grid), .value = "FILE.yaml", .help = "settings and rows, e.g. recipes/compare/solvers.yaml"},
    {"images", 'n', NULL, RF_ARG_INT, AT(images), .min = 1, .max = 1e6, .value = "N", .help = "images of each row and seed group, instead of the file's"},
    {"seeds", 0, NULL, RF_ARG_INT, AT(seeds), .min = 1, .max = RF_COMPARE_SEEDS, .value = "N", .help = "seed groups, instead of the file's"},
    {"paired", 0, NULL, RF_ARG_INT, AT(paired), .min = 1, .max = 1e5, .value = "N", .help = "images compared with the reference solve, instead of the file's"},
    {"out", 0, NULL, RF_ARG_STRING, AT(folder), .preset = "runs/compare", .value = "FOLDER", .help = "for compare.json and the figure with its numbers"},
    {"resume", 0, NULL, RF_ARG_FLAG, AT(resume), .help = "keep the rows that --out has of an earlier run of the same protocol"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "16", .min = 1, .max = 4096, .value = "ROWS", .help = "most network rows of one call"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N", .help = "0: all"},
    {NULL},
};
static rf_arg table[RF_ARGS_MAX];

static const char examples[] =
    "  strait compare -m models/fashion-rf.safetensors --grid recipes/compare/solvers.yaml\n"
    "  strait compare -m FILE --grid FILE.yaml -n 200 --seeds 2 --out runs/quick --json -\n";

static rf_status settle(rf_compare *compare, const compare_flags *flags) {
    rf_compare_settings *settings = &compare->settings;
    if (flags->images) settings->images = flags->images;
    if (flags->seeds) settings->seeds = flags->seeds;
    if (flags->paired) settings->paired = flags->paired;
    else if (settings->paired > settings->images) settings->paired = settings->images;
    if (settings->paired > settings->images)
        return rf__fail(RF_EINVAL, "--paired is %lld, expected at most the number of images, %lld", (long long)settings->paired, (long long)settings->images);
    return RF_OK;
}

static rf_status write_all(const rf_compare *compare, const compare_flags *flags, const rf_common *common) {
    char path[4096];
    snprintf(path, sizeof path, "%s/compare.json", flags->folder);
    json_t *json = rf__compare_json(compare);
    if (!json) return rf__fail(RF_ENOMEM, "compare: no memory for the report");
    RF_TRY(rf__report_write(path, json_incref(json)));
    bool waterfall = compare->settings.waterfall;
    bool drawn = waterfall ? rf__compare_waterfall_draw(compare, flags->folder) : rf__compare_draw(compare, flags->folder);
    if (drawn) rf__info("%s/%s.png", flags->folder, waterfall ? "waterfall" : "compare");
    return rf__report_write(common->json, json);
}

static int run_compare(rf_compare *compare, const compare_flags *flags, const rf_common *common) {
    rf_status status = rf_model_open(&compare->model, flags->model);
    if (status == RF_OK && flags->refiner) status = rf_model_open(&compare->refiner, flags->refiner);
    if (status == RF_OK) status = rf__compare_read(compare, flags->grid);
    if (status == RF_OK) status = settle(compare, flags);
    if (status == RF_OK) status = rf__compare_run(compare);
    if (status != RF_OK) return rf__cli_failed("compare", status);
    FILE *stream = rf__report_on_stdout(common->json) ? stderr : stdout;
    if (compare->settings.waterfall) rf__compare_waterfall_print(compare, stream);
    else rf__compare_print(compare, stream);
    return rf__cli_failed("compare", write_all(compare, flags, common));
}

static int compare_main(int argc, char **argv) {
    static compare_flags flags;
    rf_common common;
    rf__sampling_args(table, own, "batch-count deadline-ms");
    const rf_args spec = {.command = "compare", .summary = rf__cmd_compare.help, .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &flags, &common, NULL);
    rf_compare compare = {.table = table, .base = &flags.sampling, .threads = (int)flags.threads, .batch = (int)flags.rows, .folder = flags.folder, .resume = flags.resume};
    int code;
    if (!flags.model) code = rf__cli_usage("compare", "--model is not given, expected a checkpoint file");
    else if (!flags.grid) code = rf__cli_usage("compare", "--grid is not given, expected a YAML file of rows");
    else if (rf__sampling_settle_seed(&flags.sampling) != RF_OK) code = rf__cli_failed("compare", RF_EIO);
    else code = run_compare(&compare, &flags, &common);
    rf__compare_fini(&compare);
    rf_model_close(&compare.model);
    rf_model_close(&compare.refiner);
    rf__args_fini(table, &flags);
    return code;
}

const rf_command rf__cmd_compare = {"compare", "methods side by side on one checkpoint: table, JSON, figure", compare_main, examples};
