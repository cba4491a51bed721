/* cmd_eval.c - strait eval: judge pictures, points or a model. */
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/memory.h"
#include "../models/features.h"
#include "command.h"
#include "eval.h"
#include "names.h"
#include "outpath.h"
#include "report.h"
#include "sampling_args.h"

typedef struct eval_flags {
    rf_sampling_flags sampling; /* first: rf__sampling_args */
    const char *model, *refiner, *measures, *extractor, *weights, *data_path, *save_stats, *explain, *dtype, *lpips, *backbone, *heads;
    int64_t images, reference, keep, flow_samples, subsets, subset_size, neighbours, rows, threads;
    bool any_file, list;
} eval_flags;

#define AT(field) offsetof(eval_flags, field)
static const char *extractor_names[RF_NAMES_MAX], *lpips_names[RF_NAMES_MAX];

static const rf_arg own[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(model), .value = "FILE", .help = "judge what this checkpoint makes, the same as naming it as SOURCE"},
    {"refiner", 0, NULL, RF_ARG_STRING, AT(refiner), .value = "FILE", .help = "refiner of this very model, for steps R of --blocks"},
    {"metrics", 0, "measures metric", RF_ARG_STRING, AT(measures), .preset = "fd", .value = "NAME,..", .help = "what to measure; --list shows all"},
    {"extractor", 0, "feature-extractor", RF_ARG_CHOICE, AT(extractor), .choices = extractor_names, .value = "NAME", .help = "network whose features are compared"},
    {"extractor-weights", 0, "feature-extractor-weights-path", RF_ARG_STRING, AT(weights), .value = "FILE", .help = "its weights"},
    {"any-weights", 0, NULL, RF_ARG_FLAG, AT(any_file), .help = "take weights that are not the published file"},
    {"lpips", 0, NULL, RF_ARG_CHOICE, AT(lpips), .choices = lpips_names, .value = "NAME", .help = "network of the measure lpips"},
    {"lpips-backbone", 0, NULL, RF_ARG_STRING, AT(backbone), .value = "FILE", .needs = "lpips", .help = "its weights"},
    {"lpips-heads", 0, NULL, RF_ARG_STRING, AT(heads), .value = "FILE", .needs = "lpips", .help = "the weights of its linear heads"},
    {"num-images", 'n', "num-samples", RF_ARG_INT, AT(images), .min = 1, .max = 1e9, .value = "N", .help = "judge so many (all; 10000 of a model)"},
    {"reference-count", 0, NULL, RF_ARG_INT, AT(reference), .min = 1, .max = 1e9, .value = "N", .help = "compare with so many (all)"},
    {"data-path", 0, NULL, RF_ARG_STRING, AT(data_path), .value = "DIR", .help = "where a data set that is named lies"},
    {"keep", 0, NULL, RF_ARG_INT, AT(keep), .preset = "10000", .min = 2, .max = 1e6, .value = "N", .help = "most rows of a side that kid, prc, energy and swd look at"},
    {"kid-subsets", 0, NULL, RF_ARG_INT, AT(subsets), .preset = "100", .min = 1, .max = 10000, .value = "N", .help = "subsets of kid"},
    {"kid-subset-size", 0, NULL, RF_ARG_INT, AT(subset_size), .preset = "1000", .min = 2, .max = 100000, .value = "N", .help = "pictures of a subset"},
    {"neighbours", 0, "prc-neighborhood", RF_ARG_INT, AT(neighbours), .preset = "3", .min = 1, .max = 1000, .value = "K", .help = "of prc"},
    {"flow-samples", 0, NULL, RF_ARG_INT, AT(flow_samples), .preset = "1000", .min = 1, .max = 1e6, .value = "N", .help = "of straightness and coupling-mse"},
    {"save-stats", 0, NULL, RF_ARG_OUTPUT, AT(save_stats), .value = "OUT.npz", .help = "write mu and sigma of what is judged"},
    {"explain", 0, NULL, RF_ARG_STRING, AT(explain), .value = "A.json", .help = "what differs between the protocols of two reports; the argument is B.json"},
    {"list", 0, NULL, RF_ARG_FLAG, AT(list), .help = "list measures, extractors and sources, and stop"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), .preset = "f32", .choices = rf__dtype_names, .value = "TYPE", .help = "numbers inside the model that is judged"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "16", .min = 1, .max = 4096, .value = "ROWS", .help = "most network rows of one call"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N", .help = "0: all"},
    {NULL},
};
static rf_arg table[RF_ARGS_MAX];

static const char examples[] =
    "  strait eval cifar10:test cifar10:train --extractor resnet56 --extractor-weights resnet56-4bfd9763.th --metrics fd,kid,prc\n"
    "  strait eval -m models/fashion-rf.safetensors fashion-mnist:train --extractor classifier \\\n"
    "      --extractor-weights models/fashion-classifier.safetensors -n 10000 --steps 20 --json report.json\n"
    "  strait eval pictures/ --save-stats stats.npz --extractor inception --extractor-weights pt_inception.pth\n"
    "  strait eval made.npz stats.npz --extractor inception --extractor-weights pt_inception.pth\n"
    "  strait eval fast/ slow/ --metrics psnr,ssim\n"
    "  strait eval -m toy.safetensors 8gauss --metrics straightness,coupling-mse,swd\n"
    "  strait eval --explain a.json b.json\n";

static void list_all(FILE *stream) {
    fputs("Measures:\n", stream);
    for (const rf_measure *const *m = rf__measures(); *m; m++)
        fprintf(stream, "  %-13s %s [%s] -> %s\n", (*m)->name, (*m)->help, (*m)->source, (*m)->keys);
    fputs("Extractors:\n", stream);
    for (const rf_feature_net *const *net = rf__feature_nets(); *net; net++) fprintf(stream, "  %-13s %s [%s]\n", (*net)->name, (*net)->help, (*net)->source);
    fputs("Networks of lpips:\n", stream);
    for (const rf_lpips *const *l = rf__lpips_all(); *l; l++) fprintf(stream, "  %-13s %s [%s]\n", (*l)->name, (*l)->help, (*l)->source);
    fputs("Sources:\n", stream);
    rf__eval_source_help(stream);
}

/* Everything a run holds. */
typedef struct run {
    eval_flags flags;
    rf_common common;
    rf_arg_rest rest;
    rf_eval eval;
    struct generator {
        rf_model *model, *refiner;
        rf_order order;
        rf_sampler *sampler;
    } side[2]; /* a side that is a model */
    rf_pool *pool;
} run;

/* ---- the wish ---- */

static rf_status take_measures(run *r) {
    /* Statistics alone need no measure. */
    bool alone = r->flags.save_stats && r->rest.count + (r->flags.model != NULL) < 2 && !strcmp(r->flags.measures, "fd");
    char *list = alone ? NULL : strdup(r->flags.measures), *rest = NULL;
    rf_status status = list || alone ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the measures");
    for (char *name = list ? strtok_r(list, ",", &rest) : NULL; name && status == RF_OK; name = strtok_r(NULL, ",", &rest)) {
        const rf_measure *m = rf__measure_find(name);
        if (!m) status = rf__fail_in(RF_EINVAL, "--metrics: ");
        else if (r->eval.measures == RF_EVAL_MEASURES) status = rf__fail(RF_EINVAL, "--metrics has more than %d names", RF_EVAL_MEASURES);
        for (int i = 0; m && status == RF_OK && i < r->eval.measures; i++)
            if (r->eval.measure[i] == m) status = rf__fail(RF_EINVAL, "--metrics names %s twice", m->name);
        if (status == RF_OK) r->eval.measure[r->eval.measures++] = m;
    }
    if (status == RF_OK && !alone && r->eval.measures == 0) status = rf__fail(RF_EINVAL, "--metrics is empty, expected names; --list shows them");
    free(list);
    return status;
}

static bool is_checkpoint(const char *text) {
    size_t length = strlen(text), ending = strlen(".safetensors");
    return length > ending && strcmp(text + length - ending, ".safetensors") == 0;
}

/* The first option of sampling that has another value than its own; NULL: none. The seed also picks what a data set gives. */
static const char *sampling_given(const eval_flags *flags) {
    eval_flags usual;
    rf__args_defaults(table, &usual);
    for (const rf_arg *arg = table; arg->name; arg++) {
        const char *at = (const char *)flags + arg->offset, *was = (const char *)&usual + arg->offset;
        bool list = arg->type == RF_ARG_INTS || arg->type == RF_ARG_FLOATS, number = arg->type == RF_ARG_INT || arg->type == RF_ARG_FLOAT;
        if (arg->offset >= sizeof flags->sampling || !strcmp(arg->name, "seed")) continue;
        if (list ? ((const rf_arg_list *)at)->count > 0 : memcmp(at, was, number ? sizeof(int64_t) : sizeof(const char *)) != 0) return arg->name;
    }
    return NULL;
}

/* What says how to sample is a mistake where nothing samples. */
static rf_status check_model(const run *r) {
    bool model = r->flags.model != NULL;
    for (int i = 0; i < r->rest.count; i++) model |= is_checkpoint(r->rest.at[i]);
    const char *given = r->flags.refiner ? "refiner" : sampling_given(&r->flags);
    return model || !given ? RF_OK : rf__fail(RF_EINVAL, "--%s is given, and nothing that is judged is a model, expected --model or MODEL.safetensors", given);
}

static rf_status check_flags(const run *r) {
    const eval_flags *f = &r->flags;
    int sources = r->rest.count + (f->model != NULL);
    if (sources == 0) return rf__fail(RF_EINVAL, "nothing to judge, expected a source or --model");
    if (sources > 2) return rf__fail(RF_EINVAL, "--model and two sources are given, expected the model and its reference");
    RF_TRY(check_model(r));
    if (f->weights && !f->extractor) return rf__fail(RF_EINVAL, "--extractor-weights is given without --extractor");
    if (f->extractor && !f->weights) return rf__fail(RF_EINVAL, "--extractor-weights is not given, expected the weights of %s", f->extractor);
    if (f->lpips && (!f->backbone || !f->heads)) return rf__fail(RF_EINVAL, "--lpips is %s, expected --lpips-backbone and --lpips-heads with it", f->lpips);
    if (!f->lpips && (f->backbone || f->heads)) return rf__fail(RF_EINVAL, "--lpips-backbone or --lpips-heads is given without --lpips");
    return RF_OK;
}

static void take_settings(run *r) {
    const eval_flags *f = &r->flags;
    rf_eval *eval = &r->eval;
    eval->opts = rf__measure_defaults();
    eval->opts.seed = (uint64_t)f->sampling.seed;
    eval->opts.kid_subsets = (int)f->subsets;
    eval->opts.kid_subset_size = f->subset_size;
    eval->opts.neighbours = (int)f->neighbours;
    eval->wanted[RF_EVAL_MADE] = f->images;
    eval->wanted[RF_EVAL_REFERENCE] = f->reference;
    eval->keep = f->keep;
    eval->flow_samples = f->flow_samples;
    eval->dtype = rf__dtype_of(f->dtype);
    eval->statistics = f->save_stats != NULL;
    eval->pool = r->pool;
}

/* ---- opening ---- */

static rf_status open_model(run *r, int side, const char *path) {
    rf_eval *eval = &r->eval;
    struct generator *g = &r->side[side];
    rf_sampling_flags sampling = r->flags.sampling;
    sampling.count = sampling.class_label.count > 1 ? sampling.class_label.count : 1; /* how many, the plan says; each class needs one */
    RF_TRY(rf_model_open(&g->model, path));
    if (side == RF_EVAL_MADE && r->flags.refiner) RF_TRY(rf_model_open(&g->refiner, r->flags.refiner));
    RF_TRY(rf__order_build(&g->order, &sampling, g->model));
    if (side == RF_EVAL_MADE) eval->model = g->model;
    rf_sampler_opts opts = {.dtype = eval->dtype, .threads = (int)r->flags.threads, .rows = (int)r->flags.rows, .refiner = g->refiner};
    RF_TRY(rf_sampler_open(&g->sampler, g->model, &opts));
    return rf__eval_source_model(&eval->source[side], g->sampler, &g->order);
}

static rf_status open_source(run *r, int side, const char *text) {
    rf_eval_source *source = &r->eval.source[side];
    if (is_checkpoint(text)) return open_model(r, side, text);
    source->seed = (uint64_t)r->flags.sampling.seed;
    source->path = r->flags.data_path;
    return rf__eval_source_open(source, text);
}

static rf_status open_all(run *r) {
    rf_eval *eval = &r->eval;
    const eval_flags *f = &r->flags;
    rf_features_opts opts = {.dtype = RF_F32, .any_file = f->any_file};
    if (f->model) RF_TRY(open_model(r, RF_EVAL_MADE, f->model));
    for (int i = 0; i < r->rest.count; i++) RF_TRY(open_source(r, i + (f->model != NULL), r->rest.at[i]));
    if (f->lpips) RF_TRY(rf__perceptual_open(&eval->perceptual, f->lpips, f->backbone, f->heads, f->any_file, RF_F32, r->pool));
    return f->extractor ? rf__features_open(&eval->features, f->extractor, f->weights, &opts, r->pool) : RF_OK;
}

/* ---- running ---- */

static rf_status prepare_outputs(const run *r) {
    if (r->common.json) RF_TRY(rf__outpath_prepare(r->common.json));
    return r->flags.save_stats ? rf__outpath_prepare(r->flags.save_stats) : RF_OK;
}

static rf_status write_all(run *r) {
    if (r->flags.save_stats) RF_TRY(rf__eval_save_statistics(&r->eval, r->flags.save_stats));
    if (!rf__report_on_stdout(r->common.json)) rf__eval_print(&r->eval, stdout);
    return r->common.json ? rf__report_write(r->common.json, rf__eval_json(&r->eval)) : RF_OK;
}

static int judge(run *r) {
    rf_status status = check_flags(r);
    if (status == RF_OK) status = take_measures(r);
    if (status != RF_OK) return rf__cli_usage("eval", "%s", rf_last_error());
    r->pool = rf__pool_create((int)r->flags.threads);
    if (!r->pool) return rf__cli_failed("eval", rf__fail(RF_ENOMEM, "no memory for the threads"));
    status = rf__sampling_settle_seed(&r->flags.sampling);
    take_settings(r);
    if (status == RF_OK) status = open_all(r);
    if (status == RF_OK) status = rf__eval_plan(&r->eval);
    if (status == RF_EINVAL) return rf__cli_usage("eval", "%s", rf_last_error());
    if (status == RF_OK) status = prepare_outputs(r);
    if (status == RF_OK) status = rf__eval_run(&r->eval);
    if (status == RF_OK) status = write_all(r);
    return rf__cli_failed("eval", status);
}

static int explain(const run *r) {
    json_t *explanation = NULL;
    if (r->rest.count != 1) return rf__cli_usage("eval", "--explain compares two reports, expected --explain A.json B.json");
    rf_status status = rf__eval_explain(r->flags.explain, r->rest.at[0], &explanation);
    if (status != RF_OK) return rf__cli_failed("eval", status);
    if (!rf__report_on_stdout(r->common.json)) rf__eval_explain_print(explanation, r->flags.explain, r->rest.at[0], stdout);
    if (r->common.json) status = rf__report_write(r->common.json, json_incref(explanation));
    json_decref(explanation);
    return rf__cli_failed("eval", status);
}

static void fill_names(void) {
    int distances = 0;
    rf__names_of_extractors(extractor_names);
    for (const rf_lpips *const *lpips = rf__lpips_all(); *lpips && distances + 1 < RF_NAMES_MAX; lpips++) lpips_names[distances++] = (*lpips)->name;
    lpips_names[distances] = NULL;
}

static int eval_main(int argc, char **argv) {
    static run r;
    fill_names();
    rf__sampling_args(table, own, "batch-count deadline-ms");
    const rf_args spec = {.command = "eval", .summary = rf__cmd_eval.help, .positional = "[SOURCE [REFERENCE]]", .positional_max = 2, .table = table,
                          .examples = examples};
    rf__args_parse(&spec, argc, argv, &r.flags, &r.common, &r.rest);
    int code = RF_EXIT_DONE;
    if (r.flags.list) list_all(stdout);
    else code = r.flags.explain ? explain(&r) : judge(&r);
    rf__eval_fini(&r.eval);
    for (int side = 0; side < 2; side++) {
        rf_sampler_close(&r.side[side].sampler);
        rf__order_fini(&r.side[side].order);
        rf_model_close(&r.side[side].refiner);
        rf_model_close(&r.side[side].model);
    }
    rf__pool_free(&r.pool);
    free(r.rest.at);
    rf__args_fini(table, &r.flags);
    return code;
}

const rf_command rf__cmd_eval = {"eval", "judge pictures, points or a model, with the protocol on every number", eval_main, examples};
