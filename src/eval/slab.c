/* slab.c - see slab.h. */
#include "slab.h"

#include <math.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"

rf_status rf__slab_init(rf_slab *slab, const rf_field *field) {
    *slab = (rf_slab){.field = field, .n = field->scalars};
    int64_t each = RF_SLAB_ROWS * slab->n;
    slab->z = rf__alloc_array((size_t)each, 6 * sizeof(float));
    slab->t = rf__alloc_array(RF_SLAB_ROWS, sizeof(float));
    slab->cond = rf__alloc_array(RF_SLAB_ROWS, sizeof *slab->cond);
    if (!slab->z || !slab->t || !slab->cond) {
        rf__slab_fini(slab);
        return rf__fail(RF_ENOMEM, "no memory for %d samples of %lld numbers", RF_SLAB_ROWS, (long long)field->scalars);
    }
    slab->at = slab->z + each;
    for (int i = 0; i < 4; i++) slab->k[i] = slab->z + (2 + i) * each;
    return RF_OK;
}

void rf__slab_fini(rf_slab *slab) {
    rf__free(slab->z);
    rf__free(slab->t);
    rf__free(slab->cond);
    *slab = (rf_slab){0};
}

void rf__slab_place(rf_slab *slab, int64_t rows, const float *x, const rf_cond *cond) {
    slab->rows = rows;
    memcpy(slab->z, x, (size_t)(rows * slab->n) * sizeof *x);
    for (int64_t r = 0; r < rows; r++) slab->cond[r] = cond ? cond[r] : (rf_cond){.label = slab->field->null_label};
}

rf_status rf__slab_ask(rf_slab *slab, const float *x, float t, float *v) {
    if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
    for (int64_t r = 0; r < slab->rows; r++) slab->t[r] = t;
    return slab->field->velocity(slab->field->self, slab->rows, x, slab->t, slab->cond, v);
}

/* The steps that a sampler of this field would take. */
static rf_status window_euler(rf_slab *slab, int steps) {
    double *times = rf__alloc_array((size_t)steps + 1, sizeof *times);
    if (!times) return rf__fail(RF_ENOMEM, "no memory for %d times", steps);
    rf_status status = rf__windows_grid(slab->field->windows, 0, steps, times);
    for (int s = 0; s < steps && status == RF_OK; s++) {
        float h = (float)(times[s + 1] - times[s]);
        status = rf__slab_ask(slab, slab->z, (float)times[s], slab->k[0]);
        for (int64_t i = 0; i < slab->rows * slab->n && status == RF_OK; i++) slab->z[i] += slab->k[0][i] * h;
    }
    rf__free(times);
    return status;
}

rf_status rf__slab_euler(rf_slab *slab, int64_t steps) {
    if (slab->field->windows && steps >= slab->field->windows->count) return window_euler(slab, (int)steps);
    for (int64_t s = 0; s < steps; s++) {
        RF_TRY(rf__slab_ask(slab, slab->z, (float)s / (float)steps, slab->k[0]));
        for (int64_t i = 0; i < slab->rows * slab->n; i++) slab->z[i] += slab->k[0][i] / (float)steps;
    }
    return RF_OK;
}

rf_status rf__slab_caf(rf_slab *slab, const rf_field *second, int64_t steps) {
    int64_t n = slab->n, all = slab->rows * n;
    float *first = slab->k[0], *mean = slab->k[1];
    RF_TRY(rf__slab_ask(slab, slab->z, 0, first));
    rf_status status = RF_OK;
    for (int64_t s = 0; s < steps && status == RF_OK; s++) {
        for (int64_t r = 0; r < slab->rows; r++) {
            slab->t[r] = (float)s / (float)steps;
            slab->cond[r].before = first + r * n;
        }
        status = second->velocity(second->self, slab->rows, slab->z, slab->t, slab->cond, mean);
        float h = 1 / (float)steps, push = (float)(2 * s + 1) / (float)(steps * steps);
        for (int64_t i = 0; i < all && status == RF_OK; i++) slab->z[i] += h * first[i] + push * (mean[i] - first[i]);
    }
    for (int64_t r = 0; r < slab->rows; r++) slab->cond[r].before = NULL;
    return status;
}

static void move(const rf_slab *slab, const float *v, float h) {
    for (int64_t i = 0; i < slab->rows * slab->n; i++) slab->at[i] = slab->z[i] + h * v[i];
}

/* One classical step of z from t to t + h. The velocity at its middle is measured at the point of the third stage, which lies on the
 * flow up to h^3. last: the time that the end of the step is asked at; just before an edge of the field's windows, because the edge itself
 * belongs to the next one. */
static rf_status step(rf_slab *slab, float t, float h, float last, rf_slab_fn note, void *user) {
    float *const *k = slab->k;
    RF_TRY(rf__slab_ask(slab, slab->z, t, k[0]));
    if (note) note(user, slab, k[0], (double)h / 6);
    move(slab, k[0], h / 2);
    RF_TRY(rf__slab_ask(slab, slab->at, t + h / 2, k[1]));
    move(slab, k[1], h / 2);
    RF_TRY(rf__slab_ask(slab, slab->at, t + h / 2, k[2]));
    if (note) note(user, slab, k[2], 4 * (double)h / 6);
    move(slab, k[2], h);
    RF_TRY(rf__slab_ask(slab, slab->at, last, k[3]));
    for (int64_t i = 0; i < slab->rows * slab->n; i++) slab->z[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
    if (!note) return RF_OK;
    RF_TRY(rf__slab_ask(slab, slab->z, last, k[3]));
    note(user, slab, k[3], (double)h / 6);
    return RF_OK;
}

rf_status rf__slab_between(rf_slab *slab, double a, double b, int64_t steps, rf_slab_fn note, void *user) {
    float from = (float)a, length = (float)(b - a);
    for (int64_t s = 0; s < steps; s++) {
        float h = length / (float)steps, t = from + length * (float)s / (float)steps, last = t + h;
        if (s + 1 == steps && slab->field->windows) last = (float)(b - 2 * RF_WINDOW_SLACK);
        RF_TRY(step(slab, t, h, last, note, user));
    }
    return RF_OK;
}

int64_t rf__slab_share(double a, double b, int64_t steps) {
    int64_t share = (int64_t)ceil((b - a) * (double)steps - 1e-9);
    return share > 0 ? share : 1;
}

rf_status rf__slab_runge_kutta(rf_slab *slab, int64_t steps, rf_slab_fn note, void *user) {
    const rf_windows *windows = slab->field->windows;
    if (!windows) return rf__slab_between(slab, 0, 1, steps, note, user);
    for (int k = 0; k < windows->count; k++) {
        double a = windows->edge[k], b = windows->edge[k + 1];
        RF_TRY(rf__slab_between(slab, a, b, rf__slab_share(a, b, steps), note, user));
    }
    return RF_OK;
}
