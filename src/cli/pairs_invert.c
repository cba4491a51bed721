/* pairs_invert.c - see pairs_invert.h. */
#include "pairs_invert.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "../train/images.h"

/* What a job needs until it is over. */
typedef struct datum {
    int64_t job, sample;
    int32_t label;
    float x[]; /* [scalars] */
} datum;

typedef struct invert_run {
    const rf_model *model;
    const rf_order *order;
    const rf_source *source;
    rf_pairs_writer *writer;
    int64_t scalars, missing, *sample; /* [missing] numbers of the samples to do */
    datum **datum;                     /* [missing] of the jobs that are not over */
    double *down;                      /* the grid from data to noise */
    rf_inverted found;
    double squares; /* of all noise that was found */
} invert_run;

rf_status rf__invert_open(rf_source *source, const char *name, const rf_model *model) {
    rf_data_config config = {.path = ""};
    const char *colon = strchr(name, ':');
    snprintf(config.name, sizeof config.name, "%.*s", colon ? (int)(colon - name) : (int)strlen(name), name);
    snprintf(config.split, sizeof config.split, "%s", colon ? colon + 1 : "train");
    RF_TRY(rf__source_open(source, &config));
    rf_status status = source->kind->pair ? rf__fail(RF_EINVAL, "--invert is %s, expected data, not pairs", name) : rf__source_fits(source, &model->shape);
    if (status != RF_OK) rf__source_close(source);
    return status;
}

static rf_status take_datum(const invert_run *run, datum *d) {
    const rf_dataset *set = rf__source_dataset(run->source);
    d->label = -1;
    if (!set) return run->source->kind->draw(run->source, run->order->seed, (uint64_t)d->sample, d->x, &d->label);
    rf__dataset_image(set, d->sample, false, d->x);
    if (set->labels) d->label = set->labels[d->sample];
    return RF_OK;
}

static rf_status describe(void *user, int64_t k, rf_job_spec *spec) {
    invert_run *run = user;
    datum *d = rf__alloc(sizeof *d + (size_t)run->scalars * sizeof *d->x);
    if (!d) return rf__fail(RF_ENOMEM, "no memory for a picture");
    run->datum[k] = d;
    d->job = k;
    d->sample = run->sample[k];
    RF_TRY(take_datum(run, d));
    int32_t none = spec->cond.label;
    rf__order_describe(run->order, run->model, k, spec);
    spec->cond.label = run->model->shape.classes && d->label >= 0 ? d->label : none;
    spec->times = run->down;
    spec->init = d->x;
    spec->user = d;
    return RF_OK;
}

static rf_status finished(void *user, const rf_trajectory *trajectory) {
    invert_run *run = user;
    datum *d = trajectory->spec.user;
    rf_status status = RF_OK;
    if (trajectory->status != RF_JOB_DONE) status = rf__fail(trajectory->failure, "sample %lld: %s", (long long)d->sample, trajectory->sentence);
    else status = rf__pairs_write(run->writer, (uint64_t)d->sample, run->model->shape.classes ? d->label : -1, d->x, trajectory->job.x);
    rf__counters_add(&run->found.counters, &trajectory->counters);
    for (int64_t i = 0; i < run->scalars && status == RF_OK; i++) run->squares += (double)trajectory->job.x[i] * (double)trajectory->job.x[i];
    if (status == RF_OK) run->found.made++;
    run->datum[d->job] = NULL;
    rf__free(d);
    return status;
}

static rf_status prepare(invert_run *run) {
    const rf_order *order = run->order;
    int steps = order->grid.steps;
    if (run->source->count && order->count > run->source->count)
        return rf__fail(RF_EINVAL, "count is %lld, and %s has %lld samples", (long long)order->count, run->source->kind->is.name, (long long)run->source->count);
    run->down = rf__alloc_array((size_t)steps + 1, sizeof *run->down);
    run->sample = rf__alloc_array((size_t)order->count, sizeof *run->sample);
    run->datum = rf__alloc_array((size_t)order->count, sizeof *run->datum);
    if (!run->down || !run->sample || !run->datum) return rf__fail(RF_ENOMEM, "no memory for %lld samples", (long long)order->count);
    for (int i = 0; i <= steps; i++) run->down[i] = order->grid.t[steps - i];
    for (int64_t k = 0; k < order->count; k++)
        if (!rf__pairs_has(run->writer, (uint64_t)k)) run->sample[run->missing++] = k;
    return RF_OK;
}

rf_status rf__invert_run(rf_sampler *sampler, const rf_order *order, const rf_source *source, rf_pairs_writer *writer, rf_inverted *found) {
    invert_run run = {.model = rf__sampler_model(sampler), .order = order, .source = source, .writer = writer,
                      .scalars = rf__model_scalars(rf__sampler_model(sampler))};
    rf_status status = prepare(&run);
    const rf_run what = {.count = run.missing, .describe = describe, .finished = finished, .total = run.missing * rf__solver_calls(order->solver, NULL, order->grid.steps),
                         .user = &run};
    if (status == RF_OK && run.missing > 0) status = rf__sampler_run(sampler, &what, NULL);
    for (int64_t k = 0; run.datum && k < run.missing; k++) rf__free(run.datum[k]); /* of jobs that an error left unfinished */
    rf__free(run.datum);
    rf__free(run.down);
    rf__free(run.sample);
    *found = run.found;
    if (run.found.made) found->spread = sqrt(run.squares / (double)(run.found.made * run.scalars));
    return status;
}
