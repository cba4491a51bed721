/* edit_run.c - see edit_run.h. */
#include "edit_run.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "eval_source.h"
#include "picture.h"

/* ---- pictures in ---- */

static bool ends(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && !strcmp(text + length - tail, ending);
}

static bool is_picture(const char *text) {
    struct stat info;
    if (ends(text, ".npz")) return false;
    return (!stat(text, &info) && S_ISREG(info.st_mode)) || ends(text, ".png") || ends(text, ".jpg") || ends(text, ".jpeg");
}

static rf_status make_room(rf_edit_run *run, int64_t count) {
    run->count = count;
    run->x = rf__alloc_array((size_t)(count * run->scalars), sizeof *run->x);
    run->source = rf__alloc_array((size_t)count, sizeof *run->source);
    run->target = rf__alloc_array((size_t)count, sizeof *run->target);
    run->edits = rf__alloc_array((size_t)count, sizeof(rf_edit *));
    run->jobs = rf__alloc_array((size_t)count * RF_EDIT_PASSES, sizeof *run->jobs);
    if (!run->x || !run->source || !run->target || !run->edits || !run->jobs)
        return rf__fail(RF_ENOMEM, "no memory for %lld pictures", (long long)count);
    for (int64_t k = 0; k < count; k++) run->source[k] = -1;
    return RF_OK;
}

static rf_status read_picture(rf_edit_run *run, const rf_edit_flags *flags, const char *path) {
    float *x = NULL;
    if (flags->index != 0 || run->order->count != 1)
        return rf__fail(RF_EINVAL, "%s is one picture, expected no --index and no --batch-count with it", path);
    RF_TRY(rf__picture_read(&x, &rf__sampler_model(run->sampler)->shape, path));
    rf_status status = make_room(run, 1);
    if (status == RF_OK) memcpy(run->x, x, (size_t)run->scalars * sizeof *x);
    rf__free(x);
    return status;
}

static rf_status read_rows(rf_edit_run *run, rf_eval_source *source, const rf_edit_flags *flags, const char *name) {
    const rf_model_shape *want = &rf__sampler_model(run->sampler)->shape, *have = &source->shape;
    if (!source->kind->read || source->mean) return rf__fail(RF_EUNSUPPORTED, "%s has no pictures to edit", name);
    if (have->height != want->height || have->width != want->width || have->channels != want->channels)
        return rf__fail(RF_EMISMATCH, "%s: has pictures of %dx%dx%d, expected the model's %dx%dx%d", name, have->width, have->height, have->channels,
                        want->width, want->height, want->channels);
    if (source->count && flags->index + run->order->count > source->count)
        return rf__fail(RF_EINVAL, "--index %lld and %lld pictures go beyond the %lld of %s", (long long)flags->index, (long long)run->order->count,
                        (long long)source->count, name);
    RF_TRY(make_room(run, run->order->count));
    return source->kind->read(source, flags->index, run->count, run->x, run->source);
}

static rf_status read_source(rf_edit_run *run, const rf_edit_flags *flags, const char *text) {
    rf_eval_source source = {.path = flags->data_path, .seed = run->order->seed};
    if (is_picture(text)) return read_picture(run, flags, text);
    RF_TRY(rf__eval_source_open(&source, text));
    rf_status status = read_rows(run, &source, flags, text);
    rf__eval_source_close(&source);
    return status;
}

rf_status rf__edit_run_open(rf_edit_run *run, const rf_edit_flags *flags, const char *source, rf_sampler *sampler, const rf_order *order) {
    const rf_model *model = rf__sampler_model(sampler);
    int classes = model->shape.classes;
    *run = (rf_edit_run){.sampler = sampler, .order = order, .scalars = rf__model_scalars(model)};
    rf_status status = flags->source_class < -1 ? RF_OK : rf__sampler_check_label(model, flags->source_class);
    if (status != RF_OK) return rf__fail_in(status, "--source-class: ");
    RF_TRY(read_source(run, flags, source));
    for (int64_t k = 0; k < run->count; k++) {
        if (flags->source_class >= -1) run->source[k] = (int32_t)flags->source_class;
        if (run->source[k] >= classes) run->source[k] = -1;
        run->target[k] = order->label_count ? rf__order_label(order, model, k) : run->source[k];
    }
    return RF_OK;
}

rf_status rf__edit_run_plan(rf_edit_run *run, const rf_edit_opts *opts) {
    const rf_field *field = rf__sampler_field(run->sampler);
    rf_edit_opts one = *opts;
    for (int64_t k = 0; k < run->count; k++) {
        one.source_label = run->source[k] < 0 ? field->null_label : run->source[k];
        one.target_label = run->target[k] < 0 ? field->null_label : run->target[k];
        one.seed = rf__order_seed(run->order, k);
        RF_TRY(rf__edit_create(&run->edits[k], &one, field, run->x + k * run->scalars));
    }
    /* First passes first: the others wait for theirs. */
    for (int pass = 0; pass < RF_EDIT_PASSES - run->inverts_only; pass++)
        for (int64_t k = 0; k < run->count; k++)
            if (rf__edit_has(run->edits[k], (rf_edit_pass)pass)) {
                run->jobs[run->job_count].edit = k;
                run->jobs[run->job_count++].pass = (rf_edit_pass)pass;
            }
    rf_job_spec spec = rf__sampler_job(run->sampler);
    rf__edit_describe(run->edits[0], run->jobs[0].pass, &spec);
    return rf__job_check(&spec);
}

/* ---- the run ---- */

static bool ready(void *user, int64_t k) {
    const rf_edit_run *run = user;
    return rf__edit_ready(run->edits[run->jobs[k].edit], run->jobs[k].pass);
}

static rf_status describe(void *user, int64_t k, rf_job_spec *spec) {
    rf_edit_run *run = user;
    rf__edit_describe(run->edits[run->jobs[k].edit], run->jobs[k].pass, spec);
    spec->user = (void *)(intptr_t)k;
    return RF_OK;
}

static rf_status finished(void *user, const rf_trajectory *trajectory) {
    rf_edit_run *run = user;
    intptr_t k = (intptr_t)trajectory->spec.user;
    return rf__edit_take(run->edits[run->jobs[k].edit], run->jobs[k].pass, trajectory);
}

static void show(void *user, int64_t done, int64_t total) {
    rf_edit_run *run = user;
    (void)total;
    rf__progress_update(&run->progress, done, NULL);
}

rf_status rf__edit_run_all(rf_edit_run *run) {
    const rf_edit_opts *opts = &run->edits[0]->opts;
    rf_run jobs = {.count = run->job_count, .ready = ready, .describe = describe, .finished = finished, .progress = show,
                   .total = run->job_count * rf__solver_calls(opts->solver, NULL, opts->steps), .user = run};
    rf__progress_start(&run->progress, "editing", jobs.total, 0);
    rf_status status = rf__sampler_run(run->sampler, &jobs, &run->stats);
    rf__progress_finish(&run->progress, NULL);
    return status;
}

void rf__edit_run_close(rf_edit_run *run) {
    for (int64_t k = 0; run->edits && k < run->count; k++) rf__edit_free(&run->edits[k]);
    rf__free(run->x);
    rf__free(run->source);
    rf__free(run->target);
    rf__free(run->edits);
    rf__free(run->jobs);
    *run = (rf_edit_run){0};
}

/* ---- marks ---- */

rf_status rf__edit_run_compare(const rf_edit_run *run, rf_edit_pass pass, rf_perceptual *perceptual, rf_paired *out) {
    const rf_model_shape *s = &rf__sampler_model(run->sampler)->shape;
    *out = (rf_paired){0};
    for (int64_t k = 0; k < run->count; k++) {
        const float *a = rf__edit_result(run->edits[k], pass), *b = run->x + k * run->scalars;
        float distance;
        RF_TRY(rf__paired_add(out, a, b, s->height, s->width, s->channels));
        if (!perceptual) continue;
        RF_TRY(rf__perceptual_run(perceptual, 1, s->height, s->width, s->channels, a, b, &distance));
        out->perceptual += (double)distance;
        out->perceived++;
    }
    return RF_OK;
}

json_t *rf__paired_json(const rf_paired *p, const char *lpips) {
    int64_t differ = p->count - p->equal;
    json_t *json = json_pack("{s:I, s:f, s:o, s:o, s:I}", "count", (json_int_t)p->count, "mse", p->count ? p->mse / (double)p->count : 0, "psnr",
                             differ ? json_real(p->psnr / (double)differ) : json_null(), "ssim",
                             p->similar ? json_real(p->ssim / (double)p->similar) : json_null(), "equal", (json_int_t)p->equal);
    if (json && lpips) json_object_set_new(json, lpips, p->perceived ? json_real(p->perceptual / (double)p->perceived) : json_null());
    return json;
}

rf_status rf__edit_perceptual(rf_perceptual **out, const rf_edit_flags *flags) {
    *out = NULL;
    if (!flags->lpips && !flags->backbone && !flags->heads) return RF_OK;
    if (!flags->lpips || !flags->backbone || !flags->heads)
        return rf__fail(RF_EINVAL, "--lpips, --lpips-backbone and --lpips-heads belong together, expected all three");
    return rf__perceptual_open(out, flags->lpips, flags->backbone, flags->heads, flags->any_file, RF_F32, NULL);
}

double rf__edit_run_rows(const rf_edit_run *run, rf_edit_pass pass) {
    int64_t rows = 0;
    for (int64_t k = 0; k < run->count; k++) rows += run->edits[k]->counters[pass].rows_full;
    return run->count ? (double)rows / (double)run->count : 0;
}
