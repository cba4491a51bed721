/* premetric_test.c - a frozen classifier inside a loss: zero where pictures agree, the gradient of differences, nothing of it trained. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/memory.h"
#include "../models/network_test.h"
#include "loss.h"

enum { ROWS = 2, SIDE = 8, SCALARS = SIDE * SIDE };

/* A classifier with random weights in a file. */
static void make_file(char path[64]) {
    rf_model *model = fresh_network("classifier", SETTINGS("height=8", "width=8"), 4);
    strcpy(path, "premetric_XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    save_as_is(model, path);
    rf__model_free(&model);
}

/* answer = w * x, a network of one weight; loss = look * premetric(x1 + reach (answer - target), x1) alone. */
static void looks_and_passes_gradients(void **state) {
    (void)state;
    char path[64];
    make_file(path);
    rf_premetric *p = NULL;
    const rf_premetric_spec spec = {.name = "classifier", .file = path, .heads = ""};
    assert_int_equal(rf__premetric_open(&p, &spec), RF_OK);
    remove(path);

    rf_graph *g = rf__graph_create(RF_F32);
    const rf_shape shape = rf__shape4(ROWS, SIDE, SIDE, 1), rows = rf__shape1(ROWS);
    rf_node *x = rf__input(g, "x", RF_F32, shape), *w = rf__param(g, "w", rf__shape1(1), (rf_init){RF_INIT_ONE, 1});
    const rf_loss_plan plan = {.target = (const rf_target *)rf__targets()[0], .metric = (const rf_metric *)rf__metrics()[0], .premetric = p};
    const rf_loss_inputs in = {.v = rf__mul_rows(g, x, w), .wanted = rf__input(g, "target", RF_F32, shape), .x = x,
                               .t = rf__input(g, "t", RF_F32, rows), .weight = rf__fill(g, rows, 0), .x1 = rf__input(g, "x1", RF_F32, shape),
                               .reach = rf__input(g, "reach", RF_F32, rows), .look = rf__input(g, "look", RF_F32, rows)};
    rf_node *loss = rf__loss_build(g, &plan, &in);
    rf__output(g, "loss", loss);
    assert_int_equal(rf_grad(g, loss, NULL), RF_OK);

    /* What is trained is w alone. */
    rf_graph *small = rf__graph_create(RF_F32);
    rf__mul_rows(small, rf__input(small, "x", RF_F32, shape), rf__param(small, "w", rf__shape1(1), (rf_init){RF_INIT_ONE, 1}));
    rf_weights *weights;
    rf_plan *built;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, small), RF_OK);
    rf__weights_init(weights, 1);
    rf__weights_attach(weights, rf__premetric_weights(p));
    assert_int_equal(rf__plan_build(&built, g, weights, rf__kernels()), RF_OK);
    assert_int_equal(rf__exec_create(&exec, built, 1), RF_OK);
    float *grads = rf__alloc_array((size_t)rf__weights_trained(weights), sizeof *grads), *one = rf__weights_data(weights, 0);
    rf__exec_bind_grads(exec, grads);

    double value[3], slope = 0;
    const float at[3] = {1, 1.499f, 1.501f};
    for (int k = 0; k < 3; k++) {
        float *in_x = rf__exec_buffer(exec, "x"), *in_target = rf__exec_buffer(exec, "target"), *in_x1 = rf__exec_buffer(exec, "x1");
        float *in_reach = rf__exec_buffer(exec, "reach"), *in_look = rf__exec_buffer(exec, "look");
        for (int i = 0; i < ROWS * SCALARS; i++) {
            in_x[i] = in_target[i] = (float)cos(3.1 * i);
            in_x1[i] = (float)sin(i);
        }
        for (int r = 0; r < ROWS; r++) in_reach[r] = 0.5f, in_look[r] = (float)(r + 1);
        one[0] = at[k];
        assert_int_equal(rf__weights_refresh(weights, NULL), RF_OK);
        grads[0] = 0;
        assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
        value[k] = (double)*(float *)rf__exec_buffer(exec, "loss");
        slope += k ? (double)grads[0] / 2 : 0;
    }
    assert_true(fabs(value[0]) < 1e-6 && value[1] > 1e-3);
    double measured = (value[2] - value[1]) / 0.002;
    if (!(fabs(measured - slope) < 0.02 * fabs(slope) + 1e-4)) fail_msg("slope %g, by differences %g", slope, measured);
    rf__free(grads);
    rf__exec_free(&exec);
    rf__plan_free(&built);
    rf__weights_free(&weights);
    rf__graph_free(&small);
    rf__graph_free(&g);
    rf__premetric_free(&p);
}

static void wrong_names_and_files(void **state) {
    (void)state;
    rf_premetric *p = NULL;
    const rf_premetric_spec unknown = {.name = "nothing", .file = "x", .heads = ""}, missing = {.name = "classifier", .file = "no such file", .heads = ""},
                            lpips = {.name = "lpips-vgg", .file = "no such file", .heads = "none"};
    assert_int_equal(rf__premetric_open(&p, &unknown), RF_ENOTFOUND);
    assert_null(p);
    assert_int_not_equal(rf__premetric_open(&p, &missing), RF_OK);
    assert_int_not_equal(rf__premetric_open(&p, &lpips), RF_OK);
    assert_null(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(looks_and_passes_gradients), cmocka_unit_test(wrong_names_and_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
