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
    const float x0[3] = {1, -2, 0.5f}, x1[3] = {0.25f, 3, -1};
    for (int i = 0; rf__paths()[i]; i++) {
        const rf_path *path = (const rf_path *)rf__paths()[i];
        if (path->still) continue;
        float xt[3], v[3], near[3], unused[3];
        path->point(x0, x1, 0, 3, xt, v);
        for (int k = 0; k < 3; k++) assert_true(xt[k] == x0[k]);
        path->point(x0, x1, 1, 3, xt, v);
        for (int k = 0; k < 3; k++) assert_true(xt[k] == x1[k]);
        /* The target is the path's own derivative. */
        path->point(x0, x1, 0.5f, 3, xt, v);
        path->point(x0, x1, 0.5f + 1.0f / 256, 3, near, unused);
        for (int k = 0; k < 3; k++) assert_true(fabs((double)(near[k] - xt[k]) * 256 - (double)v[k]) < 0.05);
    }
}

static void linear_path_by_hand(void **state) {
    (void)state;
    const float x0[1] = {2}, x1[1] = {6};
    float xt, v;
    ((const rf_path *)rf__paths()[0])->point(x0, x1, 0.25f, 1, &xt, &v);
    assert_true(xt == 3 && v == 4);
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
        cmocka_unit_test(linear_path_by_hand), cmocka_unit_test(unknown_names_list_the_known), cmocka_unit_test(entries_are_complete),
        cmocka_unit_test(rows_depend_on_their_number_alone), cmocka_unit_test(toy_has_its_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
