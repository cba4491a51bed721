/* sample.c - the public calls of strait.h that make images. */
#include <string.h>

#include "prepare.h"

rf_status rf_model_open(rf_model **out, const char *path) {
    *out = NULL;
    if (!path) return rf__fail(RF_EINVAL, "rf_model_open: path is NULL");
    return rf__model_open(out, path);
}

void rf_model_close(rf_model **model) {
    rf__model_free(model);
}

rf_model_info rf_model_describe(const rf_model *model) {
    const rf_model_shape *shape = &model->shape;
    return (rf_model_info){.kind = model->kind->name,
                           .height = shape->height,
                           .width = shape->width,
                           .channels = shape->channels,
                           .classes = shape->classes,
                           .parameters = rf__model_parameters(model),
                           .sha256 = model->sha256};
}

void rf_default_sample_opts(rf_sample_opts *opts) {
    *opts = (rf_sample_opts){.solver = "euler",
                             .schedule = "uniform",
                             .steps = 20,
                             .shift = 3,
                             .cfg_scale = 1,
                             .guidance_high = 1,
                             .policy = "none",
                             .count = 1};
}

typedef struct sample_run {
    const rf_sample_opts *opts;
    const rf_prepared *prepared;
    const float *start;   /* [count, scalars] in place of opts->init; NULL: as opts say */
    float *out, *carry;   /* [count, scalars]; carry NULL: not wanted */
    int64_t scalars;
} sample_run;

static rf_status describe(void *user, int64_t k, rf_job_spec *spec) {
    const sample_run *run = user;
    rf__prepared_describe(run->prepared, run->opts, k, spec);
    if (run->start) spec->init = run->start + k * run->scalars;
    spec->user = (void *)(intptr_t)k;
    return RF_OK;
}

static rf_status finished(void *user, const rf_trajectory *trajectory) {
    const sample_run *run = user;
    if (trajectory->status != RF_JOB_DONE) return rf__fail(trajectory->failure, "%s", trajectory->sentence);
    int64_t at = (intptr_t)trajectory->spec.user * run->scalars;
    size_t bytes = (size_t)run->scalars * sizeof *run->out;
    const rf_job *job = &trajectory->job;
    memcpy(run->out + at, job->x, bytes);
    if (run->carry) memcpy(run->carry + at, job->buffer[0], bytes);
    return RF_OK;
}

static void progress(void *user, int64_t done, int64_t total) {
    const sample_run *run = user;
    if (run->opts->progress) run->opts->progress(run->opts->user, done, total);
}

static rf_status walk(rf_sampler *sampler, const rf_sample_opts *opts, const float *start, float *out, float *carry) {
    const rf_model_shape *shape = &rf__sampler_model(sampler)->shape;
    rf_prepared prepared;
    RF_TRY(rf__prepared_init(&prepared, opts, sampler, start != NULL));
    sample_run state = {
        .opts = opts, .prepared = &prepared, .start = start, .out = out, .carry = carry, .scalars = rf__scalars_of(shape)};
    rf_run run = {.count = opts->count,
                  .describe = describe,
                  .finished = finished,
                  .progress = progress,
                  .total = opts->count * prepared.answers,
                  .user = &state};
    rf_status status = rf__sampler_run(sampler, &run, NULL);
    if (status == RF_OK) status = rf__prepared_save(&prepared);
    rf__prepared_fini(&prepared);
    return status;
}

rf_status rf_sample(rf_sampler *sampler, const rf_sample_opts *opts, float *images) {
    rf_sample_opts defaults;
    rf_default_sample_opts(&defaults);
    if (!sampler || !images)
        return rf__fail(RF_EINVAL, "rf_sample: %s is NULL", sampler ? "images" : "sampler");
    return walk(sampler, opts ? opts : &defaults, NULL, images, NULL);
}

rf_status rf_invert(rf_sampler *sampler, const rf_sample_opts *opts, const float *images, float *latents, float *carry) {
    rf_sample_opts defaults;
    rf_default_sample_opts(&defaults);
    if (!opts) opts = &defaults;
    if (!sampler || !images || !latents)
        return rf__fail(RF_EINVAL, "rf_invert: %s is NULL", !sampler ? "sampler" : images ? "latents" : "images");
    if (opts->init || opts->carry) return rf__fail(RF_EINVAL, "rf_invert: %s is given, expected NULL: the walk begins with the images", opts->init ? "init" : "carry");
    const rf_solver *solver = opts->blocks ? NULL : rf__solver_find(opts->solver);
    if (!opts->blocks && !solver) return RF_ENOTFOUND;
    if (!solver || !rf__solver_turns(solver))
        return rf__fail(RF_EINVAL, "rf_invert: solver is '%s', expected one that walks along one velocity and can turn round", solver ? solver->name : "blocks");
    if (carry && !solver->undoes) return rf__fail(RF_EINVAL, "rf_invert: carry is given, and solver '%s' undoes itself with none, expected NULL", solver->name);
    return walk(sampler, opts, images, latents, carry);
}
