/* graph_test.c - every operation: its value against a formula in double, its gradient against central differences, in f32
 * under the tables of this machine and of plain C; then what the planner promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/cpu.h"
#include "../base/rng.h"
#include "op_cases.h"
#include "plan.h"

/* One compiled case: y = op(a, b, c) and loss = sum y * probe, with gradients to all three. */
typedef struct compiled {
    rf_graph *graph;
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    float *grads, *value[3], *grad[3];
    int64_t count[3];
    float *y, *probe, *loss;
    int64_t y_count;
} compiled;

static void fill_random(float *out, int64_t count, uint32_t stream) {
    rf__rng_normal(7, stream, 0, count, out);
}

static void compile(compiled *o, const op_case *spec, rf_dtype dtype, const rf_kernels *kernels) {
    static const char *const names[] = {"a", "b", "c"};
    const rf_shape *shapes[] = {&spec->a, &spec->b, &spec->c};
    const bool params[] = {false, spec->b_is_param, spec->c_is_param};
    rf_node *in[3] = {0};
    memset(o, 0, sizeof *o);
    o->graph = rf__graph_create(dtype);
    for (int k = 0; k < 3; k++) {
        if (!shapes[k]->rank) continue;
        in[k] = params[k] ? rf__param(o->graph, names[k], *shapes[k], (rf_init){RF_INIT_NORMAL, 1})
                          : rf__input(o->graph, names[k], RF_F32, *shapes[k]);
        o->count[k] = rf__shape_count(shapes[k]);
    }
    rf_node *y = spec->build(o->graph, in[0], in[1], in[2]);
    assert_int_equal(rf__graph_status(o->graph), RF_OK);
    rf_node *probe = rf__input(o->graph, "probe", RF_F32, rf__node_shape(y));
    rf_node *loss = rf__sum(o->graph, rf__mul(o->graph, rf__to_f32(o->graph, y), probe), 1);
    rf_shape y_shape = rf__node_shape(y);
    o->y_count = rf__shape_count(&y_shape);
    rf__output(o->graph, "loss", loss);
    rf__output(o->graph, "y", y);
    assert_int_equal(rf_grad(o->graph, loss, (const char *const[]){"a", "b", "c", NULL}), RF_OK);
    assert_int_equal(rf__weights_create(&o->weights, o->graph), RF_OK);
    rf__weights_init(o->weights, 3);
    o->grads = rf__alloc_array((size_t)rf__weights_trained(o->weights) + 16, sizeof(float));
    assert_int_equal(rf__plan_build(&o->plan, o->graph, o->weights, kernels), RF_OK);
    assert_int_equal(rf__exec_create(&o->exec, o->plan, 1), RF_OK);
    rf__exec_bind_grads(o->exec, o->grads);
    for (int k = 0; k < 3; k++) {
        if (!in[k]) continue;
        char name[16];
        snprintf(name, sizeof name, "grad:%s", names[k]);
        int index = rf__weights_find(o->weights, names[k]);
        o->value[k] = params[k] ? rf__weights_data(o->weights, index) : rf__exec_buffer(o->exec, names[k]);
        o->grad[k] = params[k] ? o->grads + rf__weights_offset(o->weights, index) : rf__exec_buffer(o->exec, name);
        assert_non_null(o->value[k]);
        assert_non_null(o->grad[k]);
        fill_random(o->value[k], o->count[k], 100 + (uint32_t)k);
    }
    o->y = rf__exec_buffer(o->exec, "y");
    o->probe = rf__exec_buffer(o->exec, "probe");
    o->loss = rf__exec_buffer(o->exec, "loss");
    fill_random(o->probe, o->y_count, 200);
    rf__weights_refresh(o->weights, NULL);
}

static void release(compiled *o) {
    rf__exec_free(&o->exec);
    rf__plan_free(&o->plan);
    rf__weights_free(&o->weights);
    rf__graph_free(&o->graph);
    rf__free(o->grads);
}

static void run(compiled *o) {
    memset(o->grads, 0, (size_t)rf__weights_trained(o->weights) * sizeof(float));
    rf__weights_refresh(o->weights, NULL);
    assert_int_equal(rf__exec_run(o->exec, NULL), RF_OK);
}

/* sum y * probe with y in f32 and the sum in double: the f32 loss itself is too coarse for differences. */
static double loss_in_double(compiled *o) {
    double sum = 0;
    run(o);
    for (int64_t i = 0; i < o->y_count; i++) sum += (double)o->y[i] * o->probe[i];
    return sum;
}

/* f32 rounding of y (6e-8 relative) over a step of 2h = 2e-2 leaves about 1e-5; the cubic term of the central difference is
 * h^2/6 f''' = 2e-5 times third derivatives of order 10: 2e-3 of the largest gradient covers both. */
#define FD_STEP 1e-2f
#define FD_TOLERANCE 2e-3

static void check_case(const op_case *spec, const rf_kernels *kernels) {
    compiled o;
    compile(&o, spec, RF_F32, kernels);
    run(&o);
    double largest = 1e-6;
    for (int64_t i = 0; i < o.y_count; i++) largest = fmax(largest, fabs(o.y[i]));
    for (int64_t i = 0; i < o.y_count; i++) {
        double expected = spec->expect(spec, o.value[0], o.value[1], o.value[2], i);
        if (!(fabs(o.y[i] - expected) <= 1e-5 * largest))
            fail_msg("%s (%s): y[%d] is %.8g, expected %.8g", spec->name, kernels->isa, (int)i, (double)o.y[i], expected);
    }
    for (int k = 0; k < 3; k++) {
        if (!o.value[k]) continue;
        float *analytic = malloc((size_t)o.count[k] * sizeof(float));
        run(&o);
        memcpy(analytic, o.grad[k], (size_t)o.count[k] * sizeof(float));
        double scale = 1e-3;
        for (int64_t i = 0; i < o.count[k]; i++) scale = fmax(scale, fabs(analytic[i]));
        for (int64_t i = 0; i < o.count[k]; i++) {
            float kept = o.value[k][i];
            o.value[k][i] = kept + FD_STEP;
            double up = loss_in_double(&o);
            o.value[k][i] = kept - FD_STEP;
            double down = loss_in_double(&o);
            o.value[k][i] = kept;
            double numeric = (up - down) / (2.0 * FD_STEP);
            /* a kink (relu, max) inside the step is not a mistake */
            bool kink = strstr(spec->name, "relu") || strstr(spec->name, "max");
            if (kink && fabs(analytic[i] - numeric) > FD_TOLERANCE * scale && fabs(kept) < 2 * FD_STEP) continue;
            if (!(fabs(analytic[i] - numeric) <= FD_TOLERANCE * scale))
                fail_msg("%s (%s): gradient of input %d, element %d is %.6g, differences give %.6g", spec->name, kernels->isa, k,
                         (int)i, (double)analytic[i], numeric);
        }
        free(analytic);
    }
    release(&o);
}

static void test_ops(const char *cap, const char *provider) {
    rf_kernels kernels;
    assert_int_equal(rf__kernels_select(&kernels, cap ? rf__cpu_cap(cap) : rf__cpu_flags(), provider), RF_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i], &kernels);
}
static void ops_ref(void **state) { (void)state; test_ops("ref", "ref"); }
static void ops_native(void **state) { (void)state; test_ops(NULL, "native"); }

/* bf16 keeps 8 bits: one rounding is 2^-9 = 2e-3; a value that went through a few of them stays within 2e-2 of the largest. */
static void ops_bf16(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        compiled o;
        compile(&o, &cases[n], RF_BF16, rf__kernels());
        run(&o);
        double largest = 1e-6;
        for (int64_t i = 0; i < o.y_count; i++) largest = fmax(largest, fabs(o.y[i]));
        for (int64_t i = 0; i < o.y_count; i++) {
            double expected = cases[n].expect(&cases[n], o.value[0], o.value[1], o.value[2], i);
            if (!(fabs(o.y[i] - expected) <= 2e-2 * largest))
                fail_msg("%s: bf16 y[%d] is %g, expected %g", cases[n].name, (int)i, (double)o.y[i], expected);
        }
        release(&o);
    }
}

/* Gradients of a parameter add up over runs and over uses. */
static void gradients_accumulate(void **state) {
    (void)state;
    compiled o;
    compile(&o, &cases[0], RF_F32, rf__kernels());
    run(&o);
    float once = o.grad[1][3];
    assert_int_equal(rf__exec_run(o.exec, NULL), RF_OK);
    assert_true(fabsf(o.grad[1][3] - 2 * once) <= 1e-5f * fabsf(once) + 1e-6f);
    release(&o);
}

static void errors_are_sentences(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape2(2, 5));
    rf__scope_push(g, "blocks.%d", 3);
    rf_node *w = rf__param(g, "fc.weight", rf__shape2(4, 6), (rf_init){RF_INIT_ZERO, 1});
    assert_null(rf__linear(g, x, w, NULL));
    assert_null(rf__silu(g, NULL));
    assert_int_equal(rf__graph_status(g), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "blocks.3."));
    assert_non_null(strstr(rf_last_error(), "4x6"));
    rf__graph_free(&g);
}

/* Embedding, cross-entropy, dropout and time features need integer inputs, so they have cases of their own. */
static void lookups(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *index = rf__input(g, "index", RF_I32, rf__shape1(3));
    rf_node *table = rf__param(g, "table", rf__shape2(4, 5), (rf_init){RF_INIT_NORMAL, 1});
    rf_node *logits = rf__embed(g, table, index);
    rf_node *label = rf__input(g, "label", RF_I32, rf__shape1(3));
    rf_node *loss = rf__sum(g, rf__cross_entropy(g, logits, label), 1);
    rf__output(g, "loss", loss);
    assert_int_equal(rf_grad(g, loss, NULL), RF_OK);
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    rf__weights_init(weights, 1);
    assert_int_equal(rf__plan_build(&plan, g, weights, NULL), RF_OK);
    assert_int_equal(rf__exec_create(&exec, plan, 1), RF_OK);
    float *grads = rf__alloc_array((size_t)rf__weights_trained(weights), sizeof(float)), *w = rf__weights_data(weights, 0);
    rf__exec_bind_grads(exec, grads);
    memcpy(rf__exec_buffer(exec, "index"), (int32_t[]){2, 0, 2}, 12);
    memcpy(rf__exec_buffer(exec, "label"), (int32_t[]){1, 4, 0}, 12);
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    double total = 0;
    const int rows[] = {2, 0, 2}, labels[] = {1, 4, 0};
    for (int r = 0; r < 3; r++) {
        double sum = 0;
        for (int k = 0; k < 5; k++) sum += exp(w[rows[r] * 5 + k]);
        total += log(sum) - w[rows[r] * 5 + labels[r]];
    }
    assert_true(fabs(total - *(float *)rf__exec_buffer(exec, "loss")) < 1e-5);
    /* rows 0: softmax - onehot; row 1 is not used */
    double sum = 0;
    for (int k = 0; k < 5; k++) sum += exp(w[k]);
    for (int k = 0; k < 5; k++) {
        assert_true(fabs(grads[k] - (exp(w[k]) / sum - (k == 4))) < 1e-5);
        assert_true(grads[5 + k] == 0);
    }
    rf__free(grads);
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__weights_free(&weights);
    rf__graph_free(&g);
}

/* Functions of t pass no gradient to it, so they cannot be cases. */
static void times(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_BF16);
    rf_node *t = rf__input(g, "t", RF_F32, rf__shape1(3)), *w = rf__buffer(g, "w", rf__shape2(1, 2), (rf_init){RF_INIT_ONE, 1});
    rf__output(g, "waves", rf__time_waves(g, t, w, 3, true));
    rf__output(g, "ratio", rf__time_ratio(g, t, 0.5f, 2, 1, -1, 0.25f));
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    memcpy(rf__weights_data(weights, 0), (float[]){0.5f, 4}, 8);
    assert_int_equal(rf__plan_build(&plan, g, weights, NULL), RF_OK);
    assert_int_equal(rf__exec_create(&exec, plan, 1), RF_OK);
    const float at[] = {0, 0.5f, 0.875f}, *waves = rf__exec_buffer(exec, "waves"), *ratio = rf__exec_buffer(exec, "ratio");
    memcpy(rf__exec_buffer(exec, "t"), at, sizeof at);
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    for (int i = 0; i < 12; i++) {
        double angle = 3.0 * (double)at[i / 4] * (i % 2 ? 4 : 0.5);
        assert_true(fabs((double)waves[i] - (i % 4 < 2 ? sin(angle) : cos(angle))) < 1e-6);
    }
    assert_true(ratio[0] == 0.5f && ratio[1] == 3 && ratio[2] == 9); /* the last denominator is 0.125, held at 0.25 */
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__weights_free(&weights);
    rf__graph_free(&g);
    g = rf__graph_create(RF_F32);
    assert_null(rf__time_ratio(g, rf__input(g, "t", RF_F32, rf__shape1(1)), 1, 0, 1, -1, 0));
    rf__graph_free(&g);
}

enum { MASKED = 2000 };

/* y and d(loss)/dx of a graph with a dropout, at x = 1. */
static void run_masked(rf_graph *g, float *y, float *dx) {
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    assert_int_equal(rf__plan_build(&plan, g, weights, NULL), RF_OK);
    assert_int_equal(rf__exec_create(&exec, plan, 1), RF_OK);
    float *x = rf__exec_buffer(exec, "x");
    for (int i = 0; i < MASKED; i++) x[i] = 1;
    memcpy(rf__exec_buffer(exec, "key"), (int32_t[]){5, 0, 6, 0}, 16);
    memcpy(rf__exec_buffer(exec, "seed"), (int32_t[]){1, 2}, 8);
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    memcpy(y, rf__exec_buffer(exec, "y"), MASKED * sizeof *y);
    memcpy(dx, rf__exec_buffer(exec, "grad:x"), MASKED * sizeof *dx);
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__weights_free(&weights);
}

static void dropout_mask(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape3(2, 50, 20));
    rf_node *key = rf__input(g, "key", RF_I32, rf__shape2(2, 2)), *seed = rf__input(g, "seed", RF_I32, rf__shape1(2));
    rf_node *y = rf__dropout(g, x, 0.25f, key, seed);
    rf_node *loss = rf__sum(g, y, 1);
    rf__output(g, "y", y);
    assert_int_equal(rf_grad(g, loss, (const char *const[]){"x", NULL}), RF_OK);
    float out[MASKED], dx[MASKED];
    run_masked(g, out, dx);
    int kept = 0, same = 0;
    for (int i = 0; i < 2000; i++) {
        assert_true(out[i] == 0 || fabsf(out[i] - 4.0f / 3) < 1e-6f);
        assert_true(dx[i] == out[i]); /* the same mask backward */
        kept += out[i] != 0;
        if (i < 1000) same += (out[i] != 0) == (out[i + 1000] != 0);
    }
    assert_in_range(kept, 1400, 1600); /* 1500 +- 5 sd (sd 19) */
    assert_in_range(same, 500, 750);   /* two samples have independent masks: 625 expected, 1000 if shared */
    rf__graph_free(&g);
}

/* A chain of convolutions: fused epilogues change no value beyond rounding, memory is reused, threads change no byte. */
static void planner(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape4(2, 8, 8, 16)), *v = rf__input(g, "v", RF_F32, rf__shape2(2, 16));
    rf_node *h = x;
    for (int i = 0; i < 8; i++) {
        rf__scope_push(g, "%d", i);
        rf_init init = {RF_INIT_FAN_AVG_UNIFORM, 1};
        rf_node *w = rf__param(g, "weight", rf__shape4(16, 3, 3, 16), init), *b = rf__param(g, "bias", rf__shape1(16), init);
        rf_node *y = rf__add_rows(g, rf__conv2d(g, h, w, b, 1, 1), v);
        h = rf__scale(g, rf__add(g, h, rf__silu(g, y)), 0.7f);
        rf__scope_pop(g);
    }
    rf__output(g, "h", h);
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *one, *two;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    rf__weights_init(weights, 1);
    assert_int_equal(rf__plan_build(&plan, g, weights, NULL), RF_OK);
    rf_plan_stats stats = rf__plan_stats(plan);
    assert_true(stats.fused >= 8);
    assert_true(stats.arena_bytes * 2 <= stats.activation_bytes);
    assert_true(fabs(stats.gflop - 8 * 2e-9 * 2 * 64 * 16 * 16 * 9) < 1e-9);
    rf_pool *pool = rf__pool_create(2);
    assert_int_equal(rf__exec_create(&one, plan, 1), RF_OK);
    assert_int_equal(rf__exec_create(&two, plan, 2), RF_OK);
    for (int k = 0; k < 2; k++) {
        fill_random(rf__exec_buffer(k ? two : one, "x"), 2 * 64 * 16, 1);
        fill_random(rf__exec_buffer(k ? two : one, "v"), 2 * 16, 2);
    }
    assert_int_equal(rf__exec_run(one, NULL), RF_OK);
    assert_int_equal(rf__exec_run(two, pool), RF_OK);
    assert_memory_equal(rf__exec_buffer(one, "h"), rf__exec_buffer(two, "h"), 2 * 64 * 16 * sizeof(float));
    assert_int_equal(rf__exec_run(two, pool), RF_OK); /* and again: running leaves the inputs alone */
    assert_memory_equal(rf__exec_buffer(one, "h"), rf__exec_buffer(two, "h"), 2 * 64 * 16 * sizeof(float));
    rf__pool_free(&pool);
    rf__exec_free(&one);
    rf__exec_free(&two);
    rf__plan_free(&plan);
    rf__weights_free(&weights);
    rf__graph_free(&g);
}

/* y = d^2 with d = dropout(x): dy/dx = 2 d^2 at x = 1, if d is computed again under the same mask. */
static void dropout_computed_again(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape3(2, 50, 20));
    rf_node *d = rf__dropout(g, x, 0.25f, rf__input(g, "key", RF_I32, rf__shape2(2, 2)), rf__input(g, "seed", RF_I32, rf__shape1(2)));
    rf_node *y = rf__keep(g, rf__mul(g, d, d));
    rf__output(g, "y", y);
    rf__recompute(g, true);
    assert_int_equal(rf_grad(g, rf__sum(g, y, 1), (const char *const[]){"x", NULL}), RF_OK);
    int dropouts = 0;
    for (int i = 0; i < g->node_count; i++) dropouts += g->nodes[i]->op == RF_OP_DROPOUT;
    assert_int_equal(dropouts, 3); /* forward, again, and that of the gradient */
    float out[MASKED], dx[MASKED];
    run_masked(g, out, dx);
    for (int i = 0; i < 2000; i++) assert_true(fabsf(dx[i] - 2 * out[i]) < 1e-5f);
    rf__graph_free(&g);
}

static void int8_has_no_gradients(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_INT8);
    assert_int_equal(rf__graph_dtype(g), RF_BF16);
    rf_node *loss = rf__sum(g, rf__param(g, "w", rf__shape2(2, 3), (rf_init){RF_INIT_ONE, 1}), 1);
    assert_int_equal(rf_grad(g, loss, NULL), RF_EUNSUPPORTED);
    assert_non_null(strstr(rf_last_error(), "int8"));
    rf__graph_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int8_has_no_gradients), cmocka_unit_test(dropout_computed_again),
        cmocka_unit_test(ops_ref),           cmocka_unit_test(ops_native), cmocka_unit_test(ops_bf16),
        cmocka_unit_test(gradients_accumulate), cmocka_unit_test(errors_are_sentences), cmocka_unit_test(lookups),
        cmocka_unit_test(dropout_mask),      cmocka_unit_test(planner),  cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
