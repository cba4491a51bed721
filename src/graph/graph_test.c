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
#include "node.h"
#include "plan.h"

/* A case: inputs a, b, c (any may have rank 0 = absent), a graph of them, and the expected value of output element i. */
typedef struct op_case {
    const char *name;
    rf_shape a, b, c;
    rf_node *(*build)(rf_graph *g, rf_node *a, rf_node *b, rf_node *c);
    double (*expect)(const struct op_case *o, const float *a, const float *b, const float *c, int64_t i);
    bool b_is_param, c_is_param; /* weights must be parameters */
} op_case;

#define EXPECT(name) static double name(const op_case *o, const float *a, const float *b, const float *c, int64_t i)
#define BUILD(name, expression)                                                                                       \
    static rf_node *name(rf_graph *g, rf_node *a, rf_node *b, rf_node *c) {                                           \
        (void)b, (void)c;                                                                                             \
        return expression;                                                                                            \
    }
#define UNUSED (void)o, (void)a, (void)b, (void)c, (void)i

static double silu(double x) { return x / (1 + exp(-x)); }

/* ---- dense: a [2,3,5], b [4,5], c [4] ---- */
BUILD(b_linear, rf__linear(g, a, b, c))
EXPECT(e_linear) {
    int64_t k = o->b.dim[1], n = o->b.dim[0];
    double sum = c[i % n];
    for (int64_t j = 0; j < k; j++) sum += (double)a[i / n * k + j] * b[i % n * k + j];
    return sum;
}
static double conv_at(const op_case *o, const float *a, const float *b, const float *c, int64_t i, int stride, int pad) {
    const int64_t *x = o->a.dim, *w = o->b.dim;
    int64_t ow = (x[2] + 2 * pad - w[2]) / stride + 1, oh = (x[1] + 2 * pad - w[1]) / stride + 1;
    int64_t n = i % w[0], ox = i / w[0] % ow, oy = i / w[0] / ow % oh, image = i / w[0] / ow / oh;
    double sum = c ? c[n] : 0;
    for (int64_t ky = 0; ky < w[1]; ky++)
        for (int64_t kx = 0; kx < w[2]; kx++) {
            int64_t y = oy * stride + ky - pad, xx = ox * stride + kx - pad;
            if (y < 0 || xx < 0 || y >= x[1] || xx >= x[2]) continue;
            for (int64_t k = 0; k < x[3]; k++)
                sum += (double)a[((image * x[1] + y) * x[2] + xx) * x[3] + k] * b[((n * w[1] + ky) * w[2] + kx) * x[3] + k];
        }
    return sum;
}
BUILD(b_conv3, rf__conv2d(g, a, b, c, 1, 1))
EXPECT(e_conv3) { return conv_at(o, a, b, c, i, 1, 1); }
BUILD(b_conv_s2, rf__conv2d(g, a, b, NULL, 2, 1))
EXPECT(e_conv_s2) { (void)c; return conv_at(o, a, b, NULL, i, 2, 1); }

static double attention_at(const float *q, const float *k, const float *v, int64_t stride, int64_t width, int64_t heads, int64_t tq,
                           int64_t tk, int64_t i) {
    int64_t dim = width / heads, column = i % width, row = i / width % tq, image = i / width / tq, head = column / dim;
    double sum = 0, total = 0;
    for (int64_t j = 0; j < tk; j++) {
        double score = 0;
        for (int64_t d = 0; d < dim; d++)
            score += (double)q[(image * tq + row) * stride + head * dim + d] * k[(image * tk + j) * stride + head * dim + d];
        double p = exp(score / sqrt((double)dim));
        total += p;
        sum += p * v[(image * tk + j) * stride + column];
    }
    return sum / total;
}
BUILD(b_attention_qkv, rf__attention_qkv(g, a, 2))
EXPECT(e_attention_qkv) {
    (void)b, (void)c;
    int64_t width = o->a.dim[2] / 3;
    return attention_at(a, a + width, a + 2 * width, 3 * width, width, 2, o->a.dim[1], o->a.dim[1], i);
}
BUILD(b_attention, rf__attention(g, a, b, c, 2))
EXPECT(e_attention) { return attention_at(a, b, c, o->a.dim[2], o->a.dim[2], 2, o->a.dim[1], o->b.dim[1], i); }

/* ---- norms ---- */
static double group_norm_at(const op_case *o, const float *a, const float *b, const float *c, int64_t i, int64_t groups) {
    int64_t channels = rf__shape_last(&o->a), pixels = rf__shape_rows(&o->a), width = channels / groups;
    int64_t ch = i % channels, image = i / channels / pixels, first = ch / width * width;
    double mean = 0, square = 0, n = (double)(pixels * width);
    for (int pass = 0; pass < 2; pass++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t k = first; k < first + width; k++) {
                double x = a[(image * pixels + p) * channels + k];
                if (pass) square += (x - mean / n) * (x - mean / n);
                else mean += x;
            }
    return (a[i] - mean / n) / sqrt(square / n + 1e-5) * b[ch] + c[ch];
}
BUILD(b_group_norm, rf__group_norm(g, a, b, c, 2, 1e-5f))
EXPECT(e_group_norm) { return group_norm_at(o, a, b, c, i, 2); }
BUILD(b_group_norm_silu, rf__silu(g, rf__group_norm(g, a, b, c, 2, 1e-5f)))
EXPECT(e_group_norm_silu) { return silu(group_norm_at(o, a, b, c, i, 2)); }
static double normed(const op_case *o, const float *a, int64_t i) {
    int64_t channels = rf__shape_last(&o->a);
    const float *row = a + i / channels * channels;
    double mean = 0, square = 0;
    for (int64_t k = 0; k < channels; k++) mean += row[k] / (double)channels;
    for (int64_t k = 0; k < channels; k++) square += (row[k] - mean) * (row[k] - mean) / (double)channels;
    return (a[i] - mean) / sqrt(square + 1e-6);
}
BUILD(b_layer_norm, rf__layer_norm(g, a, b, c, 1e-6f))
EXPECT(e_layer_norm) { return normed(o, a, i) * b[i % o->b.dim[0]] + c[i % o->b.dim[0]]; }
/* image and channel of element i, for vectors [B,C] */
static int64_t vector_index(const op_case *o, int64_t i) {
    int64_t channels = rf__shape_last(&o->a);
    return i / (channels * rf__shape_rows(&o->a)) * channels + i % channels;
}
BUILD(b_modulated_norm, rf__modulate(g, rf__layer_norm(g, a, NULL, NULL, 1e-6f), b, c))
EXPECT(e_modulated_norm) { return normed(o, a, i) * (1 + (double)c[vector_index(o, i)]) + b[vector_index(o, i)]; }

/* ---- elementwise and rows ---- */
BUILD(b_silu, rf__silu(g, a))
EXPECT(e_silu) { UNUSED; return silu(a[i]); }
BUILD(b_gelu, rf__act(g, RF_ACT_GELU_TANH, a))
EXPECT(e_gelu) { UNUSED; double x = a[i]; return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); }
BUILD(b_gelu_erf, rf__act(g, RF_ACT_GELU_ERF, a))
EXPECT(e_gelu_erf) { UNUSED; return 0.5 * a[i] * (1 + erf(a[i] / sqrt(2.0))); }
BUILD(b_tanh, rf__act(g, RF_ACT_TANH, a))
EXPECT(e_tanh) { UNUSED; return tanh(a[i]); }
BUILD(b_sigmoid, rf__act(g, RF_ACT_SIGMOID, a))
EXPECT(e_sigmoid) { UNUSED; return 1 / (1 + exp(-(double)a[i])); }
BUILD(b_relu, rf__act(g, RF_ACT_RELU, a))
EXPECT(e_relu) { UNUSED; return a[i] > 0 ? a[i] : 0; }
BUILD(b_axpby, rf__axpby(g, 2, a, -0.5f, b))
EXPECT(e_axpby) { UNUSED; return 2.0 * a[i] - 0.5 * b[i]; }
BUILD(b_scale, rf__scale(g, a, 3))
EXPECT(e_scale) { UNUSED; return 3.0 * a[i]; }
BUILD(b_mul, rf__mul(g, a, b))
EXPECT(e_mul) { UNUSED; return (double)a[i] * b[i]; }
BUILD(b_square, rf__mul(g, a, a))
EXPECT(e_square) { UNUSED; return (double)a[i] * a[i]; }
BUILD(b_add_rows, rf__add_rows(g, a, b))
EXPECT(e_add_rows) { (void)c; return (double)a[i] + b[vector_index(o, i)]; }
BUILD(b_mul_rows, rf__mul_rows(g, a, b))
EXPECT(e_mul_rows) { (void)c; return (double)a[i] * b[vector_index(o, i)]; }
BUILD(b_mul_vector, rf__mul_rows(g, a, b))
EXPECT(e_mul_vector) { (void)c; return (double)a[i] * b[i % o->b.dim[0]]; }
BUILD(b_modulate, rf__modulate(g, a, b, c))
EXPECT(e_modulate) { return a[i] * (1 + (double)c[vector_index(o, i)]) + b[vector_index(o, i)]; }
BUILD(b_scale_rows, rf__scale_rows(g, a, b))
EXPECT(e_scale_rows) { (void)c; return (double)a[i] * b[i / (rf__shape_count(&o->a) / o->a.dim[0])]; }
BUILD(b_add_table, rf__add_table(g, a, b))
EXPECT(e_add_table) { (void)c; return (double)a[i] + b[i % rf__shape_count(&o->b)]; }
BUILD(b_gate_residual, rf__add(g, c, rf__mul_rows(g, a, b)))
EXPECT(e_gate_residual) { return c[i] + (double)a[i] * b[vector_index(o, i)]; }

/* ---- shape ---- */
EXPECT(e_copy) { UNUSED; return a[i]; }
BUILD(b_concat, rf__concat(g, a, b))
EXPECT(e_concat) {
    (void)c;
    int64_t wa = rf__shape_last(&o->a), wb = rf__shape_last(&o->b), row = i / (wa + wb), col = i % (wa + wb);
    return col < wa ? a[row * wa + col] : b[row * wb + col - wa];
}
BUILD(b_concat_tokens, rf__concat_tokens(g, a, b))
EXPECT(e_concat_tokens) {
    (void)c;
    int64_t wa = o->a.dim[1] * o->a.dim[2], wb = o->b.dim[1] * o->b.dim[2], row = i / (wa + wb), col = i % (wa + wb);
    return col < wa ? a[row * wa + col] : b[row * wb + col - wa];
}
BUILD(b_slice, rf__slice(g, a, 1, 2))
EXPECT(e_slice) { (void)b, (void)c; return a[i / 2 * rf__shape_last(&o->a) + 1 + i % 2]; }
BUILD(b_slice_tokens, rf__slice_tokens(g, a, 1, 2))
EXPECT(e_slice_tokens) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[2];
    return a[(i / (2 * ch) * o->a.dim[1] + 1) * ch + i % (2 * ch)];
}
BUILD(b_up2, rf__up2(g, a))
EXPECT(e_up2) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1];
    int64_t x = i / ch % (2 * w), y = i / ch / (2 * w) % (2 * h), image = i / ch / (4 * w * h);
    return a[((image * h + y / 2) * w + x / 2) * ch + i % ch];
}
BUILD(b_down2, rf__down2(g, a))
EXPECT(e_down2) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], ow = w / 2, oh = h / 2;
    int64_t x = i / ch % ow, y = i / ch / ow % oh, image = i / ch / (ow * oh);
    double sum = 0;
    for (int k = 0; k < 4; k++) sum += a[((image * h + 2 * y + k / 2) * w + 2 * x + k % 2) * ch + i % ch];
    return sum / 4;
}
BUILD(b_patchify, rf__patchify(g, a, 2, true))
EXPECT(e_patchify) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], per = 4 * ch, e = i % per, token = i / per % (w * h / 4);
    int64_t image = i / per / (w * h / 4), channel = e / 4, py = e / 2 % 2, px = e % 2;
    return a[((image * h + token / (w / 2) * 2 + py) * w + token % (w / 2) * 2 + px) * ch + channel];
}
BUILD(b_patch_round, rf__unpatchify(g, rf__patchify(g, a, 2, false), 4, 4, 2, false))
BUILD(b_max_pool, rf__max_pool(g, a, 2, 2, 0))
EXPECT(e_max_pool) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], ow = w / 2, oh = h / 2;
    int64_t x = i / ch % ow, y = i / ch / ow % oh, image = i / ch / (ow * oh);
    double best = -1e9;
    for (int k = 0; k < 4; k++) best = fmax(best, a[((image * h + 2 * y + k / 2) * w + 2 * x + k % 2) * ch + i % ch]);
    return best;
}
BUILD(b_avg_pool, rf__avg_pool(g, a, 2, 2, 0, true))
BUILD(b_mean_pixels, rf__mean_pixels(g, a))
EXPECT(e_mean_pixels) {
    (void)b, (void)c;
    int64_t ch = rf__shape_last(&o->a), rows = rf__shape_rows(&o->a);
    double sum = 0;
    for (int64_t r = 0; r < rows; r++) sum += a[(i / ch * rows + r) * ch + i % ch];
    return sum / (double)rows;
}

/* ---- sums ---- */
BUILD(b_sum_rows, rf__sum_rows(g, a, 0.5f))
EXPECT(e_sum_rows) {
    (void)b, (void)c;
    int64_t n = rf__shape_count(&o->a) / o->a.dim[0];
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += 0.5 * a[i * n + k];
    return sum;
}
BUILD(b_dot_rows, rf__dot_rows(g, a, b, 2))
EXPECT(e_dot_rows) {
    (void)c;
    int64_t n = rf__shape_count(&o->a) / o->a.dim[0];
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += 2.0 * a[i * n + k] * b[i * n + k];
    return sum;
}
BUILD(b_sum, rf__sum(g, rf__mul(g, a, a), 0.25f))
EXPECT(e_sum) {
    (void)b, (void)c, (void)i;
    double sum = 0;
    for (int64_t k = 0; k < rf__shape_count(&o->a); k++) sum += 0.25 * a[k] * a[k];
    return sum;
}

#define S1(a) {1, {a}}
#define S2(a, b) {2, {a, b}}
#define S3(a, b, c) {3, {a, b, c}}
#define S4(a, b, c, d) {4, {a, b, c, d}}
#define NONE {0, {0}}

static const op_case cases[] = {
    {"linear", S3(2, 3, 5), S2(4, 5), S1(4), b_linear, e_linear, true, true},
    {"conv 3x3", S4(2, 4, 5, 3), S4(4, 3, 3, 3), S1(4), b_conv3, e_conv3, true, true},
    {"conv stride 2", S4(2, 5, 5, 3), S4(4, 3, 3, 3), NONE, b_conv_s2, e_conv_s2, true, false},
    {"attention qkv", S3(2, 5, 24), NONE, NONE, b_attention_qkv, e_attention_qkv, false, false},
    {"attention", S3(2, 3, 8), S3(2, 5, 8), S3(2, 5, 8), b_attention, e_attention, false, false},
    {"group_norm", S4(2, 3, 2, 6), S1(6), S1(6), b_group_norm, e_group_norm, true, true},
    {"group_norm silu", S4(2, 3, 2, 6), S1(6), S1(6), b_group_norm_silu, e_group_norm_silu, true, true},
    {"layer_norm", S3(2, 3, 6), S1(6), S1(6), b_layer_norm, e_layer_norm, true, true},
    {"layer_norm modulate", S3(2, 3, 6), S2(2, 6), S2(2, 6), b_modulated_norm, e_modulated_norm, false, false},
    {"silu", S3(2, 3, 7), NONE, NONE, b_silu, e_silu, false, false},
    {"gelu tanh", S3(2, 3, 7), NONE, NONE, b_gelu, e_gelu, false, false},
    {"gelu erf", S3(2, 3, 7), NONE, NONE, b_gelu_erf, e_gelu_erf, false, false},
    {"tanh", S3(2, 3, 7), NONE, NONE, b_tanh, e_tanh, false, false},
    {"sigmoid", S3(2, 3, 7), NONE, NONE, b_sigmoid, e_sigmoid, false, false},
    {"relu", S3(2, 3, 7), NONE, NONE, b_relu, e_relu, false, false},
    {"axpby", S3(2, 3, 7), S3(2, 3, 7), NONE, b_axpby, e_axpby, false, false},
    {"scale", S3(2, 3, 7), NONE, NONE, b_scale, e_scale, false, false},
    {"mul", S3(2, 3, 7), S3(2, 3, 7), NONE, b_mul, e_mul, false, false},
    {"square", S3(2, 3, 7), NONE, NONE, b_square, e_square, false, false},
    {"add_rows", S3(2, 3, 7), S2(2, 7), NONE, b_add_rows, e_add_rows, false, false},
    {"mul_rows", S3(2, 3, 7), S2(2, 7), NONE, b_mul_rows, e_mul_rows, false, false},
    {"mul by one vector", S3(2, 3, 7), S1(7), NONE, b_mul_vector, e_mul_vector, true, false},
    {"modulate", S3(2, 3, 7), S2(2, 7), S2(2, 7), b_modulate, e_modulate, false, false},
    {"scale_rows", S3(3, 3, 7), S1(3), NONE, b_scale_rows, e_scale_rows, false, false},
    {"add_table", S3(2, 3, 7), S2(3, 7), NONE, b_add_table, e_add_table, true, false},
    {"gate and residual", S3(2, 3, 7), S2(2, 7), S3(2, 3, 7), b_gate_residual, e_gate_residual, false, false},
    {"concat", S3(2, 3, 4), S3(2, 3, 5), NONE, b_concat, e_concat, false, false},
    {"concat tokens", S3(2, 3, 4), S3(2, 2, 4), NONE, b_concat_tokens, e_concat_tokens, false, false},
    {"slice", S3(2, 3, 5), NONE, NONE, b_slice, e_slice, false, false},
    {"slice tokens", S3(2, 5, 3), NONE, NONE, b_slice_tokens, e_slice_tokens, false, false},
    {"up2", S4(2, 2, 3, 5), NONE, NONE, b_up2, e_up2, false, false},
    {"down2", S4(2, 4, 6, 5), NONE, NONE, b_down2, e_down2, false, false},
    {"patchify", S4(2, 4, 6, 3), NONE, NONE, b_patchify, e_patchify, false, false},
    {"unpatchify", S4(2, 4, 4, 3), NONE, NONE, b_patch_round, e_copy, false, false},
    {"max_pool", S4(2, 4, 6, 3), NONE, NONE, b_max_pool, e_max_pool, false, false},
    {"avg_pool", S4(2, 4, 6, 5), NONE, NONE, b_avg_pool, e_down2, false, false},
    {"mean_pixels", S4(2, 3, 2, 5), NONE, NONE, b_mean_pixels, e_mean_pixels, false, false},
    {"sum_rows", S3(2, 3, 5), NONE, NONE, b_sum_rows, e_sum_rows, false, false},
    {"dot_rows", S3(2, 3, 5), S3(2, 3, 5), NONE, b_dot_rows, e_dot_rows, false, false},
    {"sum", S3(2, 3, 5), NONE, NONE, b_sum, e_sum, false, false},
};

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

static void dropout_mask(void **state) {
    (void)state;
    rf_graph *g = rf__graph_create(RF_F32);
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape3(2, 50, 20));
    rf_node *key = rf__input(g, "key", RF_I32, rf__shape2(2, 2)), *seed = rf__input(g, "seed", RF_I32, rf__shape1(2));
    rf_node *y = rf__dropout(g, x, 0.25f, key, seed);
    rf_node *loss = rf__sum(g, y, 1);
    rf__output(g, "y", y);
    assert_int_equal(rf_grad(g, loss, (const char *const[]){"x", NULL}), RF_OK);
    rf_weights *weights;
    rf_plan *plan;
    rf_exec *exec;
    assert_int_equal(rf__weights_create(&weights, g), RF_OK);
    assert_int_equal(rf__plan_build(&plan, g, weights, NULL), RF_OK);
    assert_int_equal(rf__exec_create(&exec, plan, 1), RF_OK);
    float *in = rf__exec_buffer(exec, "x"), *out = rf__exec_buffer(exec, "y"), *dx = rf__exec_buffer(exec, "grad:x");
    for (int i = 0; i < 2000; i++) in[i] = 1;
    memcpy(rf__exec_buffer(exec, "key"), (int32_t[]){5, 0, 6, 0}, 16);
    memcpy(rf__exec_buffer(exec, "seed"), (int32_t[]){1, 2}, 8);
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    int kept = 0, same = 0;
    for (int i = 0; i < 2000; i++) {
        assert_true(out[i] == 0 || fabsf(out[i] - 4.0f / 3) < 1e-6f);
        assert_true(dx[i] == out[i]); /* the same mask backward */
        kept += out[i] != 0;
        if (i < 1000) same += (out[i] != 0) == (out[i + 1000] != 0);
    }
    assert_in_range(kept, 1400, 1600); /* 1500 +- 5 sd (sd 19) */
    assert_in_range(same, 500, 750);   /* two samples have independent masks: 625 expected, 1000 if shared */
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__weights_free(&weights);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_ref),           cmocka_unit_test(ops_native), cmocka_unit_test(ops_bf16),
        cmocka_unit_test(gradients_accumulate), cmocka_unit_test(errors_are_sentences), cmocka_unit_test(lookups),
        cmocka_unit_test(dropout_mask),      cmocka_unit_test(planner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
