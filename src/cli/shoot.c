/* shoot.c - orders to jobs and back. */
#include "shoot.h"

#include <sys/resource.h>

#include "../base/progress.h"

typedef struct shoot_state {
    const rf_model *model;
    const rf_order *orders;
    rf_status (*image)(void *user, const rf_shot *shot);
    void *user;
    rf_shoot_totals *totals;
    rf_progress progress;
    double started;
} shoot_state;

/* Image `index` of the run -> its order and place there. */
static int locate(const shoot_state *state, int64_t index, int64_t *k) {
    int order = 0;
    while (index >= state->orders[order].count) index -= state->orders[order++].count;
    *k = index;
    return order;
}

static rf_status describe(void *user, int64_t index, rf_job_spec *spec) {
    const shoot_state *state = user;
    int64_t k;
    int order = locate(state, index, &k);
    rf__order_describe(&state->orders[order], state->model, k, spec);
    if (state->orders[order].deadline > 0) spec->deadline = state->started + state->orders[order].deadline;
    spec->user = (void *)(intptr_t)index;
    return RF_OK;
}

static rf_status finished(void *user, const rf_trajectory *trajectory) {
    shoot_state *state = user;
    if (trajectory->status != RF_JOB_DONE) return rf__fail(trajectory->failure, "%s", trajectory->sentence);
    rf_shot shot = {.index = (intptr_t)trajectory->spec.user,
                    .x = trajectory->job.x,
                    .counters = trajectory->counters,
                    .seconds = rf__now() - trajectory->started};
    shot.order = locate(state, shot.index, &shot.k);
    shot.seed = trajectory->spec.seed;
    shot.label = rf__order_label(&state->orders[shot.order], state->model, shot.k);
    state->totals->images++;
    rf__counters_add(&state->totals->counters, &shot.counters);
    const rf_order *order = &state->orders[shot.order];
    char *asked = rf__order_asked(order, shot.k);
    if (asked) snprintf(asked, (size_t)order->grid.steps + 1, "%s", trajectory->asked);
    return state->image(state->user, &shot);
}

static void progress(void *user, int64_t done, int64_t total) {
    shoot_state *state = user;
    (void)total;
    char note[48];
    snprintf(note, sizeof note, "%lld images", (long long)state->totals->images);
    rf__progress_update(&state->progress, done, note);
}

rf_status rf__shoot_check(const rf_sampler *sampler, const rf_order *orders, int order_count) {
    for (int i = 0; i < order_count; i++) {
        rf_job_spec spec = rf__sampler_job(sampler);
        rf__order_describe(&orders[i], rf__sampler_model(sampler), 0, &spec);
        RF_TRY(rf__job_check(&spec));
    }
    return RF_OK;
}

rf_status rf__shoot(rf_sampler *sampler, const rf_order *orders, int order_count,
                    rf_status (*image)(void *user, const rf_shot *shot), void *user, rf_shoot_totals *totals) {
    const rf_shoot_opts usual = {0};
    return rf__shoot_with(&usual, sampler, orders, order_count, image, user, totals);
}

rf_status rf__shoot_with(const rf_shoot_opts *opts, rf_sampler *sampler, const rf_order *orders, int order_count,
                         rf_status (*image)(void *user, const rf_shot *shot), void *user, rf_shoot_totals *totals) {
    *totals = (rf_shoot_totals){0};
    shoot_state state = {.model = rf__sampler_model(sampler),
                         .orders = orders,
                         .image = image,
                         .user = user,
                         .totals = totals};
    rf_run run = {.describe = describe, .finished = finished, .progress = progress, .admission = opts->admission, .slots = opts->slots,
                  .user = &state};
    for (int i = 0; i < order_count; i++) {
        run.count += orders[i].count;
        run.total += rf__order_answers(&orders[i]);
    }
    if (run.count > 1) RF_TRY(rf__sampler_measure(sampler)); /* before the clock starts */
    state.started = rf__now();
    rf__progress_start(&state.progress, "sampling", run.total, 0);
    rf_status status = rf__sampler_run(sampler, &run, &totals->run);
    totals->seconds = rf__now() - state.started;
    totals->calls = totals->run.batcher.calls;
    rf__progress_update(&state.progress, totals->run.batcher.answers, NULL);
    char note[64];
    snprintf(note, sizeof note, "%lld images, %.1f img/s", (long long)totals->images,
             (double)totals->images / totals->seconds);
    rf__progress_finish(&state.progress, note);
    return status;
}

int64_t rf__peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

static json_t *counters_json(const rf_counters *counters, double seconds) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f}", "nfe_full", (json_int_t)counters->nfe_full,
                     "nfe_refine", (json_int_t)counters->nfe_refine, "extrapolated",
                     (json_int_t)counters->extrapolated, "rows_full", (json_int_t)counters->rows_full,
                     "rows_refine", (json_int_t)counters->rows_refine, "seconds", seconds);
}

json_t *rf__shot_json(const rf_shot *shot) {
    json_t *json = counters_json(&shot->counters, shot->seconds);
    json_object_set_new(json, "seed", json_integer((json_int_t)shot->seed));
    json_object_set_new(json, "class_label", json_integer(shot->label));
    return json;
}

json_t *rf__histogram_json(const rf_histogram *histogram) {
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "p50", rf__histogram_at(histogram, 0.5), "p95", rf__histogram_at(histogram, 0.95), "p99",
                     rf__histogram_at(histogram, 0.99), "mean", rf__histogram_mean(histogram), "max", histogram->most);
}

json_t *rf__plans_json(const rf_plan_cache_stats *plans) {
    return json_pack("{s:I, s:I, s:I, s:f, s:I, s:I}", "hits", (json_int_t)plans->hits, "builds", (json_int_t)plans->builds, "background",
                     (json_int_t)plans->background, "build_seconds", plans->build_seconds, "dropped", (json_int_t)plans->dropped, "bytes",
                     (json_int_t)plans->bytes);
}

json_t *rf__row_times_json(const rf_row_times *times) {
    if (!times) return json_null();
    json_t *list = json_array();
    for (int i = 0; i < times->count; i++)
        json_array_append_new(list, json_pack("{s:I, s:f}", "rows", (json_int_t)times->rows[i], "seconds", times->seconds[i]));
    return list;
}

double rf__fill_rate(const rf_batcher_stats *stats) {
    return stats->rows_computed ? (double)(stats->rows_full + stats->rows_refine) / (double)stats->rows_computed : 0;
}

json_t *rf__shoot_totals_json(const rf_shoot_totals *totals) {
    json_t *json = counters_json(&totals->counters, totals->seconds);
    json_object_set_new(json, "count", json_integer((json_int_t)totals->images));
    json_object_set_new(json, "calls", json_integer((json_int_t)totals->calls));
    json_object_set_new(json, "images_per_second",
                        json_real(totals->seconds > 0 ? (double)totals->images / totals->seconds : 0));
    json_object_set_new(json, "fill_rate", json_real(rf__fill_rate(&totals->run.batcher)));
    json_object_set_new(json, "latency", rf__histogram_json(&totals->run.latency));
    json_object_set_new(json, "wait", rf__histogram_json(&totals->run.wait));
    json_object_set_new(json, "plans", rf__plans_json(&totals->run.plans));
    json_object_set_new(json, "peak_memory_bytes", json_integer((json_int_t)rf__peak_memory()));
    return json;
}
