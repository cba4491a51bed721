/* coupling_error.c - see coupling_error.h. */
#include "coupling_error.h"

#include "../base/memory.h"
#include "measure.h"
#include "slab.h"

static double square_gap(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

static rf_status add_rows(rf_slab *walk, const rf_field *second, rf_slab *truth, const float *x0, const rf_cond *cond, int64_t rows, int fine,
                          const rf_int_list *steps, double *out) {
    rf__slab_place(truth, rows, x0, cond);
    RF_TRY(rf__slab_runge_kutta(truth, fine, NULL, NULL));
    for (int i = 0; i < steps->count; i++) {
        rf__slab_place(walk, rows, x0, cond);
        RF_TRY(second ? rf__slab_caf(walk, second, steps->at[i]) : rf__slab_euler(walk, steps->at[i]));
        out[i] += square_gap(walk->z, truth->z, rows * walk->n);
    }
    return RF_OK;
}

rf_status rf__coupling_error(const rf_field *field, const rf_field *second, const rf_field *exact, const float *x0, const rf_cond *cond, int64_t samples, int fine,
                             const rf_int_list *steps, double *out) {
    rf_slab walk = {0}, truth = {0};
    if (field->scalars != exact->scalars)
        return rf__fail(RF_EMISMATCH, "a field of %lld numbers and one of %lld, expected the same", (long long)field->scalars, (long long)exact->scalars);
    for (int i = 0; i < steps->count; i++) out[i] = 0;
    rf_status status = rf__slab_init(&walk, field);
    if (status == RF_OK) status = rf__slab_init(&truth, exact);
    for (int64_t first = 0; first < samples && status == RF_OK; first += RF_SLAB_ROWS) {
        int64_t rows = samples - first < RF_SLAB_ROWS ? samples - first : RF_SLAB_ROWS;
        status = add_rows(&walk, second, &truth, x0 + first * walk.n, cond ? cond + first : NULL, rows, fine, steps, out);
    }
    for (int i = 0; i < steps->count; i++) out[i] /= (double)samples;
    rf__slab_fini(&walk);
    rf__slab_fini(&truth);
    return status;
}

static rf_status compute(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    static const char *const keys[] = {"coupling_mse_1", "coupling_mse_2", "coupling_mse_4", "coupling_mse_8"};
    static const rf_int_list steps = {4, {1, 2, 4, 8}};
    const rf_flow_case *flow = evidence->flow;
    double error[4];
    RF_TRY(rf__coupling_error(flow->field, NULL, flow->exact ? flow->exact : flow->field, flow->x0, flow->cond, flow->samples, opts->flow_steps,
                              &steps, error));
    for (int i = 0; i < 4; i++) rf__measure_put(values, keys[i], NULL, error[i]);
    return RF_OK;
}

const rf_measure rf__measure_coupling = {
    .name = "coupling-mse", .source = "rectified-flow.md section 2", .help = "squared distance of 1, 2, 4 and 8 Euler steps from the exact flow",
    .keys = "coupling_mse_1, coupling_mse_2, coupling_mse_4, coupling_mse_8", .needs = RF_NEED_FLOW, .compute = compute};
