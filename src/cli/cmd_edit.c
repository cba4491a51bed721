/* cmd_edit.c - change the class of real pictures and keep the rest of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../eval/features.h"
#include "claims.h"
#include "command.h"
#include "edit_region.h"
#include "edit_run.h"
#include "names.h"
#include "outpath.h"
#include "report.h"
#include "sampling_args.h"

typedef struct edit_flags {
    rf_edit_flags edit; /* first */
    const char *strategy, *mask, *side, *judge, *judge_net, *rule, *region;
    int64_t class_offset, inject, memory, disk;
    rf_arg_list blocks;
    double strength, eta, gamma, stop;
} edit_flags;

#define AT(field) offsetof(edit_flags, field)
static const char *strategy_names[RF_NAMES_MAX], *net_names[RF_NAMES_MAX];

static const rf_arg own[] = {
    {"output", 'o', NULL, RF_ARG_OUTPUT, AT(edit.sampling.output), .value = "FILE.png", .help = "the edited pictures; %d, %03d is the number of a picture"},
    {"side", 0, NULL, RF_ARG_OUTPUT, AT(side), .value = "FILE.png",
     .help = "source, --region, reconstruction and edit side by side, a row for each picture"},
    RF_EDIT_ARGS(edit_flags),
    {"strategy", 0, NULL, RF_ARG_CHOICE, AT(strategy), .preset = "fireflow", .choices = strategy_names, .value = "NAME",
     .help = "how to edit"},
    {"class-offset", 0, NULL, RF_ARG_INT, AT(class_offset), .min = -1e6, .max = 1e6, .value = "N",
     .help = "the target is the source's class and N, around the end; in place of --class-label"},
    {"source-cfg-scale", 0, "source-guidance-scale", RF_ARG_FLOAT, AT(edit.source_scale), .preset = "1", .min = -100, .max = 100, .value = "S",
     .help = "guidance of the inversion; --cfg-scale is that of the second pass"},
    {"mask", 0, NULL, RF_ARG_STRING, AT(mask), .value = "FILE.png", .help = "picture of the model's size: white may change, black stays"},
    {"strength", 0, NULL, RF_ARG_FLOAT, AT(strength), .max = 1, .value = "S",
     .help = "how far towards noise to go, 1 is all the way; 0: the strategy's own"},
    {"gamma", 0, NULL, RF_ARG_FLOAT, AT(gamma), .preset = "0.5", .max = 1, .value = "G", .needs = "strategy=rf_inversion", .help = "of rf_inversion: pull to fresh noise"},
    {"eta", 0, NULL, RF_ARG_FLOAT, AT(eta), .preset = "0.9", .max = 1, .value = "E", .needs = "strategy=rf_inversion", .help = "of rf_inversion: pull to the source"},
    {"stop", 0, NULL, RF_ARG_FLOAT, AT(stop), .preset = "0.25", .max = 1, .value = "S", .needs = "strategy=rf_inversion", .help = "of rf_inversion: for this part of the steps"},
    {"inject", 0, NULL, RF_ARG_INT, AT(inject), .max = RF_MAX_STEPS, .value = "N",
     .help = "hand over what attention computed in the N steps nearest the noise from the inversion to the second pass"},
    {"inject-rule", 0, NULL, RF_ARG_STRING, AT(rule), .preset = "replace_v", .value = "RULE", .needs = "inject",
     .help = "what is handed over: replace or add, of q, k, v, with a strength, joined by +, as add_q:0.5+replace_v"},
    {"inject-blocks", 0, NULL, RF_ARG_INTS, AT(blocks), .max = 1e6, .value = "FIRST[,LAST]", .needs = "inject", .help = "blocks that hand over (all)"},
    {"inject-memory", 0, NULL, RF_ARG_INT, AT(memory), .preset = "256", .max = 1e6, .value = "MB", .needs = "inject", .help = "for the features of one picture"},
    {"inject-disk", 0, NULL, RF_ARG_INT, AT(disk), .preset = "0", .max = 1e6, .value = "MB", .needs = "inject",
     .help = "of the temporary folder for what memory cannot take; beyond both, features are dropped and their steps run free"},
    {"judge-net", 0, NULL, RF_ARG_CHOICE, AT(judge_net), .preset = "classifier", .choices = net_names, .value = "NAME", .needs = "judge",
     .help = "what kind of network --judge is"},
    {"judge", 0, "classifier", RF_ARG_STRING, AT(judge), .value = "FILE", .help = "a trained classifier: report how often it sees the target class"},
    {"region", 0, NULL, RF_ARG_STRING, AT(region), .value = "NAME|FILE.png",
     .help = "report what changed inside and outside of it: object (brighter than the background), occlusion (what --judge needs to see the "
             "source's class), or a picture of the model's size, white is inside"},
    {NULL},
};
static rf_arg table[RF_ARGS_MAX];

static const char examples[] =
    "  strait edit -m digits.pth seven.png --source-class 7 -c 1 --steps 8 --cfg-scale 2 -o one.png --side both.png\n"
    "  strait edit -m fashion.safetensors fashion-mnist:test -b 16 -c 3 --strategy flowedit --strength 0.6 --side sheet.png\n"
    "  strait edit -m fashion.safetensors fashion-mnist:test -b 200 --class-offset 1 --judge classifier.safetensors --json -\n";

typedef struct edit {
    edit_flags flags;
    rf_common common;
    rf_model *model;
    rf_order order;
    rf_sampler *sampler;
    rf_edit_run run;
    rf_perceptual *perceptual;
    rf_features *judge;
    float *mask;
    int64_t right, seen; /* of the judge */
    rf_paired kept, inverted;
    rf_edit_region region;
} edit;

/* ---- before the run ---- */

/* White is 1. A gray picture masks all channels alike. */
static rf_status read_mask(edit *c) {
    int64_t n = c->run.scalars;
    if (!c->flags.mask) return RF_OK;
    RF_TRY(rf__picture_read(&c->mask, &c->model->shape, c->flags.mask));
    for (int64_t i = 0; i < n; i++) c->mask[i] = (c->mask[i] + 1) / 2;
    return RF_OK;
}

static rf_status take_classes(edit *c) {
    int classes = c->model->shape.classes;
    rf_edit_run *run = &c->run;
    if (c->order.label_count && c->flags.class_offset)
        return rf__fail(RF_EINVAL, "--class-label and --class-offset are both given, expected one of them");
    if (!c->order.label_count && !c->flags.class_offset)
        return rf__fail(RF_EINVAL, "--class-label is not given, expected the class to edit towards");
    for (int64_t k = 0; c->flags.class_offset && k < run->count; k++) {
        if (run->source[k] < 0 || classes == 0)
            return rf__fail(RF_EINVAL, "--class-offset is given and picture %lld has no class, expected --source-class", (long long)k);
        run->target[k] = (int32_t)(((run->source[k] + c->flags.class_offset) % classes + classes) % classes);
    }
    return RF_OK;
}

static rf_status plan(edit *c) {
    const edit_flags *f = &c->flags;
    rf_edit_opts opts = rf__edit_defaults();
    opts.strategy = rf__edit_strategy_find(f->strategy);
    opts.solver = c->order.solver;
    opts.times = c->order.grid.t;
    opts.steps = c->order.grid.steps;
    opts.source_scale = f->edit.source_scale;
    opts.target_scale = c->order.guidance.scale;
    opts.strength = f->strength;
    opts.gamma = f->gamma, opts.eta = f->eta, opts.stop = f->stop;
    opts.mask = c->mask;
    opts.inject = (int)f->inject;
    opts.memory = (size_t)f->memory << 20, opts.disk = (size_t)f->disk << 20;
    if (c->order.policy != &rf__policy_none)
        return rf__fail(RF_EINVAL, "--policy is %s, expected none: an edit asks the network at every step", c->order.policy->name);
    if (f->inject > opts.steps)
        return rf__fail(RF_EINVAL, "--inject is %lld, expected at most the %d steps", (long long)f->inject, opts.steps);
    if (f->blocks.count > 2) return rf__fail(RF_EINVAL, "--inject-blocks has %d numbers, expected the first and perhaps the last", f->blocks.count);
    if (f->blocks.count > 0) opts.first_block = (int)f->blocks.at[0];
    if (f->blocks.count > 1) opts.last_block = (int)f->blocks.at[1];
    RF_TRY(rf__replay_rule_parse(&opts.rule, f->rule));
    return rf__edit_run_plan(&c->run, &opts);
}

/* A picture that is edited is not replaced: neither the file SOURCE, nor one in the folder SOURCE. */
static rf_status check_files(const edit *c, const char *source) {
    rf_claims claims = {0};
    rf_status status = rf__claims_read(&claims, source, "SOURCE");
    if (status == RF_OK) status = rf__claims_write(&claims, c->flags.side, 1, "--side");
    if (status == RF_OK) status = rf__claims_write(&claims, c->common.json, 1, "--json");
    if (status == RF_OK) status = rf__claims_write(&claims, c->order.output, c->run.count, "--output");
    rf__claims_fini(&claims);
    for (int64_t k = 0; status == RF_OK && c->order.output && k < c->run.count; k++) {
        char *name = rf__outpath_name(c->order.output, k), *folder = name ? strdup(name) : NULL;
        char *slash = folder ? strrchr(folder, '/') : NULL;
        if (slash) slash[1] = '\0';
        if (!folder) status = rf__fail(RF_ENOMEM, "no memory for a file name");
        else if (rf__file_exists(name) && rf__same_file(slash ? folder : ".", source))
            status = rf__fail(RF_EINVAL, "--output is %.200s, a picture that is there in %s, expected names that are not", name, source);
        free(name);
        free(folder);
    }
    return status;
}

static rf_status prepare(const edit *c, const char *source) {
    const char *paths[] = {c->flags.side, c->common.json};
    for (int i = 0; i < 2; i++)
        if (paths[i]) RF_TRY(rf__outpath_prepare(paths[i]));
    RF_TRY(check_files(c, source));
    if (!c->order.output) return RF_OK;
    RF_TRY(rf__outpath_check(c->order.output, c->run.count > 1, NULL));
    char *first = rf__outpath_name(c->order.output, 0);
    rf_status status = first ? rf__outpath_prepare(first) : rf__fail(RF_ENOMEM, "no memory for a file name");
    free(first);
    return status;
}

/* ---- after it ---- */

static rf_status write_one(const edit *c, int64_t k) {
    rf_frame frame = {.shape = &c->model->shape, .zoom = (int)c->flags.edit.zoom};
    rf_image picture;
    RF_TRY(rf__picture_create(&picture, &frame, 1));
    rf__picture_put(&picture, &frame, rf__edit_result(c->run.edits[k], RF_EDIT_SAMPLE), 0);
    char *name = rf__outpath_name(c->order.output, k);
    rf_status status = name ? rf__png_write(name, &picture, NULL, 0) : rf__fail(RF_ENOMEM, "no memory for a file name");
    free(name);
    rf__image_free(&picture);
    return status;
}

static rf_status write_side(const edit *c) {
    const float *parts[4] = {NULL};
    bool inverts = c->run.edits[0]->opts.strategy->inverts;
    int columns = 2 + inverts + (c->flags.region != NULL);
    rf_frame frame = {.shape = &c->model->shape, .columns = columns, .zoom = (int)c->flags.edit.zoom};
    rf_image picture;
    float *shown = rf__alloc_array((size_t)c->run.scalars, sizeof *shown);
    if (!shown) return rf__fail(RF_ENOMEM, "no memory for a picture");
    rf_status status = rf__picture_create(&picture, &frame, columns * c->run.count);
    for (int64_t k = 0; status == RF_OK && k < c->run.count; k++) {
        int n = 0;
        parts[n++] = c->run.x + k * c->run.scalars;
        if (c->flags.region) rf__edit_region_show(&c->region, &c->run, k, shown), parts[n++] = shown;
        if (inverts) parts[n++] = rf__edit_result(c->run.edits[k], RF_EDIT_RECONSTRUCT);
        parts[n++] = rf__edit_result(c->run.edits[k], RF_EDIT_SAMPLE);
        for (int i = 0; i < n; i++) rf__picture_put(&picture, &frame, parts[i], columns * k + i);
    }
    rf__free(shown);
    RF_TRY(status);
    status = rf__png_write(c->flags.side, &picture, NULL, 0);
    rf__image_free(&picture);
    return status;
}

static rf_status ask_judge(edit *c) {
    const rf_model_shape *s = &c->model->shape;
    rf_picture_shape shape = {s->height, s->width, s->channels};
    rf_features_info info = rf__features_describe(c->judge);
    float *features = rf__alloc_array((size_t)info.feature_width, sizeof *features), *logits = rf__alloc_array((size_t)info.classes, sizeof *logits);
    rf_status status = features && logits ? rf__features_check(c->judge, shape) : rf__fail(RF_ENOMEM, "no memory for the judge's answers");
    for (int64_t k = 0; status == RF_OK && k < c->run.count; k++) {
        if (c->run.target[k] < 0) continue;
        status = rf__features_run(c->judge, shape, rf__edit_result(c->run.edits[k], RF_EDIT_SAMPLE), 1, features, logits);
        if (status != RF_OK) break;
        c->seen++;
        c->right += rf__class_named(logits, info.classes) == c->run.target[k];
    }
    rf__free(features);
    rf__free(logits);
    return status;
}

static json_t *settings_json(const edit *c) {
    const rf_edit_opts *o = &c->run.edits[0]->opts;
    json_t *json = rf__order_json(&c->order), *from = json_array(), *to = json_array(), *times = json_array();
    for (int64_t k = 0; k < c->run.count; k++) {
        json_array_append_new(from, json_integer(c->run.source[k]));
        json_array_append_new(to, json_integer(c->run.target[k]));
    }
    for (int i = 0; i <= o->steps; i++) json_array_append_new(times, json_real(o->times[i]));
    json_object_set_new(json, "times", times);
    json_object_set_new(json, "source_classes", from);
    json_object_set_new(json, "class_labels", to);
    json_object_set_new(json, "dtype", json_string(c->flags.edit.dtype));
    json_object_set_new(json, "strategy", json_string(o->strategy->name));
    json_object_set_new(json, "source_cfg_scale", json_real(o->source_scale));
    json_object_set_new(json, "seed", json_integer((json_int_t)c->order.seed));
    json_object_set_new(json, "model_sha256", json_string(c->model->sha256));
    return json;
}

/* Sums over the pictures. */
static rf_feature_stats features_of(const edit *c) {
    rf_feature_stats sum = {0};
    for (int64_t k = 0; k < c->run.count; k++) {
        rf_feature_stats one = rf__edit_features(c->run.edits[k]);
        sum.kept += one.kept, sum.dropped += one.dropped, sum.hits += one.hits, sum.misses += one.misses;
        sum.memory_bytes += one.memory_bytes, sum.disk_bytes += one.disk_bytes;
    }
    return sum;
}

static void tell_features(const edit *c, const rf_feature_stats *sum) {
    if (!c->flags.inject) return;
    rf__info("features: %lld kept, %lld taken over, %lld not found, %.1f MB in memory, %.1f MB on disk", (long long)sum->kept, (long long)sum->hits,
             (long long)sum->misses, (double)sum->memory_bytes / 1048576, (double)sum->disk_bytes / 1048576);
    if (sum->dropped)
        rf__warn("features: %lld of %lld did not fit into --inject-memory %lld and --inject-disk %lld; those evaluations ran free",
                 (long long)sum->dropped, (long long)(sum->dropped + sum->kept), (long long)c->flags.memory, (long long)c->flags.disk);
    if (!sum->kept && !sum->dropped) rf__warn("features: none were recorded; the network has no attention in these blocks");
}

static json_t *features_json(const rf_feature_stats *sum) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "kept", (json_int_t)sum->kept, "dropped", (json_int_t)sum->dropped, "hits",
                     (json_int_t)sum->hits, "misses", (json_int_t)sum->misses, "memory_bytes", (json_int_t)sum->memory_bytes, "disk_bytes",
                     (json_int_t)sum->disk_bytes);
}

static rf_status report(const edit *c) {
    const char *lpips = c->perceptual ? rf__perceptual_entry(c->perceptual)->name : NULL;
    bool inverts = c->run.edits[0]->opts.strategy->inverts;
    double rows = rf__edit_run_rows(&c->run, RF_EDIT_INVERT) + rf__edit_run_rows(&c->run, RF_EDIT_SAMPLE);
    double mse = c->kept.mse / (double)c->kept.count;
    rf__info("%lld pictures, %s, %d steps, %.1f rows a picture; from the source by %.2f dB", (long long)c->run.count, c->flags.strategy,
             c->order.grid.steps, rows, rf__psnr(mse, RF_PAIRED_RANGE));
    rf_feature_stats features = features_of(c);
    tell_features(c, &features);
    if (c->seen) rf__info("the judge sees the target class in %.1f %%", 100.0 * (double)c->right / (double)c->seen);
    if (!c->common.json) return RF_OK;
    json_t *json = settings_json(c);
    json_object_set_new(json, "command", json_string("edit"));
    json_object_set_new(json, "rows", json_real(rows));
    json_object_set_new(json, "calls", json_integer((json_int_t)c->run.stats.batcher.calls));
    json_object_set_new(json, "kept", rf__paired_json(&c->kept, lpips));
    if (c->flags.region) json_object_set_new(json, "region", rf__edit_region_json(&c->region, lpips));
    if (c->flags.inject) {
        json_object_set_new(json, "inject", json_integer((json_int_t)c->flags.inject));
        json_object_set_new(json, "inject_rule", json_string(c->flags.rule));
        json_object_set_new(json, "features", features_json(&features));
    }
    if (inverts) json_object_set_new(json, "reconstruction", rf__paired_json(&c->inverted, lpips));
    if (c->seen) json_object_set_new(json, "target_accuracy", json_real((double)c->right / (double)c->seen));
    return rf__report_write(c->common.json, json);
}

/* ---- the whole ---- */

static rf_status work(edit *c) {
    RF_TRY(rf__edit_run_all(&c->run));
    RF_TRY(rf__edit_run_compare(&c->run, RF_EDIT_SAMPLE, c->perceptual, &c->kept));
    if (c->run.edits[0]->opts.strategy->inverts) RF_TRY(rf__edit_run_compare(&c->run, RF_EDIT_RECONSTRUCT, c->perceptual, &c->inverted));
    if (c->flags.region) RF_TRY(rf__edit_region_compare(&c->region, &c->run, c->perceptual));
    if (c->judge) RF_TRY(ask_judge(c));
    for (int64_t k = 0; c->order.output && k < c->run.count; k++) RF_TRY(write_one(c, k));
    if (c->flags.side) RF_TRY(write_side(c));
    return report(c);
}

static rf_status open_all(edit *c, const char *source) {
    const rf_edit_flags *flags = &c->flags.edit;
    rf_features_opts judged = {.dtype = RF_F32, .any_file = flags->any_file};
    rf_sampler_opts opts = {.dtype = rf__dtype_of(flags->dtype), .threads = (int)flags->threads, .rows = (int)flags->rows};
    RF_TRY(rf_sampler_open(&c->sampler, c->model, &opts));
    RF_TRY(rf__edit_perceptual(&c->perceptual, flags));
    if (c->flags.judge) RF_TRY(rf__features_open(&c->judge, c->flags.judge_net, c->flags.judge, &judged, NULL));
    RF_TRY(rf__edit_run_open(&c->run, flags, source, c->sampler, &c->order));
    RF_TRY(read_mask(c));
    RF_TRY(take_classes(c));
    RF_TRY(plan(c));
    if (c->flags.region) RF_TRY(rf__edit_region_open(&c->region, &c->run, c->flags.region, c->judge));
    return prepare(c, source);
}

static int run_edit(edit *c, const char *source) {
    rf_sampling_flags *sampling = &c->flags.edit.sampling;
    if (!sampling->method) sampling->method = rf__edit_strategy_find(c->flags.strategy)->solver;
    rf_status status = rf__sampling_settle_seed(sampling);
    if (status == RF_OK) status = rf_model_open(&c->model, c->flags.edit.model);
    if (status == RF_OK) {
        status = rf__order_build(&c->order, sampling, c->model);
        if (status == RF_EINVAL) return rf__cli_usage("edit", "%s", rf_last_error());
    }
    if (status == RF_OK) status = open_all(c, source);
    if (status == RF_EINVAL) return rf__cli_usage("edit", "%s", rf_last_error());
    if (status == RF_OK) status = work(c);
    return rf__cli_failed("edit", status);
}

static int edit_main(int argc, char **argv) {
    static edit c;
    rf_arg_rest rest = {0};
    rf__names_of_edits(strategy_names);
    rf__names_of_extractors(net_names);
    rf__sampling_args(table, own, "deadline-ms");
    rf__sampling_arg(table, "sampling-method")->preset = NULL;
    const rf_args spec = {.command = "edit", .summary = rf__cmd_edit.help, .positional = "SOURCE", .positional_min = 1, .positional_max = 1,
                          .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &c.flags, &c.common, &rest);
    int code = c.flags.edit.model ? run_edit(&c, rest.at[0]) : rf__cli_usage("edit", "--model is not given, expected a checkpoint file");
    rf__edit_region_close(&c.region);
    rf__edit_run_close(&c.run);
    rf__features_close(&c.judge);
    rf__perceptual_close(&c.perceptual);
    rf__free(c.mask);
    rf__order_fini(&c.order);
    rf_sampler_close(&c.sampler);
    rf_model_close(&c.model);
    free(rest.at);
    rf__args_fini(table, &c.flags);
    return code;
}

const rf_command rf__cmd_edit = {"edit", "change the class of real pictures and keep the rest", edit_main, examples};
