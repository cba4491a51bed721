/* plugins_test.c - every entry of the plug-in tables: densities against their own samples, paths at their ends, names. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "batch.h"
#include "loss.h"
#include "optim.h"

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov: sup |empirical - cdf| * sqrt(n) exceeds 1.95 with probability 0.001. */
static void time_laws_follow_their_cdf(void **state) {
    (void)state;
    enum { N = 20000 };
    static double t[N];
    static float u[N];
    const double eps = 1e-3, shape = 1;
    rf__rng_uniform(7, RF_STREAM_TIME, 0, N, u);
    for (int law = 0; rf__time_laws()[law]; law++) {
        const rf_time_law *l = (const rf_time_law *)rf__time_laws()[law];
        if (l->discrete) continue;
        for (int i = 0; i < N; i++) t[i] = rf__time_at(l, shape, eps, (double)u[i]);
        qsort(t, N, sizeof *t, compare);
        assert_true(t[0] >= eps && t[N - 1] <= 1);
        double worst = 0;
        for (int i = 0; i < N; i++) {
            double c = l->cdf((t[i] - eps) / (1 - eps), shape);
            worst = fmax(worst, fmax(fabs(c - (double)i / N), fabs(c - (double)(i + 1) / N)));
        }
        assert_true(worst * sqrt(N) < 1.95);
    }
}

static void time_laws_are_densities(void **state) {
    (void)state;
    const double shape = 1;
    for (int law = 0; rf__time_laws()[law]; law++) {
        const rf_time_law *l = (const rf_time_law *)rf__time_laws()[law];
        if (l->discrete) continue;
        double sum = 0;
        for (int i = 0; i < 1000; i++) {
            double t = (i + 0.5) / 1000;
            sum += l->pdf(t, shape) / 1000;
            assert_true(fabs(l->cdf((i + 1) / 1000.0, shape) - sum) < 1e-4);
            assert_true(fabs(l->cdf(l->inverse(t, shape), shape) - t) < 1e-9);
        }
        assert_true(fabs(sum - 1) < 1e-4);
    }
}

static void paths_join_noise_and_data(void **state) {
    (void)state;
    const float x0[3] = {1, -2, 0.5f}, x1[3] = {0.25f, 3, -1}, extra[3] = {-0.5f, 4, 2};
    for (int i = 0; rf__paths()[i]; i++) {
        const rf_path *path = (const rf_path *)rf__paths()[i];
        if (path->still) continue;
        const rf_path_ends ends = {x0, x1, extra, 3, 1};
        float xt[3], v[3], near[3], unused[3];
        path->point(&ends, 0, xt, v);
        for (int k = 0; k < 3; k++) assert_true(xt[k] == x0[k]);
        path->point(&ends, 1, xt, v);
        for (int k = 0; k < 3; k++) assert_true(xt[k] == x1[k]);
        /* The target is the path's own derivative. */
        path->point(&ends, 0.5f, xt, v);
        path->point(&ends, 0.5f + 1.0f / 256, near, unused);
        for (int k = 0; k < 3; k++) {
            assert_true(fabs((double)(near[k] - xt[k]) * 256 - (double)v[k]) < 0.05); /* half way, an even acceleration has its mean speed */
        }
    }
}

static void linear_path_by_hand(void **state) {
    (void)state;
    const float x0[1] = {2}, x1[1] = {6};
    float xt, v;
    const rf_path_ends ends = {x0, x1, NULL, 1, 0};
    ((const rf_path *)rf__paths()[0])->point(&ends, 0.25f, &xt, &v);
    assert_true(xt == 3 && v == 4);
}

/* Data predicted from x_t by an answer is x1 + reach (answer - target): for the linear path x_t + (1-t) v, for the first velocity of an even
 * acceleration x_t + (v/h)(1 - ht - (1-h)t^2), behind a given first velocity x_t + (1-t) v0 + (1-t^2)/2 a. */
static void reach_carries_an_answer_to_the_data(void **state) {
    (void)state;
    const float x0[1] = {-0.75f}, x1[1] = {2}, extra[1] = {1.25f};
    for (int i = 0; rf__paths()[i]; i++) {
        const rf_path *path = (const rf_path *)rf__paths()[i];
        for (int k = 0; k < 5 && path->reach; k++) {
            double t = k / 4.0, h = 1.5, off = 0.3;
            const rf_path_ends ends = {x0, x1, extra, 1, h};
            float xt, want;
            path->point(&ends, (float)t, &xt, &want);
            bool first = !strcmp(path->is.name, "caf_velocity");
            double answer = (double)want + off, base = path->informed ? ((1 - t) - (1 - t * t)) * (double)extra[0] : 0; /* a = 2 (answer - v0) */
            double factor = path->informed ? 1 - t * t : first ? (1 - h * t - (1 - h) * t * t) / h : 1 - t;
            double data = (double)xt + base + factor * answer;
            assert_true(fabs(data - ((double)x1[0] + path->reach(t, h) * off)) < 1e-5);
        }
    }
}

/* First velocity and acceleration of CAF: x0 + v0 + a/2 is x1 for any first velocity; with h = 1 nothing is left to accelerate. */
static void acceleration_closes_the_gap(void **state) {
    (void)state;
    const rf_path *push = (const rf_path *)rf__plugin_find(rf__paths(), "train.path", "caf_acceleration");
    const rf_path *speed = (const rf_path *)rf__plugin_find(rf__paths(), "train.path", "caf_velocity");
    const float x0[1] = {0.5f}, x1[1] = {-1.5f};
    for (int k = 0; k <= 4; k++) {
        float h = 0.5f * (float)k, v0, mean, xt;
        const rf_path_ends first = {x0, x1, NULL, 1, (double)h};
        speed->point(&first, 0.25f, &xt, &v0);
        const rf_path_ends second = {x0, x1, &v0, 1, (double)h};
        push->point(&second, 0.25f, &xt, &mean);
        float a = 2 * (mean - v0);
        assert_true(fabsf(x0[0] + v0 + a / 2 - x1[0]) < 1e-6f);
        assert_true(fabsf(a - (h > 0 ? 2 * (1 / h - 1) * v0 : 2 * (x1[0] - x0[0]))) < 1e-5f);
        if (k == 2) assert_true(a == 0);
    }
}

/* Two straight pairs that cross half way (caf.md section 5, statement 7): a network of (x, t) sees one point with two answers and must miss by half
 * of what lies between them; told the first velocity it sees two points. */
static void a_first_velocity_parts_what_crosses(void **state) {
    (void)state;
    const float x0[2][2] = {{-1, -1}, {-1, 1}}, x1[2][2] = {{1, 1}, {1, -1}};
    const rf_path *line = (const rf_path *)rf__plugin_find(rf__paths(), "train.path", "linear");
    const rf_path *push = (const rf_path *)rf__plugin_find(rf__paths(), "train.path", "caf_acceleration");
    float at[2][2], answer[2][2], told[2][2];
    for (int k = 0; k < 2; k++) {
        const rf_path_ends ends = {x0[k], x1[k], NULL, 2, 0};
        line->point(&ends, 0.5f, at[k], answer[k]);
    }
    assert_memory_equal(at[0], at[1], sizeof at[0]);
    assert_true(answer[0][1] == 2 && answer[1][1] == -2); /* V = 4 at this time */
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 2; i++) told[k][i] = 0.9f * (x1[k][i] - x0[k][i]); /* a first network that is 10 % off */
        const rf_path_ends ends = {x0[k], x1[k], told[k], 2, 0};
        push->point(&ends, 0.5f, at[k], answer[k]);
    }
    assert_true(told[0][1] - told[1][1] > 3 && answer[0][1] == 2 && answer[1][1] == -2);
}

static void weights_by_hand(void **state) {
    (void)state;
    const struct { const char *name; double t, want; } cases[] = {{"one", 0.3, 1}, {"t", 0.3, 0.3}, {"t", 0, 0}, {"t", 1, 1},
                                                                  {"inverse", 0, 1}, {"inverse", 0.75, 4}, {"inverse", 1, 50}, {"reciprocal", 0.05, 1 / 0.23}, {"reciprocal", 1, 1 / 2.3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rf_weight *w = (const rf_weight *)rf__plugin_find(rf__loss_weights(), "train.weight", cases[i].name);
        assert_true(fabs(w->at(cases[i].t) - cases[i].want) < 1e-12);
    }
}

/* Distillation asks at the nodes of k Euler steps, each as often as the others; one step asks at t = 0 alone. */
static void nodes_are_those_of_euler_steps(void **state) {
    (void)state;
    const rf_time_law *l = (const rf_time_law *)rf__plugin_find(rf__time_laws(), "train.time", "nodes");
    int count[4] = {0};
    for (int i = 0; i < 1000; i++) {
        double t = l->inverse(i / 1000.0, 4);
        assert_true(t * 4 == floor(t * 4) && t < 1 && l->inverse(i / 1000.0, 0) == 0);
        count[(int)(4 * t)]++;
    }
    for (int k = 0; k < 4; k++) assert_true(count[k] == 250 && l->pdf(k / 4.0, 4) == 0.25 && l->cdf(k / 4.0, 4) == (k + 1) / 4.0);
    assert_true(l->pdf(0.1, 4) == 0);
}

/* Closed forms of rfpp.md section 2 and simple-reflow.md section 2. */
static void time_laws_have_their_moments(void **state) {
    (void)state;
    const rf_time_law *u = (const rf_time_law *)rf__plugin_find(rf__time_laws(), "train.time", "cosh");
    const rf_time_law *e = (const rf_time_law *)rf__plugin_find(rf__time_laws(), "train.time", "exponential");
    assert_true(fabs(u->pdf(0, 0) - 2.0746) < 1e-4 && fabs(u->pdf(1, 0) - 2.0746) < 1e-4 && fabs(u->pdf(0.5, 0) - 0.5514) < 1e-4);
    assert_true(fabs(e->pdf(0, 0) - 2.558) < 1e-3 && fabs(e->pdf(1, 0) - 0.256) < 1e-3);
    double mean_u = 0, square_u = 0, mean_e = 0;
    for (int i = 0; i < 100000; i++) {
        double q = (i + 0.5) / 100000, a = u->inverse(q, 0);
        assert_true(fabs(a + u->inverse(1 - q, 0) - 1) < 1e-9); /* symmetric */
        mean_u += a / 100000;
        square_u += a * a / 100000;
        mean_e += e->inverse(q, 0) / 100000;
    }
    assert_true(fabs(mean_u - 0.5) < 1e-6 && fabs(square_u - mean_u * mean_u - 0.1157) < 1e-4);
    assert_true(fabs(mean_e - 0.32318) < 1e-5);
}

/* A bin's weight is one over its mean loss, and bins know nothing of each other. */
static void time_scale_levels_the_loss(void **state) {
    (void)state;
    rf_time_scale scale = {0};
    assert_true(rf__time_scale_at(&scale, 0.5) == 1 && rf__time_scale_at(NULL, 0.5) == 1);
    const float loss[] = {4, 0.25f, 4, (float)NAN}, t[] = {0.1f, 1, 0.1f, 0.1f};
    rf__time_scale_add(&scale, loss, t, 4);
    assert_true(fabs(rf__time_scale_at(&scale, 0.1) - 0.25) < 1e-6 && fabs(rf__time_scale_at(&scale, 0.999) - 4) < 1e-5);
    assert_true(rf__time_scale_at(&scale, 0.5) == 1);
}

static void unknown_names_list_the_known(void **state) {
    (void)state;
    assert_null(rf__plugin_find(rf__couplings(), "train.coupling", "nearest"));
    assert_non_null(strstr(rf_last_error(), "train.coupling is \"nearest\""));
    assert_non_null(strstr(rf_last_error(), "independent"));
}

static void entries_are_complete(void **state) {
    (void)state;
    const rf_plugin *const *tables[] = {rf__couplings(), rf__time_laws(), rf__paths(), rf__targets(), rf__metrics(), rf__loss_weights(),
                                        rf__lr_schedules(), rf__sources()};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (int k = 0; tables[i][k]; k++) {
            assert_true(tables[i][k]->name && tables[i][k]->source && tables[i][k]->help);
            assert_ptr_equal(rf__plugin_find(tables[i], "key", tables[i][k]->name), tables[i][k]);
        }
}

/* ---- a batch ---- */

typedef struct rows {
    float x0[64], x1[64], xt[64], target[64], t[32], weight[32];
    int32_t label[32], key[64];
} rows;

static void fill(const rf_batch_plan *plan, uint64_t first, int64_t count, rows *out) {
    rf_batch batch = {.rows = count, .scalars = 2, .seed = 3, .first = first, .x0 = out->x0, .x1 = out->x1, .t = out->t, .xt = out->xt,
                      .target = out->target, .weight = out->weight, .label = out->label, .drop_key = out->key};
    assert_int_equal(rf__batch_fill(plan, &batch), RF_OK);
}

static void rows_depend_on_their_number_alone(void **state) {
    (void)state;
    rf_source source = {0};
    rf_data_config data = {.name = "8gauss"};
    assert_int_equal(rf__source_open(&source, &data), RF_OK);
    rf_batch_plan plan = {.coupling = (const rf_coupling *)rf__couplings()[0], .pair = {.data = &source},
                          .time = (const rf_time_law *)rf__time_laws()[0], .path = (const rf_path *)rf__paths()[0],
                          .weight = (const rf_weight *)rf__loss_weights()[0], .label_drop = 0.5, .null_label = 10, .batch = 32};
    rows whole = {0}, part = {0};
    fill(&plan, (uint64_t)1 << 33, 32, &whole);
    fill(&plan, ((uint64_t)1 << 33) + 20, 12, &part);
    assert_memory_equal(whole.xt + 40, part.xt, 24 * sizeof(float));
    assert_memory_equal(whole.target + 40, part.target, 24 * sizeof(float));
    assert_memory_equal(whole.t + 20, part.t, 12 * sizeof(float));
    assert_memory_equal(whole.label + 20, part.label, 12 * sizeof(int32_t));
    assert_int_equal(whole.key[1], 2); /* high word of 2^33 */
    assert_int_equal(part.key[0], 20);
    int dropped = 0;
    for (int i = 0; i < 32; i++) dropped += whole.label[i] == 10;
    assert_true(dropped > 4 && dropped < 28);
    assert_true(whole.weight[0] == 1.0f / 32);
    rf__source_close(&source);
}

/* Mean and spread of the toy: E|x|^2 = 16 + 2 sd^2, and the exact velocity at t = 0 is E[x1] - x. */
static void toy_has_its_moments(void **state) {
    (void)state;
    rf_source source = {0};
    rf_data_config data = {.name = "8gauss"};
    assert_int_equal(rf__source_open(&source, &data), RF_OK);
    double square = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        float x[2];
        assert_int_equal(source.kind->draw(&source, 1, i, x, NULL), RF_OK);
        square += (double)(x[0] * x[0] + x[1] * x[1]) / 20000;
    }
    assert_true(fabs(square - 16.18) < 0.1);
    const float x[2] = {0.7f, -0.2f};
    float v[2];
    source.kind->velocity(x, 0, v);
    assert_true(fabsf(v[0] + x[0]) < 1e-5f && fabsf(v[1] + x[1]) < 1e-5f);
    rf__source_close(&source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_laws_follow_their_cdf), cmocka_unit_test(time_laws_are_densities), cmocka_unit_test(paths_join_noise_and_data),
        cmocka_unit_test(linear_path_by_hand), cmocka_unit_test(reach_carries_an_answer_to_the_data),
        cmocka_unit_test(acceleration_closes_the_gap), cmocka_unit_test(a_first_velocity_parts_what_crosses), cmocka_unit_test(weights_by_hand), cmocka_unit_test(time_laws_have_their_moments), cmocka_unit_test(nodes_are_those_of_euler_steps),
        cmocka_unit_test(time_scale_levels_the_loss), cmocka_unit_test(unknown_names_list_the_known), cmocka_unit_test(entries_are_complete),
        cmocka_unit_test(rows_depend_on_their_number_alone), cmocka_unit_test(toy_has_its_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
