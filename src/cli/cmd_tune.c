/* cmd_tune.c - what skipping costs and spoils on one model: the profile that policies and quality budgets work from. */
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/log.h"
#include "command.h"
#include "names.h"
#include "outpath.h"
#include "profiles.h"
#include "report.h"
#include "sampling_args.h"
#include "tune.h"

typedef struct tune_flags {
    rf_sampling_flags sampling; /* first */
    const char *model, *refiner, *folder, *dtype, *policies, *lpips, *backbone, *heads;
    int64_t walks, images, held, reference_steps, requests, rows, threads;
    double tolerance, share;
} tune_flags;

#define AT(field) offsetof(tune_flags, field)
static const char *lpips_names[RF_NAMES_MAX];
static const rf_arg own[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(model), .value = "FILE", .help = "checkpoint (safetensors)"},
    {"refiner", 0, NULL, RF_ARG_STRING, AT(refiner), .value = "FILE", .help = "refiner of this very model, one of the answers of policy learned"},
    {"refiner-cost", 0, NULL, RF_ARG_FLOAT, AT(share), .preset = "0", .max = 1, .value = "SHARE", .needs = "refiner",
     .help = "of its answer in network calls, as measured by strait bench model; 0: by arithmetic"},
    {"walks", 0, NULL, RF_ARG_INT, AT(walks), .preset = "32", .min = 1, .max = 10000, .value = "N", .help = "images that ask everywhere: the tables"},
    {"images", 'n', NULL, RF_ARG_INT, AT(images), .preset = "64", .min = 1, .max = 10000, .value = "N",
     .help = "other images that each setting is tried on: what can be promised (at least 29)"},
    {"held-out", 0, NULL, RF_ARG_INT, AT(held), .preset = "64", .min = 1, .max = 10000, .value = "N", .help = "third set of images: how promises hold"},
    {"reference-steps", 0, NULL, RF_ARG_INT, AT(reference_steps), .preset = "100", .min = 1, .max = RF_MAX_STEPS, .value = "N",
     .help = "steps of heun in the fine solve that distances are counted from"},
    {"policies", 0, NULL, RF_ARG_STRING, AT(policies), .preset = "table,fastflow,contextual", .value = "NAME,..", .help = "whose settings are tried; learned looks for its walks first"},
    {"requests", 0, NULL, RF_ARG_INT, AT(requests), .preset = "0", .max = RF_TUNE_REQUESTS, .value = "N",
     .help = "then let the bandits learn from so many requests, and show their regret"},
    {"e-tol", 0, NULL, RF_ARG_FLOAT, AT(tolerance), .preset = "0.01", .min = 1e-12, .max = 1e6, .value = "E", .needs = "requests", .help = "of that learning"},
    {"lpips", 0, NULL, RF_ARG_CHOICE, AT(lpips), .choices = lpips_names, .value = "NAME", .help = "network of budgets in lpips"},
    {"lpips-backbone", 0, NULL, RF_ARG_STRING, AT(backbone), .value = "FILE", .needs = "lpips", .help = "its weights"},
    {"lpips-heads", 0, NULL, RF_ARG_STRING, AT(heads), .value = "FILE", .needs = "lpips", .help = "the weights of its linear heads"},
    {"out", 0, NULL, RF_ARG_STRING, AT(folder), .preset = "runs/tune", .value = "FOLDER", .help = "for tune.json, tune.png and its data"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), .preset = "f32", .choices = rf__dtype_names, .value = "TYPE", .help = "numbers inside the network"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "0", .max = 4096, .value = "ROWS", .help = "most network rows of one call; 0: measured"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N", .help = "0: all"},
    {NULL},
};
static rf_arg table[RF_ARGS_MAX];

static const char examples[] =
    "  strait tune -m models/fashion-rf.safetensors --sampling-method ab2 --steps 50 --cfg-scale 1.5\n"
    "  strait generate -m models/fashion-rf.safetensors --sampling-method ab2 --steps 50 --cfg-scale 1.5 --quality-budget rel=0.05\n"
    "  strait tune -m FILE --refiner REFINER --sampling-method ab2 --steps 16 --policies learned\n"
    "  strait tune -m FILE --steps 50 --requests 300 --profile my.profile --json -\n";

/* "table,fastflow": policies that work from a profile and have a knob. */
static rf_status take_policies(rf_tune *tune, const char *text) {
    while (*text) {
        char name[40];
        size_t length = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        const rf_policy *policy = rf__policy_find(name);
        if (!policy) return RF_EINVAL;
        if (!policy->profile || !policy->knob)
            return rf__fail(RF_EINVAL, "--policies names '%s', expected policies that work from a profile: table, fastflow, contextual, learned", name);
        for (int i = 0; i < tune->policies; i++)
            if (tune->policy[i] == policy) return rf__fail(RF_EINVAL, "--policies names %s twice, expected each once", name);
        if (tune->policies == RF_TUNE_POLICIES) return rf__fail(RF_EINVAL, "--policies has more than %d names", RF_TUNE_POLICIES);
        tune->policy[tune->policies++] = policy;
        text += length + (text[length] == ',');
    }
    return tune->policies ? RF_OK : rf__fail(RF_EINVAL, "--policies is empty, expected names such as table,fastflow");
}

static rf_status check_flags(rf_tune *tune, const tune_flags *flags) {
    if (strcmp(flags->sampling.policy, "none") || flags->sampling.quality_budget)
        return rf__fail(RF_EINVAL, "--policy or --quality-budget is given, expected neither: tune tries those of --policies");
    if (flags->lpips && (!flags->backbone || !flags->heads))
        return rf__fail(RF_EINVAL, "--lpips is %s, expected --lpips-backbone and --lpips-heads with it", flags->lpips);
    return take_policies(tune, flags->policies);
}

/* A refiner that nothing here would ask is a slip of the user's. */
static rf_status check_refiner(const rf_tune *tune) {
    bool asked = false;
    for (int i = 0; i < tune->policies; i++) asked |= tune->policy[i]->mixes;
    return asked ? RF_OK : rf__fail(RF_EINVAL, "--refiner is given, but no policy of --policies asks one; expected learned among them");
}

/* What every walk here must be able to do, before hours are spent on the first of them. */
static rf_status check_solver(const rf_tune *tune) {
    const rf_solver *solver = tune->order.solver;
    if (solver->calls_per_step == 1 && !solver->adaptive && !solver->corrects) return RF_OK;
    if (tune->order.blocks.runs) return rf__fail(RF_EINVAL, "--blocks is given, expected a solver that asks the network once a step, as euler and ab2 do: tune measures what passing a step spoils");
    return rf__fail(RF_EINVAL, "--sampling-method is %s, which %s, expected one that asks the network once a step, as euler and ab2 do: tune measures what passing a step spoils",
                    solver->name, solver->adaptive ? "chooses its own steps" : solver->corrects ? "asks a second network" : "asks more than once a step");
}

/* The steps of the shortest grid on which a policy has something to choose. A line needs two velocities, bandits pass two points or more on it, and the
 * network answers at the last; a walk of `learned` may end on a line, and a refiner needs one velocity. */
static int fewest_steps(const rf_tune *tune, const rf_policy *policy) {
    if (policy->mixes) return tune->refiner ? 2 : 3;
    return policy->counts ? 1 : 5;
}

static rf_status check_steps(const rf_tune *tune) {
    const int steps = tune->order.grid.steps;
    for (int i = 0; i < tune->policies; i++) {
        const int fewest = fewest_steps(tune, tune->policy[i]);
        if (steps < fewest)
            return rf__fail(RF_EINVAL, "the grid has %d steps, none of which policy '%s' of --policies could pass, expected at least %d", steps, tune->policy[i]->name, fewest);
    }
    return RF_OK;
}

/* The walks that are asked for. errors: RF_EINVAL is the user's to mend. */
static rf_status take_order(rf_tune *tune, const tune_flags *flags) {
    rf_sampling_flags sampling = flags->sampling;
    sampling.profile = NULL; /* where it goes, not what is read */
    RF_TRY(rf__sampling_settle_seed(&sampling));
    RF_TRY(rf__order_build(&tune->order, &sampling, tune->model));
    RF_TRY(check_solver(tune));
    RF_TRY(check_steps(tune));
    if (tune->refiner) RF_TRY(check_refiner(tune));
    return rf__order_check_rows(&tune->order, flags->rows);
}

static rf_status open_all(rf_tune *tune, const tune_flags *flags) {
    const rf_sampler_opts opts = {.dtype = rf__dtype_of(flags->dtype), .threads = (int)flags->threads, .rows = (int)flags->rows,
                                  .refiner = tune->refiner};
    RF_TRY(rf_sampler_open(&tune->sampler, tune->model, &opts));
    RF_TRY(rf__shoot_check(tune->sampler, &tune->order, 1));
    if (!flags->lpips) return RF_OK;
    return rf__perceptual_open(&tune->perceptual, flags->lpips, flags->backbone, flags->heads, false, RF_F32, NULL);
}

/* That all files can be written, before hours are spent on what is in them. report: tune.json in the folder. */
static rf_status prepare_outputs(const rf_common *common, const char *path, const char *report) {
    RF_TRY(rf__outpath_prepare(path));
    RF_TRY(rf__outpath_prepare(report));
    return common->json ? rf__outpath_prepare(common->json) : RF_OK;
}

static rf_status write_all(const rf_tune *tune, const tune_flags *flags, const rf_common *common, const char *path, const char *report) {
    RF_TRY(rf__profile_save(tune->profile, path));
    rf__info("%s: %d settings of %d policies", path, tune->profile->rungs, tune->policies);
    json_t *json = rf__tune_json(tune);
    if (!json) return rf__fail(RF_ENOMEM, "tune: no memory for the report");
    json_object_set_new(json, "profile", json_string(path));
    rf_status status = rf__report_write(report, json_incref(json));
    if (status == RF_OK && rf__tune_draw(tune, flags->folder)) rf__info("%s/tune.png", flags->folder);
    if (status != RF_OK || !common->json) json_decref(json);
    else status = rf__report_write(common->json, json);
    return status;
}

static int run_tune(rf_tune *tune, const tune_flags *flags, const rf_common *common) {
    if (check_flags(tune, flags) != RF_OK) return rf__cli_usage("tune", "%s", rf_last_error());
    rf_status status = rf_model_open(&tune->model, flags->model);
    if (status == RF_OK && flags->refiner) status = rf_model_open(&tune->refiner, flags->refiner);
    if (status != RF_OK) return rf__cli_failed("tune", status);
    status = take_order(tune, flags);
    if (status == RF_OK) status = open_all(tune, flags);
    if (status == RF_EINVAL) return rf__cli_usage("tune", "%s", rf_last_error());
    char report[4096], *path = status == RF_OK ? rf__profiles_path(&tune->order, flags->sampling.profile, tune->model) : NULL;
    snprintf(report, sizeof report, "%s/tune.json", flags->folder);
    if (status == RF_OK && !path) status = rf__fail(RF_EINVAL, "the model has no file to keep a profile beside, expected --profile");
    if (status == RF_OK) status = prepare_outputs(common, path, report);
    if (status == RF_OK) status = rf__tune_run(tune);
    if (status == RF_OK) status = rf__tune_learn(tune);
    if (status == RF_OK) {
        rf__tune_print(tune, rf__report_on_stdout(common->json) ? stderr : stdout);
        status = write_all(tune, flags, common, path, report);
    }
    free(path);
    return rf__cli_failed("tune", status);
}

static int tune_main(int argc, char **argv) {
    static tune_flags flags;
    rf_common common;
    int count = 0;
    for (const rf_lpips *const *lpips = rf__lpips_all(); *lpips && count + 1 < RF_NAMES_MAX; lpips++) lpips_names[count++] = (*lpips)->name;
    rf__sampling_args(table, own, "batch-count deadline-ms");
    rf__sampling_arg(table, "profile")->type = RF_ARG_OUTPUT;
    const rf_args spec = {.command = "tune", .summary = rf__cmd_tune.help, .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &flags, &common, NULL);
    static rf_tune tune;
    tune = (rf_tune){.walks = flags.walks, .images = flags.images, .held_images = flags.held, .reference_steps = flags.reference_steps,
                     .requests = flags.requests, .tolerance = flags.tolerance, .share = flags.share};
    int code = flags.model ? run_tune(&tune, &flags, &common) : rf__cli_usage("tune", "--model is not given, expected a checkpoint file");
    rf__tune_fini(&tune);
    rf_model_close(&tune.model);
    rf__args_fini(table, &flags);
    return code;
}

const rf_command rf__cmd_tune = {"tune", "measure what skipping costs and spoils; the profile of --policy and --quality-budget", tune_main, examples};
