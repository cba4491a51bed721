/* gauss_exact_test.c - the closed forms against quadrature, and against the numbers of their page (Liu et al. 2022: straightness S
 * and crossing V of a Gaussian flow are s(2 - pi/2) and s pi/2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rng.h"
#include "gauss_exact.h"
#include "outputs.h"

static void near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance)) fail_msg("%.12g, expected %.12g within %.1g", got, expected, tolerance);
}

static double velocity1(const rf_gauss_exact *flow, double x, double t) {
    double v, mean;
    rf__gauss_exact_at(flow, &x, t, 0, &mean, &(rf_gauss_answer){.v = &v});
    return v;
}

/* Three-point Gauss-Hermite: exact for the quadratics that a linear flow makes of normal variables. */
static const double node[3] = {-1.7320508075688772, 0, 1.7320508075688772}, share[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};

static void straightness_and_crossing(void **state) {
    (void)state;
    static const double sds[] = {1, 0.5, 2}, expected[] = {0.429204, 0.214602, 0.858407};
    const float m = 0.75f;
    for (int c = 0; c < 3; c++) {
        const double sd = sds[c];
        const rf_gauss_exact flow = {.scalars = 1, .components = 1, .mean = &m, .sd = sd};
        double straightness = 0, crossing = 0;
        const int steps = 2000; /* Simpson */
        for (int i = 0; i <= steps; i++) {
            double t = (double)i / steps, weight = (i == 0 || i == steps ? 1 : i % 2 ? 4 : 2) / (3.0 * steps);
            for (int a = 0; a < 3; a++) {
                double z = rf__gauss_exact_map((double)m, sd, 0, t, node[a]), end = rf__gauss_exact_map((double)m, sd, 0, 1, node[a]);
                straightness += weight * share[a] * pow(end - node[a] - velocity1(&flow, z, t), 2);
                for (int b = 0; b < 3; b++) {
                    double x1 = (double)m + sd * node[b], x0 = node[a];
                    crossing += weight * share[a] * share[b] * pow(x1 - x0 - velocity1(&flow, (1 - t) * x0 + t * x1, t), 2);
                }
            }
        }
        near(straightness, expected[c], 1e-4);
        near(straightness, sd * (2 - M_PI / 2), 1e-4);
        near(crossing, sd * M_PI / 2, 1e-4);
        near(straightness + crossing, 2 * sd, 1e-4); /* = E|X1-X0|^2 - E|Z1-Z0|^2 */
    }
}

/* The map is the solution of the velocity: RK4 with 400 steps. */
static void map_solves_the_velocity(void **state) {
    (void)state;
    const float m = -1.25f;
    const rf_gauss_exact flow = {.scalars = 1, .components = 1, .mean = &m, .sd = 0.4};
    double x = 1.3, h = 0.8 / 400;
    near(rf__gauss_exact_map((double)m, 0.4, 0, 1, x), (double)m + 0.4 * x, 1e-14);
    double expected = rf__gauss_exact_map((double)m, 0.4, 0.1, 0.9, x);
    for (int i = 0; i < 400; i++) {
        double t = 0.1 + i * h, k1 = velocity1(&flow, x, t), k2 = velocity1(&flow, x + h / 2 * k1, t + h / 2);
        double k3 = velocity1(&flow, x + h / 2 * k2, t + h / 2), k4 = velocity1(&flow, x + h * k3, t + h);
        x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    near(x, expected, 1e-9);
    near(rf__gauss_exact_map((double)m, 0.4, 0.9, 0.1, x), 1.3, 1e-8);
}

/* E[x1 - x0 | x_t = x] of a 1-D mixture by summing over x1 on a fine grid. */
static void mixture_is_the_posterior_average(void **state) {
    (void)state;
    const float mean[] = {-2, 0.5f, 3};
    const double weight[] = {1, 5, 2}, sd = 0.3;
    const rf_gauss_exact flow = {.scalars = 1, .components = 3, .mean = mean, .weight = weight, .sd = sd};
    for (int it = 1; it < 10; it++)
        for (int ix = -6; ix <= 6; ix++) {
            double t = it * 0.1, x = ix * 0.5, top = 0, bottom = 0;
            for (int i = 0; i <= 20000; i++) {
                double x1 = -6 + i * 6e-4, x0 = (x - t * x1) / (1 - t), density = 0;
                for (int k = 0; k < 3; k++) density += weight[k] * exp(-pow((x1 - (double)mean[k]) / sd, 2) / 2);
                density *= exp(-x0 * x0 / 2 + x * x / 2); /* a constant of x keeps it in range */
                top += density * (x1 - x0);
                bottom += density;
            }
            near(velocity1(&flow, x, t), top / bottom, 1e-6);
        }
}

static void points_pull_to_the_nearest(void **state) {
    (void)state;
    const float points[] = {0, 0, 4, 1, -3, 2};
    const rf_gauss_exact flow = {.scalars = 2, .components = 3, .mean = points};
    double x[2] = {3.2, 0.7}, mean[2], v[2], x1[2];
    rf__gauss_exact_at(&flow, x, 0.9, 0, mean, &(rf_gauss_answer){.v = v, .x1 = x1});
    near(x1[0], 4, 1e-6); /* at t = 0.9 the others are more than 10 sd away */
    near(x1[1], 1, 1e-6);
    near(v[0], (x1[0] - x[0]) / 0.1, 1e-9);
    double far[2] = {1e4, -1e4}; /* every soft-max weight underflows: log space must hold */
    rf__gauss_exact_at(&flow, far, 1.0, 0, mean, &(rf_gauss_answer){.v = v});
    assert_true(isfinite(v[0]) && isfinite(v[1]));
    rf__gauss_exact_at(&flow, x, 0, 0, mean, &(rf_gauss_answer){.v = v});
    near(v[0], 1.0 / 3 - x[0], 1e-12); /* t = 0: the mean of the data less x */
}

/* Round trips v <-> x1 <-> x0 <-> score, each against its own closed form. */
static void equivalent_outputs(void **state) {
    (void)state;
    const float mean[] = {-2, 1, 0.5f, -1, 3, 0};
    const double weight[] = {1, 5, 2};
    const rf_gauss_exact flow = {.scalars = 2, .components = 3, .mean = mean, .weight = weight, .sd = 0.3};
    for (double t = 0.01; t < 0.995; t += 0.07)
        for (int k = 0; k < 20; k++) {
            double x[2] = {-3 + 0.3 * k, 2 - 0.2 * k}, m[2], v[2], x1[2], x0[2], score[2];
            rf__gauss_exact_at(&flow, x, t, 0, m, &(rf_gauss_answer){v, x1, x0, score});
            for (int i = 0; i < 2; i++) {
                const double value[] = {v[i], x1[i], x0[i], score[i]};
                near((1 - t) * x0[i] + t * x1[i], x[i], 1e-10);
                for (int a = 0; a < 4; a++) {
                    double size = 1 + fabs(value[a]) + fabs(v[i]);
                    near(rf__velocity_of((rf_output_kind)a, value[a], x[i], t), v[i], 1e-10 * size);
                    near(rf__output_of((rf_output_kind)a, v[i], x[i], t), value[a], 1e-10 * size);
                }
            }
        }
}

static void one_step_of_the_2rf_is_exact(void **state) {
    (void)state;
    const float m[] = {0.5f, -2};
    const rf_gauss_exact flow = {.scalars = 2, .components = 1, .mean = m, .sd = 0.25, .reflowed = true};
    rf_field field;
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
    const float x[] = {1.5f, -0.75f, -2, 0.125f}, t[] = {0, 0};
    float v[4], later[4];
    assert_int_equal(field.velocity(field.self, 2, x, t, NULL, v), RF_OK);
    for (int i = 0; i < 4; i++)
        near((double)x[i] + (double)v[i], rf__gauss_exact_map((double)m[i % 2], 0.25, 0, 1, (double)x[i]), 1e-6);
    float middle[4], half[] = {0.5f, 0.5f}; /* straight: the same velocity further down the path */
    for (int i = 0; i < 4; i++) middle[i] = x[i] + 0.5f * v[i];
    assert_int_equal(field.velocity(field.self, 2, middle, half, NULL, later), RF_OK);
    for (int i = 0; i < 4; i++) near((double)later[i], (double)v[i], 1e-6);
}

static void classes_choose_components(void **state) {
    (void)state;
    const float mean[] = {-2, 1, 3};
    const int32_t label[] = {0, 1, 1};
    const rf_gauss_exact flow = {.scalars = 1, .components = 3, .mean = mean, .label = label, .classes = 2, .sd = 0.5};
    rf_field field;
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
    assert_int_equal(field.null_label, 2);
    const float x[] = {0.25f, 0.25f, 0.25f}, t[] = {0, 0, 0};
    const rf_cond cond[] = {{.label = 0}, {.label = 1}, {.label = 2}};
    float v[3];
    assert_int_equal(field.velocity(field.self, 3, x, t, cond, v), RF_OK);
    near((double)v[0], -2.25, 1e-6); /* t = 0: the mean of the class less x */
    near((double)v[1], 1.75, 1e-6);
    near((double)v[2], 2.0 / 3 - 0.25, 1e-6);
}

/* 8 Gaussians, radius 4, sd 0.3: E|X1-X0|^2 = 18.03, E|Z1-Z0|^2 = 7.82, S = 2.869, V = 7.374 (20 000 samples on the page). With 4 000
 * samples the standard error of each is about 1 %, the identity shares its samples and holds better. */
static void eight_gaussians(void **state) {
    (void)state;
    float mean[16];
    for (int k = 0; k < 8; k++) mean[2 * k] = 4 * cosf((float)k * (float)M_PI / 4), mean[2 * k + 1] = 4 * sinf((float)k * (float)M_PI / 4);
    const rf_gauss_exact flow = {.scalars = 2, .components = 8, .mean = mean, .sd = 0.3};
    enum { SAMPLES = 4000, STEPS = 40 };
    double before = 0, after = 0, straight = 0, crossing = 0;
    for (uint64_t n = 0; n < SAMPLES; n++) {
        float noise[4];
        rf__rng_normal_sample(5, RF_STREAM_NOISE, n, 4, noise);
        const float *mu = mean + 2 * rf__rng_below(5, RF_STREAM_DATA, n, 8);
        double x0[2] = {(double)noise[0], (double)noise[1]}, z[2] = {x0[0], x0[1]}, path[STEPS][2], m[2], v[2];
        double x1[2] = {(double)(mu[0] + 0.3f * noise[2]), (double)(mu[1] + 0.3f * noise[3])};
        for (int s = 0; s < STEPS; s++) { /* midpoint rule of the flow; its velocities at mid-steps serve S, others V */
            double h = 1.0 / STEPS, t = s * h, half[2];
            rf__gauss_exact_at(&flow, z, t, 0, m, &(rf_gauss_answer){.v = v});
            for (int i = 0; i < 2; i++) half[i] = z[i] + h / 2 * v[i];
            rf__gauss_exact_at(&flow, half, t + h / 2, 0, m, &(rf_gauss_answer){.v = path[s]});
            for (int i = 0; i < 2; i++) z[i] += h * path[s][i], half[i] = (1 - t - h / 2) * x0[i] + (t + h / 2) * x1[i];
            rf__gauss_exact_at(&flow, half, t + h / 2, 0, m, &(rf_gauss_answer){.v = v});
            for (int i = 0; i < 2; i++) crossing += pow(x1[i] - x0[i] - v[i], 2) / STEPS;
        }
        for (int i = 0; i < 2; i++) {
            before += pow(x1[i] - x0[i], 2);
            after += pow(z[i] - x0[i], 2);
            for (int s = 0; s < STEPS; s++) straight += pow(z[i] - x0[i] - path[s][i], 2) / STEPS;
        }
    }
    near(before / SAMPLES, 18.03, 0.35);
    near(after / SAMPLES, 7.82, 0.2);
    near(straight / SAMPLES, 2.869, 0.12);
    near(crossing / SAMPLES, 7.374, 0.2);
    near((before - after) / (straight + crossing), 1, 0.02);
}

static void contradictions_are_refused(void **state) {
    (void)state;
    const float mean[] = {0, 1};
    const double weight[] = {1, 0};
    const int32_t label[] = {0, 2};
    rf_field field;
    rf_gauss_exact flow = {.scalars = 1, .components = 2, .mean = mean, .sd = 1};
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
    flow.reflowed = true;
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_EUNSUPPORTED);
    flow = (rf_gauss_exact){.scalars = 1, .components = 2, .mean = mean, .sd = 1, .weight = weight};
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_EINVAL);
    flow = (rf_gauss_exact){.scalars = 1, .components = 2, .mean = mean, .sd = 1, .label = label, .classes = 2};
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "component 1 has class 2, expected 0 .. 1"));
    flow = (rf_gauss_exact){.scalars = 1, .components = 2, .mean = mean, .t_max = 1};
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(straightness_and_crossing),     cmocka_unit_test(map_solves_the_velocity),
                                       cmocka_unit_test(mixture_is_the_posterior_average), cmocka_unit_test(points_pull_to_the_nearest),
                                       cmocka_unit_test(equivalent_outputs),            cmocka_unit_test(one_step_of_the_2rf_is_exact),
                                       cmocka_unit_test(classes_choose_components),     cmocka_unit_test(eight_gaussians),
                                       cmocka_unit_test(contradictions_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
