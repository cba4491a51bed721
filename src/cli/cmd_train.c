/* cmd_train.c - strait train: run a recipe. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../io/yaml.h"
#include "../train/run.h"
#include "args.h"
#include "command.h"
#include "ladder.h"
#include "outpath.h"
#include "report.h"

typedef struct settings {
    const char *folder, *export;
    int64_t threads;
    bool resume, help_keys, print_config;
} settings;

static const rf_arg table[] = {
    {"output", 'o', NULL, RF_ARG_STRING, offsetof(settings, folder), NULL, 0, 0, NULL, "DIR", "run folder (runs/NAME of the recipe)"},
    {"resume", 0, NULL, RF_ARG_FLAG, offsetof(settings, resume), NULL, 0, 0, NULL, NULL, "continue from the newest checkpoint of the run folder"},
    {"export", 0, NULL, RF_ARG_OUTPUT, offsetof(settings, export), NULL, 0, 0, NULL, "FILE",
     "write the model as of the run folder's newest checkpoint and stop; the run itself may go on meanwhile"},
    {"threads", 't', NULL, RF_ARG_INT, offsetof(settings, threads), "0", 0, 4096, NULL, "N", "threads; 0: one a CPU. The result does not depend on it"},
    {"print-config", 0, NULL, RF_ARG_FLAG, offsetof(settings, print_config), NULL, 0, 0, NULL, NULL, "print the recipe with every key, as JSON, and stop"},
    {"help-keys", 0, NULL, RF_ARG_FLAG, offsetof(settings, help_keys), NULL, 0, 0, NULL, NULL, "every key and plug-in of a recipe, as Markdown"},
    {NULL}};

static const char examples[] = "  strait train recipes/toy-8gauss-rf.yaml\n"
                               "  strait train recipes/fashion-rf.yaml train.steps=2000 -o runs/short -t 2\n"
                               "  strait train recipes/fashion-rf.yaml --resume\n"
                               "  strait train recipes/fashion-rf.yaml --export so-far.safetensors\n"
                               "  strait train recipes/ladder-toy.yaml      (a ladder: rungs one after another)\n";

static void print_report(const rf_recipe *recipe, const rf_run_report *report, const char *folder) {
    printf("%s: %lld steps, %lld samples, loss %.4f, %.1f s (%.0f img/s)", folder, (long long)report->steps, (long long)report->images,
           report->loss, report->seconds, report->images_per_second);
    if (report->skipped) printf(", %lld steps skipped", (long long)report->skipped);
    putchar('\n');
    if (recipe->evaluate.accuracy[0]) printf("accuracy on the %s split: %.2f %%\n", recipe->evaluate.accuracy, 100 * report->accuracy);
    const rf_straightness *s = &report->straightness;
    if (s->energy_coupling > 0)
        printf("straightness S %.4g, crossing V %.4g, E|x1-x0|^2 %.4g (flow: %.4g)\n", s->s, s->v, s->energy_coupling, s->energy_flow);
    for (int i = 0; i < report->couplings; i++)
        printf("coupling MSE, %lld step%s: %.4g\n", (long long)recipe->evaluate.coupling_steps.at[i],
               recipe->evaluate.coupling_steps.at[i] == 1 ? "" : "s", report->coupling[i]);
}

/* A ladder instead of a recipe; *is says whether the file was one. */
/* The table that the ladder left in its folder. */
static rf_status report_ladder(const char *folder, const char *json) {
    char path[1100];
    snprintf(path, sizeof path, "%.1000s/ladder.json", folder);
    json_t *table = json ? json_load_file(path, 0, NULL) : NULL;
    if (json && !table) return rf__fail(RF_EIO, "%s: cannot be read again", path);
    return json ? rf__report_write(json, table) : RF_OK;
}

static rf_status climb(const settings *s, const char *json, const rf_arg_rest *rest, bool *is) {
    const char *path = rest->at[0], *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    json_t *file = NULL;
    char folder[1024];
    RF_TRY(rf__yaml_read(&file, path));
    *is = rf__ladder_is(file);
    rf_status status = RF_OK;
    snprintf(folder, sizeof folder, "runs/%.*s", (int)strcspn(name, "."), name);
    if (*is && rest->count > 1) status = rf__fail(RF_EINVAL, "%s is a ladder, and %s would change a recipe; expected it inside a rung", path, rest->at[1]);
    else if (*is && s->export) status = rf__fail(RF_EINVAL, "%s is a ladder, which --export has no model of; expected the recipe of a rung", path);
    else if (*is && s->print_config) {
        status = rf__ladder_check(file, path);
        if (status == RF_OK && (json_dumpf(file, stdout, JSON_INDENT(2)) != 0 || puts("") < 0)) status = rf__fail(RF_EIO, "cannot print the ladder");
    } else if (*is) {
        if (json) status = rf__outpath_prepare(json);
        if (status == RF_OK) status = rf__ladder_run(file, path, s->folder ? s->folder : folder, (int)s->threads);
        if (status == RF_OK) status = report_ladder(s->folder ? s->folder : folder, json);
    }
    rf__yaml_free(&file);
    return status;
}

static rf_status export_model(rf_recipe *recipe, const rf_run_opts *opts, const char *path) {
    int64_t step = 0;
    RF_TRY(rf__train_export(recipe, opts, path, &step));
    printf("%s: step %lld of %lld\n", path, (long long)step, (long long)recipe->train.steps);
    return RF_OK;
}

static rf_status run_recipe(rf_recipe *recipe, const rf_run_opts *opts, const char *json) {
    rf_run_report report;
    if (json) RF_TRY(rf__outpath_prepare(json)); /* not after hours of work */
    rf_status status = rf__train_run(recipe, opts, &report);
    if (status == RF_OK && !rf__report_on_stdout(json)) print_report(recipe, &report, opts->folder);
    if (status == RF_OK && json) status = rf__report_write(json, rf__run_report_json(recipe, &report, opts->folder));
    if (status == RF_EINTERRUPTED) rf__warn("%s", rf_last_error());
    return status;
}

static rf_status train(const settings *s, const rf_common *common, const rf_arg_rest *rest) {
    rf_recipe *recipe = NULL;
    bool ladder = false;
    RF_TRY(climb(s, common->json, rest, &ladder));
    if (ladder) return RF_OK;
    RF_TRY(rf__recipe_open(&recipe, rest->at[0], rest->count - 1, rest->at + 1));
    if (s->print_config) {
        json_t *object = rf__recipe_json(recipe);
        rf_status printed = object && json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 && puts("") >= 0 ? RF_OK : rf__fail(RF_EIO, "cannot print the recipe");
        json_decref(object);
        rf__recipe_free(&recipe);
        return printed;
    }
    char folder[1024];
    snprintf(folder, sizeof folder, "runs/%s", recipe->name);
    rf_run_opts opts = {.folder = s->folder ? s->folder : folder, .threads = (int)s->threads, .resume = s->resume};
    rf_status status = s->export ? export_model(recipe, &opts, s->export) : run_recipe(recipe, &opts, common->json);
    rf__recipe_free(&recipe);
    return status;
}

static int run(int argc, char **argv) {
    static const rf_args spec = {"train", "Train a flow model as a recipe says.", "RECIPE.yaml [SECTION.KEY=VALUE...]", 0, -1, table, examples};
    settings s;
    rf_common common;
    rf_arg_rest rest = {0};
    rf__args_parse(&spec, argc, argv, &s, &common, &rest);
    int code = RF_EXIT_DONE;
    if (s.help_keys) rf__recipe_help(stdout);
    else if (rest.count < 1) code = rf__cli_usage("train", "no recipe given, expected RECIPE.yaml");
    else if (s.export && (s.resume || common.json)) code = rf__cli_usage("train", "--export and %s are given, expected one of them", s.resume ? "--resume" : "--json");
    else code = rf__cli_failed("train", train(&s, &common, &rest));
    free(rest.at);
    rf__args_fini(table, &s);
    return code;
}

const rf_command rf__cmd_train = {"train", "train a flow model as a recipe says", run, examples};
