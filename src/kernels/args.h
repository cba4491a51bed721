/* args.h - what each kernel is given, with its formula and what a unit of its work is. kernels.h has the promise that all of them keep, the
 * layouts and the table. */
#ifndef RF_KERNEL_ARGS_H
#define RF_KERNEL_ARGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strait.h"

typedef enum rf_act {
    RF_ACT_NONE, RF_ACT_SILU, RF_ACT_GELU_TANH, RF_ACT_GELU_ERF, RF_ACT_RELU, RF_ACT_TANH, RF_ACT_SIGMOID
} rf_act;

/* Convolution as an implicit GEMM; a linear layer is kh = kw = 1 with h = 1, w = tokens.
 *   y[b,oy,ox,co] = act( scale * (sum x[b,iy,ix,ci] W[co,ky,kx,ci] + bias[co] + rows[b,co]) * gate[b,co]
 *                        + residual[b,oy,ox,co] * residual_scale )
 * iy*dilate = oy*stride + ky - pad_h, ix in the same way  (dilate > 1 only in the gradient of a strided convolution: taps where
 * it does not divide are zero). Optional pointers are NULL.
 * dtype RF_INT8 (provider `conv_int8`): x are bytes 128 + q with x = q x_scale, W = whole numbers -127..127 times a scale for each
 * co. The sum of products is an exact int32, then float(sum) * (x_scale * w_scale) takes its place above. cin is a multiple of 4
 * and at least 16, dilate is 1. */
typedef struct rf_conv_args {
    rf_dtype dtype, y_dtype;  /* x (and packed weights); y and residual */
    int64_t batch;
    int h, w, cin, oh, ow, cout, kh, kw, stride, pad_h, pad_w, dilate; /* pad_h: rows above, pad_w: columns to the left */
    const void *x, *packed;   /* packed by the same provider with the same cin, cout, kh, kw, dtype */
    const float *x_scale;     /* RF_INT8 only: one for each x_group output pixels, 1 or a whole image (see rf_quantise_args) */
    int64_t x_group;
    const float *bias;        /* [cout] */
    const float *rows;        /* [batch, rows_stride] */
    const float *gate;        /* [batch, gate_stride] */
    int64_t rows_stride, gate_stride;
    const void *residual;
    float scale, residual_scale;
    rf_act act;
    void *y;
    void *provider_state;     /* a library provider keeps its primitive here (see rf_conv_provider.conv_prepare) */
} rf_conv_args;

/* Weights -> the layout that the provider's convolution reads. transposed: for the gradient by data
 * (roles of cin and cout exchanged, taps mirrored); cin and cout are those of `w`. Units: output panels. */
typedef struct rf_pack_args {
    rf_dtype dtype;
    int cin, cout, kh, kw;
    bool transposed;
    const float *w;
    void *packed;
} rf_pack_args;

/* dw[co,ky,kx,ci] += sum_{b,oy,ox} dy[b,oy,ox,co] x[b,iy,ix,ci]  (iy = oy*stride + ky - pad_h),
 * dbias[co] += sum dy (NULL: not wanted). Units: blocks of the result. scratch: see dw_scratch. */
typedef struct rf_conv_dw_args {
    rf_dtype dtype;
    int64_t batch;
    int h, w, cin, oh, ow, cout, kh, kw, stride, pad_h, pad_w;
    const void *x, *dy;
    float *dw, *dbias;
    void *shared;             /* dw_shared bytes, filled by dw_prepare before the units run */
    void *provider_state;
} rf_conv_dw_args;

/* softmax(scale q k^T) v per head. q,k,v,y: row r of image b at ptr + (b*T + r)*stride, head h at +h*dim.
 * lse [batch, heads, tq] f32: log-sum-exp of each row, written forward, read backward. Units: (batch, head).
 * scratch: attention_scratch bytes a thread. */
typedef struct rf_attention_args {
    rf_dtype dtype;
    int64_t batch;
    int tq, tk, heads, dim;
    int64_t q_stride, k_stride, v_stride, y_stride; /* in elements */
    float scale;
    const void *q, *k, *v;
    void *y;                  /* backward: the forward result, read */
    float *lse;
    const void *dy;           /* backward only; stride y_stride */
    void *dq, *dk, *dv;       /* backward only; strides as q, k, v; overwritten */
} rf_attention_args;

/* y = act( (x - mean)/sqrt(var + eps) * gamma[c] + beta[c] ) with statistics over (pixels, channels of a group).
 * stats [batch, groups, 2] = mean, 1/sqrt(var+eps): written forward (may be NULL), read backward. Units: images. */
typedef struct rf_group_norm_args {
    rf_dtype dtype;
    int64_t batch;
    int pixels, channels, groups;
    float eps;
    rf_act act;               /* NONE or SILU */
    const void *x;
    const float *gamma, *beta;
    void *y;
    float *stats;
    const void *dy;           /* backward: in */
    void *dx;                 /* backward: out */
    float *partial;           /* backward: out [batch, 2, channels] = d gamma, d beta of each image */
} rf_group_norm_args;

/* y = (x - mean)/sqrt(var + eps) * m + s over the last axis; m = mul (+ 1 when one_plus), s = shift.
 * mul, shift: [batch, stride] vectors, one per image (modulate), or one for all (stride 0: affine); NULL = identity.
 * Backward: dx, and per image partial [batch, 2, channels] = d mul, d shift. Units: images. */
typedef struct rf_layer_norm_args {
    rf_dtype dtype;
    int64_t batch;
    int tokens, channels;
    float eps;
    bool one_plus;
    const void *x;
    const float *mul, *shift;
    int64_t mul_stride, shift_stride;
    void *y;
    float *stats;             /* [batch, tokens, 2] */
    const void *dy;
    void *dx;
    float *partial;
} rf_layer_norm_args;

/* Activations as bytes for dtype RF_INT8: q = 128 + round(127 x / m), scale = m / 127, where m is the largest |x| of a group of
 * pixels: of one image, or of one pixel (a token). A group that is all smaller than 1e-30 becomes zeros; one that holds an
 * infinity or NaN gets such a scale, so that it shows in the result. x is bf16. Units of both: pixels.
 *   peak      peak[p] = the largest |x| of pixel p      quantise  q and scale; with group 1 it needs no peak (NULL) */
typedef struct rf_quantise_args {
    int64_t pixels, group;    /* pixels in all, and of a group */
    int channels;
    const void *x;
    float *peak;              /* [pixels] */
    uint8_t *q;
    float *scale;             /* [pixels / group] */
} rf_quantise_args;

/* Elementwise over n; units: elements (grain a multiple of 64). In-place (y == x or y == z) is allowed.
 *   act      y = act(x)                    act_bwd  y = act'(x) * z   (x: the input of act, z: dy)
 *   axpby    y = a*x + b*z  (z may be NULL)    mul  y = a * x * z
 *   cast     y = x, dtype -> y_dtype */
typedef struct rf_map_args {
    rf_dtype dtype, y_dtype;
    rf_act act;
    float a, b;
    const void *x, *z;
    void *y;
} rf_map_args;

/* y[b,r,c] = x[b,r,c] * (gate[b,c] (+1 when one_plus)) + shift[b,c] + residual[b,r,c]; NULL = absent. Units: images. */
typedef struct rf_row_affine_args {
    rf_dtype dtype;
    int64_t batch, rows;
    int channels;
    bool one_plus;
    const void *x, *residual;
    const float *gate, *shift;
    int64_t gate_stride, shift_stride;
    void *y;
} rf_row_affine_args;

/* y[b,c] (+)= a * sum_r x[b,r,c] (* z[b,r,c]); y is f32. Units: images. */
typedef struct rf_row_reduce_args {
    rf_dtype dtype;
    int64_t batch, rows;
    int channels;
    float a;
    bool accumulate;
    const void *x, *z;
    float *y;
    int64_t y_stride;
} rf_row_reduce_args;

/* scale_rows: y[b,i] = x[b,i] * s[b] (+ z[b,i]).  dot_rows: out[b] = a * sum_i x[b,i] (* z[b,i]). f32 sums in
 * f64-free fixed order (blocks of 1024, pairwise). sum: out[0] = a * sum_i x[i] (* z[i]). Units: rows (sum: 1). */
typedef struct rf_rows_args {
    rf_dtype dtype;
    int64_t batch, n;
    float a;
    const void *x, *z;
    const float *s;
    void *y;
    float *out;
} rf_rows_args;

/* 2x nearest up-sampling, or 2x2 sum down-sampling, times scale (mean: 0.25); each is the gradient of the other.
 * h, w: of the *small* image. Units: images. */
typedef struct rf_resample_args {
    rf_dtype dtype;
    int64_t batch;
    int h, w, channels;
    float scale;
    const void *x;
    void *y;
} rf_resample_args;

/* Bilinear interpolation h x w -> oh x ow without antialiasing; a pixel beyond the border is the border's.
 * Output position o reads around max(0, (o + 1/2) h/oh - 1/2), with `corner` around o h/oh (TensorFlow 1), in f32 as PyTorch
 * does. Backward: dx from dy, overwritten. Units: images. */
typedef struct rf_resize_args {
    rf_dtype dtype;
    int64_t batch;
    int h, w, channels, oh, ow;
    bool corner;
    const void *x, *dy;
    void *y, *dx;
} rf_resize_args;

/* y[r,:] = x[r,:] / (n + eps), n = |x[r,:]|. Backward: dx = (dy - x (x.dy) / (n (n + eps))) / (n + eps), and 0 where n is 0
 * (a kink; PyTorch gives NaN there). Units: rows. */
typedef struct rf_unit_norm_args {
    rf_dtype dtype;
    int channels;
    float eps;
    const void *x, *dy;
    void *y, *dx;
} rf_unit_norm_args;

/* Copy a [rows, cols] block between two strided arrays (concat, slice). Units: rows. */
typedef struct rf_copy_args {
    rf_dtype dtype;
    int64_t rows, cols, x_stride, y_stride;
    bool accumulate;          /* y += x */
    const void *x;
    void *y;
} rf_copy_args;

/* patchify: [b, h, w, c] -> [b, (h/p)(w/p), p*p*c] with inner order (py, px, c) or, channel_first, (c, py, px);
 * inverse: the other way. Units: images. */
typedef struct rf_patch_args {
    rf_dtype dtype;
    int64_t batch;
    int h, w, channels, patch;
    bool channel_first, inverse;
    const void *x;
    void *y;
} rf_patch_args;

/* forward y[b,:] = table[index[b],:]; backward dtable[index[b],:] += dy[b,:] in row order. f32. Units: rows (backward: 1). */
typedef struct rf_embed_args {
    int64_t batch, entries;
    int channels;
    const int32_t *index;
    const float *table, *dy;
    float *y, *dtable;
} rf_embed_args;

/* y[b] = [cos | sin](scale * t[b] * f_i), f_i = frequency[i], or max_period^(-i/(half - shift)) when it is NULL, i < half = channels/2.
 * sin_first swaps the halves. Units: rows. */
typedef struct rf_time_args {
    int64_t batch;
    int channels;
    float scale, max_period, shift;
    bool sin_first;
    const float *t, *frequency;
    float *y;
} rf_time_args;

/* y[b] = of(t[b], with): where networks on other paths keep their times and scales. Units: rows. */
typedef double (*rf_time_map)(double t, const float *with);
typedef struct rf_time_map_args {
    int64_t batch;
    rf_time_map of;
    float with[5];
    const float *t;
    float *y;
} rf_time_map_args;

/* y = x * mask / (1-p); element i of row b is kept when word i%4 of rf__rng_bits(seed + key[b] * 0x9e3779b97f4a7c15,
 * stream DROPOUT, index layer * 2^40 + i/4) is at least p * 2^32. The same call on dy is the backward. Units: images. */
typedef struct rf_dropout_args {
    rf_dtype dtype;
    int64_t batch, n;         /* n scalars an image */
    float p;
    uint32_t layer;
    const int32_t *key;       /* [batch, 2]: low and high word of the sample's number */
    const int32_t *seed;      /* [2] */
    const void *x;
    void *y;
} rf_dropout_args;

/* pooling: max or mean over kxk windows. count_pad: mean divides by k*k also at the border. oh, ow are given: the last windows
 * may reach beyond the image (ceil mode) but begin inside. Units: images. */
typedef struct rf_pool_args {
    rf_dtype dtype;
    int64_t batch;
    int h, w, channels, oh, ow, size, stride, pad;
    bool max, count_pad;
    const void *x, *dy;
    void *y, *dx;             /* backward recomputes the arg max from x (first wins) */
} rf_pool_args;

/* loss[b] = -log softmax(x[b])[label[b]]; backward dx = (softmax - onehot) * dloss[b]. f32. Units: rows. */
typedef struct rf_xent_args {
    int64_t batch;
    int classes;
    const float *x;
    const int32_t *label;
    float *loss;
    const float *dloss;
    float *dx;
} rf_xent_args;

/* Adam/AdamW and EMA in one pass over memory: g *= grad_scale; m,v; w -= lr*(mhat/(sqrt(vhat)+eps) + decay*w);
 * ema += (1-ema_beta)*(w-ema) (ema NULL: none). c1 = 1/(1-beta1^t), c2 = 1/(1-beta2^t). Units: elements. */
typedef struct rf_adam_args {
    float *w, *m, *v, *ema;
    const float *g;
    float lr, beta1, beta2, eps, decay, c1, c2, grad_scale, ema_beta;
} rf_adam_args;

#endif
