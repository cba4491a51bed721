/* run.c - the loop around trainer_step: log, curves, checkpoints, grids, the final model and its numbers. */
#include "run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/rng.h"
#include "../eval/coupling_error.h"
#include "../models/model_field.h"
#include "accuracy.h"
#include "checkpoint.h"
#include "crossing.h"
#include "grid.h"
#include "images.h"

enum {
    SKIPS_IN_A_ROW = 50, /* then the run is lost: Adam cannot come back from NaN weights */
    CURVES_SECONDS = 20, /* at least between drawings: gnuplot takes as long as a hundred steps of a toy */
};

typedef struct run {
    rf_recipe *recipe;
    const rf_run_opts *opts;
    rf_run_report *report;
    rf_trainer *trainer;
    rf_model *ema;         /* a second model that samples; made on first use */
    FILE *log;
    rf_loss_bins bins;
    double log_time;       /* of the newest line */
    double curves_time;    /* of the newest curves */
    int64_t log_step;
    int lock;              /* of recipe.json; -1: not held */
    int skips;             /* in a row */
    rf_progress progress;
} run;

static const char *in_folder(const run *r, char buffer[4096], const char *name) {
    snprintf(buffer, 4096, "%s/%s", r->opts->folder, name);
    return buffer;
}

/* ---- before ---- */

static rf_status write_recipe(const run *r) {
    char path[4096];
    json_t *object = rf__recipe_json(r->recipe);
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!text) return rf__fail(RF_ENOMEM, "%s: no memory for recipe.json", r->opts->folder);
    rf_status status = rf__file_write(in_folder(r, path, "recipe.json"), text, strlen(text));
    free(text);
    return status;
}

/* The data's own velocity, known in closed form; toy: of evaluate.exact, closed by the caller. */
static rf_status open_exact(run *r, rf_source *toy, rf_exact_source *source, rf_field *exact) {
    const char *name = r->recipe->evaluate.exact;
    rf_data_config which = {.path = "", .split = "train"};
    snprintf(which.name, sizeof which.name, "%s", name);
    rf_status status = name[0] ? rf__source_open(toy, &which) : RF_OK;
    if (status != RF_OK) return rf__fail_in(status, "evaluate.exact is %s: ", name);
    *source = (rf_exact_source){name[0] ? toy : &r->trainer->source, r->trainer->pool};
    status = rf__source_exact_field(exact, source);
    return status == RF_OK ? RF_OK : rf__fail_in(status, "evaluate.coupling_steps: ");
}

/* Before the training, what is asked for after it. */
static rf_status check_evaluate(run *r) {
    rf_source toy = {0};
    rf_exact_source source;
    rf_field exact;
    if (r->recipe->evaluate.coupling_steps.count == 0) return RF_OK;
    rf_status status = open_exact(r, &toy, &source, &exact);
    rf__source_close(&toy);
    return status;
}

/* Where no other run is: it holds its recipe.json as long as it goes on. Not the folder, which profiles beside a model are written under. */
static rf_status enter(run *r, int64_t newest) {
    char path[4096];
    in_folder(r, path, "recipe.json");
    if (rf__file_exists(path)) RF_TRY(rf__path_lock(&r->lock, path, false));
    rf__path_unlock(&r->lock);
    if (newest >= 0) RF_TRY(rf__checkpoint_load(r->trainer, &r->bins, r->opts->folder));
    else if (r->opts->resume) rf__info("%s: no checkpoint yet, starting from step 0", r->opts->folder);
    RF_TRY(write_recipe(r));
    return rf__path_lock(&r->lock, path, false);
}

static rf_status begin(run *r) {
    const char *folder = r->opts->folder;
    char path[4096];
    int folder_lock;
    int64_t newest = rf__checkpoint_newest(folder);
    if (newest >= 0 && !r->opts->resume)
        return rf__fail(RF_EINVAL, "%s: holds a run of %lld steps, expected an empty folder: --resume continues it, -o names another", folder,
                        (long long)newest);
    RF_TRY(rf__trainer_create(&r->trainer, r->recipe, NULL, r->opts->threads));
    RF_TRY(check_evaluate(r));
    RF_TRY(rf__make_dirs(folder)); /* not before everything that can be refused has been */
    RF_TRY(rf__path_lock(&folder_lock, folder, true)); /* two that begin at once */
    rf_status entered = enter(r, newest);
    rf__path_unlock(&folder_lock);
    RF_TRY(entered);
    RF_TRY(rf__runlog_open(&r->log, in_folder(r, path, "log.jsonl"), r->trainer->step));
    r->log_time = r->curves_time = rf__now();
    r->log_step = r->trainer->step;
    rf__progress_start(&r->progress, r->recipe->name, r->recipe->train.steps, r->trainer->step);
    return RF_OK;
}

/* ---- on the way ---- */

/* The weights that sample and are saved: the EMA in a model of its own. */
static rf_status refresh_ema(run *r) {
    if (!r->ema) RF_TRY(rf__model_create(&r->ema, r->recipe->kind, r->recipe->model, 0));
    r->ema->windows = r->trainer->model->windows;
    r->ema->refiner = r->trainer->model->refiner;
    int64_t count;
    float *all = rf__weights_all(r->ema->weights, &count);
    memcpy(all, r->trainer->ema, (size_t)count * sizeof(float));
    return rf__weights_refresh(r->ema->weights, r->trainer->pool);
}

static rf_status write_log(run *r) {
    const rf_trainer *tr = r->trainer;
    double now = rf__now(), rate = (double)((tr->step - r->log_step) * r->recipe->train.batch) / (now - r->log_time);
    rf_log_line line = {.step = tr->step, .skipped = tr->optim.skipped, .images_per_second = rate,
                        .lr = rf__optim_lr(&r->recipe->optim, tr->step - 1), .grad_norm = tr->optim.grad_norm, .bins = &r->bins};
    RF_TRY(rf__runlog_write(r->log, &line));
    r->bins = (rf_loss_bins){.newest = rf__loss_bins_mean(&r->bins)};
    r->log_time = now;
    r->log_step = tr->step;
    return RF_OK;
}

static rf_status write_grid(run *r) {
    const rf_model_shape *shape = &r->trainer->model->shape;
    if (shape->flat || shape->refines || r->recipe->kind->classifies) return RF_OK; /* nothing that makes pictures alone */
    char name[64], path[4096];
    snprintf(name, sizeof name, "samples_%06lld.png", (long long)r->trainer->step);
    RF_TRY(refresh_ema(r));
    return rf__train_grid(r->ema, r->recipe, rf__pool_size(r->trainer->pool), in_folder(r, path, name));
}

static void show(run *r) {
    const rf_trainer *tr = r->trainer;
    char note[128];
    double loss = r->bins.rows ? rf__loss_bins_mean(&r->bins) : r->bins.newest;
    double elapsed = rf__now() - r->progress.started;
    double rate = (double)((tr->step - r->progress.first_done) * r->recipe->train.batch) / (elapsed > 0 ? elapsed : 1);
    snprintf(note, sizeof note, "loss %.4f  %.0f img/s%s", loss, rate, tr->optim.skipped ? "  (steps skipped)" : "");
    rf__progress_update(&r->progress, tr->step, note);
}

static rf_status count_skips(run *r, int64_t skipped_before) {
    const rf_trainer *tr = r->trainer;
    if (tr->optim.skipped == skipped_before) {
        r->skips = 0;
        return RF_OK;
    }
    if (++r->skips == 1) rf__warn("step %lld: the gradient is not finite, the step is skipped", (long long)tr->step);
    if (r->skips < SKIPS_IN_A_ROW) return RF_OK;
    return rf__fail(RF_ENUMERIC, "step %lld: %d gradients in a row are not finite; a smaller train.lr or a longer train.warmup helps",
                    (long long)tr->step, SKIPS_IN_A_ROW);
}

static rf_status after_step(run *r) {
    const rf_train_config *c = &r->recipe->train;
    int64_t step = r->trainer->step;
    bool last = step == c->steps;
    if (step % c->log_every == 0 || last) RF_TRY(write_log(r));
    if (step % 16 == 0 || c->steps < 10000) show(r); /* a toy's step is shorter than the clock calls of a progress line */
    if (step % c->checkpoint_every == 0 && !last) {
        RF_TRY(rf__checkpoint_save(r->trainer, &r->bins, r->opts->folder));
        if (rf__now() - r->curves_time > CURVES_SECONDS) {
            RF_TRY(rf__runlog_curves(r->opts->folder));
            r->curves_time = rf__now();
        }
    }
    if (c->sample_every > 0 && step % c->sample_every == 0 && !last) RF_TRY(write_grid(r));
    return RF_OK;
}

static rf_status walk(run *r) {
    while (r->trainer->step < r->recipe->train.steps) {
        if (rf__interrupted) {
            RF_TRY(rf__checkpoint_save(r->trainer, &r->bins, r->opts->folder));
            return rf__fail(RF_EINTERRUPTED, "%s: interrupted at step %lld, saved; --resume continues", r->opts->folder,
                            (long long)r->trainer->step);
        }
        int64_t skipped = r->trainer->optim.skipped;
        rf_status status = rf__trainer_step(r->trainer, &r->bins);
        if (status == RF_EINTERRUPTED) continue; /* while pairs were made: nothing of the step has happened yet */
        RF_TRY(status);
        RF_TRY(count_skips(r, skipped));
        status = after_step(r);
        if (status == RF_EINTERRUPTED) continue; /* while a grid was drawn */
        RF_TRY(status);
    }
    return RF_OK;
}

/* ---- after ---- */

/* Nothing here may depend on the machine or the clock: a resumed run writes the same bytes. */
static char *protocol_json(const run *r) {
    const rf_trainer *tr = r->trainer;
    json_t *training = json_pack("{sI sI sI so ss sI ss ss}", "steps", (json_int_t)tr->step, "images",
                                 (json_int_t)(tr->step * r->recipe->train.batch), "skipped", (json_int_t)tr->optim.skipped, "loss",
                                 isfinite(r->bins.newest) ? json_real(r->bins.newest) : json_null(), "data", r->recipe->data.name, "seed",
                                 (json_int_t)r->recipe->train.seed, "weights", "ema", "version", RF_VERSION);
    json_object_set_new(training, "recipe", rf__recipe_json(r->recipe));
    const rf_dataset *set = rf__source_dataset(&tr->source);
    json_t *names = json_array();
    for (int i = 0; set && set->class_names && i < set->classes; i++) json_array_append_new(names, json_string(set->class_names[i]));
    json_t *object = json_pack("{so so}", "training", training, "class_names", names);
    if (object && tr->base[0]) json_object_set_new(object, "base_sha256", json_string(tr->base)); /* what a delta may be added to */
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    return text;
}

static rf_status save_model(run *r, const char *path) {
    char *metadata = protocol_json(r);
    if (!metadata) return rf__fail(RF_ENOMEM, "%s: no memory for the metadata of the model", r->opts->folder);
    rf_status status = rf__model_save(r->ema, r->trainer->ema, path, (rf_dtype)r->recipe->train.save_dtype, metadata);
    free(metadata);
    return status;
}

/* Euler steps of `field` against the exact velocity of the data, on noise that the training has not seen. */
static rf_status coupling_errors(run *r, const rf_field *field, const rf_field *second) {
    enum { FINE_STEPS = 64 /* of Runge-Kutta: error 1e-6 on the 8 Gaussians */ };
    const rf_evaluate_config *c = &r->recipe->evaluate;
    rf_source toy = {0};
    rf_exact_source source;
    rf_field exact;
    rf_status status = open_exact(r, &toy, &source, &exact);
    float *noise = status == RF_OK ? rf__alloc_array((size_t)c->samples, (size_t)field->scalars * sizeof *noise) : NULL;
    if (status == RF_OK && !noise) status = rf__fail(RF_ENOMEM, "evaluate: no memory for %lld samples", (long long)c->samples);
    for (int64_t k = 0; noise && k < c->samples; k++)
        rf__rng_normal_sample(~(uint64_t)r->recipe->train.seed, RF_STREAM_NOISE, (uint64_t)k, field->scalars, noise + k * field->scalars);
    if (noise) status = rf__coupling_error(field, second, &exact, noise, NULL, c->samples, FINE_STEPS, &c->coupling_steps, r->report->coupling);
    rf__free(noise);
    rf__source_close(&toy);
    return status;
}

static rf_status evaluate(run *r) {
    const rf_evaluate_config *c = &r->recipe->evaluate;
    if (c->accuracy[0]) RF_TRY(rf__train_accuracy(r->ema, &r->recipe->data, c->accuracy, r->trainer->pool, &r->report->accuracy));
    if (c->coupling_steps.count == 0 && c->crossing == 0) return RF_OK;
    rf_model_field *model = NULL, *initial = NULL;
    rf_model *first = r->trainer->initial ? r->trainer->initial->model : NULL; /* of Constant Acceleration Flow */
    rf_status status = rf__model_field_open(&model, r->ema, RF_F32, r->trainer->pool, 1024);
    if (status == RF_OK && first) status = rf__model_field_open(&initial, first, RF_F32, r->trainer->pool, 1024);
    rf_field field = {0}, second = {0};
    if (status == RF_OK) {
        second = rf__model_field_view(model);
        field = first ? rf__model_field_view(initial) : second;
        if (c->coupling_steps.count) status = coupling_errors(r, &field, first ? &second : NULL);
    }
    if (status == RF_OK) r->report->couplings = c->coupling_steps.count;
    if (status == RF_OK && c->crossing) status = rf__train_crossing(r->recipe, &r->trainer->source, &field, &r->report->straightness);
    rf__model_field_close(&model);
    rf__model_field_close(&initial);
    return status;
}

static rf_status finish(run *r) {
    char path[4096];
    const rf_trainer *tr = r->trainer;
    RF_TRY(rf__checkpoint_save(r->trainer, &r->bins, r->opts->folder));
    if (2 * tr->optim.skipped > tr->step)
        return rf__fail(RF_ENUMERIC, "%lld of %lld gradients were not finite, so nothing was learned; a smaller train.lr or a longer train.warmup helps",
                        (long long)tr->optim.skipped, (long long)tr->step);
    RF_TRY(rf__runlog_curves(r->opts->folder));
    RF_TRY(refresh_ema(r));
    RF_TRY(save_model(r, in_folder(r, path, "model.safetensors")));
    RF_TRY(write_grid(r));
    return evaluate(r);
}

rf_status rf__train_export(rf_recipe *recipe, const rf_run_opts *opts, const char *path, int64_t *step) {
    rf_run_report none = {0};
    run r = {.recipe = recipe, .opts = opts, .report = &none};
    rf_status status = rf__trainer_create(&r.trainer, recipe, NULL, opts->threads);
    if (status == RF_OK) status = rf__checkpoint_load(r.trainer, &r.bins, opts->folder);
    if (status == RF_OK) status = refresh_ema(&r);
    if (status == RF_OK) status = save_model(&r, path);
    if (status == RF_OK) *step = r.trainer->step;
    rf__model_free(&r.ema);
    rf__trainer_free(&r.trainer);
    return status;
}

rf_status rf__train_run(rf_recipe *recipe, const rf_run_opts *opts, rf_run_report *report) {
    *report = (rf_run_report){0};
    run r = {.recipe = recipe, .opts = opts, .report = report, .lock = -1};
    rf_status status = begin(&r);
    if (status == RF_OK) {
        double start = rf__now();
        int64_t first = r.trainer->step;
        status = walk(&r);
        report->seconds = rf__now() - start;
        report->steps = r.trainer->step;
        report->images = r.trainer->step * recipe->train.batch;
        report->skipped = r.trainer->optim.skipped;
        report->images_per_second = (double)((r.trainer->step - first) * recipe->train.batch) / report->seconds;
        report->loss = r.bins.newest;
        if (r.trainer->adversary) {
            const rf_adversary_state *state = rf__adversary_memory(r.trainer->adversary).state;
            report->adversary_loss = state->loss;
            report->adversary_pull = state->pull;
        }
        rf__progress_finish(&r.progress, NULL);
        if (status == RF_OK) status = finish(&r);
    }
    if (r.log) fclose(r.log);
    rf__path_unlock(&r.lock);
    rf__model_free(&r.ema);
    rf__trainer_free(&r.trainer);
    return status;
}
