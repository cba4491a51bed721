/* optim_test.c - Adam, AdamW, clip, EMA and the lane sums against their formulas in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "optim.h"

enum { N = 40000 /* three blocks, the last one short */, LANES = 3 };

static rf_optim_config config(const char *schedule) {
    return (rf_optim_config){.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .ema = 0.9, .steps = 100,
                             .schedule = (const rf_lr_schedule *)rf__plugin_find(rf__lr_schedules(), "schedule", schedule)};
}

static double norm2_of(const float *x) {
    double sum = 0;
    for (int i = 0; i < N; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

/* Steps with gradients that change, against the textbook update of one coordinate after the other. */
static void check_adam(double decay, double clip) {
    rf_optim optim;
    rf_optim_config c = config("constant");
    c.weight_decay = decay;
    c.clip = clip;
    assert_int_equal(rf__optim_init(&optim, &c, N), RF_OK);
    float *w = rf__alloc_array(N, 4), *ema = rf__alloc_array(N, 4), *g = rf__alloc_array(N, 4);
    double *W = rf__alloc_array(N, 8), *M = rf__alloc_array(N, 8), *V = rf__alloc_array(N, 8), *E = rf__alloc_array(N, 8);
    rf__rng_normal(1, 70, 0, N, w);
    for (int i = 0; i < N; i++) W[i] = E[i] = (double)(ema[i] = w[i]);
    for (int step = 0; step < 5; step++) {
        rf__rng_normal(2, 70, (uint64_t)step * N, N, g);
        double norm2 = norm2_of(g), scale = clip > 0 && sqrt(norm2) > clip ? clip / sqrt(norm2) : 1;
        double ramp = (1.0 + step) / (10.0 + step), beta = ramp < c.ema ? ramp : c.ema;
        for (int i = 0; i < N; i++) {
            double grad = (double)g[i] * scale;
            M[i] = c.beta1 * M[i] + (1 - c.beta1) * grad;
            V[i] = c.beta2 * V[i] + (1 - c.beta2) * grad * grad;
            double mhat = M[i] / (1 - pow(c.beta1, step + 1)), vhat = V[i] / (1 - pow(c.beta2, step + 1));
            W[i] -= c.lr * (mhat / (sqrt(vhat) + c.eps) + decay * W[i]);
            E[i] = beta * E[i] + (1 - beta) * W[i];
        }
        assert_true(rf__optim_step(&optim, NULL, w, ema, g, norm2, step));
    }
    for (int i = 0; i < N; i++) {
        assert_true(fabs((double)w[i] - W[i]) < 2e-5);
        assert_true(fabs((double)ema[i] - E[i]) < 2e-5);
        assert_true(g[i] == 0); /* ready for the next step */
    }
    rf__optim_fini(&optim);
    rf__free(w), rf__free(ema), rf__free(g), rf__free(W), rf__free(M), rf__free(V), rf__free(E);
}

static void adam_is_the_textbook_one(void **state) {
    (void)state;
    check_adam(0, 0);
}

static void adamw_decays_and_clips(void **state) {
    (void)state;
    check_adam(0.1, 1);
}

static void not_finite_is_skipped(void **state) {
    (void)state;
    rf_optim optim;
    rf_optim_config c = config("constant");
    assert_int_equal(rf__optim_init(&optim, &c, 4), RF_OK);
    float w[4] = {1, 2, 3, 4}, ema[4] = {1, 2, 3, 4}, g[4] = {0, NAN, 1, 1};
    float *grads[1] = {g};
    double norm2 = rf__optim_reduce(&optim, NULL, grads, 1);
    assert_false(isfinite(norm2));
    assert_false(rf__optim_step(&optim, NULL, w, ema, g, norm2, 0));
    assert_int_equal(optim.skipped, 1);
    assert_int_equal(optim.updates, 0);
    for (int i = 0; i < 4; i++) assert_true(w[i] == i + 1 && ema[i] == i + 1 && optim.m[i] == 0 && optim.v[i] == 0 && g[i] == 0);
    rf__optim_fini(&optim);
}

static void lanes_add_in_order(void **state) {
    (void)state;
    rf_optim optim;
    rf_optim_config c = config("constant");
    assert_int_equal(rf__optim_init(&optim, &c, N), RF_OK);
    float *grads[LANES], *want = rf__alloc_array(N, 4);
    for (int l = 0; l < LANES; l++) {
        grads[l] = rf__alloc_array(N, 4);
        rf__rng_normal(5, 70, (uint64_t)l * N, N, grads[l]);
        for (int i = 0; i < N; i++) want[i] = l ? want[i] + grads[l][i] : grads[l][i];
    }
    rf_pool *pool = rf__pool_create(2);
    double norm2 = rf__optim_reduce(&optim, pool, grads, LANES), exact = norm2_of(want);
    assert_memory_equal(grads[0], want, N * sizeof(float));
    assert_true(fabs(norm2 - exact) < 1e-4 * exact);
    for (int i = 0; i < N; i++) assert_true(grads[1][i] == 0 && grads[2][i] == 0);
    rf__pool_free(&pool);
    for (int l = 0; l < LANES; l++) rf__free(grads[l]);
    rf__free(want);
    rf__optim_fini(&optim);
}

static void schedules(void **state) {
    (void)state;
    rf_optim_config c = config("cosine");
    c.warmup = 10;
    c.steps = 110;
    assert_true(fabs(rf__optim_lr(&c, 0) - 1e-3) < 1e-12);
    assert_true(fabs(rf__optim_lr(&c, 9) - 1e-2) < 1e-12);
    assert_true(fabs(rf__optim_lr(&c, 10) - 1e-2) < 1e-12);
    assert_true(fabs(rf__optim_lr(&c, 60) - 5e-3) < 1e-12);
    assert_true(rf__optim_lr(&c, 110) < 1e-12);
    c.schedule = (const rf_lr_schedule *)rf__plugin_find(rf__lr_schedules(), "schedule", "constant");
    assert_true(rf__optim_lr(&c, 60) == 1e-2);
}

/* Power law: after n updates the weight of value k is ~ k^8, so the mean age of the average of 0..n is n/10. */
static void ema_is_a_power_law_below_its_cap(void **state) {
    (void)state;
    double average = 0;
    const int n = 100000;
    for (int k = 0; k < n; k++) {
        double beta = rf__ema_decay(0.999999, k);
        average = beta * average + (1 - beta) * k;
    }
    assert_true(fabs(average / n - 0.9) < 1e-3);
    assert_true(rf__ema_decay(0.5, 1000) == 0.5);
    assert_true(rf__ema_decay(0.999, 0) == 0.1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_is_the_textbook_one), cmocka_unit_test(adamw_decays_and_clips), cmocka_unit_test(not_finite_is_skipped),
        cmocka_unit_test(lanes_add_in_order), cmocka_unit_test(schedules), cmocka_unit_test(ema_is_a_power_law_below_its_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
