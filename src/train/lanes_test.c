/* lanes_test.c - a step's bytes do not depend on threads; micro-batches add up to the batch; a small network learns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../base/memory.h"
#include "lanes.h"
#include "loss.h"
#include "optim.h"

enum { BATCH = 96, WIDTH = 32 };

/* A network of two layers on (x, t), its plan for `rows` rows, and lanes over it. */
typedef struct fixture {
    rf_graph *graph;
    rf_weights *weights;
    rf_plan *plan;
    rf_pool *pool;
    rf_source source;
    rf_batch_plan fill;
    rf_lanes lanes;
} fixture;

static const rf_model_shape shape = {.height = 1, .width = 1, .channels = 2, .flat = true};

static void set_up(fixture *f, int64_t rows, int lanes, int threads) {
    *f = (fixture){0};
    rf_graph *g = f->graph = rf__graph_create(RF_F32);
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape2(rows, 2)), *t = rf__input(g, "t", RF_F32, rf__shape1(rows));
    rf_node *target = rf__input(g, "target", RF_F32, rf__shape2(rows, 2)), *weight = rf__input(g, "row_weight", RF_F32, rf__shape1(rows));
    rf_init init = {RF_INIT_FAN_IN_UNIFORM, 1}, zero = {RF_INIT_ZERO, 0};
    rf_node *h = rf__concat(g, x, rf__reshape(g, t, rf__shape2(rows, 1)));
    h = rf__silu(g, rf__linear(g, h, rf__param(g, "a.weight", rf__shape2(WIDTH, 3), init), rf__param(g, "a.bias", rf__shape1(WIDTH), zero)));
    rf_node *v = rf__linear(g, h, rf__param(g, "b.weight", rf__shape2(2, WIDTH), init), rf__param(g, "b.bias", rf__shape1(2), zero));
    rf_node *loss = rf__loss_build(g, &(rf_loss_plan){.target = (const rf_target *)rf__targets()[0], .metric = (const rf_metric *)rf__metrics()[0]},
                                   &(rf_loss_inputs){.v = v, .wanted = target, .x = x, .t = t, .weight = weight});
    assert_int_equal(rf_grad(g, loss, NULL), RF_OK);
    assert_int_equal(rf__weights_create(&f->weights, g), RF_OK);
    rf__weights_init(f->weights, 1);
    f->pool = rf__pool_create(threads);
    assert_int_equal(rf__plan_build(&f->plan, g, f->weights, rf__kernels()), RF_OK);
    assert_int_equal(rf__weights_refresh(f->weights, f->pool), RF_OK);
    rf_data_config data = {.name = "8gauss"};
    assert_int_equal(rf__source_open(&f->source, &data), RF_OK);
    f->fill = (rf_batch_plan){.coupling = (const rf_coupling *)rf__couplings()[0], .pair = {.data = &f->source},
                              .time = (const rf_time_law *)rf__time_laws()[0], .path = (const rf_path *)rf__paths()[0],
                              .weight = (const rf_weight *)rf__loss_weights()[0], .batch = BATCH};
    assert_int_equal(rf__lanes_init(&f->lanes, f->plan, NULL, rf__weights_trained(f->weights), &shape, &f->fill, rows, lanes, 5, f->pool), RF_OK);
}

static void tear_down(fixture *f) {
    rf__lanes_fini(&f->lanes);
    rf__source_close(&f->source);
    rf__plan_free(&f->plan);
    rf__pool_free(&f->pool);
    rf__weights_free(&f->weights);
    rf__graph_free(&f->graph);
}

/* 20 updates; the weights afterwards in w. Returns the mean loss of the last batch. */
static double train(int64_t rows, int lanes, int threads, int steps, float *w, int64_t *count) {
    fixture f;
    set_up(&f, rows, lanes, threads);
    rf_optim optim;
    rf_optim_config config = {.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .clip = 1, .ema = 0.9, .steps = steps,
                              .schedule = (const rf_lr_schedule *)rf__lr_schedules()[0]};
    int64_t trained = rf__weights_trained(f.weights);
    assert_int_equal(rf__optim_init(&optim, &config, trained), RF_OK);
    float *ema = rf__alloc_array((size_t)trained, sizeof(float)), *all = rf__weights_all(f.weights, count);
    double loss = 0;
    for (int step = 0; step < steps; step++) {
        assert_int_equal(rf__lanes_run(&f.lanes, (uint64_t)step), RF_OK);
        double norm2 = rf__optim_reduce(&optim, f.pool, f.lanes.grads, f.lanes.lanes);
        assert_true(rf__optim_step(&optim, f.pool, all, ema, f.lanes.grads[0], norm2, step));
        assert_int_equal(rf__weights_refresh(f.weights, f.pool), RF_OK);
        loss = 0;
        for (int i = 0; i < BATCH; i++) loss += (double)f.lanes.loss[i] / BATCH;
    }
    assert_true(trained <= 512);
    memcpy(w, all, (size_t)trained * sizeof(float));
    *count = trained;
    rf__free(ema);
    rf__optim_fini(&optim);
    tear_down(&f);
    return loss;
}

static void threads_do_not_change_bytes(void **state) {
    (void)state;
    float one[512], more[512];
    int64_t count;
    for (int lanes = 1; lanes <= 6; lanes += 5) {
        train(8, lanes, 1, 20, one, &count);
        for (int threads = 2; threads <= 5; threads++) {
            train(8, lanes, threads, 20, more, &count);
            assert_memory_equal(one, more, (size_t)count * sizeof(float));
        }
    }
}

/* The gradient of 96 rows is the sum over micro-batches of any size, up to rounding. */
static void micro_batches_add_up(void **state) {
    (void)state;
    fixture whole, parts;
    set_up(&whole, BATCH, 1, 1);
    set_up(&parts, 8, 5, 2);
    assert_int_equal(rf__lanes_run(&whole.lanes, 3), RF_OK);
    assert_int_equal(rf__lanes_run(&parts.lanes, 3), RF_OK);
    assert_memory_equal(whole.lanes.t, parts.lanes.t, sizeof(float) * BATCH);
    int64_t count = rf__weights_trained(whole.weights);
    double top = 0, worst = 0;
    for (int64_t i = 0; i < count; i++) {
        double sum = 0, want = (double)whole.lanes.grads[0][i];
        for (int l = 0; l < parts.lanes.lanes; l++) sum += (double)parts.lanes.grads[l][i];
        top = fmax(top, fabs(want));
        worst = fmax(worst, fabs(sum - want));
    }
    assert_true(top > 0 && worst < 1e-5 * top);
    tear_down(&whole);
    tear_down(&parts);
}

static void lanes_without_work_are_not_made(void **state) {
    (void)state;
    fixture f;
    set_up(&f, BATCH / 2, 8, 1);
    assert_int_equal(f.lanes.lanes, 2);
    tear_down(&f);
}

static void a_batch_that_does_not_divide_is_refused(void **state) {
    (void)state;
    fixture f;
    set_up(&f, 8, 1, 1);
    rf_lanes lanes;
    assert_int_equal(rf__lanes_init(&lanes, f.plan, NULL, 512, &shape, &f.fill, 7, 1, 5, f.pool), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "96"));
    tear_down(&f);
}

static void a_small_network_learns(void **state) {
    (void)state;
    float w[512];
    int64_t count;
    double first = train(32, 3, 2, 1, w, &count), last = train(32, 3, 2, 300, w, &count);
    assert_true(first > 8 && last < 0.75 * first); /* from E|x1-x0|^2 / 2 = 9 to below 5.5 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_bytes), cmocka_unit_test(micro_batches_add_up), cmocka_unit_test(lanes_without_work_are_not_made),
        cmocka_unit_test(a_batch_that_does_not_divide_is_refused), cmocka_unit_test(a_small_network_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
