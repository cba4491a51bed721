/* edm.c - see edm.h. */
#include "edm.h"

#include <math.h>

#include "../base/memory.h"

rf_edm_fold rf__edm_fold(double t, double sigma_data, double sigma_least, double sigma_most) {
    double left = 1 - t, den = left * left + t * t * sigma_data * sigma_data, root = sqrt(den);
    double sigma = t > 0 ? left / t : INFINITY, known = fmin(fmax(sigma, sigma_least), sigma_most);
    return (rf_edm_fold){.skip = (t * sigma_data * sigma_data - left) / den, .out = sigma_data / root, .in = 1 / root, .noise = log(known) / 4};
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    const rf_edm_teacher *teacher = self;
    int64_t n = teacher->network.scalars;
    float *scaled = rf__alloc_array((size_t)(rows * n + rows), sizeof *scaled), *noise = scaled ? scaled + rows * n : NULL;
    if (!scaled) return rf__fail(RF_ENOMEM, "no memory for %lld rows of a diffusion teacher", (long long)rows);
    for (int64_t r = 0; r < rows; r++) {
        rf_edm_fold fold = rf__edm_fold((double)t[r], teacher->sigma_data, teacher->sigma_least, teacher->sigma_most);
        noise[r] = (float)fold.noise;
        for (int64_t i = r * n; i < (r + 1) * n; i++) scaled[i] = (float)fold.in * x[i];
    }
    rf_status status = teacher->network.velocity(teacher->network.self, rows, scaled, noise, cond, v);
    for (int64_t r = 0; r < rows && status == RF_OK; r++) {
        rf_edm_fold fold = rf__edm_fold((double)t[r], teacher->sigma_data, teacher->sigma_least, teacher->sigma_most);
        for (int64_t i = r * n; i < (r + 1) * n; i++) v[i] = (float)(fold.skip * (double)x[i] + fold.out * (double)v[i]);
    }
    rf__free(scaled);
    return status;
}

rf_field rf__edm_field(rf_edm_teacher *teacher) {
    return (rf_field){.self = teacher, .scalars = teacher->network.scalars, .null_label = teacher->network.null_label, .velocity = velocity};
}

rf_vp_place rf__vp_place(double t) {
    const double least = 0.1, slope = 19.9; /* beta(tau) = 0.1 + 19.9 tau */
    double left = 1 - t;
    /* sqrt(b^2 + 2 s L) - b over s with L = ln(1 + sigma^2), as a quotient that keeps its digits when L is small. */
    double l = t > 0 ? log1p(left * left / (t * t)) : INFINITY, root = sqrt(least * least + 2 * slope * l);
    return (rf_vp_place){.tau = t > 0 ? 2 * l / (root + least) : INFINITY, .scale = 1 / sqrt(t * t + left * left)};
}
