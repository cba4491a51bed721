/* window_straightness.c - how straight a flow is inside windows. A PeRFlow student turns at every edge, so its straightness over the whole
 * path stays that of its teacher; what its steps need is straightness between the edges (perflow.md section 5, statement 7). */
#include "window_straightness.h"

#include <string.h>

#include "../base/memory.h"
#include "measure.h"
#include "slab.h"

static void note_squares(void *user, const rf_slab *slab, const float *v, double weight) {
    double *sum = user;
    for (int64_t i = 0; i < slab->rows * slab->n; i++) *sum += weight * (double)v[i] * (double)v[i];
}

/* integral over [a, b] of |(Z_b - Z_a)/(b - a) - v|^2 = integral of |v|^2 - |Z_b - Z_a|^2 / (b - a), summed over rows. */
static rf_status window_term(rf_slab *slab, float *before, double a, double b, int steps, double *sum) {
    double moved = 0;
    memcpy(before, slab->z, (size_t)(slab->rows * slab->n) * sizeof *before);
    RF_TRY(rf__slab_between(slab, a, b, rf__slab_share(a, b, steps), note_squares, sum));
    for (int64_t i = 0; i < slab->rows * slab->n; i++) moved += ((double)slab->z[i] - (double)before[i]) * ((double)slab->z[i] - (double)before[i]);
    *sum -= moved / (b - a);
    return RF_OK;
}

rf_status rf__window_straightness(const rf_field *field, const rf_windows *windows, const float *x0, const rf_cond *cond, int64_t samples, int steps,
                                  double *out) {
    rf_slab slab;
    *out = 0;
    RF_TRY(rf__slab_init(&slab, field));
    float *before = rf__alloc_array((size_t)(RF_SLAB_ROWS * slab.n), sizeof *before);
    rf_status status = before ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %d samples", RF_SLAB_ROWS);
    for (int64_t first = 0; first < samples && status == RF_OK; first += RF_SLAB_ROWS) {
        int64_t rows = samples - first < RF_SLAB_ROWS ? samples - first : RF_SLAB_ROWS;
        rf__slab_place(&slab, rows, x0 + first * slab.n, cond ? cond + first : NULL);
        for (int k = 0; k < (windows ? windows->count : 1) && status == RF_OK; k++)
            status = window_term(&slab, before, windows ? windows->edge[k] : 0, windows ? windows->edge[k + 1] : 1, steps, out);
    }
    *out /= (double)samples;
    rf__free(before);
    rf__slab_fini(&slab);
    return status;
}

static rf_status compute(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    const rf_flow_case *flow = evidence->flow;
    double s;
    RF_TRY(rf__window_straightness(flow->field, flow->field->windows, flow->x0, flow->cond, flow->samples, opts->flow_steps, &s));
    rf__measure_put(values, "window_straightness", NULL, s);
    return RF_OK;
}

const rf_measure rf__measure_window_straightness = {
    .name = "window-straightness", .source = "Yan et al. 2024 (PeRFlow), arXiv 2405.07510", .help = "S inside the model's windows; without windows S itself",
    .keys = "window_straightness", .needs = RF_NEED_FLOW, .compute = compute};
