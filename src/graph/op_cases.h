/* op_cases.h - one list of operations for the tests: a graph of up to three inputs, and the value of each output element by a
 * formula in double. Included by graph_test.c only. */
#ifndef RF_GRAPH_OP_CASES_H
#define RF_GRAPH_OP_CASES_H
#include <math.h>

#include "node.h"

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
static double conv_at(const op_case *o, const float *a, const float *b, const float *c, int64_t i, int stride, int pad, int pad_w) {
    const int64_t *x = o->a.dim, *w = o->b.dim;
    int64_t ow = (x[2] + 2 * pad_w - w[2]) / stride + 1, oh = (x[1] + 2 * pad - w[1]) / stride + 1;
    int64_t n = i % w[0], ox = i / w[0] % ow, oy = i / w[0] / ow % oh, image = i / w[0] / ow / oh;
    double sum = c ? c[n] : 0;
    for (int64_t ky = 0; ky < w[1]; ky++)
        for (int64_t kx = 0; kx < w[2]; kx++) {
            int64_t y = oy * stride + ky - pad, xx = ox * stride + kx - pad_w;
            if (y < 0 || xx < 0 || y >= x[1] || xx >= x[2]) continue;
            for (int64_t k = 0; k < x[3]; k++)
                sum += (double)a[((image * x[1] + y) * x[2] + xx) * x[3] + k] * b[((n * w[1] + ky) * w[2] + kx) * x[3] + k];
        }
    return sum;
}
BUILD(b_conv3, rf__conv2d(g, a, b, c, 1, 1))
EXPECT(e_conv3) { return conv_at(o, a, b, c, i, 1, 1, 1); }
BUILD(b_conv_s2, rf__conv2d(g, a, b, NULL, 2, 1))
EXPECT(e_conv_s2) { (void)c; return conv_at(o, a, b, NULL, i, 2, 1, 1); }
BUILD(b_conv_wide, rf__conv2d_hw(g, a, b, c, 1, 0, 3))
EXPECT(e_conv_wide) { return conv_at(o, a, b, c, i, 1, 0, 3); }
BUILD(b_conv_high, rf__conv2d_hw(g, a, b, c, 2, 2, 0))
EXPECT(e_conv_high) { return conv_at(o, a, b, c, i, 2, 2, 0); }
BUILD(b_conv_border, rf__conv2d(g, a, b, c, 1, 1))

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
BUILD(b_unit_norm, rf__unit_norm(g, a, 1e-2f))
EXPECT(e_unit_norm) {
    (void)b, (void)c;
    int64_t channels = rf__shape_last(&o->a);
    const float *row = a + i / channels * channels;
    double square = 0;
    for (int64_t k = 0; k < channels; k++) square += (double)row[k] * row[k];
    return a[i] / (sqrt(square) + 1e-2);
}
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
/* around position `at` of a column or row of n */
static double between(const float *p, int64_t step, double at, int64_t n) {
    at = fmax(at, 0);
    int64_t low = at < (double)(n - 1) ? (int64_t)at : n - 1, high = low < n - 1 ? low + 1 : low;
    return p[low * step] + (at - (double)low) * ((double)p[high * step] - p[low * step]);
}
/* element i of the image a at oh x ow pixels */
static double resized(const op_case *o, const float *a, int64_t i, int64_t oh, int64_t ow, double shift) {
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], x = i / ch % ow, y = i / ch / ow % oh, image = i / ch / ow / oh;
    double v = fmax(((double)y + shift) * (double)h / (double)oh - shift, 0);
    int64_t low = v < (double)(h - 1) ? (int64_t)v : h - 1, high = low < h - 1 ? low + 1 : low;
    double u = ((double)x + shift) * (double)w / (double)ow - shift;
    const float *from = a + image * h * w * ch + i % ch;
    double upper = between(from + low * w * ch, ch, u, w), lower = between(from + high * w * ch, ch, u, w);
    return upper + (v - (double)low) * (lower - upper);
}
BUILD(b_resize, rf__resize(g, a, 7, 5, false))
EXPECT(e_resize) { (void)b, (void)c; return resized(o, a, i, 7, 5, 0.5); }
BUILD(b_resize_corner, rf__resize(g, a, 5, 7, true))
EXPECT(e_resize_corner) { (void)b, (void)c; return resized(o, a, i, 5, 7, 0); }
BUILD(b_pad_channels, rf__pad_channels(g, a, 2, 1))
EXPECT(e_pad_channels) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], at = i % (ch + 3) - 2;
    return at < 0 || at >= ch ? 0 : a[i / (ch + 3) * ch + at];
}
BUILD(b_patchify, rf__patchify(g, a, 2, true))
EXPECT(e_patchify) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], per = 4 * ch, e = i % per, token = i / per % (w * h / 4);
    int64_t image = i / per / (w * h / 4), channel = e / 4, py = e / 2 % 2, px = e % 2;
    return a[((image * h + token / (w / 2) * 2 + py) * w + token % (w / 2) * 2 + px) * ch + channel];
}
BUILD(b_patch_round, rf__unpatchify(g, rf__patchify(g, a, 2, false), 4, 4, 2, false))
BUILD(b_max_pool, rf__max_pool(g, a, 2, 2, 0, false))
EXPECT(e_max_pool) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], ow = w / 2, oh = h / 2;
    int64_t x = i / ch % ow, y = i / ch / ow % oh, image = i / ch / (ow * oh);
    double best = -1e9;
    for (int k = 0; k < 4; k++) best = fmax(best, a[((image * h + 2 * y + k / 2) * w + 2 * x + k % 2) * ch + i % ch]);
    return best;
}
/* 3x3 windows, one every two pixels, the last ones cut by the border: 6x7 pixels make 3x3 */
BUILD(b_max_pool_ceil, rf__max_pool(g, a, 3, 2, 0, true))
EXPECT(e_max_pool_ceil) {
    (void)b, (void)c;
    int64_t ch = o->a.dim[3], w = o->a.dim[2], h = o->a.dim[1], x = i / ch % 3, y = i / ch / 3 % 3, image = i / ch / 9;
    double best = -1e9;
    for (int k = 0; k < 9; k++) {
        int64_t yy = 2 * y + k / 3, xx = 2 * x + k % 3;
        if (yy < h && xx < w) best = fmax(best, a[((image * h + yy) * w + xx) * ch + i % ch]);
    }
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
    {"conv 1x7", S4(2, 3, 5, 3), S4(4, 1, 7, 3), S1(4), b_conv_wide, e_conv_wide, true, true},
    {"conv 5x1 stride 2", S4(2, 6, 5, 3), S4(4, 5, 1, 3), S1(4), b_conv_high, e_conv_high, true, true},
    {"conv 1x1 with a border", S4(2, 3, 2, 3), S4(4, 1, 1, 3), S1(4), b_conv_border, e_conv3, true, true},
    {"attention qkv", S3(2, 5, 24), NONE, NONE, b_attention_qkv, e_attention_qkv, false, false},
    {"attention", S3(2, 3, 8), S3(2, 5, 8), S3(2, 5, 8), b_attention, e_attention, false, false},
    {"group_norm", S4(2, 3, 2, 6), S1(6), S1(6), b_group_norm, e_group_norm, true, true},
    {"group_norm silu", S4(2, 3, 2, 6), S1(6), S1(6), b_group_norm_silu, e_group_norm_silu, true, true},
    {"layer_norm", S3(2, 3, 6), S1(6), S1(6), b_layer_norm, e_layer_norm, true, true},
    {"layer_norm modulate", S3(2, 3, 6), S2(2, 6), S2(2, 6), b_modulated_norm, e_modulated_norm, false, false},
    {"unit_norm", S3(2, 3, 6), NONE, NONE, b_unit_norm, e_unit_norm, false, false},
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
    {"resize", S4(2, 4, 3, 2), NONE, NONE, b_resize, e_resize, false, false},
    {"resize corner", S4(2, 3, 9, 2), NONE, NONE, b_resize_corner, e_resize_corner, false, false},
    {"pad_channels", S4(2, 2, 3, 4), NONE, NONE, b_pad_channels, e_pad_channels, false, false},
    {"patchify", S4(2, 4, 6, 3), NONE, NONE, b_patchify, e_patchify, false, false},
    {"unpatchify", S4(2, 4, 4, 3), NONE, NONE, b_patch_round, e_copy, false, false},
    {"max_pool", S4(2, 4, 6, 3), NONE, NONE, b_max_pool, e_max_pool, false, false},
    {"max_pool ceil", S4(1, 6, 7, 3), NONE, NONE, b_max_pool_ceil, e_max_pool_ceil, false, false},
    {"avg_pool", S4(2, 4, 6, 5), NONE, NONE, b_avg_pool, e_down2, false, false},
    {"mean_pixels", S4(2, 3, 2, 5), NONE, NONE, b_mean_pixels, e_mean_pixels, false, false},
    {"sum_rows", S3(2, 3, 5), NONE, NONE, b_sum_rows, e_sum_rows, false, false},
    {"dot_rows", S3(2, 3, 5), S3(2, 3, 5), NONE, b_dot_rows, e_dot_rows, false, false},
    {"sum", S3(2, 3, 5), NONE, NONE, b_sum, e_sum, false, false},
};

#endif
