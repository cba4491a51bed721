/* grad.c - reverse mode: walk the nodes backward and append, for each, the nodes that carry its gradient to its inputs.
 * Gradients of parameters do not become nodes: sinks add them into one vector, so that micro-batches accumulate for free. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

/* d(loss)/d(node) += contribution. */
static void add_grad(rf_graph *graph, rf_node *node, rf_node *contribution) {
    if (!node || !contribution || !node->needs_grad) return;
    if (node->origin) node = node->origin;
    contribution = rf__node_cast(graph, contribution, node->dtype);
    node->grad = node->grad ? rf__add(graph, node->grad, contribution) : contribution;
}

static rf_node *new_like(rf_graph *graph, rf_op op, const rf_node *like, rf_node *in0) {
    rf_node *node = rf__node_new(graph, op, like->dtype, like->shape);
    if (node) node->in[0] = in0;
    return node;
}

/* grad(param) += x */
static void accumulate(rf_graph *graph, rf_node *param, rf_node *x) {
    if (!param || !param->needs_grad || !x) return;
    rf_node *node = rf__node_new(graph, RF_OP_ACCUMULATE, RF_F32, param->shape);
    if (!node) return;
    node->in[0] = rf__to_f32(graph, x);
    node->name = param->name;
    node->param = param->param;
    node->sink = true;
}

/* A gradient for a vector that is either a parameter (possibly seen through RESHAPE) or an ordinary node. */
static void add_vector_grad(rf_graph *graph, rf_node *vector, rf_node *contribution) {
    if (vector && contribution && vector->needs_grad) add_grad(graph, vector, rf__reshape(graph, contribution, vector->shape));
}

static rf_node *row_reduce(rf_graph *graph, rf_node *x, rf_node *z, float a, rf_shape shape) {
    rf_node *node = rf__node_new(graph, RF_OP_ROW_REDUCE, RF_F32, shape);
    if (!node) return NULL;
    node->in[0] = x;
    node->in[1] = z;
    node->attr.a = a;
    return node;
}

/* ---- one function an operation ---- */

static void conv_dw(rf_graph *graph, rf_node *node, rf_node *x, rf_node *dy) {
    rf_node *weight = node->in[RF_CONV_WEIGHT], *bias = node->in[RF_CONV_BIAS];
    if (!weight->needs_grad) return; /* a frozen network has no trained bias either */
    rf_node *dw = rf__node_new(graph, RF_OP_CONV_DW, RF_F32, weight->shape);
    if (!dw) return;
    dw->in[0] = x;
    dw->in[1] = dy;
    dw->attr = node->attr;
    dw->name = weight->name;
    dw->param = weight->param;
    dw->param2 = bias && bias->needs_grad ? bias->param : -1;
    dw->sink = true;
}

static void grad_conv(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *x = node->in[RF_CONV_X], *weight = node->in[RF_CONV_WEIGHT];
    dy = rf__node_cast(graph, dy, x->dtype);
    if (!dy) return;
    conv_dw(graph, node, x, dy);
    if (!x->needs_grad) return;
    rf_node *dx = rf__node_new(graph, RF_OP_CONV, rf__dtype_for_rank(graph, x->shape.rank), x->shape);
    if (!dx) return;
    bool image = weight->shape.rank == 4;
    dx->in[RF_CONV_X] = dy;
    dx->in[RF_CONV_WEIGHT] = weight;
    dx->name = weight->name;
    /* A stride becomes a dilation of the input; the pad mirrors around the kernel. */
    dx->attr = (rf_attr){.stride = 1, .dilate = node->attr.stride, .transposed = true, .a = 1, .b = 1};
    dx->attr.pad_h = image ? (int)weight->shape.dim[1] - 1 - node->attr.pad_h : 0;
    dx->attr.pad_w = image ? (int)weight->shape.dim[2] - 1 - node->attr.pad_w : 0;
    add_grad(graph, x, dx);
}

static void grad_attention(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *q = node->in[0], *k = node->in[1], *v = node->in[2];
    int64_t batch = node->shape.dim[0], tokens = rf__shape_rows(&node->shape);
    rf_node *lse = rf__node_aux(graph, node, 0, RF_F32, rf__shape3(batch, node->attr.heads, tokens));
    rf_node *dq = new_like(graph, RF_OP_ATTENTION_BWD, q, q);
    if (!dq || !lse) return;
    dq->in[1] = k;
    dq->in[2] = v;
    dq->in[3] = node;
    dq->in[4] = lse;
    dq->in[5] = dy;
    dq->attr = node->attr;
    if (k) {
        rf_node *dk = rf__node_aux(graph, dq, 0, k->dtype, k->shape), *dv = rf__node_aux(graph, dq, 1, v->dtype, v->shape);
        add_grad(graph, k, dk);
        add_grad(graph, v, dv);
    }
    add_grad(graph, q, dq);
}

static void grad_group_norm(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *x = node->in[0];
    int64_t batch = x->shape.dim[0], channels = rf__shape_last(&x->shape);
    rf_node *stats = rf__node_aux(graph, node, 0, RF_F32, rf__shape3(batch, node->attr.groups, 2));
    rf_node *dx = new_like(graph, RF_OP_GROUP_NORM_BWD, x, x);
    if (!dx) return;
    dx->in[1] = node->in[1];
    dx->in[2] = node->in[2];
    dx->in[3] = stats;
    dx->in[4] = dy;
    dx->attr = node->attr;
    rf_node *partial = rf__node_aux(graph, dx, 0, RF_F32, rf__shape3(batch, 2, channels));
    add_grad(graph, x, dx);
    if (!node->in[1]->needs_grad) return;
    rf_node *total = row_reduce(graph, partial, NULL, 1, rf__shape2(1, 2 * channels));
    accumulate(graph, node->in[1], rf__slice(graph, total, 0, channels));
    accumulate(graph, node->in[2], rf__slice(graph, total, channels, channels));
}

static void grad_layer_norm(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *x = node->in[0], *mul = node->in[1], *shift = node->in[2];
    int64_t batch = x->shape.dim[0], channels = rf__shape_last(&x->shape);
    rf_node *stats = rf__node_aux(graph, node, 0, RF_F32, rf__shape3(batch, rf__shape_rows(&x->shape), 2));
    rf_node *dx = new_like(graph, RF_OP_LAYER_NORM_BWD, x, x);
    if (!dx) return;
    dx->in[1] = mul;
    dx->in[2] = shift;
    dx->in[3] = stats;
    dx->in[4] = dy;
    dx->attr = node->attr;
    rf_node *partial = rf__node_aux(graph, dx, 0, RF_F32, rf__shape3(batch, 2, channels));
    add_grad(graph, x, dx);
    if (!mul && !shift) return;
    /* For all images: sum them first. For one vector an image: the partial already is the gradient. */
    rf_node *total = node->attr.broadcast ? row_reduce(graph, partial, NULL, 1, rf__shape2(1, 2 * channels))
                                          : rf__reshape(graph, partial, rf__shape2(batch, 2 * channels));
    add_vector_grad(graph, mul, rf__slice(graph, total, 0, channels));
    add_vector_grad(graph, shift, rf__slice(graph, total, channels, channels));
}

static void grad_act(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_ACT_BWD, node->in[0], node->in[0]);
    if (!dx) return;
    dx->in[1] = dy;
    dx->attr = node->attr;
    add_grad(graph, node->in[0], dx);
}

static rf_node *scaled(rf_graph *graph, rf_node *x, float a) { return a == 1 ? x : rf__scale(graph, x, a); }

static void grad_axpby(rf_graph *graph, rf_node *node, rf_node *dy) {
    add_grad(graph, node->in[0], node->in[0]->needs_grad ? scaled(graph, dy, node->attr.a) : NULL);
    if (node->in[1]) add_grad(graph, node->in[1], node->in[1]->needs_grad ? scaled(graph, dy, node->attr.b) : NULL);
}

static void grad_mul(rf_graph *graph, rf_node *node, rf_node *dy) {
    for (int i = 0; i < 2; i++) {
        if (!node->in[i]->needs_grad) continue;
        rf_node *product = rf__mul(graph, dy, node->in[1 - i]);
        if (product) product->attr.a = node->attr.a;
        add_grad(graph, node->in[i], product);
    }
}

static void grad_row_affine(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *x = node->in[0], *gate = node->in[1], *shift = node->in[2];
    int64_t batch = x->shape.dim[0], channels = rf__shape_last(&x->shape);
    rf_shape sums = node->attr.broadcast ? rf__shape2(1, channels) : rf__shape2(batch, channels);
    if (x->needs_grad) {
        rf_node *dx = gate ? new_like(graph, RF_OP_ROW_AFFINE, x, dy) : dy;
        if (dx && gate) dx->in[1] = gate, dx->attr = node->attr;
        add_grad(graph, x, dx);
    }
    if (gate && gate->needs_grad) add_vector_grad(graph, gate, row_reduce(graph, dy, x, 1, sums));
    if (shift && shift->needs_grad) add_vector_grad(graph, shift, row_reduce(graph, dy, NULL, 1, sums));
    if (node->in[3]) add_grad(graph, node->in[3], dy);
}

/* y[b,c] = a sum_r x (z): spread dy over the rows. */
static void grad_row_reduce(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *x = node->in[0];
    rf_node *zero = rf__fill(graph, x->shape, 0);
    add_grad(graph, x, scaled(graph, rf__add_rows(graph, zero, dy), node->attr.a));
}

static void grad_scale_rows(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *x = node->in[0], *s = node->in[1];
    if (x->needs_grad) add_grad(graph, x, rf__scale_rows(graph, dy, s));
    if (!s->needs_grad) return;
    rf_node *ds = rf__dot_rows(graph, dy, x, 1);
    add_vector_grad(graph, s, node->attr.broadcast && ds ? rf__sum(graph, ds, 1) : ds);
}

/* DOT_ROWS and SUM: y = a sum x z, or a sum x. */
static void grad_sum(rf_graph *graph, rf_node *node, rf_node *dy) {
    for (int i = 0; i < 2; i++) {
        rf_node *to = node->in[i], *other = node->in[1 - i];
        if (!to || !to->needs_grad) continue;
        rf_node *base = other ? other : rf__fill(graph, to->shape, 1);
        add_grad(graph, to, rf__scale_rows(graph, base, scaled(graph, dy, node->attr.a)));
    }
}

static void grad_resample(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, node->op == RF_OP_UP2 ? RF_OP_DOWN2 : RF_OP_UP2, node->in[0], dy);
    if (dx) dx->attr.a = node->attr.a;
    add_grad(graph, node->in[0], dx);
}

static void grad_resize(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_RESIZE_BWD, node->in[0], rf__node_cast(graph, dy, node->in[0]->dtype));
    if (dx) dx->attr = node->attr;
    add_grad(graph, node->in[0], dx);
}

static void grad_unit_norm(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_UNIT_NORM_BWD, node->in[0], node->in[0]);
    if (dx) dx->in[1] = dy, dx->attr = node->attr;
    add_grad(graph, node->in[0], dx);
}

static rf_node *slice_like(rf_graph *graph, rf_node *x, int axis, int64_t begin, rf_node *like) {
    rf_node *node = new_like(graph, RF_OP_SLICE, like, x);
    if (node) node->dtype = x->dtype, node->attr.axis = axis, node->attr.begin = begin;
    return node;
}

static void grad_concat(rf_graph *graph, rf_node *node, rf_node *dy) {
    int axis = node->attr.axis;
    if (node->in[0]->needs_grad) add_grad(graph, node->in[0], slice_like(graph, dy, axis, 0, node->in[0]));
    if (node->in[1]->needs_grad)
        add_grad(graph, node->in[1], slice_like(graph, dy, axis, node->in[0]->shape.dim[axis], node->in[1]));
}

static void grad_slice(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_UNSLICE, node->in[0], rf__node_cast(graph, dy, node->in[0]->dtype));
    if (dx) dx->attr = node->attr;
    add_grad(graph, node->in[0], dx);
}

static void grad_unslice(rf_graph *graph, rf_node *node, rf_node *dy) {
    add_grad(graph, node->in[0], slice_like(graph, dy, node->attr.axis, node->attr.begin, node->in[0]));
}

static void grad_patch(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_PATCH, node->in[0], rf__node_cast(graph, dy, node->in[0]->dtype));
    if (dx) dx->attr = node->attr, dx->attr.inverse = !node->attr.inverse;
    add_grad(graph, node->in[0], dx);
}

static void grad_embed(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dw = rf__node_new(graph, RF_OP_EMBED_DW, RF_F32, node->in[0]->shape);
    if (!dw) return;
    dw->in[0] = node->in[1];
    dw->in[1] = dy;
    dw->name = node->name;
    dw->param = node->in[0]->param;
    dw->sink = true;
}

static void grad_dropout(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_DROPOUT, node->in[0], dy);
    if (dx) dx->in[1] = node->in[1], dx->in[2] = node->in[2], dx->attr = node->attr;
    add_grad(graph, node->in[0], dx);
}

static void grad_pool(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_POOL_BWD, node->in[0], node->in[0]);
    if (dx) dx->in[1] = dy, dx->attr = node->attr;
    add_grad(graph, node->in[0], dx);
}

static void grad_xent(rf_graph *graph, rf_node *node, rf_node *dy) {
    rf_node *dx = new_like(graph, RF_OP_XENT_BWD, node->in[0], node->in[0]);
    if (dx) dx->in[1] = node->in[1], dx->in[2] = dy;
    add_grad(graph, node->in[0], dx);
}

static void grad_reshape(rf_graph *graph, rf_node *node, rf_node *dy) {
    add_grad(graph, node->in[0], rf__reshape(graph, dy, node->in[0]->shape));
}

static void grad_cast(rf_graph *graph, rf_node *node, rf_node *dy) { add_grad(graph, node->in[0], dy); }

typedef void (*grad_fn)(rf_graph *graph, rf_node *node, rf_node *dy);

static const grad_fn grad_table[RF_OPS] = {
    [RF_OP_RESHAPE] = grad_reshape,       [RF_OP_CONV] = grad_conv,           [RF_OP_ATTENTION] = grad_attention,
    [RF_OP_GROUP_NORM] = grad_group_norm, [RF_OP_LAYER_NORM] = grad_layer_norm, [RF_OP_ACT] = grad_act,
    [RF_OP_AXPBY] = grad_axpby,           [RF_OP_MUL] = grad_mul,             [RF_OP_CAST] = grad_cast,
    [RF_OP_ROW_AFFINE] = grad_row_affine, [RF_OP_ROW_REDUCE] = grad_row_reduce, [RF_OP_SCALE_ROWS] = grad_scale_rows,
    [RF_OP_DOT_ROWS] = grad_sum,          [RF_OP_SUM] = grad_sum,             [RF_OP_UP2] = grad_resample,
    [RF_OP_DOWN2] = grad_resample,        [RF_OP_CONCAT] = grad_concat,       [RF_OP_SLICE] = grad_slice,
    [RF_OP_PATCH] = grad_patch,           [RF_OP_EMBED] = grad_embed,         [RF_OP_DROPOUT] = grad_dropout,
    [RF_OP_POOL] = grad_pool,             [RF_OP_XENT] = grad_xent,           [RF_OP_RESIZE] = grad_resize,
    [RF_OP_UNIT_NORM] = grad_unit_norm,   [RF_OP_UNSLICE] = grad_unslice,
};

static bool listed(const char *const *names, const char *name) {
    for (; names && *names; names++)
        if (!strcmp(*names, name)) return true;
    return false;
}

/* Inputs whose gradient is wanted count as trained from the beginning: mark everything that depends on them. */
static void mark_inputs(rf_graph *graph, const char *const *inputs) {
    for (int i = 0; i < graph->node_count; i++) {
        rf_node *node = graph->nodes[i];
        if (node->op == RF_OP_INPUT && node->dtype == RF_F32 && listed(inputs, node->name)) node->needs_grad = true;
        if (node->op == RF_OP_STOP) continue;
        for (int k = 0; k < RF_MAX_INPUTS; k++)
            if (node->in[k] && node->in[k]->needs_grad) node->needs_grad = true;
    }
}

rf_status rf_grad(rf_graph *graph, rf_node *loss, const char *const *inputs) {
    RF_TRY(rf__graph_status(graph));
    if (!loss || rf__shape_count(&loss->shape) != 1)
        return rf__fail(RF_EINVAL, "rf_grad: the loss must have one element");
    if (graph->int8)
        return rf__fail(RF_EUNSUPPORTED, "rf_grad: dtype int8 is for inference; gradients need f32 or bf16");
    mark_inputs(graph, inputs);
    rf__graph_fuse(graph, false);
    int forward = graph->node_count;
    loss->grad = rf__fill(graph, loss->shape, 1);
    for (int i = forward - 1; i >= 0 && graph->status == RF_OK; i--) {
        rf_node *node = graph->nodes[i];
        if (!node->grad || !node->needs_grad) continue;
        if (node->op == RF_OP_PARAM) {
            accumulate(graph, node, node->grad);
        } else if (node->op == RF_OP_INPUT) {
            char name[96];
            snprintf(name, sizeof name, "grad:%s", node->name);
            rf__output(graph, name, node->grad);
        } else if (grad_table[node->op]) {
            rf_node *seen = rf__node_seen_again(graph, node);
            if (seen) grad_table[node->op](graph, seen, node->grad);
        } else if (node->op != RF_OP_STOP) {
            rf__graph_fail(graph, RF_EUNSUPPORTED, "rf_grad: %s has no gradient", rf__op_name(node->op));
        }
    }
    for (int i = 0; i < graph->node_count; i++) graph->nodes[i]->grad = graph->nodes[i]->again = NULL;
    return rf__graph_status(graph);
}
