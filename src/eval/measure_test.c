/* measure_test.c - every measure against numpy and scipy (tests/golden/make_measures.py), and flows whose S and V are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../tests/golden/measures_golden.h"
#include "../base/memory.h"
#include "../base/rng.h"
#include "../models/gauss_exact.h"
#include "coupling_error.h"
#include "frechet.h"
#include "measure.h"
#include "paired.h"
#include "points.h"
#include "straightness.h"
#include "window_straightness.h"

#define assert_near(value, wanted, tolerance)                                                                    \
    do {                                                                                                         \
        if (!(fabs((double)(value) / (double)(wanted) - 1) <= (tolerance)))                                      \
            fail_msg("%s is %.12g, expected %.12g", #value, (double)(value), (double)(wanted));                  \
    } while (0)

/* As cloud() of make_measures.py. Caller frees. */
static float *cloud(int64_t n, int64_t d, uint64_t salt, double scale, double shift) {
    float *out = rf__alloc_array((size_t)(n * d), sizeof *out);
    assert_non_null(out);
    for (int64_t i = 0; i < n * d; i++) {
        uint64_t h = ((uint64_t)i + salt) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
        h *= 0xBF58476D1CE4E5B9u;
        h ^= h >> 32;
        out[i] = (float)((double)(h >> 40) / 16777216.0 * scale + shift);
    }
    return out;
}

static void fill(rf_sample_set *set, int64_t n, int width, uint64_t salt, double scale, double shift) {
    float *rows = cloud(n, width, salt, scale, shift);
    assert_int_equal(rf__sample_set_init(set, n, width, 0, n), RF_OK);
    int64_t first = n / 3; /* two unequal batches */
    assert_int_equal(rf__sample_set_add(set, first, rows, NULL, NULL), RF_OK);
    assert_int_equal(rf__sample_set_add(set, n - first, rows + first * width, NULL, NULL), RF_OK);
    rf__free(rows);
}

/* Value number `index` of a measure of two clouds. */
static double measured(const char *name, int index, rf_sample_set *made, rf_sample_set *reference, const rf_measure_opts *opts) {
    rf_measure_values values;
    const rf_measure *measure = rf__measure_find(name);
    const rf_evidence evidence = {.made = made, .reference = reference};
    assert_non_null(measure);
    assert_int_equal(rf__measure(measure, &evidence, opts, &values), RF_OK);
    assert_true(index < values.count);
    return values.at[index].value;
}

static double frechet_of(int64_t n, int64_t m, int width, uint64_t salt, double scale, double shift) {
    rf_sample_set a, b;
    rf_measure_opts opts = rf__measure_defaults();
    fill(&a, n, width, salt, 1, 0);
    fill(&b, m, width, salt * 100000, scale, shift);
    double value = measured("fd", 0, &a, &b, &opts);
    rf__sample_set_fini(&a);
    rf__sample_set_fini(&b);
    return value;
}

static void frechet_distance(void **state) {
    (void)state;
    assert_near(frechet_of(300, 200, 16, 1, 1.3, 0.2), GOLDEN_FRECHET_16, 1e-9);
    /* fewer pictures than features: both covariances are singular */
    assert_near(frechet_of(40, 30, 64, 2, 1.2, 0.1), GOLDEN_FRECHET_DEFICIENT_64, 1e-6);
}

/* Variances from 1 to 6e-8, as network features have them: the small ones count as well. */
static void frechet_distance_of_fading_features(void **state) {
    (void)state;
    enum { N = 600, M = 500, WIDTH = 256 };
    rf_sample_set set[2];
    rf_measure_opts opts = rf__measure_defaults();
    for (int side = 0; side < 2; side++) {
        int64_t n = side ? M : N;
        float *rows = cloud(n, WIDTH, side ? 1000000 : 10, 1, 0);
        for (int64_t i = 0; i < n * WIDTH; i++) rows[i] = ldexpf(rows[i], -(int)(i % WIDTH * 13 / WIDTH));
        assert_int_equal(rf__sample_set_init(&set[side], n, WIDTH, 0, 0), RF_OK);
        assert_int_equal(rf__sample_set_add(&set[side], n, rows, NULL, NULL), RF_OK);
        rf__free(rows);
    }
    assert_near(measured("fd", 0, &set[0], &set[1], &opts), GOLDEN_FRECHET_FADING_256, 1e-9);
    rf__sample_set_fini(&set[0]);
    rf__sample_set_fini(&set[1]);
}

static void frechet_distance_of_inception_size(void **state) {
    (void)state;
    assert_near(frechet_of(300, 200, 2048, 3, 1.1, 0.05), GOLDEN_FRECHET_2048, 1e-6);
}

static void a_large_mean_costs_no_digits(void **state) {
    (void)state;
    rf_moments moments;
    float rows[] = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3};
    double covariance;
    assert_int_equal(rf__moments_init(&moments, 1), RF_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(rf__moments_add(&moments, rows + i, 1), RF_OK);
    assert_int_equal(rf__moments_covariance(&moments, &covariance), RF_OK);
    assert_near(covariance, 5.0 / 3, 1e-12);
    rf__moments_fini(&moments);
}

static void kernel_distance(void **state) {
    (void)state;
    rf_sample_set a, b;
    rf_measure_opts opts = rf__measure_defaults();
    opts.kid_subsets = 3; /* all vectors are in each: 200 of 200 */
    fill(&a, 200, 16, 1, 1, 0);
    fill(&b, 200, 16, 100000, 1.3, 0.2);
    assert_near(measured("kid", 0, &a, &b, &opts), GOLDEN_KID, 1e-6);
    assert_true(isnan(measured("kid", 1, &a, &b, &opts))); /* so their deviation means nothing */
    opts.kid_subset_size = 150;
    assert_true(measured("kid", 1, &a, &b, &opts) > 0);
    rf__sample_set_fini(&a);
    rf__sample_set_fini(&b);
}

static void precision_and_recall(void **state) {
    (void)state;
    rf_sample_set a, b;
    rf_measure_opts opts = rf__measure_defaults();
    fill(&a, 300, 4, 5, 0.9, 0.2);
    fill(&b, 250, 4, 500000, 1, 0);
    const double wanted[] = {GOLDEN_PRECISION, GOLDEN_RECALL, GOLDEN_DENSITY, GOLDEN_COVERAGE};
    for (int i = 0; i < 4; i++) assert_near(measured("prc", i, &a, &b, &opts), wanted[i], 1e-9);
    rf__sample_set_fini(&a);
    rf__sample_set_fini(&b);
}

static void score_and_accuracy(void **state) {
    (void)state;
    enum { N = 205, CLASSES = 7 };
    float *logits = cloud(N, CLASSES, 4, 6, -3), *features = cloud(N, 2, 9, 1, 0);
    int32_t labels[N];
    int right = 0;
    for (int r = 0; r < N; r++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            if (logits[r * CLASSES + k] > logits[r * CLASSES + best]) best = k;
        labels[r] = r % 5 == 0 ? -1 : r % 2 ? best : (best + 1) % CLASSES;
        right += r % 5 != 0 && r % 2;
    }
    rf_sample_set set;
    rf_measure_opts opts = rf__measure_defaults();
    assert_int_equal(rf__sample_set_init(&set, N, 2, CLASSES, 0), RF_OK);
    assert_int_equal(rf__sample_set_add(&set, 100, features, logits, labels), RF_OK);
    assert_int_equal(rf__sample_set_add(&set, N - 100, features, logits + 100 * CLASSES, labels + 100), RF_OK);
    assert_near(measured("isc", 0, &set, NULL, &opts), GOLDEN_SCORE_MEAN, 1e-9);
    assert_near(measured("isc", 1, &set, NULL, &opts), GOLDEN_SCORE_STD, 1e-6);
    assert_near(measured("accuracy", 0, &set, NULL, &opts), (double)right / (N - N / 5), 1e-12);
    rf__sample_set_fini(&set);
    rf__free(logits);
    rf__free(features);
}

static void what_is_missing_is_said(void **state) {
    (void)state;
    rf_sample_set a, b;
    rf_measure_values values;
    rf_measure_opts opts = rf__measure_defaults();
    fill(&a, 20, 4, 5, 1, 0);
    fill(&b, 20, 5, 5, 1, 0);
    const rf_evidence alone = {.made = &a}, different = {.made = &a, .reference = &b};
    assert_int_equal(rf__measure(rf__measure_find("fd"), &alone, &opts, &values), RF_EINVAL);
    assert_int_equal(rf__measure(rf__measure_find("fd"), &different, &opts, &values), RF_EMISMATCH);
    assert_int_equal(rf__measure(rf__measure_find("isc"), &alone, &opts, &values), RF_EUNSUPPORTED);
    for (const rf_measure *const *m = rf__measures(); *m; m++) /* none of them runs without evidence */
        assert_int_not_equal(rf__measure(*m, &(rf_evidence){0}, &opts, &values), RF_OK);
    assert_ptr_equal(rf__measure_find("fid"), rf__measure_find("fd"));
    assert_null(rf__measure_find("inception"));
    assert_non_null(strstr(rf_last_error(), "kid"));
    assert_int_equal(rf__sample_set_add(&a, 1, a.kept.rows, NULL, NULL), RF_EINVAL); /* one more than announced */
    rf__sample_set_fini(&a);
    rf__sample_set_fini(&b);
}

static void pairs_of_pictures(void **state) {
    (void)state;
    float *p = cloud(20, 17, 6, 2, -1), *q = cloud(20, 17, 600000, 2, -1);
    for (int i = 0; i < 340; i++) q[i] = 0.75f * p[i] + 0.25f * q[i];
    rf_paired paired = {0};
    assert_int_equal(rf__paired_add(&paired, p, q, 20, 17, 1), RF_OK);
    assert_near(paired.ssim, GOLDEN_SSIM, 1e-6);
    assert_near(paired.psnr, GOLDEN_PSNR, 1e-9);
    assert_int_equal(rf__paired_add(&paired, p, p, 20, 17, 1), RF_OK);
    assert_true(paired.equal == 1 && paired.count == 2);
    assert_near(paired.ssim, GOLDEN_SSIM + 1, 1e-6);
    rf__free(p);
    rf__free(q);
}

static void clouds_of_points(void **state) {
    (void)state;
    float *a = cloud(90, 2, 7, 1, 0), *b = cloud(70, 2, 700000, 1.4, 0.3);
    double value;
    assert_int_equal(rf__energy_distance(a, 90, b, 70, 2, &value), RF_OK);
    assert_near(value, GOLDEN_ENERGY, 1e-9);
    rf__free(a);
    rf__free(b);
    a = cloud(90, 1, 8, 1, 0), b = cloud(90, 1, 800000, 1.4, 0.3);
    assert_int_equal(rf__sliced_wasserstein(a, b, 90, 1, 5, 0, &value), RF_OK); /* in one dimension every direction is +-1 */
    assert_near(value, GOLDEN_SLICED_1D, 1e-6);
    assert_int_equal(rf__sliced_wasserstein(a, a, 90, 1, 5, 0, &value), RF_OK);
    assert_true(value == 0);
    rf__free(a);
    rf__free(b);
}

/* ---- straightness ---- */

enum { SAMPLES = 20000 };

/* N(0,1) to N(m, s^2) on independent pairs: S = s (2 - pi/2), V = s pi/2 (rectified-flow.md section 2). */
static void straightness_of_gaussians(void **state) {
    (void)state;
    static const double sds[] = {1, 0.5, 2};
    float *x0 = rf__alloc_array(SAMPLES, sizeof(float)), *x1 = rf__alloc_array(SAMPLES, sizeof(float)), mean = 1.5f;
    for (size_t k = 0; k < 3; k++) {
        double s = sds[k];
        for (int i = 0; i < SAMPLES; i++) {
            rf__rng_normal_sample(1, RF_STREAM_NOISE, (uint64_t)i, 1, x0 + i);
            rf__rng_normal_sample(2, RF_STREAM_NOISE, (uint64_t)i, 1, x1 + i);
            x1[i] = mean + (float)s * x1[i];
        }
        rf_gauss_exact flow = {.scalars = 1, .components = 1, .mean = &mean, .sd = s};
        rf_field field;
        rf_straightness out;
        assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
        assert_int_equal(rf__straightness(&field, x0, x1, NULL, SAMPLES, 32, &out), RF_OK);
        double noise = 0.03; /* of 20 000 samples: a few times 1/sqrt(20000) */
        assert_near(out.s, s * (2 - M_PI / 2), noise);
        assert_near(out.v, s * M_PI / 2, noise);
        assert_true(fabs(out.gap) < 0.03 * 2 * s);
        /* the exact 2-RF is straight: nothing crosses any more */
        flow.reflowed = true;
        assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
        for (int i = 0; i < SAMPLES; i++) x1[i] = mean + (float)s * x0[i];
        assert_int_equal(rf__straightness(&field, x0, x1, NULL, SAMPLES, 8, &out), RF_OK);
        assert_true(fabs(out.s) < 1e-4 && fabs(out.v) < 1e-4 && fabs(out.gap) < 1e-4);
    }
    rf__free(x0);
    rf__free(x1);
}

/* The terms are quadratic in the samples, so the four corners +-1 have the moments of a Gaussian and give its S and V without noise;
 * what is left, 3e-4, is the time integral by cells. */
static void straightness_without_noise(void **state) {
    (void)state;
    enum { EACH = 16 /* places inside a time cell that V visits in turn */, ROWS = 4 * EACH };
    static const double sds[] = {1, 0.5, 2};
    for (size_t k = 0; k < 3; k++) {
        double s = sds[k];
        float x0[ROWS], x1[ROWS], mean = 1.5f;
        for (int r = 0; r < ROWS; r++) {
            x0[r] = r / EACH % 2 ? 1.0f : -1.0f;
            x1[r] = mean + (float)s * (r / EACH / 2 ? 1.0f : -1.0f);
        }
        const rf_gauss_exact gauss = {.scalars = 1, .components = 1, .mean = &mean, .sd = s};
        rf_field field;
        assert_int_equal(rf__gauss_exact_field(&field, &gauss), RF_OK);
        const rf_flow_case flow = {.field = &field, .exact = &field, .x0 = x0, .x1 = x1, .samples = ROWS};
        rf_measure_opts opts = rf__measure_defaults();
        rf_measure_values values;
        assert_int_equal(rf__measure(rf__measure_find("straightness"), &(rf_evidence){.flow = &flow}, &opts, &values), RF_OK);
        assert_near(values.at[0].value, s * (2 - M_PI / 2), 3e-4);
        assert_near(values.at[1].value, s * M_PI / 2, 3e-4);
        assert_string_equal(values.at[4].key, "identity_gap");
        assert_true(fabs(values.at[4].value) < 1e-4 * 2 * s);
        /* One Euler step goes to x0 + v(x0, 0) = m, the flow to m + s x0. */
        assert_int_equal(rf__measure(rf__measure_find("coupling-mse"), &(rf_evidence){.flow = &flow}, &opts, &values), RF_OK);
        assert_near(values.at[0].value, s * s, 1e-4);
    }
}

/* 8 Gaussians: S = 2.869, V = 7.374 and energies 18.03, 7.82 measured with 20 000 samples on the page. */
static void straightness_of_the_mixture(void **state) {
    (void)state;
    float means[16], *x0 = rf__alloc_array(2 * SAMPLES, sizeof(float)), *x1 = rf__alloc_array(2 * SAMPLES, sizeof(float));
    for (int k = 0; k < 8; k++) means[2 * k] = (float)(4 * cos(k * M_PI / 4)), means[2 * k + 1] = (float)(4 * sin(k * M_PI / 4));
    for (int i = 0; i < SAMPLES; i++) {
        rf__rng_normal_sample(1, RF_STREAM_NOISE, (uint64_t)i, 2, x0 + 2 * i);
        rf__rng_normal_sample(2, RF_STREAM_NOISE, (uint64_t)i, 2, x1 + 2 * i);
        const float *mean = means + 2 * rf__rng_below(3, RF_STREAM_TOY, (uint64_t)i, 8);
        for (int d = 0; d < 2; d++) x1[2 * i + d] = mean[d] + 0.3f * x1[2 * i + d];
    }
    rf_gauss_exact flow = {.scalars = 2, .components = 8, .mean = means, .sd = 0.3};
    rf_field field;
    rf_straightness out;
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
    assert_int_equal(rf__straightness(&field, x0, x1, NULL, SAMPLES, 32, &out), RF_OK);
    assert_near(out.s, 2.869, 0.03);
    assert_near(out.v, 7.374, 0.03);
    assert_near(out.energy_coupling, 18.03, 0.02);
    assert_near(out.energy_flow, 7.82, 0.02);
    assert_true(fabs(out.gap) < 0.01 * out.energy_coupling);
    rf__free(x0);
    rf__free(x1);
}

/* ---- windows ---- */

enum { WINDOWED = 400 };

/* N(0,1) -> N(2, 0.25) straightened inside four windows (perflow.md section 4). */
static rf_status piecewise(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)cond;
    const rf_windows *windows = self;
    for (int64_t r = 0; r < rows; r++) {
        int k = rf__windows_find(windows, (double)t[r]);
        double a = windows->edge[k], b = windows->edge[k + 1], m = 2, s = 0.5, part = ((double)t[r] - a) / (b - a);
        double rho = sqrt(((1 - b) * (1 - b) + b * b * s * s) / ((1 - a) * (1 - a) + a * a * s * s));
        v[r] = (float)(m + (rho - 1) * ((double)x[r] - (double)t[r] * m) / ((b - a) * (1 + part * (rho - 1))));
    }
    return RF_OK;
}

/* Straight inside windows, and over the whole path about as bent as the flow it came from (perflow.md section 5, statement 7). */
static void straightness_inside_windows(void **state) {
    (void)state;
    const float mean[1] = {2};
    const rf_gauss_exact flow = {.scalars = 1, .components = 1, .mean = mean, .sd = 0.5};
    rf_windows windows;
    rf_field teacher, student = {.self = &windows, .scalars = 1, .null_label = -1, .velocity = piecewise, .windows = &windows};
    float x0[WINDOWED];
    rf_straightness whole[2];
    double inside[2], all;
    assert_int_equal(rf__windows_uniform(&windows, 4), RF_OK);
    assert_int_equal(rf__gauss_exact_field(&teacher, &flow), RF_OK);
    rf__rng_normal(3, RF_STREAM_NOISE, 0, WINDOWED, x0);
    assert_int_equal(rf__straightness(&teacher, x0, x0, NULL, WINDOWED, 64, &whole[0]), RF_OK);
    assert_int_equal(rf__straightness(&student, x0, x0, NULL, WINDOWED, 64, &whole[1]), RF_OK);
    assert_int_equal(rf__window_straightness(&teacher, NULL, x0, NULL, WINDOWED, 64, &all), RF_OK);
    assert_int_equal(rf__window_straightness(&teacher, &windows, x0, NULL, WINDOWED, 64, &inside[0]), RF_OK);
    assert_int_equal(rf__window_straightness(&student, &windows, x0, NULL, WINDOWED, 64, &inside[1]), RF_OK);
    assert_true(fabs(all - whole[0].s) < 1e-4);
    assert_true(fabs(inside[1]) < 1e-4);
    assert_true(inside[0] > 0.01 && inside[0] < 0.2 * whole[0].s);
    assert_true(whole[1].s > 0.7 * whole[0].s && whole[1].s < 1.1 * whole[0].s);
    /* and four Euler steps of it end where the exact flow ends */
    double error[1];
    const rf_int_list steps = {1, {4}};
    assert_int_equal(rf__coupling_error(&student, NULL, &teacher, x0, NULL, WINDOWED, 64, &steps, error), RF_OK);
    assert_true(error[0] < 1e-8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frechet_distance),       cmocka_unit_test(frechet_distance_of_inception_size),
        cmocka_unit_test(frechet_distance_of_fading_features),
        cmocka_unit_test(a_large_mean_costs_no_digits), cmocka_unit_test(kernel_distance),
        cmocka_unit_test(precision_and_recall),   cmocka_unit_test(score_and_accuracy),
        cmocka_unit_test(what_is_missing_is_said), cmocka_unit_test(pairs_of_pictures),
        cmocka_unit_test(clouds_of_points),       cmocka_unit_test(straightness_of_gaussians),
        cmocka_unit_test(straightness_inside_windows),
        cmocka_unit_test(straightness_without_noise), cmocka_unit_test(straightness_of_the_mixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
