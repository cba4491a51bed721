/* slimflow.c - the couplings of SlimFlow (Zhu et al. 2024, arXiv 2407.12718): stored pairs whose noise is partly fresh, and distillation that
 * a flow guides. */
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "online.h"

enum { STREAM_FRESH = 65, STREAM_STOP }; /* fresh noise; where the two-step way stops */

/* ---- annealing reflow, section 2: x0 <- sqrt(1 - beta^2) x0 + beta eps ---- */

static void mix_fresh(uint64_t seed, uint64_t sample, int64_t n, float keep, float fresh, float *x0) {
    float eps[256];
    for (int64_t i = 0, m; i < n; i += m) {
        m = n - i < 256 ? n - i : 256;
        rf__rng_normal(seed, STREAM_FRESH, (sample << 32) + (uint64_t)i, m, eps);
        for (int64_t k = 0; k < m; k++) x0[i + k] = keep * x0[i + k] + fresh * eps[k];
    }
}

static rf_status annealed_draw(const rf_coupling_args *args, rf_batch *batch) {
    float keep = (float)sqrt(1 - args->beta * args->beta), fresh = (float)args->beta;
    for (int64_t r = 0; r < batch->rows; r++) {
        uint64_t sample = batch->first + (uint64_t)r;
        float *x0 = batch->x0 + r * batch->scalars;
        int32_t label;
        RF_TRY(rf__coupling_stored(args, batch->seed, sample, x0, batch->x1 + r * batch->scalars, &label));
        if (batch->label) batch->label[r] = label;
        mix_fresh(batch->seed, sample, batch->scalars, keep, fresh, x0);
    }
    return RF_OK;
}

const rf_coupling rf__coupling_annealed = {
    {"annealed", "Zhu et al. 2024 (SlimFlow), arXiv 2407.12718", "stored pairs with a share of fresh noise that falls; see the section anneal"},
    .pairs = true, .anneals = true, .draw = annealed_draw};

/* ---- flow-guided distillation, section 3 ---- */

/* Exactly the wanted share, whatever the batch. */
static bool from_store(const rf_online *o, uint64_t sample) {
    double share = o->anneal.pairs, n = (double)sample;
    return floor((n + 1) * share) > floor(n * share);
}

/* x0 and label of every row, x1 of those from the store; the others are listed. */
static rf_status draw_rows(rf_online *o, int64_t *fresh, int64_t *count) {
    *count = 0;
    for (int64_t r = 0; r < o->plan->batch; r++) {
        uint64_t sample = o->first + (uint64_t)r;
        float *x0 = o->x0 + r * o->scalars;
        RF_TRY(rf__coupling_stored(&o->plan->pair, o->seed, sample, x0, o->x1 + r * o->scalars, &o->label[r]));
        if (from_store(o, sample)) continue;
        fresh[(*count)++] = r;
        rf__rng_normal_sample(o->seed, STREAM_FRESH, sample, o->scalars, x0); /* x1 will be where the two steps from here end */
    }
    return RF_OK;
}

/* The rows of the two-step term beside each other. */
typedef struct two_step {
    float *z, *v, *t;
    rf_cond *cond;
} two_step;

/* z_s = z + s v'(z, 0) with the student's own first step, then the teacher to the end: x_s + (1-s) v(x_s, s). The published code's order
 * (the paper lets the teacher take the first step): one call of it fewer, and better. s ~ U[0.2, 0.8]. */
static rf_status two_steps(rf_online *o, const two_step *w, const int64_t *rows, int64_t count) {
    int64_t n = o->scalars;
    for (int64_t i = 0; i < count; i++) {
        memcpy(w->z + i * n, o->x0 + rows[i] * n, (size_t)n * sizeof(float));
        w->t[i] = 0;
        w->cond[i] = (rf_cond){.label = o->student_field.null_label < 0 ? -1 : o->label[rows[i]]};
    }
    RF_TRY(o->student_field.velocity(o->student_field.self, count, w->z, w->t, w->cond, w->v));
    for (int64_t i = 0; i < count; i++) {
        float u;
        rf__rng_uniform(o->seed, STREAM_STOP, o->first + (uint64_t)rows[i], 1, &u);
        w->t[i] = 0.2f + 0.6f * u;
        for (int64_t k = i * n; k < (i + 1) * n; k++) w->z[k] += w->t[i] * w->v[k];
    }
    RF_TRY(o->teacher_field.velocity(o->teacher_field.self, count, w->z, w->t, w->cond, w->v));
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < n; k++) o->x1[rows[i] * n + k] = w->z[i * n + k] + (1 - w->t[i]) * w->v[i * n + k];
    return RF_OK;
}

static rf_status guided_prepare(rf_online *o, uint64_t step) {
    size_t rows = (size_t)o->plan->batch, all = rows * (size_t)o->scalars;
    o->first = step * (uint64_t)o->plan->batch;
    int64_t count = 0, *fresh = rf__alloc_array(rows, sizeof *fresh);
    two_step w = {rf__alloc_array(all, sizeof(float)), rf__alloc_array(all, sizeof(float)), rf__alloc_array(rows, sizeof(float)),
                  rf__alloc_array(rows, sizeof(rf_cond))};
    rf_status status = fresh && w.z && w.v && w.t && w.cond ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the two steps of %zu rows", rows);
    if (status == RF_OK) status = draw_rows(o, fresh, &count);
    if (status == RF_OK && count) status = two_steps(o, &w, fresh, count);
    rf__free(w.z);
    rf__free(w.v);
    rf__free(w.t);
    rf__free(w.cond);
    rf__free(fresh);
    return status;
}

const rf_coupling rf__coupling_guided = {
    {"guided", "Zhu et al. 2024 (SlimFlow), arXiv 2407.12718, flow-guided distillation",
     "at t = 0: stored pairs, and fresh noise with the end of two steps, the student's and the teacher's; see teacher and anneal.pairs"},
    .pairs = true, .start = true, .online = RF_ONLINE_TEACHER, .prepare = guided_prepare, .draw = rf__online_draw};
