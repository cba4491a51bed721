/* gauss_exact.c - see gauss_exact.h. Formulas: rectified flow (Liu et al. 2022, arXiv 2209.03003) on Gaussians; double inside. */
#include "gauss_exact.h"

#include <math.h>

#include "../base/memory.h"

static double time_of(const rf_gauss_exact *flow, double t) {
    double last = flow->t_max > 0 ? flow->t_max : flow->sd > 0 ? 1 : 1 - 1e-3;
    return t < last ? t : last;
}

static double variance_at(const rf_gauss_exact *flow, double t) { return (1 - t) * (1 - t) + t * t * flow->sd * flow->sd; }

/* M in one pass: the running maximum keeps the exponentials in range, whatever x is. */
static void posterior_mean(const rf_gauss_exact *flow, const double *x, double t, int label, double *mean) {
    double variance = variance_at(flow, t), top = -INFINITY, total = 0;
    int64_t n = flow->scalars;
    for (int64_t i = 0; i < n; i++) mean[i] = 0;
    for (int64_t k = 0; k < flow->components; k++) {
        const float *mu = flow->mean + k * n;
        if (flow->label && label != flow->classes && flow->label[k] != label) continue;
        double square = 0;
        for (int64_t i = 0; i < n; i++) square += (x[i] - t * (double)mu[i]) * (x[i] - t * (double)mu[i]);
        double log_r = (flow->weight ? log(flow->weight[k]) : 0) - square / (2 * variance);
        if (log_r > top) {
            double shrink = exp(top - log_r);
            total *= shrink;
            for (int64_t i = 0; i < n; i++) mean[i] *= shrink;
            top = log_r;
        }
        double r = exp(log_r - top);
        total += r;
        for (int64_t i = 0; i < n; i++) mean[i] += r * (double)mu[i];
    }
    for (int64_t i = 0; i < n && total > 0; i++) mean[i] /= total;
}

void rf__gauss_exact_at(const rf_gauss_exact *flow, const double *x, double t, int label, double *mean, const rf_gauss_answer *out) {
    t = time_of(flow, t);
    posterior_mean(flow, x, t, label, mean);
    double variance = variance_at(flow, t), square = flow->sd * flow->sd;
    for (int64_t i = 0; i < flow->scalars; i++) {
        double gap = (x[i] - t * mean[i]) / variance;
        if (out->v) out->v[i] = mean[i] + (t * square - (1 - t)) * gap;
        if (out->x1) out->x1[i] = mean[i] + t * square * gap;
        if (out->x0) out->x0[i] = (1 - t) * gap;
        if (out->score) out->score[i] = -gap;
    }
}

double rf__gauss_exact_map(double mean, double sd, double from, double to, double x) {
    const rf_gauss_exact flow = {.sd = sd};
    return to * mean + sqrt(variance_at(&flow, to) / variance_at(&flow, from)) * (x - from * mean);
}

/* The coupling x1 = m + s x0 of the 1-RF, travelled on straight lines. */
static void reflowed_velocity(const rf_gauss_exact *flow, const double *x, double t, double *v) {
    for (int64_t i = 0; i < flow->scalars; i++) {
        double mean = (double)flow->mean[i];
        v[i] = mean + (flow->sd - 1) * (x[i] - t * mean) / (1 + t * (flow->sd - 1));
    }
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    const rf_gauss_exact *flow = self;
    int64_t n = flow->scalars;
    double *at = rf__alloc_array((size_t)(3 * n), sizeof *at), *mean = at + n, *answer = at + 2 * n;
    if (!at) return rf__fail(RF_ENOMEM, "no memory for an exact velocity of %lld scalars", (long long)n);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < n; i++) at[i] = (double)x[r * n + i];
        int label = flow->label && cond ? cond[r].label : flow->classes;
        if (flow->reflowed) reflowed_velocity(flow, at, time_of(flow, (double)t[r]), answer);
        else rf__gauss_exact_at(flow, at, (double)t[r], label, mean, &(rf_gauss_answer){.v = answer});
        for (int64_t i = 0; i < n; i++) v[r * n + i] = (float)answer[i];
    }
    rf__free(at);
    return RF_OK;
}

rf_status rf__gauss_exact_field(rf_field *out, const rf_gauss_exact *flow) {
    if (flow->scalars < 1 || flow->components < 1 || !flow->mean)
        return rf__fail(RF_EINVAL, "exact flow: %lld components of %lld scalars, expected at least one of each",
                        (long long)flow->components, (long long)flow->scalars);
    if (!(flow->sd >= 0) || !(flow->t_max >= 0 && flow->t_max <= 1) || (flow->sd == 0 && flow->t_max == 1))
        return rf__fail(RF_EINVAL, "exact flow: sd is %g and t_max %g, expected sd >= 0 and t_max 0 .. 1 (below 1 when sd is 0)", flow->sd,
                        flow->t_max);
    if (flow->reflowed && (flow->components != 1 || flow->sd == 0))
        return rf__fail(RF_EUNSUPPORTED, "exact flow: 2-RF of %lld components with sd %g, expected one component with sd above 0",
                        (long long)flow->components, flow->sd);
    for (int64_t k = 0; k < flow->components; k++) {
        if (flow->weight && !(flow->weight[k] > 0))
            return rf__fail(RF_EINVAL, "exact flow: weight %lld is %g, expected above 0", (long long)k, flow->weight[k]);
        if (flow->label && (flow->label[k] < 0 || flow->label[k] >= flow->classes))
            return rf__fail(RF_EINVAL, "exact flow: component %lld has class %d, expected 0 .. %d", (long long)k, flow->label[k],
                            flow->classes - 1);
    }
    *out = (rf_field){.self = (void *)flow, .scalars = flow->scalars, .null_label = flow->label ? flow->classes : -1,
                      .velocity = velocity};
    return RF_OK;
}
