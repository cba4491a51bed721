/* build_pointwise.c - builders of elementwise and per-row operations, and of the sums that make a loss. */
#include "node.h"

#include <string.h>

static rf_node *unary(rf_graph *graph, rf_op op, rf_node *x) {
    if (!x) return NULL;
    rf_node *node = rf__node_new(graph, op, x->dtype, x->shape);
    if (!node) return NULL;
    node->in[0] = x;
    node->needs_grad = x->needs_grad;
    return node;
}

/* Two inputs of one shape; the second takes the first one's dtype. */
static rf_node *binary(rf_graph *graph, rf_op op, rf_node *x, rf_node *z) {
    if (!x || !z) return NULL;
    char a[64], b[64];
    if (!rf__shape_equal(&x->shape, &z->shape))
        return rf__graph_fail(graph, RF_EMISMATCH, "%s: %s and %s", rf__op_name(op), rf__shape_text(&x->shape, a),
                              rf__shape_text(&z->shape, b));
    if (x->dtype == RF_F32) z = rf__node_cast(graph, z, RF_F32);
    if (z && z->dtype == RF_F32) x = rf__node_cast(graph, x, RF_F32); /* mixed: the wider */
    rf_node *node = unary(graph, op, x);
    if (!node || !z) return NULL;
    node->in[1] = z;
    node->needs_grad = x->needs_grad || z->needs_grad;
    return node;
}

rf_node *rf__act(rf_graph *graph, rf_act act, rf_node *x) {
    rf_node *node = unary(graph, RF_OP_ACT, x);
    if (node) node->attr.act = act;
    return node;
}

rf_node *rf__silu(rf_graph *graph, rf_node *x) { return rf__act(graph, RF_ACT_SILU, x); }

rf_node *rf__axpby(rf_graph *graph, float a, rf_node *x, float b, rf_node *z) {
    rf_node *node = z ? binary(graph, RF_OP_AXPBY, x, z) : unary(graph, RF_OP_AXPBY, x);
    if (node) node->attr.a = a, node->attr.b = b;
    return node;
}

rf_node *rf__add(rf_graph *graph, rf_node *a, rf_node *b) { return a && b ? rf__axpby(graph, 1, a, 1, b) : NULL; }
rf_node *rf__sub(rf_graph *graph, rf_node *a, rf_node *b) { return a && b ? rf__axpby(graph, 1, a, -1, b) : NULL; }
rf_node *rf__scale(rf_graph *graph, rf_node *x, float a) { return rf__axpby(graph, a, x, 0, NULL); }

rf_node *rf__mul(rf_graph *graph, rf_node *a, rf_node *b) {
    rf_node *node = binary(graph, RF_OP_MUL, a, b);
    if (node) node->attr.a = 1;
    return node;
}

/* x [B,..,C] with vectors gate and shift, both [B,C] or both [C]. */
static rf_node *row_affine(rf_graph *graph, rf_node *x, rf_node *gate, rf_node *shift, bool one_plus) {
    rf_node *vector = gate ? gate : shift;
    if (!x || !vector) return NULL;
    char a[64], b[64];
    int64_t channels = rf__shape_last(&x->shape);
    bool one = vector->shape.rank == 1;
    int64_t wanted = one ? channels : channels * x->shape.dim[0];
    if (rf__shape_count(&vector->shape) != wanted || (gate && shift && !rf__shape_equal(&gate->shape, &shift->shape)))
        return rf__graph_fail(graph, RF_EMISMATCH, "rows: input is %s, vector is %s", rf__shape_text(&x->shape, a),
                              rf__shape_text(&vector->shape, b));
    rf_node *node = unary(graph, RF_OP_ROW_AFFINE, x);
    if (!node) return NULL;
    node->in[1] = gate;
    node->in[2] = shift;
    node->attr.one_plus = one_plus;
    node->attr.broadcast = one;
    node->needs_grad = x->needs_grad || (gate && gate->needs_grad) || (shift && shift->needs_grad);
    return node;
}

rf_node *rf__add_rows(rf_graph *graph, rf_node *x, rf_node *v) { return row_affine(graph, x, NULL, v, false); }
rf_node *rf__mul_rows(rf_graph *graph, rf_node *x, rf_node *g) { return row_affine(graph, x, g, NULL, false); }

rf_node *rf__modulate(rf_graph *graph, rf_node *x, rf_node *shift, rf_node *scale) {
    return shift && scale ? row_affine(graph, x, scale, shift, true) : NULL;
}

rf_node *rf__add_table(rf_graph *graph, rf_node *x, rf_node *table) {
    if (!x || !table) return NULL;
    /* One row of T*C channels an image: the same operation as a shift for all images. */
    rf_node *flat = rf__reshape(graph, x, rf__shape2(x->shape.dim[0], rf__shape_count(&x->shape) / x->shape.dim[0]));
    rf_node *vector = rf__reshape(graph, table, rf__shape1(rf__shape_count(&table->shape)));
    return flat ? rf__reshape(graph, rf__add_rows(graph, flat, vector), x->shape) : NULL;
}

rf_node *rf__scale_rows(rf_graph *graph, rf_node *x, rf_node *s) {
    if (!x || !s) return NULL;
    if (rf__shape_count(&s->shape) != x->shape.dim[0] && rf__shape_count(&s->shape) != 1)
        return rf__graph_fail(graph, RF_EMISMATCH, "scale_rows: %lld factors for %lld rows", (long long)rf__shape_count(&s->shape),
                              (long long)x->shape.dim[0]);
    rf_node *node = unary(graph, RF_OP_SCALE_ROWS, x);
    if (!node) return NULL;
    node->in[1] = s;
    node->attr.broadcast = rf__shape_count(&s->shape) == 1;
    node->needs_grad = x->needs_grad || s->needs_grad;
    return node;
}

rf_node *rf__dropout(rf_graph *graph, rf_node *x, float p, rf_node *key, rf_node *seed) {
    if (!x || p <= 0 || !key || !seed) return x;
    if (p >= 1) return rf__graph_fail(graph, RF_EINVAL, "dropout: probability is %g, expected below 1", (double)p);
    rf_node *node = unary(graph, RF_OP_DROPOUT, x);
    if (!node) return NULL;
    node->in[1] = key;
    node->in[2] = seed;
    node->attr.a = p;
    node->attr.layer = graph->dropout_layers++;
    return node;
}

rf_node *rf__to_f32(rf_graph *graph, rf_node *x) { return rf__node_cast(graph, x, RF_F32); }
rf_node *rf__to_compute(rf_graph *graph, rf_node *x) { return rf__node_cast(graph, x, graph->compute); }

rf_node *rf__stop_gradient(rf_graph *graph, rf_node *x) {
    rf_node *node = unary(graph, RF_OP_STOP, x);
    if (node) node->needs_grad = false;
    return node;
}

/* ---- sums ---- */

static rf_node *reduce(rf_graph *graph, rf_op op, rf_node *x, rf_node *z, float a, rf_shape shape) {
    if (!x) return NULL;
    if (z && !rf__shape_equal(&x->shape, &z->shape))
        return rf__graph_fail(graph, RF_EMISMATCH, "%s: the two inputs differ in shape", rf__op_name(op));
    if (z) z = rf__node_cast(graph, z, x->dtype == RF_F32 ? RF_F32 : z->dtype);
    if (z && z->dtype == RF_F32) x = rf__node_cast(graph, x, RF_F32);
    rf_node *node = rf__node_new(graph, op, RF_F32, shape);
    if (!node || !x) return NULL;
    node->in[0] = x;
    node->in[1] = z;
    node->attr.a = a;
    node->needs_grad = x->needs_grad || (z && z->needs_grad);
    return node;
}

rf_node *rf__sum_rows(rf_graph *graph, rf_node *x, float a) {
    return x ? reduce(graph, RF_OP_DOT_ROWS, x, NULL, a, rf__shape1(x->shape.dim[0])) : NULL;
}
rf_node *rf__dot_rows(rf_graph *graph, rf_node *x, rf_node *z, float a) {
    return x && z ? reduce(graph, RF_OP_DOT_ROWS, x, z, a, rf__shape1(x->shape.dim[0])) : NULL;
}
rf_node *rf__sum(rf_graph *graph, rf_node *x, float a) { return reduce(graph, RF_OP_SUM, x, NULL, a, rf__shape1(1)); }

rf_node *rf__mean_pixels(rf_graph *graph, rf_node *x) {
    if (!x) return NULL;
    rf_node *node = reduce(graph, RF_OP_ROW_REDUCE, x, NULL, 1.0f / (float)rf__shape_rows(&x->shape),
                           rf__shape2(x->shape.dim[0], rf__shape_last(&x->shape)));
    return node;
}

rf_node *rf__cross_entropy(rf_graph *graph, rf_node *logits, rf_node *label) {
    if (!logits || !label) return NULL;
    if (logits->shape.rank != 2 || rf__shape_count(&label->shape) != logits->shape.dim[0])
        return rf__graph_fail(graph, RF_EMISMATCH, "cross_entropy: expected logits [B,classes] and labels [B]");
    rf_node *node = rf__node_new(graph, RF_OP_XENT, RF_F32, rf__shape1(logits->shape.dim[0]));
    if (!node) return NULL;
    node->in[0] = rf__to_f32(graph, logits);
    node->in[1] = label;
    node->needs_grad = logits->needs_grad;
    return node;
}
