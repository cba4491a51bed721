/* toy.c - 8 Gaussians on a circle (radius 4, sd 0.3), the reference experiment of the base page: endless samples from the
 * counter RNG, and the exact velocity of their 1-RF as the truth that a trained network is measured against. */
#include "toy.h"

#include <math.h>

#include "../base/rng.h"

enum { COMPONENTS = 8 };
static const double sd = 0.3;
#define D 2.8284271247461903 /* 4 / sqrt 2 */
static const double centre[COMPONENTS][2] = {{4, 0}, {D, D}, {0, 4}, {-D, D}, {-4, 0}, {-D, -D}, {0, -4}, {D, -D}};
#undef D

static rf_status toy_open(rf_source *source, const rf_data_config *config) {
    if (config->flip) return rf__fail(RF_EINVAL, "data.flip is true, expected false: 8gauss has no images to mirror");
    source->shape = (rf_model_shape){.height = 1, .width = 1, .channels = 2, .flat = true};
    return RF_OK;
}

static rf_status toy_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    (void)source, (void)label;
    const double *mu = centre[rf__rng_below(seed, RF_STREAM_DATA, sample, COMPONENTS)];
    rf__rng_normal_sample(seed, RF_STREAM_TOY, sample, 2, x);
    for (int i = 0; i < 2; i++) x[i] = (float)(mu[i] + sd * (double)x[i]);
    return RF_OK;
}

/* v = sum_k r_k [ mu_k + ((t s^2 - (1-t))/V_t) (x - t mu_k) ], V_t = (1-t)^2 + t^2 s^2, r = soft-max(-|x - t mu_k|^2 / 2 V_t). */
static void toy_velocity(const float *x, float t32, float *v) {
    double t = (double)t32, variance = (1 - t) * (1 - t) + t * t * sd * sd, slope = (t * sd * sd - (1 - t)) / variance;
    double d[COMPONENTS][2], log_r[COMPONENTS], top = -INFINITY, sum = 0, out[2] = {0, 0};
    for (int k = 0; k < COMPONENTS; k++) {
        double square = 0;
        for (int i = 0; i < 2; i++) {
            double gap = (double)x[i] - t * centre[k][i];
            square += gap * gap;
            d[k][i] = centre[k][i] + slope * gap;
        }
        log_r[k] = -square / (2 * variance);
        top = fmax(top, log_r[k]);
    }
    for (int k = 0; k < COMPONENTS; k++) {
        double r = exp(log_r[k] - top);
        sum += r;
        for (int i = 0; i < 2; i++) out[i] += r * d[k][i];
    }
    for (int i = 0; i < 2; i++) v[i] = (float)(out[i] / sum);
}

const rf_source_kind rf__source_8gauss = {
    {"8gauss", "the base page's toy", "8 Gaussians on a circle of radius 4, sd 0.3; 2-D, endless, exact velocity known"},
    .open = toy_open, .draw = toy_draw, .velocity = toy_velocity};
