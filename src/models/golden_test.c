/* golden_test.c - networks against golden tensors of our PyTorch versions (tests/golden/make_golden.py): the output, the loss, and
 * the gradient of every parameter and of x, under every instruction set and provider. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/cpu.h"
#include "../base/memory.h"
#include "../io/safetensors.h"
#include "model.h"

/* Of the largest value of a tensor. The oracle is float64; f32 sums over at most a few thousand products, and a time feature of angle
 * 999 (its own rounding is 3e-5), stay below it. bf16 keeps 8 bits; its rounding errors are averaged over two dozen layers. */
#define F32_TOLERANCE 1e-4
#define BF16_TOLERANCE 2e-2
/* Gradients in bf16, as |difference| over |gradient|: the whole vector (it is what Adam gets; measured 6e-3), and one parameter (the
 * smallest come from deep inside, through twice as many roundings; measured 7e-2). */
#define BF16_GRADIENT_TOLERANCE 2e-2
#define BF16_PARAM_TOLERANCE 0.15

typedef struct golden {
    rf_safetensors *file;
    const rf_model_kind *kind;
    void *config;
    rf_model_shape shape;
    int64_t rows;
} golden;

static void golden_open(golden *o, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
    if (rf__safetensors_open(&o->file, path) != RF_OK) fail_msg("%s", rf_last_error());
    json_t *model = json_loads(rf__safetensors_metadata(o->file, "strait.model"), 0, NULL);
    o->kind = rf__model_kind_find(json_string_value(json_object_get(model, "kind")));
    assert_non_null(o->kind);
    o->config = calloc(1, o->kind->config_size);
    if (rf__fields_read(o->kind->fields, o->config, json_object_get(model, "settings"), path) != RF_OK) fail_msg("%s", rf_last_error());
    json_decref(model);
    o->shape = o->kind->shape(o->config);
    o->rows = rf__safetensors_find(o->file, "t")->count;
}

static void golden_close(golden *o) {
    rf__safetensors_close(&o->file);
    free(o->config);
}

static float *golden_read(const golden *o, const char *side, const char *name, int64_t count) {
    char full[200];
    snprintf(full, sizeof full, "%s%s", side, name);
    const rf_tensor_entry *entry = rf__safetensors_find(o->file, full);
    if (!entry || entry->count != count)
        fail_msg("%s: file has %lld numbers, network wants %lld", full, entry ? (long long)entry->count : 0, (long long)count);
    float *values = malloc((size_t)count * sizeof *values);
    assert_int_equal(rf__tensor_read_f32(entry, values, count), RF_OK);
    return values;
}

/* A parameter of the file in our order: convolutions are [out,in,kh,kw] there, [out,kh,kw,in] here. */
static float *golden_param(const golden *o, const char *side, const rf_param *param) {
    int64_t count = rf__shape_count(&param->shape);
    float *from = golden_read(o, side, param->name, count);
    if (!param->conv) return from;
    float *to = malloc((size_t)count * sizeof *to);
    int64_t in = param->shape.dim[3], taps = param->shape.dim[1] * param->shape.dim[2];
    for (int64_t i = 0; i < count; i++) to[i] = from[(i / in / taps * in + i % in) * taps + i / in % taps];
    free(from);
    return to;
}

/* Largest difference over the largest expected value; -1 when anything is not a number. */
static double distance(const float *got, const float *expected, int64_t count) {
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - expected[i]);
        if (isnan(difference)) return -1;
        worst = fmax(worst, difference);
        largest = fmax(largest, fabs(expected[i]));
    }
    return worst / largest;
}

static double worst_f32, worst_bf16; /* printed at the end: the README quotes them */

static void expect_near(const float *got, float *expected, int64_t count, double tolerance, const char *what, const char *where) {
    double d = distance(got, expected, count);
    double *worst = tolerance == BF16_TOLERANCE ? &worst_bf16 : &worst_f32;
    free(expected);
    *worst = fmax(*worst, d);
    if (d < 0 || d > tolerance) fail_msg("%s (%s): off by %.3g of its largest value, expected at most %.1g", what, where, d, tolerance);
}

/* ---- our side: forward, loss and backward as one plan ---- */

typedef struct network {
    rf_graph *graph;
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    float *grads;
    int64_t numbers; /* of v */
} network;

/* An inference plan fuses more; AGAIN holds only what lies between blocks for the backward pass. */
typedef enum pass { INFERENCE, BACKWARD, AGAIN } pass;

static void network_build(network *n, const golden *o, rf_dtype dtype, const rf_kernels *kernels, pass pass) {
    rf_graph *g = n->graph = rf__graph_create(dtype);
    rf_model_inputs in = rf__model_declare(g, &o->shape, o->rows, false);
    rf_node *v = o->kind->build(g, o->config, &in);
    if (rf__graph_status(g) != RF_OK) fail_msg("%s", rf_last_error());
    rf_shape shape = rf__node_shape(v);
    n->numbers = rf__shape_count(&shape);
    rf__output(g, "v", v);
    if (pass != INFERENCE) {
        rf_node *error = rf__sub(g, v, rf__input(g, "target", RF_F32, shape));
        rf_node *loss = rf__sum(g, rf__mul(g, error, error), 1.0f / (float)n->numbers);
        rf__output(g, "loss", loss);
        rf__recompute(g, pass == AGAIN);
        assert_int_equal(rf_grad(g, loss, (const char *const[]){"x", NULL}), RF_OK);
    }
    assert_int_equal(rf__weights_create(&n->weights, g), RF_OK);
    rf__weights_init(n->weights, 1);
    if (rf__plan_build(&n->plan, g, n->weights, kernels) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(rf__exec_create(&n->exec, n->plan, 1), RF_OK);
    n->grads = rf__alloc_array((size_t)rf__weights_trained(n->weights), sizeof(float));
    rf__exec_bind_grads(n->exec, n->grads);
}

static void network_free(network *n) {
    rf__exec_free(&n->exec);
    rf__plan_free(&n->plan);
    rf__weights_free(&n->weights);
    rf__graph_free(&n->graph);
    rf__free(n->grads);
}

static void feed(network *n, const golden *o, const char *name, int64_t count) {
    float *values = golden_read(o, "", name, count), *to = rf__exec_buffer(n->exec, name);
    if (to) memcpy(to, values, (size_t)count * sizeof *values); /* an inference plan has no target */
    free(values);
}

static void network_run(network *n, const golden *o) {
    for (int i = 0; i < rf__weights_count(n->weights); i++) {
        const rf_param *param = rf__weights_param(n->weights, i);
        bool drawn = !param->trained && param->init.law == RF_INIT_FOURIER; /* frequencies that a file brings, not a law */
        if (!param->trained && !drawn) continue;
        float *values = golden_param(o, drawn ? "b/" : "w/", param);
        memcpy(rf__weights_data(n->weights, i), values, (size_t)rf__shape_count(&param->shape) * sizeof *values);
        free(values);
    }
    rf__weights_refresh(n->weights, NULL);
    feed(n, o, "x", n->numbers);
    feed(n, o, "t", o->rows);
    feed(n, o, "target", n->numbers);
    if (o->shape.extra) feed(n, o, "extra", o->rows * o->shape.extra);
    if (o->shape.classes)
        memcpy(rf__exec_buffer(n->exec, "label"), rf__safetensors_find(o->file, "label")->data, (size_t)o->rows * sizeof(int32_t));
    assert_int_equal(rf__exec_run(n->exec, NULL), RF_OK);
}

static void compare(const golden *o, network *n, const char *where) {
    int compared = 0, listed = 0;
    expect_near(rf__exec_buffer(n->exec, "v"), golden_read(o, "", "v", n->numbers), n->numbers, F32_TOLERANCE, "v", where);
    expect_near(rf__exec_buffer(n->exec, "loss"), golden_read(o, "", "loss", 1), 1, F32_TOLERANCE, "loss", where);
    expect_near(rf__exec_buffer(n->exec, "grad:x"), golden_read(o, "g:", "x", n->numbers), n->numbers, F32_TOLERANCE, "gradient of x",
                where);
    for (int i = 0; i < rf__weights_count(n->weights); i++) {
        const rf_param *param = rf__weights_param(n->weights, i);
        int64_t count = rf__shape_count(&param->shape);
        const float *got = param->trained ? n->grads + rf__weights_offset(n->weights, i) : rf__weights_data(n->weights, i);
        /* a fixed table holds what its law made of it */
        expect_near(got, golden_param(o, param->trained ? "g/" : "b/", param), count, F32_TOLERANCE, param->name, where);
        compared += param->trained;
    }
    for (int i = 0; i < rf__safetensors_count(o->file); i++) listed += !strncmp(rf__safetensors_entry(o->file, i)->name, "g/", 2);
    assert_int_equal(compared, listed); /* the two networks have the same parameters */
}

static void check_golden(const char *name) {
    static const char *const caps[] = {"ref", "avx2", "avx512", "amx"}, *const providers[] = {"ref", "native", "onednn"};
    golden o = {0};
    golden_open(&o, name);
    uint32_t seen[16] = {0};
    int runs = 0;
    for (int i = 0; i < 12; i++) {
        const char *cap = caps[i / 3], *provider = providers[i % 3];
        uint32_t flags = rf__cpu_cap(cap);
        rf_kernels kernels;
        bool known = false; /* a cap above this machine is the same run again */
        for (int k = i % 3; k < i; k += 3) known |= seen[k] == flags;
        seen[i] = flags;
        if (known || rf__kernels_select(&kernels, flags, provider) != RF_OK) continue;
        char where[96];
        snprintf(where, sizeof where, "%s, %s, %s", name, kernels.isa, provider);
        network n = {0};
        network_build(&n, &o, RF_F32, &kernels, BACKWARD);
        network_run(&n, &o);
        compare(&o, &n, where);
        network_free(&n);
        network_build(&n, &o, RF_F32, &kernels, INFERENCE);
        network_run(&n, &o);
        expect_near(rf__exec_buffer(n.exec, "v"), golden_read(&o, "", "v", n.numbers), n.numbers, F32_TOLERANCE, "v of inference", where);
        network_free(&n);
        runs++;
    }
    assert_true(runs >= 1);
    golden_close(&o);
}

static void golden_unet28(void **state) { (void)state; check_golden("unet28"); }
static void golden_unet32(void **state) { (void)state; check_golden("unet32"); }
static void golden_dit16(void **state) { (void)state; check_golden("dit16"); }
static void golden_mlp2(void **state) { (void)state; check_golden("mlp2"); }
static void golden_mnist_vit(void **state) { (void)state; check_golden("mnist_vit"); }
static void golden_mnist_unet(void **state) { (void)state; check_golden("mnist_unet"); }

static void compare_bf16_gradients(const golden *o, const network *n, const char *where) {
    double all_error = 0, all = 0;
    for (int i = 0; i < rf__weights_count(n->weights); i++) {
        const rf_param *param = rf__weights_param(n->weights, i);
        if (!param->trained) continue;
        float *expected = golden_param(o, "g/", param);
        const float *got = n->grads + rf__weights_offset(n->weights, i);
        double error = 0, square = 0;
        for (int64_t k = 0; k < rf__shape_count(&param->shape); k++) {
            error += pow((double)got[k] - (double)expected[k], 2);
            square += pow((double)expected[k], 2);
        }
        free(expected);
        if (!(sqrt(error / square) <= BF16_PARAM_TOLERANCE))
            fail_msg("gradient of %s (%s, bf16): off by %.3g of its length", param->name, where, sqrt(error / square));
        all_error += error;
        all += square;
    }
    if (!(sqrt(all_error / all) <= BF16_GRADIENT_TOLERANCE))
        fail_msg("gradient (%s, bf16): off by %.3g of its length", where, sqrt(all_error / all));
}

/* kernels: NULL for those of this process */
static void check_bf16(const rf_kernels *kernels) {
    static const char *const names[] = {"unet28", "unet32", "dit16", "mnist_vit", "mnist_unet"};
    enum { COUNT = sizeof names / sizeof *names };
    for (int i = 0; i < 2 * COUNT; i++) {
        golden o = {0};
        network n = {0};
        golden_open(&o, names[i % COUNT]);
        network_build(&n, &o, RF_BF16, kernels, i < COUNT ? BACKWARD : INFERENCE);
        network_run(&n, &o);
        expect_near(rf__exec_buffer(n.exec, "v"), golden_read(&o, "", "v", n.numbers), n.numbers, BF16_TOLERANCE, "v in bf16", names[i % COUNT]);
        if (i < COUNT) compare_bf16_gradients(&o, &n, names[i]);
        network_free(&n);
        golden_close(&o);
    }
}

static void golden_bf16(void **state) {
    (void)state;
    check_bf16(NULL);
}

/* The kernels of the tile unit, on tiles in plain C. */
static void golden_bf16_tiles(void **state) {
    rf_kernels kernels;
    (void)state;
    if (!(rf__cpu_cap("amx-emulated") & RF_CPU_AMX_EMULATED)) skip();
    assert_int_equal(rf__kernels_select(&kernels, rf__cpu_cap("amx-emulated"), "native"), RF_OK);
    check_bf16(&kernels);
}

/* The same gradients from less memory. */
static void golden_recomputed(void **state) {
    static const char *const names[] = {"unet28", "unet32", "dit16", "mnist_vit", "mnist_unet"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
            golden o = {0};
            network n = {0}, held = {0};
            char where[64];
            snprintf(where, sizeof where, "%s, recomputed", names[i]);
            golden_open(&o, names[i]);
            network_build(&held, &o, dtype, NULL, BACKWARD);
            network_build(&n, &o, dtype, NULL, AGAIN);
            network_run(&n, &o);
            if (dtype == RF_F32) compare(&o, &n, where);
            else compare_bf16_gradients(&o, &n, where);
            const size_t all = rf__plan_stats(held.plan).arena_bytes, less = rf__plan_stats(n.plan).arena_bytes;
            print_message("%s: arena %zu, recomputing %zu bytes\n", names[i], all, less);
            assert_true(less < all);
            network_free(&held);
            network_free(&n);
            golden_close(&o);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden_unet28), cmocka_unit_test(golden_unet32), cmocka_unit_test(golden_dit16),
                                       cmocka_unit_test(golden_mlp2), cmocka_unit_test(golden_mnist_vit), cmocka_unit_test(golden_mnist_unet),
                                       cmocka_unit_test(golden_bf16), cmocka_unit_test(golden_bf16_tiles), cmocka_unit_test(golden_recomputed)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("largest error, of the largest value: f32 values and gradients %.2g, bf16 values %.2g\n", worst_f32, worst_bf16);
    return failed;
}
