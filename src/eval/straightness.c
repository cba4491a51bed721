/* straightness.c - see straightness.h. */
#include "straightness.h"

#include <string.h>

#include "../base/memory.h"

enum { SLAB = 256 /* samples of one field call */ };

typedef struct work {
    const rf_field *field;
    int64_t rows, n;
    float *z, *at, *t;
    float *k[4];       /* slopes of a step */
    double *squares;   /* [rows] sum of Simpson's weight * |v|^2 */
    rf_cond *cond;
} work;

static rf_status ask(const work *w, const float *x, float t, float *v) {
    for (int64_t r = 0; r < w->rows; r++) w->t[r] = t;
    return w->field->velocity(w->field->self, w->rows, x, w->t, w->cond, v);
}

/* Weight of Simpson's rule at a place where the velocity along the flow is v. */
static void note(work *w, const float *v, double weight) {
    for (int64_t r = 0; r < w->rows; r++)
        for (int64_t i = 0; i < w->n; i++) w->squares[r] += weight * (double)v[r * w->n + i] * (double)v[r * w->n + i];
}

static void move(const work *w, const float *v, float h, float *out) {
    for (int64_t i = 0; i < w->rows * w->n; i++) out[i] = w->z[i] + h * v[i];
}

/* One Runge-Kutta step of z from t to t + h. The velocity at its middle is measured at the point of the third stage, which lies on the
 * flow up to h^3. */
static rf_status step(work *w, float t, float h) {
    RF_TRY(ask(w, w->z, t, w->k[0]));
    note(w, w->k[0], (double)h / 6);
    move(w, w->k[0], h / 2, w->at);
    RF_TRY(ask(w, w->at, t + h / 2, w->k[1]));
    move(w, w->k[1], h / 2, w->at);
    RF_TRY(ask(w, w->at, t + h / 2, w->k[2]));
    note(w, w->k[2], 4 * (double)h / 6);
    move(w, w->k[2], h, w->at);
    RF_TRY(ask(w, w->at, t + h, w->k[3]));
    for (int64_t i = 0; i < w->rows * w->n; i++)
        w->z[i] += h / 6 * (w->k[0][i] + 2 * w->k[1][i] + 2 * w->k[2][i] + w->k[3][i]);
    RF_TRY(ask(w, w->z, t + h, w->k[3]));
    note(w, w->k[3], (double)h / 6);
    return RF_OK;
}

/* integral |d - v|^2 = integral |v|^2 - |d|^2 when d is the integral of v: the displacement Z1 - Z0. */
static rf_status flow_terms(work *w, const float *x0, int steps, rf_straightness *sum) {
    memset(w->squares, 0, (size_t)w->rows * sizeof *w->squares);
    memcpy(w->z, x0, (size_t)(w->rows * w->n) * sizeof *w->z);
    for (int s = 0; s < steps; s++) RF_TRY(step(w, (float)s / (float)steps, 1.0f / (float)steps));
    for (int64_t r = 0; r < w->rows; r++) {
        double moved = 0;
        for (int64_t i = 0; i < w->n; i++) {
            double d = (double)w->z[r * w->n + i] - (double)x0[r * w->n + i];
            moved += d * d;
        }
        sum->energy_flow += moved;
        sum->s += w->squares[r] - moved;
    }
    return RF_OK;
}

static rf_status coupling_terms(work *w, const float *x0, const float *x1, int64_t first, int steps, rf_straightness *sum) {
    for (int s = 0; s < steps; s++) {
        for (int64_t r = 0; r < w->rows; r++) {
            double shift = (double)((first + r) % 16 * 2 + 1) / 32; /* sixteen places inside a cell, in turn */
            float t = w->t[r] = (float)((s + shift) / steps);
            for (int64_t i = r * w->n; i < (r + 1) * w->n; i++) w->at[i] = (1 - t) * x0[i] + t * x1[i];
        }
        RF_TRY(w->field->velocity(w->field->self, w->rows, w->at, w->t, w->cond, w->k[0]));
        for (int64_t i = 0; i < w->rows * w->n; i++) {
            double d = (double)x1[i] - (double)x0[i] - (double)w->k[0][i];
            sum->v += d * d / steps;
        }
    }
    for (int64_t i = 0; i < w->rows * w->n; i++) sum->energy_coupling += ((double)x1[i] - (double)x0[i]) * ((double)x1[i] - (double)x0[i]);
    return RF_OK;
}

static rf_status work_init(work *w, const rf_field *field) {
    *w = (work){.field = field, .n = field->scalars};
    float *memory = rf__alloc_array((size_t)(SLAB * w->n), 6 * sizeof(float));
    w->z = memory;
    w->t = rf__alloc_array(SLAB, sizeof(float));
    w->squares = rf__alloc_array(SLAB, sizeof(double));
    w->cond = rf__alloc_array(SLAB, sizeof *w->cond);
    if (!memory || !w->t || !w->squares || !w->cond) return rf__fail(RF_ENOMEM, "straightness: no memory for %d samples", SLAB);
    w->at = memory + SLAB * w->n;
    for (int i = 0; i < 4; i++) w->k[i] = memory + (2 + i) * SLAB * w->n;
    return RF_OK;
}

static void work_fini(work *w) {
    rf__free(w->z);
    rf__free(w->t);
    rf__free(w->squares);
    rf__free(w->cond);
}

rf_status rf__straightness(const rf_field *field, const float *x0, const float *x1, const rf_cond *cond, int64_t samples, int steps,
                           rf_straightness *out) {
    work w;
    rf_status status = work_init(&w, field);
    *out = (rf_straightness){0};
    for (int64_t first = 0; first < samples && status == RF_OK; first += SLAB) {
        w.rows = samples - first < SLAB ? samples - first : SLAB;
        for (int64_t r = 0; r < w.rows; r++) w.cond[r] = cond ? cond[first + r] : (rf_cond){.label = field->null_label};
        status = flow_terms(&w, x0 + first * w.n, steps, out);
        if (status == RF_OK) status = coupling_terms(&w, x0 + first * w.n, x1 + first * w.n, first, steps, out);
    }
    work_fini(&w);
    double *terms[] = {&out->s, &out->v, &out->energy_coupling, &out->energy_flow};
    for (int i = 0; i < 4; i++) *terms[i] /= (double)samples;
    out->gap = out->energy_coupling - out->energy_flow - out->s - out->v;
    return status;
}
