/* build_dense.c - builders of what multiplies: linear, convolution, attention, and the norms. */
#include "node.h"

/* Dense operations multiply in the compute dtype; the result is stored as its rank asks. */
static rf_node *conv_node(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias, rf_shape shape) {
    if (!x || !weight) return NULL;
    char a[64], b[64];
    if (weight->op != RF_OP_PARAM)
        return rf__graph_fail(graph, RF_EINVAL, "dense: the weight must be a parameter");
    if (bias && (bias->op != RF_OP_PARAM || rf__shape_count(&bias->shape) != weight->shape.dim[0]))
        return rf__graph_fail(graph, RF_EMISMATCH, "bias has %s, weight has %s", rf__shape_text(&bias->shape, a),
                              rf__shape_text(&weight->shape, b));
    x = rf__node_cast(graph, x, graph->compute);
    rf_node *node = rf__node_new(graph, RF_OP_CONV, rf__dtype_for_rank(graph, shape.rank), shape);
    if (!node) return NULL;
    node->in[RF_CONV_X] = x;
    node->in[RF_CONV_WEIGHT] = weight;
    node->in[RF_CONV_BIAS] = bias;
    node->name = weight->name;
    node->attr = (rf_attr){.stride = 1, .dilate = 1, .a = 1, .b = 1};
    node->needs_grad = x->needs_grad || weight->needs_grad || (bias && bias->needs_grad);
    return node;
}

rf_node *rf__linear(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias) {
    if (!x || !weight) return NULL;
    char a[64], b[64];
    if (weight->shape.rank != 2 || x->shape.rank < 2 || rf__shape_last(&x->shape) != weight->shape.dim[1])
        return rf__graph_fail(graph, RF_EMISMATCH, "linear: input is %s, weight is %s (out x in)",
                              rf__shape_text(&x->shape, a), rf__shape_text(&weight->shape, b));
    rf_shape shape = x->shape;
    shape.dim[shape.rank - 1] = weight->shape.dim[0];
    return conv_node(graph, x, weight, bias, shape);
}

rf_node *rf__conv2d_hw(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias, int stride, int pad_h, int pad_w) {
    if (!x || !weight) return NULL;
    char a[64], b[64];
    const rf_shape *w = &weight->shape, *s = &x->shape;
    if (s->rank != 4 || w->rank != 4 || s->dim[3] != w->dim[3] || stride < 1 || pad_h < 0 ||
        pad_w < 0 || s->dim[1] + 2 * pad_h < w->dim[1] || s->dim[2] + 2 * pad_w < w->dim[2])
        return rf__graph_fail(graph, RF_EMISMATCH, "conv2d: input is %s, weight is %s (out,kh,kw,in), stride %d, pad %d,%d",
                              rf__shape_text(s, a), rf__shape_text(w, b), stride, pad_h, pad_w);
    rf_shape shape = rf__shape4(s->dim[0], (s->dim[1] + 2 * pad_h - w->dim[1]) / stride + 1,
                                (s->dim[2] + 2 * pad_w - w->dim[2]) / stride + 1, w->dim[0]);
    rf_node *node = conv_node(graph, x, weight, bias, shape);
    if (node) node->attr.stride = stride, node->attr.pad_h = pad_h, node->attr.pad_w = pad_w;
    return node;
}

rf_node *rf__conv2d(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias, int stride, int pad) {
    return rf__conv2d_hw(graph, x, weight, bias, stride, pad, pad);
}

/* ---- attention ---- */

static rf_node *attention_node(rf_graph *graph, rf_node *q, rf_node *k, rf_node *v, rf_shape shape, int heads) {
    rf_node *node = rf__node_new(graph, RF_OP_ATTENTION, q->dtype, shape);
    if (!node) return NULL;
    node->in[0] = q;
    node->in[1] = k;
    node->in[2] = v;
    node->attr.heads = heads;
    node->needs_grad = q->needs_grad || (k && k->needs_grad) || (v && v->needs_grad);
    return node;
}

rf_node *rf__attention_qkv(rf_graph *graph, rf_node *qkv, int heads) {
    if (!qkv) return NULL;
    char a[64];
    int64_t last = rf__shape_last(&qkv->shape);
    if (qkv->shape.rank < 3 || heads < 1 || last % (3 * (int64_t)heads))
        return rf__graph_fail(graph, RF_EMISMATCH, "attention: input is %s, expected a last axis of 3 x %d heads x dim",
                              rf__shape_text(&qkv->shape, a), heads);
    rf_shape shape = qkv->shape;
    shape.dim[shape.rank - 1] = last / 3;
    return attention_node(graph, qkv, NULL, NULL, shape, heads);
}

rf_node *rf__attention(rf_graph *graph, rf_node *q, rf_node *k, rf_node *v, int heads) {
    if (!q || !k || !v) return NULL;
    char a[64], b[64];
    if (q->shape.rank != 3 || k->shape.rank != 3 || !rf__shape_equal(&k->shape, &v->shape) ||
        q->shape.dim[0] != k->shape.dim[0] || q->shape.dim[2] != k->shape.dim[2] || heads < 1 || q->shape.dim[2] % heads)
        return rf__graph_fail(graph, RF_EMISMATCH, "attention: q is %s, k is %s, %d heads", rf__shape_text(&q->shape, a),
                              rf__shape_text(&k->shape, b), heads);
    return attention_node(graph, q, k, v, q->shape, heads);
}

/* ---- norms ---- */

rf_node *rf__group_norm(rf_graph *graph, rf_node *x, rf_node *gamma, rf_node *beta, int groups, float eps) {
    if (!x || !gamma || !beta) return NULL;
    char a[64];
    if (x->shape.rank < 3 || groups < 1 || rf__shape_last(&x->shape) % groups ||
        rf__shape_count(&gamma->shape) != rf__shape_last(&x->shape))
        return rf__graph_fail(graph, RF_EMISMATCH, "group_norm: input is %s, %d groups, %lld gains", rf__shape_text(&x->shape, a),
                              groups, (long long)rf__shape_count(&gamma->shape));
    rf_node *node = rf__node_new(graph, RF_OP_GROUP_NORM, x->dtype, x->shape);
    if (!node) return NULL;
    node->in[0] = x;
    node->in[1] = gamma;
    node->in[2] = beta;
    node->attr.groups = groups;
    node->attr.eps = eps;
    node->needs_grad = x->needs_grad || gamma->needs_grad || beta->needs_grad;
    return node;
}

rf_node *rf__unit_norm(rf_graph *graph, rf_node *x, float eps) {
    rf_node *node = x ? rf__node_new(graph, RF_OP_UNIT_NORM, x->dtype, x->shape) : NULL;
    if (!node) return NULL;
    node->in[0] = x;
    node->attr.eps = eps;
    node->needs_grad = x->needs_grad;
    return node;
}

rf_node *rf__layer_norm(rf_graph *graph, rf_node *x, rf_node *gamma, rf_node *beta, float eps) {
    if (!x) return NULL;
    char a[64];
    int64_t channels = rf__shape_last(&x->shape);
    if ((gamma && rf__shape_count(&gamma->shape) != channels) || (beta && rf__shape_count(&beta->shape) != channels))
        return rf__graph_fail(graph, RF_EMISMATCH, "layer_norm: input is %s, gains or shifts differ", rf__shape_text(&x->shape, a));
    rf_node *node = rf__node_new(graph, RF_OP_LAYER_NORM, x->dtype, x->shape);
    if (!node) return NULL;
    node->in[0] = x;
    node->in[1] = gamma;
    node->in[2] = beta;
    node->attr.eps = eps;
    node->attr.broadcast = true;
    node->needs_grad = x->needs_grad || (gamma && gamma->needs_grad) || (beta && beta->needs_grad);
    return node;
}
