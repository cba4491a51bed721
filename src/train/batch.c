/* batch.c - fill a micro-batch, and the tables of paths and weights. */
#include "batch.h"

#include <string.h>

#include "../base/rng.h"

double rf__time_at(const rf_time_law *law, double shape, double eps, double u) {
    return eps + (1 - eps) * law->inverse(u, shape);
}

/* ---- paths ---- */

static void linear_point(const float *x0, const float *x1, float t, int64_t n, float *xt, float *target) {
    for (int64_t i = 0; i < n; i++) {
        xt[i] = (1 - t) * x0[i] + t * x1[i];
        target[i] = x1[i] - x0[i];
    }
}

static const rf_path path_linear = {
    {"linear", "Liu et al. 2022, arXiv 2209.03003", "x_t = (1-t) x0 + t x1, velocity x1 - x0"}, .point = linear_point};

static void clean_point(const float *x0, const float *x1, float t, int64_t n, float *xt, float *target) {
    (void)x0, (void)t;
    memcpy(xt, x1, (size_t)n * sizeof(float));
    memcpy(target, x1, (size_t)n * sizeof(float));
}

static const rf_path path_clean = {{"clean", "for networks that classify", "x_t = x1 at every t"}, .still = true, .point = clean_point};

const rf_plugin *const *rf__paths(void) {
    static const rf_plugin *const table[] = {&path_linear.is, &path_clean.is, NULL};
    return table;
}

/* ---- weights ---- */

static double weight_one(double t) {
    (void)t;
    return 1;
}

static const rf_weight one = {{"one", "Liu et al. 2022, arXiv 2209.03003", "w(t) = 1"}, weight_one};

static double weight_t(double t) { return t; }

static const rf_weight by_t = {{"t", "Lee et al. 2024 (rf++), arXiv 2405.20320, the Huber term", "w(t) = t"}, weight_t};

const rf_plugin *const *rf__loss_weights(void) {
    static const rf_plugin *const table[] = {&one.is, &by_t.is, NULL};
    return table;
}

/* ---- filling ---- */

static void drop_labels(const rf_batch_plan *plan, rf_batch *batch) {
    for (int64_t r = 0; r < batch->rows; r++) {
        float u;
        rf__rng_uniform(batch->seed, RF_STREAM_LABEL_DROP, batch->first + (uint64_t)r, 1, &u);
        if ((double)u < plan->label_drop) batch->label[r] = plan->null_label;
    }
}

/* The window into the network's extra input, and the target as what the network predicts. */
static void see_window(const rf_windows *windows, rf_batch *batch, int64_t r) {
    double t = (double)batch->t[r];
    int k = rf__windows_find_exact(windows, t);
    int64_t n = batch->scalars;
    if (batch->extra) rf__windows_features(windows, k, t, batch->extra + r * (windows->count + 1));
    for (int64_t i = r * n; i < (r + 1) * n && windows->noise; i++)
        batch->target[i] = (float)rf__window_prediction(windows, k, t, (double)batch->xt[i], (double)batch->target[i]);
}

static void number_drops(rf_batch *batch, int64_t r) {
    if (!batch->drop_key) return;
    uint64_t sample = batch->first + (uint64_t)r;
    batch->drop_key[2 * r] = (int32_t)(uint32_t)sample;
    batch->drop_key[2 * r + 1] = (int32_t)(uint32_t)(sample >> 32);
}

/* The coupling brought the points and their targets with it. */
static rf_status fill_refining(const rf_batch_plan *plan, rf_batch *batch) {
    for (int64_t r = 0; r < batch->rows; r++) {
        batch->weight[r] = (float)(plan->weight->at((double)batch->t[r]) / (double)plan->batch);
        number_drops(batch, r);
    }
    return RF_OK;
}

rf_status rf__batch_fill(const rf_batch_plan *plan, rf_batch *batch) {
    RF_TRY(plan->coupling->draw(&plan->pair, batch));
    if (plan->coupling->refines) return fill_refining(plan, batch);
    if (batch->label && plan->label_drop > 0) drop_labels(plan, batch);
    rf__rng_uniform(batch->seed, RF_STREAM_TIME, batch->first, batch->rows, batch->t);
    int64_t n = batch->scalars;
    for (int64_t r = 0; r < batch->rows; r++) {
        float t = plan->coupling->start ? 0 : (float)rf__time_at(plan->time, plan->time_shape, plan->time_eps, (double)batch->t[r]);
        batch->t[r] = t;
        plan->path->point(batch->x0 + r * n, batch->x1 + r * n, t, n, batch->xt + r * n, batch->target + r * n);
        if (plan->windows) see_window(plan->windows, batch, r);
        batch->weight[r] = (float)(plan->weight->at((double)t) / (double)plan->batch);
        number_drops(batch, r);
    }
    return RF_OK;
}
