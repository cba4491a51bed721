/* straightness.c - see straightness.h. */
#include "straightness.h"

#include "measure.h"
#include "slab.h"

/* Sum of weight * |v|^2 of each row. */
static void note_squares(void *user, const rf_slab *slab, const float *v, double weight) {
    double *squares = user;
    for (int64_t r = 0; r < slab->rows; r++)
        for (int64_t i = 0; i < slab->n; i++) squares[r] += weight * (double)v[r * slab->n + i] * (double)v[r * slab->n + i];
}

/* integral |d - v|^2 = integral |v|^2 - |d|^2 when d is the integral of v: the displacement Z1 - Z0. */
static rf_status flow_terms(rf_slab *slab, const float *x0, int steps, rf_straightness *sum) {
    double squares[RF_SLAB_ROWS] = {0};
    RF_TRY(rf__slab_runge_kutta(slab, steps, note_squares, squares));
    for (int64_t r = 0; r < slab->rows; r++) {
        double moved = 0;
        for (int64_t i = 0; i < slab->n; i++) {
            double d = (double)slab->z[r * slab->n + i] - (double)x0[r * slab->n + i];
            moved += d * d;
        }
        sum->energy_flow += moved;
        sum->s += squares[r] - moved;
    }
    return RF_OK;
}

static rf_status coupling_terms(rf_slab *slab, const float *x0, const float *x1, int64_t first, int steps, rf_straightness *sum) {
    int64_t n = slab->n;
    for (int s = 0; s < steps; s++) {
        for (int64_t r = 0; r < slab->rows; r++) {
            double shift = (double)((first + r) % 16 * 2 + 1) / 32; /* sixteen places inside a cell, in turn */
            float t = slab->t[r] = (float)((s + shift) / steps);
            for (int64_t i = r * n; i < (r + 1) * n; i++) slab->at[i] = (1 - t) * x0[i] + t * x1[i];
        }
        RF_TRY(slab->field->velocity(slab->field->self, slab->rows, slab->at, slab->t, slab->cond, slab->k[0]));
        for (int64_t i = 0; i < slab->rows * n; i++) {
            double d = (double)x1[i] - (double)x0[i] - (double)slab->k[0][i];
            sum->v += d * d / steps;
        }
    }
    for (int64_t i = 0; i < slab->rows * n; i++) sum->energy_coupling += ((double)x1[i] - (double)x0[i]) * ((double)x1[i] - (double)x0[i]);
    return RF_OK;
}

rf_status rf__straightness(const rf_field *field, const float *x0, const float *x1, const rf_cond *cond, int64_t samples, int steps,
                           rf_straightness *out) {
    rf_slab slab;
    *out = (rf_straightness){0};
    RF_TRY(rf__slab_init(&slab, field));
    rf_status status = RF_OK;
    for (int64_t first = 0; first < samples && status == RF_OK; first += RF_SLAB_ROWS) {
        int64_t rows = samples - first < RF_SLAB_ROWS ? samples - first : RF_SLAB_ROWS, at = first * slab.n;
        rf__slab_place(&slab, rows, x0 + at, cond ? cond + first : NULL);
        status = flow_terms(&slab, x0 + at, steps, out);
        if (status == RF_OK) status = coupling_terms(&slab, x0 + at, x1 + at, first, steps, out);
    }
    rf__slab_fini(&slab);
    double *terms[] = {&out->s, &out->v, &out->energy_coupling, &out->energy_flow};
    for (int i = 0; i < 4; i++) *terms[i] /= (double)samples;
    out->gap = out->energy_coupling - out->energy_flow - out->s - out->v;
    return status;
}

static rf_status compute(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    const rf_flow_case *flow = evidence->flow;
    rf_straightness s;
    RF_TRY(rf__straightness(flow->field, flow->x0, flow->x1, flow->cond, flow->samples, opts->flow_steps, &s));
    rf__measure_put(values, "straightness", NULL, s.s);
    rf__measure_put(values, "crossing", NULL, s.v);
    rf__measure_put(values, "coupling_cost", NULL, s.energy_coupling);
    rf__measure_put(values, "flow_cost", NULL, s.energy_flow);
    rf__measure_put(values, "identity_gap", NULL, s.gap);
    return RF_OK;
}

const rf_measure rf__measure_straightness = {
    .name = "straightness", .source = "Liu et al. 2022, arXiv 2209.03003, sections 3.2 and D",
    .help = "S, V and the identity cost of the coupling - cost of the flow = S + V", .needs = RF_NEED_FLOW,
    .keys = "straightness, crossing, coupling_cost, flow_cost, identity_gap", .compute = compute};
