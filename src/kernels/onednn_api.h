/* onednn_api.h - the few calls of oneDNN's C API that we use, in one spelling for 2.x and 3.x; for onednn*.c only.
 * 2.x: descriptors are structs and an operation descriptor precedes a primitive descriptor. 3.x: descriptors are
 * handles that must be destroyed and each operation has one creation call. */
#ifndef RF_KERNELS_ONEDNN_API_H
#define RF_KERNELS_ONEDNN_API_H
#ifdef RF_WITH_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>
#include <string.h>

#include "kernels.h"

/* A convolution, or with `linear` a product of rows: batch rows, one pixel. */
typedef struct dense {
    bool linear;
    dnnl_data_type_t type, y_type; /* x and weights; y */
    dnnl_dim_t n, ih, iw, ic, oh, ow, oc, kh, kw, stride, pad_h, pad_w;
} dense;

enum { DENSE_FORWARD, DENSE_DATA, DENSE_WEIGHTS };

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t md_view;
typedef dnnl_memory_desc_t md_own;
static inline md_view md_of(const md_own *m) { return *m; }
static inline void md_drop(md_own *m) { dnnl_memory_desc_destroy(*m); }
static inline bool md_make(md_own *out, int rank, const dnnl_dim_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(out, rank, dims, type, tag) == dnnl_success;
}
static inline size_t md_bytes(md_view m) { return dnnl_memory_desc_get_size(m); }
#else
typedef const dnnl_memory_desc_t *md_view;
typedef dnnl_memory_desc_t md_own;
static inline md_view md_of(const md_own *m) { return m; }
static inline void md_drop(md_own *m) { (void)m; }
static inline bool md_make(md_own *out, int rank, const dnnl_dim_t *dims, dnnl_data_type_t type, dnnl_format_tag_t tag) {
    dnnl_dims_t all = {0}; /* the header declares arrays of full length, and gcc believes it */
    for (int i = 0; i < rank; i++) all[i] = dims[i];
    return dnnl_memory_desc_init_by_tag(out, rank, all, type, tag) == dnnl_success;
}
static inline size_t md_bytes(md_view m) { return dnnl_memory_desc_get_size(m); }
#endif

static inline md_view pd_view(const_dnnl_primitive_desc_t pd, dnnl_query_t what) {
    return dnnl_primitive_desc_query_md(pd, what, 0);
}

/* Memory descriptors of a dense operation: activations nhwc, weights in whatever order the library likes. */
typedef struct dense_mds {
    md_own x, w, bias, y;
} dense_mds;

static inline bool dense_mds_make(dense_mds *m, const dense *d, dnnl_data_type_t w_type) {
    const dnnl_dim_t x4[] = {d->n, d->ic, d->ih, d->iw}, y4[] = {d->n, d->oc, d->oh, d->ow};
    const dnnl_dim_t w4[] = {d->oc, d->ic, d->kh, d->kw};
    int rank = d->linear ? 2 : 4;
    dnnl_format_tag_t rows = d->linear ? dnnl_ab : dnnl_acdb;
    return md_make(&m->x, rank, x4, d->type, rows) && md_make(&m->w, rank, w4, w_type, dnnl_format_tag_any) &&
           md_make(&m->bias, 1, &d->oc, dnnl_f32, dnnl_a) && md_make(&m->y, rank, y4, d->y_type, rows);
}

static inline void dense_mds_drop(dense_mds *m) {
    md_drop(&m->x);
    md_drop(&m->w);
    md_drop(&m->bias);
    md_drop(&m->y);
}

/* The descriptor of one direction, NULL when the library has no such kernel. */
static inline dnnl_primitive_desc_t dense_desc_of(dnnl_engine_t engine, const dense *d, const dense_mds *m, int direction,
                                                  dnnl_primitive_attr_t attr, dnnl_primitive_desc_t hint) {
    const dnnl_dims_t low = {d->pad_h, d->pad_w}, step = {d->stride, d->stride};
    dnnl_dim_t after_h = (d->oh - 1) * d->stride + d->kh - d->ih - d->pad_h;
    dnnl_dim_t after_w = (d->ow - 1) * d->stride + d->kw - d->iw - d->pad_w;
    const dnnl_dims_t high = {after_h > 0 ? after_h : 0, after_w > 0 ? after_w : 0};
    md_view x = md_of(&m->x), w = md_of(&m->w), bias = md_of(&m->bias), y = md_of(&m->y);
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status;
#if DNNL_VERSION_MAJOR >= 3
    const dnnl_dims_t dense_taps = {0};
    if (d->linear && direction == DENSE_FORWARD)
        status = dnnl_inner_product_forward_primitive_desc_create(&pd, engine, dnnl_forward_training, x, w, bias, y, attr);
    else if (d->linear && direction == DENSE_DATA)
        status = dnnl_inner_product_backward_data_primitive_desc_create(&pd, engine, x, w, y, hint, attr);
    else if (d->linear)
        status = dnnl_inner_product_backward_weights_primitive_desc_create(&pd, engine, x, w, bias, y, hint, attr);
    else if (direction == DENSE_FORWARD)
        status = dnnl_convolution_forward_primitive_desc_create(&pd, engine, dnnl_forward_training, dnnl_convolution_direct, x,
                                                                w, bias, y, step, dense_taps, low, high, attr);
    else if (direction == DENSE_DATA)
        status = dnnl_convolution_backward_data_primitive_desc_create(&pd, engine, dnnl_convolution_direct, x, w, y, step,
                                                                      dense_taps, low, high, hint, attr);
    else
        status = dnnl_convolution_backward_weights_primitive_desc_create(&pd, engine, dnnl_convolution_direct, x, w, bias, y,
                                                                         step, dense_taps, low, high, hint, attr);
#else
    dnnl_inner_product_desc_t ip;
    dnnl_convolution_desc_t conv;
    if (d->linear && direction == DENSE_FORWARD)
        status = dnnl_inner_product_forward_desc_init(&ip, dnnl_forward_training, x, w, bias, y);
    else if (d->linear && direction == DENSE_DATA) status = dnnl_inner_product_backward_data_desc_init(&ip, x, w, y);
    else if (d->linear) status = dnnl_inner_product_backward_weights_desc_init(&ip, x, w, bias, y);
    else if (direction == DENSE_FORWARD)
        status = dnnl_convolution_forward_desc_init(&conv, dnnl_forward_training, dnnl_convolution_direct, x, w, bias, y, step,
                                                    low, high);
    else if (direction == DENSE_DATA)
        status = dnnl_convolution_backward_data_desc_init(&conv, dnnl_convolution_direct, x, w, y, step, low, high);
    else status = dnnl_convolution_backward_weights_desc_init(&conv, dnnl_convolution_direct, x, w, bias, y, step, low, high);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(&pd, d->linear ? (void *)&ip : (void *)&conv, attr, engine, hint);
#endif
    return status == dnnl_success ? pd : NULL;
}

/* As above, with descriptors and the forward hint made here. w_type: of the weights (gradient: f32). */
static inline dnnl_primitive_desc_t dense_desc(dnnl_engine_t engine, const dense *d, int direction,
                                               dnnl_primitive_attr_t attr) {
    dense_mds m, g;
    if (!dense_mds_make(&m, d, d->type)) return NULL;
    dnnl_primitive_desc_t forward = dense_desc_of(engine, d, &m, DENSE_FORWARD, direction ? NULL : attr, NULL), pd = forward;
    if (direction && forward) {
        pd = NULL;
        if (dense_mds_make(&g, d, direction == DENSE_WEIGHTS ? dnnl_f32 : d->type)) {
            pd = dense_desc_of(engine, d, &g, direction, attr, forward);
            dense_mds_drop(&g);
        }
        dnnl_primitive_desc_destroy(forward);
    }
    dense_mds_drop(&m);
    return pd;
}

/* gelu by tanh, appended to post-operations. */
static inline dnnl_status_t post_gelu(dnnl_post_ops_t ops) {
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_gelu_tanh, 0, 0);
#else
    return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_gelu_tanh, 0, 0);
#endif
}

/* NULL when the library has no such kernel. */
static inline dnnl_primitive_desc_t matmul_desc(dnnl_engine_t engine, md_view x, md_view w, md_view y) {
    dnnl_primitive_desc_t pd = NULL;
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(&pd, engine, x, w, NULL, y, NULL) == dnnl_success ? pd : NULL;
#else
    dnnl_matmul_desc_t desc;
    if (dnnl_matmul_desc_init(&desc, x, w, NULL, y) != dnnl_success) return NULL;
    return dnnl_primitive_desc_create(&pd, &desc, NULL, engine, NULL) == dnnl_success ? pd : NULL;
#endif
}

static inline dnnl_primitive_desc_t softmax_desc(dnnl_engine_t engine, md_view x, int axis) {
    dnnl_primitive_desc_t pd = NULL;
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_softmax_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference, dnnl_softmax_accurate, x, x, axis, NULL) == dnnl_success ? pd : NULL;
#else
    dnnl_softmax_desc_t desc;
    if (dnnl_softmax_forward_desc_init(&desc, dnnl_forward_inference, x, axis) != dnnl_success) return NULL;
    return dnnl_primitive_desc_create(&pd, &desc, NULL, engine, NULL) == dnnl_success ? pd : NULL;
#endif
}
#endif
#endif
