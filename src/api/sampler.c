/* sampler.c - opening a model for sampling, and the loop that keeps the batcher fed. */
#include "sampler.h"

#include <string.h>

#include "../base/dtype.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../models/model_field.h"
#include "row_cache.h"

struct rf_sampler {
    rf_model *model; /* borrowed */
    rf_sampler_opts opts;
    rf_pool *pool;
    rf_model_field *network, *refiner; /* refiner NULL: none */
    rf_field field, small;
    bool measures; /* rows were not given */
    rf_row_times times;
};

#define MOST_MEASURED 64 /* rows of a call; images of a size worth a bigger one do not exist here */
#define MEASURE_SECONDS 0.6
#define LONG_LINE 4096

void rf_default_sampler_opts(rf_sampler_opts *opts) {
    *opts = (rf_sampler_opts){.dtype = RF_F32, .threads = 0, .rows = 16};
}

static rf_status check_models(const rf_model *model, const rf_model *refiner) {
    if (model->shape.refines != RF_REFINES_NOTHING)
        return rf__fail(RF_EINVAL, "%s is a refiner, expected the predictor it was trained for (a refiner goes beside it: --refiner)",
                        model->path ? model->path : "the model");
    return refiner ? rf__model_check_refiner(refiner, model) : RF_OK;
}

static void mention_speed(rf_dtype dtype) {
    const rf_kernels *kernels = rf__kernels();
    if (dtype == RF_INT8 && kernels && !strcmp(kernels->conv_int8.name, "ref"))
        rf__info("int8 on this processor (%s, without AVX-512 VNNI) runs in plain C: the same pictures, but slower than bf16", kernels->isa);
}

static rf_status open_fields(rf_sampler *sampler) {
    const rf_sampler_opts *opts = &sampler->opts;
    RF_TRY(rf__model_field_open(&sampler->network, sampler->model, opts->dtype, sampler->pool, opts->rows));
    rf__model_field_build_ahead(sampler->network, true);
    sampler->field = rf__model_field_view(sampler->network);
    if (!opts->refiner) return RF_OK;
    RF_TRY(rf__model_field_open(&sampler->refiner, opts->refiner, opts->dtype, sampler->pool, opts->rows));
    rf__model_field_build_ahead(sampler->refiner, true);
    sampler->small = rf__model_field_view(sampler->refiner);
    return RF_OK;
}

rf_status rf_sampler_open(rf_sampler **out, rf_model *model, const rf_sampler_opts *opts) {
    *out = NULL;
    rf_sampler_opts defaults;
    rf_default_sampler_opts(&defaults);
    if (!opts) opts = &defaults;
    if (!model) return rf__fail(RF_EINVAL, "rf_sampler_open: model is NULL");
    if (opts->rows < 0 || opts->rows > 4096)
        return rf__fail(RF_EINVAL, "rows is %d, expected 0 .. 4096", opts->rows);
    if (rf__dtype_of(rf__dtype_name(opts->dtype)) == RF_DTYPES)
        return rf__fail(RF_EINVAL, "dtype is %d, expected RF_F32, RF_BF16 or RF_INT8", (int)opts->dtype);
    if (opts->threads < 0 || opts->threads > 1024)
        return rf__fail(RF_EINVAL, "threads is %d, expected 0 .. 1024", opts->threads);
    RF_TRY(check_models(model, opts->refiner));
    mention_speed(opts->dtype);
    rf_sampler *sampler = rf__alloc(sizeof *sampler);
    if (!sampler) return rf__fail(RF_ENOMEM, "no memory for a sampler");
    sampler->model = model;
    sampler->opts = *opts;
    sampler->measures = opts->rows == 0;
    if (sampler->measures) sampler->opts.rows = MOST_MEASURED;
    rf_status status = RF_OK;
    sampler->pool = rf__pool_create(opts->threads);
    if (!sampler->pool) status = rf__fail(RF_ENOMEM, "no memory for %d threads", opts->threads);
    if (status == RF_OK) status = open_fields(sampler);
    if (status != RF_OK) rf_sampler_close(&sampler);
    *out = sampler;
    return status;
}

void rf_sampler_close(rf_sampler **sampler) {
    rf_sampler *dead = sampler ? *sampler : NULL;
    if (!dead) return;
    rf__model_field_close(&dead->network);
    rf__model_field_close(&dead->refiner);
    rf__pool_free(&dead->pool);
    rf__free(dead);
    *sampler = NULL;
}

const rf_model *rf__sampler_model(const rf_sampler *sampler) {
    return sampler->model;
}
rf_dtype rf__sampler_dtype(const rf_sampler *sampler) {
    return sampler->opts.dtype;
}
int rf__sampler_threads(const rf_sampler *sampler) {
    return rf__pool_size(sampler->pool);
}
int rf__sampler_rows(const rf_sampler *sampler) {
    return sampler->opts.rows;
}

int64_t rf__sampler_best_rows(const rf_sampler *sampler) {
    return rf__row_times_choose(&sampler->times, sampler->opts.rows, sampler->opts.rows);
}
const rf_row_times *rf__sampler_row_times(const rf_sampler *sampler) {
    return sampler->times.count ? &sampler->times : NULL;
}
const rf_model *rf__sampler_refiner(const rf_sampler *sampler) {
    return sampler->opts.refiner;
}
const rf_field *rf__sampler_refiner_field(const rf_sampler *sampler) {
    return sampler->refiner ? &sampler->small : NULL;
}
rf_pool *rf__sampler_pool(const rf_sampler *sampler) {
    return sampler->pool;
}
const rf_field *rf__sampler_field(const rf_sampler *sampler) {
    return &sampler->field;
}
rf_plan_cache_stats rf__sampler_plans(const rf_sampler *sampler) {
    return rf__model_field_stats(sampler->network);
}

/* In a field of its own, so that the plans of sizes that lose the race are not kept. */
static rf_status measure(rf_sampler *sampler) {
    rf_model_field *trial = NULL;
    RF_TRY(rf__model_field_open(&trial, sampler->model, sampler->opts.dtype, sampler->pool, MOST_MEASURED));
    rf_field field = rf__model_field_view(trial);
    rf_status status = rf__row_times_measure(&sampler->times, &field, MOST_MEASURED, MEASURE_SECONDS);
    rf__model_field_close(&trial);
    return status;
}

rf_status rf__sampler_measure(rf_sampler *sampler) {
    if (!sampler->measures || sampler->times.count) return RF_OK;
    const rf_kernels *kernels = rf__kernels();
    if (!kernels) return RF_ENOTFOUND;
    const rf_row_key key = {.sha256 = sampler->model->sha256,
                            .dtype = rf__dtype_name(sampler->opts.dtype),
                            .isa = kernels->isa,
                            .provider = kernels->conv.name,
                            .threads = rf__pool_size(sampler->pool)};
    if (!rf__row_cache_load(&sampler->times, &key)) {
        RF_TRY(measure(sampler));
        rf__row_cache_store(&sampler->times, &key);
    }
    rf__model_field_set_times(sampler->network, &sampler->times);
    sampler->field = rf__model_field_view(sampler->network);
    return RF_OK;
}

rf_status rf__sampler_warm(rf_sampler *sampler) {
    RF_TRY(rf__sampler_measure(sampler));
    if (sampler->refiner) RF_TRY(rf__model_field_warm_all(sampler->refiner));
    if (!sampler->measures) return rf__model_field_warm_all(sampler->network);
    for (int64_t rows = 1; rows <= rf__sampler_best_rows(sampler); rows *= 2) RF_TRY(rf__model_field_warm(sampler->network, rows));
    return RF_OK;
}

rf_status rf__sampler_warm_up_to(rf_sampler *sampler, int64_t rows) {
    RF_TRY(rf__sampler_measure(sampler));
    rf_model_field *const fields[] = {sampler->network, sampler->refiner};
    if (rows > rf__sampler_best_rows(sampler)) rows = rf__sampler_best_rows(sampler);
    for (int i = 0; i < 2 && fields[i]; i++) {
        for (int64_t bucket = 1; bucket < rows; bucket *= 2) RF_TRY(rf__model_field_warm(fields[i], bucket));
        RF_TRY(rf__model_field_warm(fields[i], rows));
    }
    return RF_OK;
}

rf_status rf__sampler_warm_rows(rf_sampler *sampler, int64_t rows) { return rf__model_field_warm(sampler->network, rows); }

rf_status rf__sampler_check_label(const rf_model *model, int64_t label) {
    int classes = model->shape.classes;
    if (label >= -1 && label < classes) return RF_OK;
    if (classes == 0)
        return rf__fail(RF_EINVAL, "class is %lld, and this model has no classes", (long long)label);
    return rf__fail(RF_EINVAL, "class is %lld, expected 0 .. %d, or -1 for none", (long long)label,
                    classes - 1);
}

typedef struct run_state {
    const rf_run *run;
    rf_status status;
} run_state;

static void on_finished(void *user, const rf_trajectory *trajectory) {
    run_state *state = user;
    if (state->status == RF_OK) state->status = state->run->finished(state->run->user, trajectory);
}

rf_job_spec rf__sampler_job(const rf_sampler *sampler) {
    return (rf_job_spec){.field = &sampler->field, .refiner = sampler->refiner ? &sampler->small : NULL,
                         .setup = {.refiner = sampler->refiner ? sampler->opts.refiner->sha256 : NULL},
                         .cond = {.label = sampler->field.null_label}};
}

static rf_status submit(const rf_sampler *sampler, rf_batcher *batcher, const rf_run *run, int64_t k) {
    rf_job_spec spec = rf__sampler_job(sampler);
    RF_TRY(run->describe(run->user, k, &spec));
    return rf__batcher_submit(batcher, &spec, NULL);
}

static rf_status feed(const rf_sampler *sampler, rf_batcher *batcher, run_state *state) {
    const rf_run *run = state->run;
    int64_t given = 0;
    while (given < run->count || rf__batcher_busy(batcher)) {
        while (given < run->count && rf__batcher_room(batcher) > 0 && (!run->ready || run->ready(run->user, given)))
            RF_TRY(submit(sampler, batcher, run, given++));
        RF_TRY(rf__batcher_tick(batcher));
        RF_TRY(state->status);
        if (run->progress) run->progress(run->user, rf__batcher_stats(batcher).answers, run->total);
    }
    return RF_OK;
}

/* A policy with an order of its own must see the jobs to order them; a job that waits takes little memory. */
static int queue_of(const rf_run *run) {
    if (!run->admission || !run->admission->before) return 0;
    return run->count < LONG_LINE ? (int)run->count : LONG_LINE;
}

rf_status rf__sampler_run(rf_sampler *sampler, const rf_run *run, rf_run_stats *stats) {
    run_state state = {.run = run};
    rf_batcher *batcher = NULL;
    if (run->count > 1) RF_TRY(rf__sampler_measure(sampler));
    rf_batcher_opts opts = {.rows = sampler->opts.rows,
                            .slots = run->slots,
                            .queue = queue_of(run),
                            .admission = run->admission,
                            .finished = on_finished,
                            .user = &state};
    RF_TRY(rf__batcher_create(&batcher, &opts));
    double started = rf__now();
    rf_status status = feed(sampler, batcher, &state);
    if (stats)
        *stats = (rf_run_stats){.batcher = rf__batcher_stats(batcher),
                                .latency = *rf__batcher_latency(batcher),
                                .wait = *rf__batcher_wait(batcher),
                                .plans = rf__model_field_stats(sampler->network),
                                .seconds = rf__now() - started};
    rf__batcher_free(&batcher);
    return status;
}
