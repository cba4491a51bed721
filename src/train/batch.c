/* batch.c - fill a micro-batch, and the table of weights. */
#include "batch.h"

#include <math.h>

#include "../base/rng.h"

double rf__time_at(const rf_time_law *law, double shape, double eps, double u) {
    return eps + (1 - eps) * law->inverse(u, shape);
}

/* ---- weights ---- */

static double weight_one(double t) {
    (void)t;
    return 1;
}

static const rf_weight one = {{"one", "Liu et al. 2022, arXiv 2209.03003", "w(t) = 1"}, weight_one};

static double weight_t(double t) { return t; }

static const rf_weight by_t = {{"t", "Lee et al. 2024 (rf++), arXiv 2405.20320, the Huber term", "w(t) = t"}, weight_t};

/* The published code lets it grow to 1e5, where the distance it multiplies is rounding alone. */
static double weight_inverse(double t) { return 1 / fmax(1 - t, 0.02); }

static const rf_weight inverse = {{"inverse", "Lee et al. 2024 (rf++), arXiv 2405.20320, the LPIPS term of configuration F",
                                   "w(t) = 1 / (1-t), at most 50"}, weight_inverse};

/* The noise end counts more; 2.3 keeps the mean near one. */
static double weight_reciprocal(double t) { return 1 / fmax(t, 0.1) / 2.3; }

static const rf_weight reciprocal = {{"reciprocal", "Yan et al. 2024 (PeRFlow), published code", "w(t) = 1 / (2.3 max(t, 0.1))"}, weight_reciprocal};

const rf_plugin *const *rf__loss_weights(void) {
    static const rf_plugin *const table[] = {&one.is, &by_t.is, &inverse.is, &reciprocal.is, NULL};
    return table;
}

/* ---- the scale of the loss by time ---- */

enum { MEMORY = 512 /* rows: a bin's mean forgets over so many of its own */ };
#define LEAST 1e-8 /* a loss of exactly 0 must not become an infinite weight */

static int bin_of(double t) {
    int bin = (int)(t * RF_TIME_SCALE_BINS);
    return bin < 0 ? 0 : bin < RF_TIME_SCALE_BINS ? bin : RF_TIME_SCALE_BINS - 1;
}

double rf__time_scale_at(const rf_time_scale *scale, double t) {
    double mean = scale ? scale->mean[bin_of(t)] : 0;
    return mean > 0 ? 1 / (mean + LEAST) : 1;
}

void rf__time_scale_add(rf_time_scale *scale, const float *loss, const float *t, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) {
        double *mean = &scale->mean[bin_of((double)t[r])];
        if (!isfinite(loss[r])) continue; /* its step is skipped */
        *mean = *mean > 0 ? *mean + ((double)loss[r] - *mean) / MEMORY : (double)loss[r];
    }
}

/* ---- filling ---- */

int32_t rf__batch_label(const rf_batch_plan *plan, uint64_t seed, uint64_t sample, int32_t label) {
    float u;
    if (plan->label_drop <= 0) return label;
    rf__rng_uniform(seed, RF_STREAM_LABEL_DROP, sample, 1, &u);
    return (double)u < plan->label_drop ? plan->null_label : label;
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

rf_status rf__batch_pairs(const rf_batch_plan *plan, rf_batch *batch) {
    RF_TRY(plan->coupling->draw(&plan->pair, batch));
    for (int64_t r = 0; batch->label && !plan->coupling->refines && r < batch->rows; r++) {
        if (plan->labelled && batch->label[r] >= plan->null_label)
            return rf__fail(RF_EFORMAT, "sample %llu has no class, and the class is what is learned", (unsigned long long)(batch->first + (uint64_t)r));
        batch->label[r] = rf__batch_label(plan, batch->seed, batch->first + (uint64_t)r, batch->label[r]);
    }
    return RF_OK;
}

static void weigh(const rf_batch_plan *plan, rf_batch *batch, int64_t r) {
    double t = (double)batch->t[r], share = 1 / (double)plan->batch;
    batch->weight[r] = (float)(share * plan->weight->at(t) * rf__time_scale_at(plan->scale, t));
    if (batch->reach && plan->path->reach) batch->reach[r] = (float)plan->path->reach(t, plan->path_shape);
    if (!plan->look) return;
    batch->look[r] = (float)(share * plan->look_scale * plan->look->at(t));
}

/* The coupling brought the points and their targets with it. */
static void fill_refining(const rf_batch_plan *plan, rf_batch *batch) {
    for (int64_t r = 0; r < batch->rows; r++) {
        weigh(plan, batch, r);
        number_drops(batch, r);
    }
}

void rf__batch_points(const rf_batch_plan *plan, rf_batch *batch) {
    if (plan->coupling->refines) {
        fill_refining(plan, batch);
        return;
    }
    rf__rng_uniform(batch->seed, RF_STREAM_TIME, batch->first, batch->rows, batch->t);
    int64_t n = batch->scalars;
    for (int64_t r = 0; r < batch->rows; r++) {
        float t = plan->coupling->start ? 0 : (float)rf__time_at(plan->time, plan->time_shape, plan->time_eps, (double)batch->t[r]);
        batch->t[r] = t;
        const rf_path_ends ends = {batch->x0 + r * n, batch->x1 + r * n, plan->path->informed ? batch->before + r * n : NULL, n, plan->path_shape};
        plan->path->point(&ends, t, batch->xt + r * n, batch->target + r * n);
        if (plan->windows) see_window(plan->windows, batch, r);
        weigh(plan, batch, r);
        number_drops(batch, r);
    }
}

rf_status rf__batch_fill(const rf_batch_plan *plan, rf_batch *batch) {
    RF_TRY(rf__batch_pairs(plan, batch));
    rf__batch_points(plan, batch);
    return RF_OK;
}
