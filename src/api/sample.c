/* sample.c - the public calls of strait.h that make images. */
#include <string.h>

#include "sampler.h"
#include "../flow/schedule.h"

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
    rf_job_spec shared; /* everything but fields, seed, label and user */
    rf_blocks blocks;
    float *images;
    int64_t scalars;
} sample_run;

static rf_status describe(void *user, int64_t k, rf_job_spec *spec) {
    const sample_run *run = user;
    rf_job_spec job = run->shared;
    job.field = spec->field;
    job.refiner = spec->refiner;
    job.cond = spec->cond;
    if (run->opts->labels && run->opts->labels[k] >= 0) job.cond.label = run->opts->labels[k];
    job.seed = run->opts->seed + (uint64_t)k;
    job.user = run->images + k * run->scalars;
    *spec = job;
    return RF_OK;
}

static rf_status finished(void *user, const rf_trajectory *trajectory) {
    const sample_run *run = user;
    if (trajectory->status != RF_JOB_DONE) return rf__fail(trajectory->failure, "%s", trajectory->sentence);
    memcpy(trajectory->spec.user, trajectory->job.x, (size_t)run->scalars * sizeof *run->images);
    return RF_OK;
}

static void progress(void *user, int64_t done, int64_t total) {
    const sample_run *run = user;
    if (run->opts->progress) run->opts->progress(run->opts->user, done, total);
}

static rf_status check(const rf_model *model, const rf_sample_opts *opts) {
    if (opts->count < 1) return rf__fail(RF_EINVAL, "count is %d, expected at least 1", opts->count);
    for (int k = 0; opts->labels && k < opts->count; k++)
        RF_TRY(rf__sampler_check_label(model, opts->labels[k]));
    return RF_OK;
}

static rf_status find_plugins(rf_job_spec *job, const rf_schedule **schedule, const rf_sample_opts *opts) {
    job->solver = rf__solver_find(opts->solver);
    if (!job->solver) return RF_ENOTFOUND;
    *schedule = rf__schedule_find(opts->schedule);
    if (!*schedule) return RF_ENOTFOUND;
    job->policy = rf__policy_find(opts->policy);
    if (!job->policy) return RF_ENOTFOUND;
    job->guidance = rf__guidance_find("cfg"); /* scale 1 is no guidance */
    job->guidance_opts =
        (rf_guidance_opts){.scale = opts->cfg_scale, .low = opts->guidance_low, .high = opts->guidance_high};
    return RF_OK;
}

rf_status rf_sample(rf_sampler *sampler, const rf_sample_opts *opts, float *images) {
    rf_sample_opts defaults;
    rf_default_sample_opts(&defaults);
    if (!opts) opts = &defaults;
    if (!sampler || !images)
        return rf__fail(RF_EINVAL, "rf_sample: %s is NULL", sampler ? "images" : "sampler");
    const rf_model_shape *shape = &rf__sampler_model(sampler)->shape;
    RF_TRY(check(rf__sampler_model(sampler), opts));
    sample_run state = {
        .opts = opts, .images = images, .scalars = (int64_t)shape->height * shape->width * shape->channels};
    const rf_schedule *schedule = NULL;
    RF_TRY(find_plugins(&state.shared, &schedule, opts));
    rf_grid grid;
    rf_grid_opts grid_opts = rf__grid_defaults();
    grid_opts.steps = opts->steps;
    if (opts->blocks) {
        RF_TRY(rf__blocks_parse(&state.blocks, opts->blocks));
        grid_opts.steps = rf__blocks_steps(&state.blocks);
        state.shared.solver = rf__solver_find("blocks");
        state.shared.blocks = &state.blocks;
    }
    grid_opts.shift = opts->shift;
    grid_opts.list = opts->times;
    grid_opts.list_count = opts->time_count;
    const rf_windows *windows = &rf__sampler_model(sampler)->windows;
    grid_opts.windows = windows->count ? windows : NULL;
    RF_TRY(rf__grid_build(&grid, schedule, &grid_opts));
    state.shared.times = grid.t;
    state.shared.steps = grid.steps;
    rf_block_calls calls = rf__blocks_calls(&state.blocks, 0, opts->blocks ? grid.steps : 0, false);
    int64_t answers = opts->blocks ? calls.network + calls.refiner : rf__sampler_answers(state.shared.solver, grid.steps);
    rf_run run = {.count = opts->count,
                  .describe = describe,
                  .finished = finished,
                  .progress = progress,
                  .total = opts->count * answers,
                  .user = &state};
    rf_status status = rf__sampler_run(sampler, &run, NULL);
    rf__grid_fini(&grid);
    return status;
}
