/* cmd_invert.c - real pictures to the noise that a model makes them from, and how well it makes them again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "command.h"
#include "edit_run.h"
#include "latent.h"
#include "outpath.h"
#include "report.h"
#include "sampling_args.h"

typedef struct invert_flags {
    rf_edit_flags edit; /* first */
    const char *out, *side;
} invert_flags;

static const rf_arg own[] = {
    {"out", 'o', "output", RF_ARG_OUTPUT, offsetof(invert_flags, out), .value = "FILE.safetensors",
     .help = "the latents, for strait generate --init-latent; not given: only the report"},
    {"side", 0, NULL, RF_ARG_OUTPUT, offsetof(invert_flags, side), .value = "FILE.png", .help = "each picture beside its reconstruction"},
    RF_EDIT_ARGS(invert_flags),
    {"source-cfg-scale", 0, "source-guidance-scale", RF_ARG_FLOAT, offsetof(invert_flags, edit.source_scale), .preset = "1", .min = -100, .max = 100,
     .value = "S", .help = "the same as --cfg-scale, as strait edit calls it"},
    {NULL},
};
static rf_arg table[RF_ARGS_MAX];

static const char examples[] = "  strait invert -m digits.pth seven.png --source-class 7 --steps 15 -o seven.safetensors\n"
                               "  strait invert -m fashion.safetensors fashion-mnist:test -b 100 --sampling-method reversible --json -\n"
                               "  strait generate -m digits.pth --init-latent seven.safetensors --steps 15 --sampling-method fireflow -o seven-again.png\n";

typedef struct invert {
    invert_flags flags;
    rf_common common;
    rf_model *model;
    rf_order order;
    rf_sampler *sampler;
    rf_edit_run run;
    rf_perceptual *perceptual;
    rf_paired error;
} invert;

/* How far from a normal the latents are. */
static void moments(const invert *c, double *mean, double *deviation) {
    double sum = 0, square = 0, count = (double)(c->run.count * c->run.scalars);
    for (int64_t k = 0; k < c->run.count; k++) {
        const float *x = rf__edit_result(c->run.edits[k], RF_EDIT_INVERT);
        for (int64_t i = 0; i < c->run.scalars; i++) sum += (double)x[i], square += (double)x[i] * (double)x[i];
    }
    *mean = sum / count;
    *deviation = sqrt(square / count - *mean * *mean);
}

static json_t *facts_of(const invert *c) {
    json_t *facts = rf__order_json(&c->order), *labels = json_array();
    for (int64_t k = 0; k < c->run.count; k++) json_array_append_new(labels, json_integer(c->run.source[k]));
    json_object_set_new(facts, "class_labels", labels);
    json_object_set_new(facts, "model_sha256", json_string(c->model->sha256));
    json_object_set_new(facts, "dtype", json_string(c->flags.edit.dtype));
    return facts;
}

static rf_status write_latents(const invert *c) {
    int64_t n = c->run.scalars;
    bool carries = c->run.edits[0]->carried;
    rf_latents latents = {.count = c->run.count, .facts = facts_of(c)};
    latents.x = rf__alloc_array((size_t)(n * c->run.count), sizeof(float));
    latents.carry = carries ? rf__alloc_array((size_t)(n * c->run.count), sizeof(float)) : NULL;
    rf_status status = latents.x && (latents.carry || !carries) ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %lld latents", (long long)c->run.count);
    for (int64_t k = 0; status == RF_OK && k < c->run.count; k++) {
        memcpy(latents.x + k * n, rf__edit_result(c->run.edits[k], RF_EDIT_INVERT), (size_t)n * sizeof(float));
        if (carries) memcpy(latents.carry + k * n, c->run.edits[k]->carry, (size_t)n * sizeof(float));
    }
    if (status == RF_OK) status = rf__latents_write(&latents, c->flags.out, &c->model->shape);
    rf__latents_fini(&latents);
    return status;
}

static rf_status write_side(const invert *c) {
    rf_frame frame = {.shape = &c->model->shape, .columns = 2, .zoom = (int)c->flags.edit.zoom};
    rf_image picture;
    RF_TRY(rf__picture_create(&picture, &frame, 2 * c->run.count));
    for (int64_t k = 0; k < c->run.count; k++) {
        rf__picture_put(&picture, &frame, c->run.x + k * c->run.scalars, 2 * k);
        rf__picture_put(&picture, &frame, rf__edit_result(c->run.edits[k], RF_EDIT_RECONSTRUCT), 2 * k + 1);
    }
    rf_status status = rf__png_write(c->flags.side, &picture, NULL, 0);
    rf__image_free(&picture);
    return status;
}

static rf_status report(const invert *c) {
    double mean, deviation;
    moments(c, &mean, &deviation);
    const char *lpips = c->perceptual ? rf__perceptual_entry(c->perceptual)->name : NULL;
    int64_t differ = c->error.count - c->error.equal;
    char decibel[32] = "exact";
    if (differ) snprintf(decibel, sizeof decibel, "%.2f dB", c->error.psnr / (double)differ);
    rf__info("%lld pictures, %s, %d steps: %.1f rows a picture to the noise, %.1f back; reconstruction %s; latents N(%.3f, %.3f^2)",
             (long long)c->run.count, c->order.solver->name, c->order.grid.steps, rf__edit_run_rows(&c->run, RF_EDIT_INVERT),
             rf__edit_run_rows(&c->run, RF_EDIT_RECONSTRUCT), decibel, mean, deviation);
    if (!c->common.json) return RF_OK;
    json_t *json = facts_of(c);
    json_object_set_new(json, "command", json_string("invert"));
    json_object_set_new(json, "reconstruction", rf__paired_json(&c->error, lpips));
    json_object_set_new(json, "rows_invert", json_real(rf__edit_run_rows(&c->run, RF_EDIT_INVERT)));
    json_object_set_new(json, "rows_reconstruct", json_real(rf__edit_run_rows(&c->run, RF_EDIT_RECONSTRUCT)));
    json_object_set_new(json, "latent_mean", json_real(mean));
    json_object_set_new(json, "latent_deviation", json_real(deviation));
    if (c->flags.out) json_object_set_new(json, "output", json_string(c->flags.out));
    return rf__report_write(c->common.json, json);
}

static rf_status prepare(const invert *c) {
    const char *paths[] = {c->flags.out, c->flags.side, c->common.json};
    for (int i = 0; i < 3; i++)
        if (paths[i]) RF_TRY(rf__outpath_prepare(paths[i]));
    return RF_OK;
}

/* Everything that can be refused is refused here. */
static rf_status open_all(invert *c, const char *source) {
    const rf_edit_flags *flags = &c->flags.edit;
    const rf_sampler_opts sampler = {.dtype = rf__dtype_of(flags->dtype), .threads = (int)flags->threads, .rows = (int)flags->rows};
    RF_TRY(rf_sampler_open(&c->sampler, c->model, &sampler));
    RF_TRY(rf__edit_perceptual(&c->perceptual, flags));
    RF_TRY(rf__edit_run_open(&c->run, flags, source, c->sampler, &c->order));
    rf_edit_opts opts = rf__edit_defaults();
    opts.strategy = rf__edit_strategy_find("fireflow"); /* plain passes; the solver is the order's */
    opts.solver = c->order.solver;
    opts.times = c->order.grid.t;
    opts.steps = c->order.grid.steps;
    opts.source_scale = c->order.guidance.scale;
    c->run.inverts_only = true;
    RF_TRY(rf__edit_run_plan(&c->run, &opts));
    return prepare(c);
}

static rf_status work(invert *c) {
    RF_TRY(rf__edit_run_all(&c->run));
    RF_TRY(rf__edit_run_compare(&c->run, RF_EDIT_RECONSTRUCT, c->perceptual, &c->error));
    if (c->flags.out) RF_TRY(write_latents(c));
    if (c->flags.side) RF_TRY(write_side(c));
    return report(c);
}

static int run_invert(invert *c, const char *source) {
    rf_edit_flags *flags = &c->flags.edit;
    if (flags->source_scale != 1) flags->sampling.cfg_scale = flags->source_scale;
    rf_status status = rf__sampling_settle_seed(&flags->sampling);
    if (status == RF_OK) status = rf_model_open(&c->model, flags->model);
    if (status == RF_OK) {
        status = rf__order_build(&c->order, &flags->sampling, c->model);
        if (status == RF_OK && c->order.policy != &rf__policy_none)
            status = rf__fail(RF_EINVAL, "--policy is %s, expected none: an inversion asks the network at every step", c->order.policy->name);
        if (status == RF_OK && c->order.label_count) status = rf__fail(RF_EINVAL, "--class-label is given, expected --source-class: the class that the picture has");
        if (status == RF_EINVAL) return rf__cli_usage("invert", "%s", rf_last_error());
    }
    if (status == RF_OK) status = open_all(c, source);
    if (status == RF_EINVAL) return rf__cli_usage("invert", "%s", rf_last_error());
    if (status == RF_OK) status = work(c);
    return rf__cli_failed("invert", status);
}

static int invert_main(int argc, char **argv) {
    static invert c;
    rf_arg_rest rest = {0};
    rf__sampling_args(table, own, "deadline-ms");
    rf__sampling_arg(table, "sampling-method")->preset = "fireflow";
    const rf_args spec = {.command = "invert", .summary = rf__cmd_invert.help, .positional = "SOURCE", .positional_min = 1, .positional_max = 1,
                          .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &c.flags, &c.common, &rest);
    int code = c.flags.edit.model ? run_invert(&c, rest.at[0])
                                  : rf__cli_usage("invert", "--model is not given, expected a checkpoint file");
    rf__edit_run_close(&c.run);
    rf__perceptual_close(&c.perceptual);
    rf__order_fini(&c.order);
    rf_sampler_close(&c.sampler);
    rf_model_close(&c.model);
    free(rest.at);
    rf__args_fini(table, &c.flags);
    return code;
}

const rf_command rf__cmd_invert = {"invert", "real pictures to noise, and the error of the way back", invert_main, examples};
