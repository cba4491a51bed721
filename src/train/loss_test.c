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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(huber_is_its_formula), cmocka_unit_test(l2_is_a_mean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
