/* bench_scheme.c - see bench_scheme.h. */
#include "bench_scheme.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/rng.h"
#include "../flow/frame_queue.h"
#include "../flow/schedule.h"
#include "../io/image.h"

enum { STREAM_ARRIVALS = 96, ENCODE_QUEUE = 16 };

const rf_scheme rf__schemes[] = {
    {"sequential", "arrival", "one job after the other", RF_CALL_ONE},
    {"equal", "equal", "static batches: as many jobs as steps, at one t", RF_CALL_STAGES},
    {"ring", "ring", "StreamFlow: one job begins each tick, a row at every stage", RF_CALL_STAGES},
    {"continuous", "arrival", "any free slot, rows as measured", RF_CALL_MEASURED},
};

typedef struct driver {
    const rf_load *load;
    rf_load_result *out;
    rf_field field;   /* the load's, with a clock around it */
    rf_grid *grids;   /* [step_count] */
    double *arrivals; /* [jobs] seconds after the start */
    double started;
    rf_batcher *batcher;
    rf_frame_queue *queue; /* pictures to encode */
    uint8_t *pixels;
    rf_status status;
} driver;

int rf__load_stages(const rf_load *load) {
    int most = 1;
    for (int i = 0; i < load->step_count; i++)
        if (load->steps[i] > most) most = (int)load->steps[i];
    return most;
}

static rf_status timed(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    driver *d = self;
    const rf_field *inner = d->load->field;
    double start = rf__now();
    rf_status status = inner->velocity(inner->self, rows, x, t, cond, v);
    d->out->network += rf__now() - start;
    return status;
}

/* ---- pictures ---- */
static rf_status encode(const rf_load *load, const float *x, uint8_t *pixels) {
    for (int64_t i = 0; i < load->field->scalars; i++) pixels[i] = rf__pixel_from_f32(x[i]);
    const rf_image image = {load->shape->width, load->shape->height, load->shape->channels, pixels};
    uint8_t *bytes = NULL;
    size_t size;
    rf_status status = rf__png_encode(&image, NULL, 0, &bytes, &size);
    free(bytes);
    return status;
}

static void *encoder_main(void *arg) {
    driver *d = arg;
    float *x = rf__alloc_array((size_t)d->load->field->scalars, sizeof *x);
    rf_frame_tag tag;
    bool fine = x != NULL;
    while (fine && rf__frame_queue_pop(d->queue, true, x, &tag) == RF_POP_FRAME) fine = encode(d->load, x, d->pixels) == RF_OK;
    if (!fine) rf__frame_queue_abandon(d->queue);
    rf__free(x);
    return fine ? NULL : d;
}

static void compare(const rf_load *load, rf_load_result *out, int64_t k, const float *x) {
    int64_t n = load->field->scalars;
    if (!load->pictures) return;
    float *kept = load->pictures + k * n;
    if (load->keep) memcpy(kept, x, (size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) out->difference = fmax(out->difference, fabs((double)x[i] - (double)kept[i]));
}

static rf_status take(driver *d, int64_t k, const float *x) {
    compare(d->load, d->out, k, x);
    if (d->load->encoding == RF_ENCODE_INLINE) RF_TRY(encode(d->load, x, d->pixels));
    if (d->queue && !rf__frame_queue_push(d->queue, x, (rf_frame_tag){k, 0})) return rf__fail(RF_ENOMEM, "a picture could not be encoded");
    rf__histogram_add(&d->out->latency, rf__now() - d->started - d->arrivals[k]);
    return RF_OK;
}

static void on_finished(void *user, const rf_trajectory *trajectory) {
    driver *d = user;
    if (d->status != RF_OK) return;
    if (trajectory->status != RF_JOB_DONE) d->status = rf__fail(trajectory->failure, "%s", trajectory->sentence);
    else d->status = take(d, (int64_t)(intptr_t)trajectory->spec.user, trajectory->job.x);
}

/* ---- jobs ---- */
static rf_status submit(driver *d, int64_t k) {
    const rf_load *load = d->load;
    const rf_grid *grid = &d->grids[k % load->step_count];
    int classes = load->shape->classes;
    const rf_job_spec spec = {.field = &d->field,
                              .solver = rf__solver_find("euler"),
                              .times = grid->t,
                              .steps = grid->steps,
                              .cond.label = classes ? (int32_t)(k % classes) : load->field->null_label,
                              .seed = (uint64_t)k,
                              .user = (void *)(intptr_t)k};
    return rf__batcher_submit(d->batcher, &spec, NULL);
}

static rf_status drive(driver *d) {
    int64_t given = 0, jobs = d->load->jobs;
    d->started = rf__now();
    while (given < jobs || rf__batcher_busy(d->batcher)) {
        double now = rf__now() - d->started;
        for (; given < jobs && d->arrivals[given] <= now && rf__batcher_room(d->batcher); given++) RF_TRY(submit(d, given));
        if (rf__batcher_busy(d->batcher)) {
            RF_TRY(rf__batcher_tick(d->batcher));
            RF_TRY(d->status);
        } else if (d->arrivals[given] > now) {
            double left = fmin(d->arrivals[given] - now, 0.1);
            nanosleep(&(struct timespec){0, (long)(left * 1e9)}, NULL);
        }
    }
    return RF_OK;
}

static rf_status prepare(driver *d) {
    const rf_load *load = d->load;
    d->grids = rf__alloc_array((size_t)load->step_count, sizeof *d->grids);
    d->arrivals = rf__alloc_array((size_t)load->jobs, sizeof *d->arrivals);
    d->pixels = rf__alloc((size_t)load->field->scalars);
    if (!d->grids || !d->arrivals || !d->pixels) return rf__fail(RF_ENOMEM, "no memory for %lld jobs", (long long)load->jobs);
    for (int i = 0; i < load->step_count; i++) {
        rf_grid_opts opts = rf__grid_defaults();
        opts.steps = (int)load->steps[i];
        opts.windows = load->field->windows;
        RF_TRY(rf__grid_build(&d->grids[i], rf__schedule_find("uniform"), &opts));
    }
    double at = 0;
    for (int64_t k = 0; k < load->jobs && load->rate > 0; k++) { /* a Poisson process */
        float u;
        rf__rng_uniform(1, STREAM_ARRIVALS, (uint64_t)k, 1, &u);
        d->arrivals[k] = at;
        at -= log1p(-(double)u) / load->rate;
    }
    int stages = rf__load_stages(load);
    const int64_t sizes[] = {[RF_CALL_ONE] = 1, [RF_CALL_STAGES] = stages, [RF_CALL_MEASURED] = load->best_rows};
    int rows = (int)sizes[load->scheme->size];
    const rf_batcher_opts opts = {.rows = rows, .slots = rows, .queue = (int)load->jobs, .admission = rf__admission_find(load->scheme->admission),
                                  .finished = on_finished, .user = d};
    RF_TRY(rf__batcher_create(&d->batcher, &opts));
    if (load->encoding != RF_ENCODE_THREAD) return RF_OK;
    return rf__frame_queue_create(&d->queue, ENCODE_QUEUE, (size_t)load->field->scalars * sizeof(float), RF_FULL_WAIT);
}

static rf_status drive_and_encode(driver *d) {
    pthread_t encoder;
    void *failed = NULL;
    if (d->queue && pthread_create(&encoder, NULL, encoder_main, d) != 0) return rf__fail(RF_ENOMEM, "no thread to encode pictures");
    rf_status status = drive(d);
    if (d->queue) {
        rf__frame_queue_close(d->queue);
        pthread_join(encoder, &failed);
    }
    if (status == RF_OK && failed) status = rf__fail(RF_ENOMEM, "a picture could not be encoded");
    d->out->seconds = rf__now() - d->started;
    return status;
}

rf_status rf__load_run(const rf_load *load, rf_load_result *out) {
    driver d = {.load = load, .out = out, .field = *load->field};
    d.field.self = &d;
    d.field.velocity = timed;
    out->network = out->difference = 0;
    rf_status status = prepare(&d);
    if (status == RF_OK) status = drive_and_encode(&d);
    if (d.batcher) {
        rf_batcher_stats stats = rf__batcher_stats(d.batcher);
        out->calls = stats.calls;
        out->rows = stats.rows_full + stats.rows_refine;
        out->computed = stats.rows_computed;
    }
    rf__batcher_free(&d.batcher);
    rf__frame_queue_free(&d.queue);
    for (int i = 0; d.grids && i < load->step_count; i++) rf__grid_fini(&d.grids[i]);
    rf__free(d.grids);
    rf__free(d.arrivals);
    rf__free(d.pixels);
    return status;
}
