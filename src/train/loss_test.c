/* loss_test.c - values and gradients of the losses against their formulas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../base/threads.h"
#include "../graph/plan.h"
#include "loss.h"

enum { ROWS = 4, SCALARS = 12 /* 2x3x2 */ };

/* Loss rows and d(sum of rows)/d(out) of a metric on out = wanted + e. */
static void run(const char *name, double shape, const float e[ROWS * SCALARS], float rows[ROWS], float grad[ROWS * SCALARS]) {
    const rf_metric *metric = (const rf_metric *)rf__plugin_find(rf__metrics(), "train.loss", name);
    assert_non_null(metric);
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *out = rf__input(g, "out", RF_F32, rf__shape4(ROWS, 2, 3, 2)), *wanted = rf__input(g, "wanted", RF_F32, rf__shape4(ROWS, 2, 3, 2));
    rf_node *loss = metric->rows(g, out, wanted, shape);
    rf__output(g, "rows", loss);
    assert_int_equal(rf_grad(g, rf__sum(g, loss, 1), (const char *const[]){"out", NULL}), RF_OK);
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    assert_int_equal(rf__plan_build(&plan, g, weights, rf__kernels()), RF_OK);
    assert_int_equal(rf__exec_create(&exec, plan, 1), RF_OK);
    float *o = rf__exec_buffer(exec, "out"), *w = rf__exec_buffer(exec, "wanted");
    for (int i = 0; i < ROWS * SCALARS; i++) {
        w[i] = (float)sin(i);
        o[i] = w[i] + e[i];
    }
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    memcpy(rows, rf__exec_buffer(exec, "rows"), ROWS * sizeof *rows);
    memcpy(grad, rf__exec_buffer(exec, "grad:out"), ROWS * SCALARS * sizeof *grad);
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__weights_free(&weights);
    rf__graph_free(&g);
}

/* Row r has errors of size 10^(r-2): from quadratic to linear. */
static void errors(float e[ROWS * SCALARS]) {
    for (int i = 0; i < ROWS * SCALARS; i++) e[i] = (float)(pow(10, i / SCALARS - 2) * cos(3 * i));
}

static void huber_is_its_formula(void **state) {
    (void)state;
    float e[ROWS * SCALARS], rows[ROWS], grad[ROWS * SCALARS];
    errors(e);
    const double shapes[] = {0, 0.5};
    for (int s = 0; s < 2; s++) {
        double c = s ? shapes[s] : 0.00054 * SCALARS;
        run("pseudo_huber", shapes[s], e, rows, grad);
        for (int r = 0; r < ROWS; r++) {
            double square = 0, norm = 0;
            for (int i = 0; i < SCALARS; i++) square += (double)e[r * SCALARS + i] * (double)e[r * SCALARS + i];
            double length = sqrt(square + c * c);
            assert_true(fabs((double)rows[r] - (length - c) / SCALARS) < 1e-6 * length);
            for (int i = 0; i < SCALARS; i++) {
                double g = (double)grad[r * SCALARS + i];
                assert_true(fabs(g - (double)e[r * SCALARS + i] / length / SCALARS) < 2e-5 / SCALARS);
                norm += g * g;
            }
            assert_true(sqrt(norm) <= 1.0 / SCALARS * (1 + 1e-6)); /* rf++ section 4.2 */
        }
    }
}

static void huber_of_each_scalar(void **state) {
    (void)state;
    float e[ROWS * SCALARS], rows[ROWS], grad[ROWS * SCALARS];
    errors(e);
    run("huber_each", 0.1, e, rows, grad);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int i = r * SCALARS; i < (r + 1) * SCALARS; i++) {
            double length = sqrt((double)e[i] * (double)e[i] + 0.01);
            sum += (length - 0.1) / SCALARS;
            assert_true(fabs((double)grad[i] - (double)e[i] / length / SCALARS) < 2e-5 / SCALARS);
        }
        assert_true(fabs((double)rows[r] - sum) < 1e-5 * (0.1 + sum));
    }
}

static void l2_is_a_mean(void **state) {
    (void)state;
    float e[ROWS * SCALARS], rows[ROWS], grad[ROWS * SCALARS];
    errors(e);
    run("l2", 0, e, rows, grad);
    for (int r = 0; r < ROWS; r++) {
        double square = 0;
        for (int i = 0; i < SCALARS; i++) square += (double)e[r * SCALARS + i] * (double)e[r * SCALARS + i];
        assert_true(fabs((double)rows[r] - square / SCALARS) < 1e-4 * square);
    }
}

/* ---- a whole loss: weight 1, inputs x, t given; answer = wanted + e ---- */

enum { SIDE = 6, PICTURE = SIDE * SIDE };

typedef struct whole {
    const char *target;
    double target_shape;
    bool by_sample;
    double t;
    float loss, rows[ROWS], grad[ROWS * PICTURE];
} whole;

static void run_whole(whole *w, const float e[ROWS * PICTURE]) {
    const rf_loss_plan plan = {.target = (const rf_target *)rf__plugin_find(rf__targets(), "train.target", w->target),
                               .metric = (const rf_metric *)rf__plugin_find(rf__metrics(), "train.loss", "l2"),
                               .target_shape = w->target_shape, .by_sample = w->by_sample};
    rf_graph *g = rf__graph_create(RF_F32);
    const rf_shape shape = rf__shape4(ROWS, SIDE, SIDE, 1), rows = rf__shape1(ROWS);
    const rf_loss_inputs in = {.v = rf__input(g, "v", RF_F32, shape), .wanted = rf__input(g, "wanted", RF_F32, shape),
                               .x = rf__input(g, "x", RF_F32, shape), .t = rf__input(g, "t", RF_F32, rows), .weight = rf__fill(g, rows, 1)};
    rf_node *loss = rf__loss_build(g, &plan, &in);
    rf__output(g, "loss", loss);
    assert_int_equal(rf_grad(g, loss, (const char *const[]){"v", NULL}), RF_OK);
    rf_weights *weights;
    rf_plan *built;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    assert_int_equal(rf__plan_build(&built, g, weights, rf__kernels()), RF_OK);
    assert_int_equal(rf__exec_create(&exec, built, 1), RF_OK);
    float *v = rf__exec_buffer(exec, "v"), *wanted = rf__exec_buffer(exec, "wanted"), *x = rf__exec_buffer(exec, "x"), *t = rf__exec_buffer(exec, "t");
    for (int i = 0; i < ROWS * PICTURE; i++) {
        wanted[i] = 0; /* so that v - wanted is e to the last bit */
        v[i] = e[i];
        if (x) x[i] = 0;
    }
    for (int r = 0; t && r < ROWS; r++) t[r] = (float)w->t;
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    w->loss = *(float *)rf__exec_buffer(exec, "loss");
    memcpy(w->rows, rf__exec_buffer(exec, "loss_rows"), sizeof w->rows);
    memcpy(w->grad, rf__exec_buffer(exec, "grad:v"), sizeof w->grad);
    rf__exec_free(&exec);
    rf__plan_free(&built);
    rf__weights_free(&weights);
    rf__graph_free(&g);
}

static void residual(float e[ROWS * PICTURE], const float scale[ROWS]) {
    for (int i = 0; i < ROWS * PICTURE; i++) e[i] = scale[i / PICTURE] * (float)cos(2.3 * i + 0.1 * i * i);
}

/* simple-reflow.md section 3, statement 2: the normalised loss is 1 for every row, and its gradient does not know the residual's size times
 * anything but 1/size, so that velocity and data prediction pull the same way with the same force. */
static void normalised_by_sample(void **state) {
    (void)state;
    float e[ROWS * PICTURE], wide[ROWS * PICTURE];
    const float one[ROWS] = {1, 1, 1, 1}, other[ROWS] = {0.5f, 3, 20, 1};
    residual(e, one);
    residual(wide, other);
    whole a = {.target = "velocity", .by_sample = true}, b = a, data = {.target = "data", .by_sample = true, .t = 0.75}, plain = {.target = "velocity"};
    run_whole(&a, e);
    run_whole(&b, wide);
    run_whole(&data, e);
    run_whole(&plain, e);
    assert_true(fabsf(a.loss - ROWS) < 1e-4f && fabsf(b.loss - ROWS) < 1e-4f && fabsf(data.loss - ROWS) < 1e-4f);
    for (int r = 0; r < ROWS; r++) assert_true(fabsf(a.rows[r] - plain.rows[r]) < 1e-6f); /* what is logged is not normalised */
    for (int i = 0; i < ROWS * PICTURE; i++) {
        double scale = (double)other[i / PICTURE];
        assert_true(fabs((double)b.grad[i] * scale - (double)a.grad[i]) < 1e-5);
        assert_true(fabs((double)data.grad[i] - (double)a.grad[i]) < 1e-5);
        assert_true(fabs((double)a.grad[i] * (double)a.rows[i / PICTURE] - (double)plain.grad[i]) < 1e-5);
    }
}

static void data_is_a_shorter_velocity(void **state) {
    (void)state;
    float e[ROWS * PICTURE];
    const float one[ROWS] = {1, 1, 1, 1};
    residual(e, one);
    whole v = {.target = "velocity"}, data = {.target = "data", .t = 0.75};
    run_whole(&v, e);
    run_whole(&data, e);
    for (int r = 0; r < ROWS; r++) assert_true(fabsf(data.rows[r] - v.rows[r] / 16) < 1e-6f);
}

/* B by hand: [1 2 1]/4 both ways, edges repeated. */
static double blurred(const float *e, int y, int x) {
    static const double tap[3] = {0.25, 0.5, 0.25};
    double sum = 0;
    for (int i = -1; i <= 1; i++)
        for (int k = -1; k <= 1; k++) {
            int yy = y + i < 0 ? 0 : y + i >= SIDE ? SIDE - 1 : y + i, xx = x + k < 0 ? 0 : x + k >= SIDE ? SIDE - 1 : x + k;
            sum += tap[i + 1] * tap[k + 1] * (double)e[yy * SIDE + xx];
        }
    return sum;
}

/* The loss is |phi e|^2 / D with phi = (1 + lambda) - lambda B: an even picture passes as it is, a checkerboard grows by 1 + lambda away from
 * the edges, and |e| <= |phi e| <= (1 + lambda) |e| for all, so phi can be undone. Its gradient 2 phi phi e / D shows that phi is symmetric. */
static void high_pass_is_its_formula(void **state) {
    (void)state;
    const double lambda = 10;
    float e[ROWS * PICTURE], phi[ROWS * PICTURE];
    for (int i = 0; i < PICTURE; i++) {
        e[i] = 1;
        e[PICTURE + i] = (i / SIDE + i % SIDE) % 2 ? -1 : 1;
        e[2 * PICTURE + i] = (float)sin(i * i);
        e[3 * PICTURE + i] = i == 8;
    }
    whole w = {.target = "high_pass"};
    run_whole(&w, e);
    for (int i = 0; i < ROWS * PICTURE; i++) {
        const float *picture = e + i / PICTURE * PICTURE;
        phi[i] = (float)((1 + lambda) * (double)e[i] - lambda * blurred(picture, i % PICTURE / SIDE, i % SIDE));
    }
    assert_true(fabsf(phi[0] - 1) < 1e-6f && fabsf(phi[PICTURE + 2 * SIDE + 2] - 11) < 1e-5f);
    for (int r = 0; r < ROWS; r++) {
        double square = 0, plain = 0;
        for (int i = r * PICTURE; i < (r + 1) * PICTURE; i++) {
            square += (double)phi[i] * (double)phi[i];
            plain += (double)e[i] * (double)e[i];
        }
        assert_true(fabs((double)w.rows[r] - square / PICTURE) < 1e-5 * square);
        assert_true(square > plain * (1 - 1e-6) && square < plain * 121 * (1 + 1e-6));
    }
    for (int i = 0; i < ROWS * PICTURE; i++) {
        const float *picture = phi + i / PICTURE * PICTURE;
        double twice = (1 + lambda) * (double)phi[i] - lambda * blurred(picture, i % PICTURE / SIDE, i % SIDE);
        assert_true(fabs((double)w.grad[i] - 2 * twice / PICTURE) < 1e-4);
    }
}

/* One answer for four equally likely targets whose mean it is: the pulls cancel for every linear view, so the optimum stays the mean
 * (simple-reflow.md section 3, statement 4). Over its own residual a rare far target pulls less than the near ones: the optimum is no mean any
 * more (statement 7), which is why such a loss wants pairs that do not cross. */
static void linear_views_keep_the_mean(void **state) {
    (void)state;
    float e[ROWS * PICTURE];
    const float away[ROWS] = {3, -1, -1, -1};
    for (int i = 0; i < ROWS * PICTURE; i++) e[i] = away[i / PICTURE] * (float)sin(1 + 1.7 * (i % PICTURE));
    whole cases[] = {{.target = "velocity"}, {.target = "high_pass"}, {.target = "data", .t = 0.3}, {.target = "velocity", .by_sample = true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        run_whole(&cases[c], e);
        double pull = 0, force = 0;
        for (int i = 0; i < PICTURE; i++) {
            double sum = 0;
            for (int r = 0; r < ROWS; r++) {
                sum += (double)cases[c].grad[r * PICTURE + i];
                force += fabs((double)cases[c].grad[r * PICTURE + i]);
            }
            pull += fabs(sum);
        }
        assert_true(cases[c].by_sample ? pull > 0.5 * force : pull < 1e-4 * force);
    }
}

/* Small errors: |e|^2 / (2 c D), off by 1 % at |e| = 0.2 c (rfpp.md section 4, statement 2). */
static void huber_has_its_ends(void **state) {
    (void)state;
    float e[ROWS * SCALARS] = {0}, rows[ROWS], grad[ROWS * SCALARS];
    const double c = 0.5;
    e[0] = (float)(0.2 * c);
    e[SCALARS] = (float)(1000 * c);
    run("pseudo_huber", c, e, rows, grad);
    double square = (double)e[0] * (double)e[0];
    assert_true(fabs((double)rows[0] / (square / (2 * c * SCALARS)) - 1) < 0.0105);
    assert_true(fabs((double)rows[1] / ((1000 * c - c) / SCALARS) - 1) < 1e-5 && rows[2] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huber_is_its_formula), cmocka_unit_test(huber_of_each_scalar),   cmocka_unit_test(l2_is_a_mean),             cmocka_unit_test(huber_has_its_ends),
        cmocka_unit_test(normalised_by_sample),   cmocka_unit_test(data_is_a_shorter_velocity), cmocka_unit_test(high_pass_is_its_formula),
        cmocka_unit_test(linear_views_keep_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
