/* features_test.c - feature networks and LPIPS against golden tensors of PyTorch (tests/golden/make_features.py). The numbers of a weight
 * file are a function of tensor name and index, the same as there, so that no weight file is needed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/memory.h"
#include "../io/safetensors.h"
#include "features.h"
#include "features/lpips.h"

/* Of the largest value of a tensor: f32 sums through up to 94 layers against float64 (measured 2.6e-6), and bf16, which keeps 8 bits
 * (measured 6.4e-3). */
#define F32_TOLERANCE 1e-5
#define BF16_TOLERANCE 2e-2
/* |difference| / |gradient|. Measured 8.6e-6, and in bf16 up to 0.31: with random weights and pictures, many ReLUs and maxima are within
 * rounding of the other side. */
#define F32_GRADIENT_TOLERANCE 5e-5
#define BF16_GRADIENT_TOLERANCE 0.5

static rf_safetensors *golden;

static int open_golden(void **state) {
    (void)state;
    return rf__safetensors_open(&golden, "tests/golden/features.safetensors") == RF_OK ? 0 : -1;
}

static int close_golden(void **state) {
    (void)state;
    rf__safetensors_close(&golden);
    return 0;
}

/* ---- weights by formula ---- */

static uint64_t hash_of(const char *name) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    return hash;
}

/* Number i of a tensor, uniform in [0,1). */
static double number(uint64_t hash, int64_t i) {
    uint64_t z = hash + (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 40) / 16777216.0;
}

typedef struct formula {
    rf_weights *weights; /* for the shapes */
    const char *prefix;
    const char *without; /* NULL, or a tensor that the file lacks */
} formula;

static bool has(void *self, const char *name) {
    const formula *f = self;
    return !f->without || strcmp(f->without, name);
}

static rf_status read_tensor(void *self, const char *name, int64_t count, float *out) {
    const formula *f = self;
    if (!has(self, name)) return rf__fail(RF_ENOTFOUND, "%s: is missing", name);
    char full[256];
    snprintf(full, sizeof full, "%s%s", f->prefix, name);
    int index = rf__weights_find(f->weights, full);
    const rf_shape *shape = index < 0 ? NULL : &rf__weights_param(f->weights, index)->shape;
    double bound = 0.2, shift = -1, scale = 2;
    const uint64_t hash = hash_of(name);
    const char *last = strrchr(name, '.') + 1;
    if (shape && shape->rank > 1) bound = sqrt(6.0 / (double)(count / shape->dim[0]));
    else if (!strcmp(last, "running_var") || !strcmp(last, "weight")) bound = scale = 1, shift = 0.5;
    for (int64_t i = 0; i < count; i++) out[i] = (float)((scale * number(hash, i) + shift) * bound);
    return RF_OK;
}

static rf_status read_head(void *self, const char *name, int64_t count, float *out) {
    (void)self;
    const uint64_t hash = hash_of(name);
    for (int64_t i = 0; i < count; i++) out[i] = (float)number(hash, i);
    return RF_OK;
}

static rf_tensor_source source_of(formula *f) { return (rf_tensor_source){f, has, read_tensor}; }

/* ---- running ---- */

typedef struct program {
    rf_graph *graph;
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
} program;

/* A picture named in make_features.py, as graph input `input`. */
static void put_picture(program *p, const char *input, const char *name, int64_t count) {
    float *x = rf__exec_buffer(p->exec, input);
    const uint64_t hash = hash_of(name);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = (float)(2 * number(hash, i) - 1);
}

static void compile(program *p) {
    assert_int_equal(rf__plan_build(&p->plan, p->graph, p->weights, NULL), RF_OK);
    assert_int_equal(rf__exec_create(&p->exec, p->plan, 1), RF_OK);
}

static void release(program *p) {
    rf__exec_free(&p->exec);
    rf__plan_free(&p->plan);
    rf__weights_free(&p->weights);
    rf__graph_free(&p->graph);
}

/* The largest difference over the largest value, or with `whole` |difference| over |value| of the vector: single numbers of a
 * gradient in bf16 flip at ReLUs and maxima. */
static void check(program *p, const char *output, const char *name, double tolerance, bool whole) {
    const rf_tensor_entry *entry = rf__safetensors_find(golden, name);
    const float *got = rf__exec_buffer(p->exec, output);
    if (!entry || !got) fail_msg("%s: is not there", entry ? output : name);
    float *want = malloc((size_t)entry->count * sizeof *want);
    assert_int_equal(rf__tensor_read_f32(entry, want, entry->count), RF_OK);
    double largest = 0, worst = 0, square = 0, error = 0;
    for (int64_t i = 0; i < entry->count; i++) {
        double d = fabs((double)got[i] - want[i]);
        largest = fmax(largest, fabs((double)want[i]));
        if (!(d <= worst)) worst = d; /* NaN counts */
        square += (double)want[i] * want[i];
        error += d * d;
    }
    free(want);
    double off = whole ? sqrt(error / square) : worst / largest;
    if (!(off <= tolerance)) fail_msg("%s: off by %.3g, expected at most %.1g", name, off, tolerance);
}

typedef struct net_case {
    const char *golden, *net;
    int batch, height, width, size;
    rf_feature_part part;
} net_case;

static void run_net(const net_case *c, rf_dtype dtype, double tolerance) {
    program p = {.graph = rf__graph_create(dtype)};
    const rf_feature_net *net = rf__feature_net_find(c->net);
    rf_node *x = rf__input(p.graph, "x", RF_F32, rf__shape4(c->batch, c->height, c->width, 3));
    rf_feature_out out = rf__feature_build(p.graph, net, NULL, x, c->size, c->size, c->part);
    char name[128];
    for (int i = 0; i < out.tap_count; i++) {
        snprintf(name, sizeof name, "tap%d", i);
        rf__output(p.graph, name, rf__mean_pixels(p.graph, out.taps[i]));
    }
    if (out.features) rf__output(p.graph, "features", out.features);
    if (out.logits) rf__output(p.graph, "logits", out.logits);
    if (rf__graph_status(p.graph) != RF_OK) fail_msg("%s: %s", c->net, rf_last_error());
    assert_int_equal(rf__weights_create(&p.weights, p.graph), RF_OK);
    formula f = {p.weights, "", NULL};
    const rf_tensor_source source = source_of(&f);
    if (rf__feature_load(net, p.weights, "", &source) != RF_OK) fail_msg("%s", rf_last_error());
    compile(&p);
    put_picture(&p, "x", c->golden, (int64_t)c->batch * c->height * c->width * 3);
    assert_int_equal(rf__exec_run(p.exec, NULL), RF_OK);
    for (int i = 0; i < out.tap_count + 2; i++) {
        char output[16];
        snprintf(output, sizeof output, i < out.tap_count ? "tap%d" : i == out.tap_count ? "features" : "logits", i);
        if (i >= out.tap_count && c->part == RF_FEATURE_TAPS_ONLY) continue;
        snprintf(name, sizeof name, "%s/%s", c->golden, output);
        check(&p, output, name, tolerance, false);
    }
    release(&p);
}

static void networks(void **state) {
    (void)state;
    static const net_case cases[] = {
        {"resnet20", "resnet20", 2, 32, 32, 0, RF_FEATURE_ALL},
        {"squeezenet", "squeezenet", 2, 61, 70, 0, RF_FEATURE_ALL},
        {"squeezenet-caffe", "squeezenet-caffe", 2, 61, 70, 0, RF_FEATURE_ALL},
        {"vgg16", "vgg16", 1, 48, 40, 0, RF_FEATURE_TAPS_ONLY},
        {"alexnet", "alexnet", 2, 67, 80, 0, RF_FEATURE_TAPS_ONLY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_net(&cases[i], RF_F32, F32_TOLERANCE);
        run_net(&cases[i], RF_BF16, BF16_TOLERANCE);
    }
}

/* The whole way of a small picture to 2048 features, with both ways of making it 299x299. */
static void inception(void **state) {
    (void)state;
    run_net(&(net_case){"inception", "inception", 1, 32, 32, 299, RF_FEATURE_ALL}, RF_F32, F32_TOLERANCE);
    run_net(&(net_case){"inception-pytorch", "inception-pytorch", 1, 24, 37, 299, RF_FEATURE_ALL}, RF_F32, F32_TOLERANCE);
}

/* 61 million parameters: the layers that look at all pixels. */
static void linear_head(void **state) {
    (void)state;
    run_net(&(net_case){"alexnet-head", "alexnet", 1, 224, 224, 224, RF_FEATURE_ALL}, RF_F32, F32_TOLERANCE);
}

static void run_lpips(const char *which, rf_dtype dtype, double tolerance) {
    program p = {.graph = rf__graph_create(dtype)};
    const rf_lpips *lpips = rf__lpips_find(which);
    const rf_shape shape = rf__shape4(2, 40, 48, 3);
    rf_node *a = rf__input(p.graph, "a", RF_F32, shape), *b = rf__input(p.graph, "b", RF_F32, shape);
    rf__scope_push(p.graph, "lpips");
    rf_node *d = rf__lpips_build(p.graph, lpips, a, b, 0, 0);
    rf__scope_pop(p.graph);
    rf__output(p.graph, "d", d);
    assert_int_equal(rf_grad(p.graph, rf__sum(p.graph, d, 1), (const char *const[]){"a", NULL}), RF_OK);
    assert_int_equal(rf__weights_create(&p.weights, p.graph), RF_OK);
    assert_int_equal(rf__weights_trained(p.weights), 0);
    formula f = {p.weights, "lpips.net.", NULL};
    const rf_tensor_source backbone = source_of(&f), heads = {NULL, has, read_head};
    if (rf__lpips_load(lpips, p.weights, "lpips.", &backbone, &heads) != RF_OK) fail_msg("%s", rf_last_error());
    compile(&p);
    char name[64];
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/%s", which, i ? "b" : "a");
        put_picture(&p, i ? "b" : "a", name, rf__shape_count(&shape));
    }
    assert_int_equal(rf__exec_run(p.exec, NULL), RF_OK);
    snprintf(name, sizeof name, "%s/d", which);
    check(&p, "d", name, tolerance, false);
    snprintf(name, sizeof name, "%s/grad", which);
    check(&p, "grad:a", name, dtype == RF_F32 ? F32_GRADIENT_TOLERANCE : BF16_GRADIENT_TOLERANCE, true);
    release(&p);
}

static void lpips(void **state) {
    (void)state;
    for (int i = 0; rf__lpips_all()[i]; i++) {
        run_lpips(rf__lpips_all()[i]->name, RF_F32, F32_TOLERANCE);
        run_lpips(rf__lpips_all()[i]->name, RF_BF16, BF16_TOLERANCE);
    }
}

/* As a loss in training: the trained network's weights know nothing of the frozen one's, which are attached. The loss is that of the whole,
 * and only the trained network has a gradient. */
static void frozen_loss(void **state) {
    (void)state;
    const rf_lpips *lpips = rf__lpips_find("lpips-alex");
    const rf_shape shape = rf__shape4(1, 40, 40, 3);
    program p = {.graph = rf__graph_create(RF_F32)}, small = {.graph = rf__graph_create(RF_F32)}, loss = {.graph = rf__graph_create(RF_F32)};
    rf_graph *graphs[] = {p.graph, small.graph};
    for (int i = 0; i < 2; i++) { /* a convolution is the network that is trained; the second graph is that alone */
        rf_graph *g = graphs[i];
        rf_node *x = rf__input(g, "x", RF_F32, shape);
        rf_node *w = rf__param(g, "w", rf__shape4(3, 3, 3, 3), (rf_init){RF_INIT_FAN_AVG_UNIFORM, 1}), *y = rf__conv2d(g, x, w, NULL, 1, 1);
        if (i == 1) break;
        rf__scope_push(g, "loss");
        rf_node *d = rf__sum(g, rf__lpips_build(g, lpips, y, rf__input(g, "b", RF_F32, shape), 64, 64), 1);
        rf__scope_pop(g);
        rf__output(g, "d", d);
        assert_int_equal(rf_grad(g, d, NULL), RF_OK);
    }
    rf__scope_push(loss.graph, "loss");
    rf__lpips_build(loss.graph, lpips, rf__input(loss.graph, "a", RF_F32, shape), rf__input(loss.graph, "b", RF_F32, shape), 0, 0);
    assert_int_equal(rf__weights_create(&small.weights, small.graph), RF_OK);
    assert_int_equal(rf__weights_create(&loss.weights, loss.graph), RF_OK);
    rf__weights_init(small.weights, 1);
    formula f = {loss.weights, "loss.net.", NULL};
    const rf_tensor_source backbone = source_of(&f), heads = {NULL, has, read_head};
    assert_int_equal(rf__lpips_load(lpips, loss.weights, "loss.", &backbone, &heads), RF_OK);
    assert_int_equal(rf__plan_build(&p.plan, p.graph, small.weights, NULL), RF_EMISMATCH);
    rf__weights_attach(small.weights, loss.weights);
    assert_int_equal(rf__plan_build(&p.plan, p.graph, small.weights, NULL), RF_OK);
    assert_int_equal(rf__exec_create(&p.exec, p.plan, 1), RF_OK);
    float *grads = rf__alloc_array((size_t)rf__weights_trained(small.weights), sizeof *grads), *w = rf__weights_data(small.weights, 0);
    rf__exec_bind_grads(p.exec, grads);
    put_picture(&p, "x", "x", rf__shape_count(&shape));
    put_picture(&p, "b", "b", rf__shape_count(&shape));
    double d[2];
    assert_int_equal(rf__exec_run(p.exec, NULL), RF_OK);
    double slope = 0, step = 1e-3;
    for (int i = 0; i < 81; i++) slope += (double)grads[i] * (i % 2 ? 1 : -1);
    for (int side = 0; side < 2; side++) { /* along one direction, by central differences */
        for (int i = 0; i < 81; i++) w[i] += (float)((i % 2 ? 1 : -1) * (side ? -2 : 1) * step);
        rf__weights_refresh(small.weights, NULL);
        assert_int_equal(rf__exec_run(p.exec, NULL), RF_OK);
        d[side] = (double)*(float *)rf__exec_buffer(p.exec, "d");
    }
    double measured = (d[0] - d[1]) / (2 * step);
    if (!(fabs(measured - slope) <= 0.02 * fabs(slope) + 1e-3)) fail_msg("slope %g, by differences %g", slope, measured);
    rf__free(grads);
    release(&p);
    release(&small);
    release(&loss);
}

/* A file that lacks a tensor is refused by name, and so is a number that is none. */
static void wrong_files(void **state) {
    (void)state;
    program p = {.graph = rf__graph_create(RF_F32)};
    const rf_feature_net *net = rf__feature_net_find("resnet20");
    rf__feature_build(p.graph, net, NULL, rf__input(p.graph, "x", RF_F32, rf__shape4(1, 32, 32, 3)), 0, 0, RF_FEATURE_ALL);
    assert_int_equal(rf__weights_create(&p.weights, p.graph), RF_OK);
    formula f = {p.weights, "", "module.layer2.0.bn1.running_mean"};
    const rf_tensor_source source = source_of(&f);
    assert_int_equal(rf__feature_load(net, p.weights, "", &source), RF_ENOTFOUND);
    assert_non_null(strstr(rf_last_error(), "module.layer2.0.bn1.running_mean"));
    f.without = "module.layer3.1.conv2.weight";
    assert_int_equal(rf__feature_load(net, p.weights, "", &source), RF_ENOTFOUND);
    assert_null(rf__feature_net_find("resnet18"));
    assert_non_null(strstr(rf_last_error(), "resnet20"));
    release(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks), cmocka_unit_test(inception), cmocka_unit_test(linear_head),
        cmocka_unit_test(lpips),    cmocka_unit_test(frozen_loss), cmocka_unit_test(wrong_files),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
