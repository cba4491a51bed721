/* import_test.c - other people's checkpoints against the answers of their own networks (../shared/data/weights; skipped without them),
 * what comes back from a converted one, and files that look like one and are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../io/safetensors.h"
#include "import.h"

#define ROWS 4
#define TOLERANCE 1e-4 /* of the largest value, as the files' README asks */

static const float times[ROWS] = {0, 0.25f, 0.5f, 0.9f};
static const int32_t labels[ROWS] = {0, 3, 7, 10};

static const char *shared(const char *name) {
    static char path[600];
    const char *root = getenv("STRAIT_SHARED");
    snprintf(path, sizeof path, "%s/data/weights/%s", root ? root : "../shared", name);
    if (rf__file_exists(path)) return path;
    print_message("%s is not here: skipped\n", path);
    return NULL;
}

/* One channel: [B,1,H,W] is [B,H,W,1]. */
static float *golden(const char *name, size_t count) {
    uint8_t *bytes;
    size_t size;
    const char *path = shared(name);
    assert_non_null(path);
    assert_int_equal(rf__file_read(path, 1 << 20, &bytes, &size), RF_OK);
    assert_int_equal(size, count * sizeof(float));
    return (float *)(void *)bytes;
}

static rf_model *opened(const char *path) {
    rf_model *model;
    if (rf__model_open(&model, path) != RF_OK) fail_msg("%s", rf_last_error());
    return model;
}

/* v of four rows. */
static void answer(const rf_model *model, const float *x, const float *t, float *v) {
    rf_graph *g = rf__graph_create(RF_F32);
    rf_model_inputs in = rf__model_declare(g, &model->shape, ROWS, false);
    rf__output(g, "v", model->kind->build(g, model->config, &in));
    rf_plan *plan;
    rf_exec *exec;
    rf__weights_refresh(model->weights, NULL);
    if (rf__plan_build(&plan, g, model->weights, NULL) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(rf__exec_create(&exec, plan, 1), RF_OK);
    size_t bytes = (size_t)(ROWS * model->shape.height * model->shape.width) * sizeof *x;
    memcpy(rf__exec_buffer(exec, "x"), x, bytes);
    memcpy(rf__exec_buffer(exec, "t"), t, ROWS * sizeof *t);
    memcpy(rf__exec_buffer(exec, "label"), labels, sizeof labels);
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    memcpy(v, rf__exec_buffer(exec, "v"), bytes);
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__graph_free(&g);
}

static void expect_near(const float *got, const float *expected, int count, const char *what) {
    double worst = 0, largest = 0;
    for (int i = 0; i < count; i++) {
        worst = fmax(worst, isnan(got[i]) ? 1e9 : fabs((double)got[i] - (double)expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    print_message("%s: off by %.2g of its largest value\n", what, worst / largest);
    if (!(worst <= TOLERANCE * largest)) fail_msg("%s: off by %.3g of its largest value, expected at most %g", what, worst / largest, TOLERANCE);
}

/* Kept as a checkpoint of ours, it answers with the same bytes. */
static void expect_same_converted(const rf_model *model, const float *x, const float *t, const float *v, int count) {
    char path[] = "/tmp/strait-import-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    int64_t numbers;
    const float *all = rf__weights_all(model->weights, &numbers);
    if (rf__model_save(model, all, path, RF_F32, model->metadata_json) != RF_OK) fail_msg("%s", rf_last_error());
    rf_model *again = opened(path);
    assert_ptr_equal(again->kind, model->kind);
    assert_non_null(strstr(again->metadata_json, "class_names"));
    float *second = malloc((size_t)count * sizeof *second);
    answer(again, x, t, second);
    assert_memory_equal(v, second, (size_t)count * sizeof *v);
    free(second);
    rf__model_free(&again);
    remove(path);
}

/* Their x_s and prediction as our y_t and velocity: s = 2t/(1+t), y = (1+t) x - t, and back. */
static void flow_vit(void **state) {
    (void)state;
    enum { COUNT = ROWS * 28 * 28, PIXELS = 28 * 28 };
    const char *path = shared("mnist-flow-vit/DiffusionViT.pth");
    if (!path) return;
    rf_model *model = opened(path);
    assert_int_equal(rf__model_parameters(model), 208705);
    assert_int_equal(model->shape.classes, 10);
    float *x = golden("mnist-flow-vit/golden_x.f32", COUNT), *x1 = golden("mnist-flow-vit/golden_x1pred.f32", COUNT), t[ROWS], *v = malloc(COUNT * sizeof *v);
    float *got = malloc(COUNT * sizeof *got);
    for (int b = 0; b < ROWS; b++) t[b] = times[b] / (2 - times[b]);
    for (int i = 0; i < COUNT; i++) x[i] = (1 + t[i / PIXELS]) * x[i] - t[i / PIXELS];
    answer(model, x, t, v);
    for (int i = 0; i < COUNT; i++) got[i] = (x[i] + (1 - t[i / PIXELS]) * v[i] + 1) / 2;
    expect_near(got, x1, COUNT, "the transformer's picture");
    expect_same_converted(model, x, t, v, COUNT);
    /* At the end of the walk the velocity stays finite, and at most the prediction's error over the limit. */
    for (int b = 0; b < ROWS; b++) t[b] = 1;
    answer(model, x, t, v);
    for (int i = 0; i < COUNT; i++) assert_true(isfinite(v[i]));
    rf__free(x);
    rf__free(x1);
    free(v);
    free(got);
    rf__model_free(&model);
}

static void flow_unet(void **state) {
    (void)state;
    enum { COUNT = ROWS * 32 * 32 };
    const char *path = shared("mnist-flow-unet/unet.pt");
    if (!path) return;
    rf_model *model = opened(path);
    assert_int_equal(model->shape.classes, 10);
    float *x = golden("mnist-flow-unet/golden_x.f32", COUNT), *expected = golden("mnist-flow-unet/golden_v.f32", COUNT);
    float *v = malloc(COUNT * sizeof *v);
    answer(model, x, times, v);
    expect_near(v, expected, COUNT, "the U-Net's velocity");
    expect_same_converted(model, x, times, v, COUNT);
    rf__free(x);
    rf__free(expected);
    free(v);
    rf__model_free(&model);
}

/* ---- files that are no such network ---- */

typedef struct part { const char *name; int rank; int64_t dim[4]; } part;

static void expect_refused(const part *parts, int count, const char *says) {
    static const float zeros[4096];
    char path[] = "/tmp/strait-import-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    rf_tensor_entry entries[8];
    for (int i = 0; i < count; i++) {
        entries[i] = (rf_tensor_entry){.name = parts[i].name, .type = RF_TENSOR_F32, .rank = parts[i].rank, .count = 1, .data = zeros};
        for (int k = 0; k < parts[i].rank; k++) entries[i].count *= entries[i].dim[k] = parts[i].dim[k];
    }
    assert_int_equal(rf__safetensors_save(path, entries, count, NULL), RF_OK);
    rf_model *model;
    assert_int_not_equal(rf__model_open(&model, path), RF_OK);
    assert_null(model);
    if (!strstr(rf_last_error(), says) || strncmp(rf_last_error(), path, strlen(path)))
        fail_msg("the sentence is \"%s\", expected \"%s\" in it", rf_last_error(), says);
    remove(path);
}

#define VIT_MARKS {"net.patch_embed.weight", 4, {8, 1, 7, 7}}, {"net.transformer.0.self_attn.in_proj_weight", 2, {24, 8}}, \
                  {"net.unpatch.weight", 4, {8, 1, 7, 7}}

static void no_such_network(void **state) {
    (void)state;
    expect_refused((const part[]){{"weight", 2, {2, 3}}}, 1, "the tensors of no network that is known");
    expect_refused((const part[]){{"net.pos_embed", 3, {1, 3, 8}}, VIT_MARKS}, 4, "3 tokens, expected those of a square");
    expect_refused((const part[]){{"net.pos_embed", 3, {1, 4, 8}}, VIT_MARKS}, 4, "depth is 0, expected 1");
    expect_refused((const part[]){{"net.pos_embed", 3, {1, 4, 8}}, VIT_MARKS, {"net.transformer.0.linear1.weight", 2, {32, 8}}}, 5,
                   "features is 0, expected 2"); /* y_encoder is not there */
    expect_refused((const part[]){{"net.pos_embed", 3, {1, 4, 8}}, VIT_MARKS, {"net.y_encoder.weight", 2, {11, 16}},
                                  {"net.transformer.0.linear1.weight", 2, {32, 8}}}, 6, "is missing from the file");
    expect_refused((const part[]){{"net.pos_embed", 3, {1, 4, 8}}, VIT_MARKS, {"net.y_encoder.weight", 2, {11, 16}},
                                  {"net.transformer.0.linear1.weight", 2, {32, 8}}, {"net.lora.weight", 2, {8, 8}}}, 7, "no such parameter");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(flow_vit), cmocka_unit_test(flow_unet), cmocka_unit_test(no_such_network)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
