/* fuse.c - rewrites that keep the meaning. A rewrite turns the *last* node of a pattern into the fused operation, so that every
 * pointer to the result stays good, and the earlier nodes die for want of users.
 *   before rf_grad   silu(group_norm), modulate(layer_norm): these have gradients of their own
 *   at plan build    dense + (+vector, *vector, +residual, *constant, activation, cast): the epilogue of the kernel */
#include "node.h"

#include <stdlib.h>
#include <string.h>

/* everything: before rf_grad only the loss hangs on the graph and outputs may not be named yet, so all nodes count. */
static void count_users(rf_graph *graph, bool *live, bool everything) {
    if (everything) memset(live, 1, (size_t)graph->node_count * sizeof *live);
    else rf__graph_live(graph, live);
    for (int i = 0; i < graph->node_count; i++) graph->nodes[i]->users = 0;
    for (int i = 0; i < graph->node_count; i++) {
        if (!live[i]) continue;
        for (int k = 0; k < RF_MAX_INPUTS; k++)
            if (graph->nodes[i]->in[k]) graph->nodes[i]->in[k]->users++;
    }
}

static bool private_to_user(const rf_node *node) { return node->users == 1 && !node->output && !node->cut && !node->aux[0]; }

/* `last` takes over the operation of `first`, its former input; it keeps its own place, type and name of output. */
static void take_over(rf_node *last, const rf_node *first) {
    last->op = first->op;
    last->attr = first->attr;
    memcpy(last->in, first->in, sizeof last->in);
    last->name = first->name;
    last->param = first->param;
}

static bool fuse_norm_act(rf_node *node) {
    rf_node *norm = node->in[0];
    if (node->op != RF_OP_ACT || node->attr.act != RF_ACT_SILU || norm->op != RF_OP_GROUP_NORM || norm->attr.act != RF_ACT_NONE ||
        !private_to_user(norm))
        return false;
    take_over(node, norm);
    node->attr.act = RF_ACT_SILU;
    return true;
}

static bool fuse_norm_modulate(rf_node *node) {
    rf_node *norm = node->in[0];
    if (node->op != RF_OP_ROW_AFFINE || norm->op != RF_OP_LAYER_NORM || norm->in[1] || norm->in[2] || !node->in[1] ||
        !node->in[2] || node->in[3] || node->attr.broadcast || !private_to_user(norm))
        return false;
    rf_node *mul = node->in[1], *shift = node->in[2];
    bool one_plus = node->attr.one_plus;
    take_over(node, norm);
    node->in[1] = mul;
    node->in[2] = shift;
    node->attr.one_plus = one_plus;
    node->attr.broadcast = false;
    return true;
}

/* ---- dense epilogues: y = act( scale*(acc + bias + rows)*gate + residual*residual_scale ) ---- */

static bool plain_dense(const rf_node *node) { return node->op == RF_OP_CONV && node->attr.act == RF_ACT_NONE && private_to_user(node); }

static bool fuse_dense_act(rf_node *node) {
    rf_node *dense = node->in[0];
    if (node->op != RF_OP_ACT || !plain_dense(dense) || dense->dtype != node->dtype) return false;
    rf_act act = node->attr.act;
    take_over(node, dense);
    node->attr.act = act;
    return true;
}

static bool fuse_dense_cast(rf_node *node) {
    rf_node *dense = node->in[0];
    if (node->op != RF_OP_CAST || dense->op != RF_OP_CONV || !private_to_user(dense) || dense->in[RF_CONV_RESIDUAL]) return false;
    take_over(node, dense);
    return true;
}

/* rows and gate index by image; a shape whose images have one row each is safe as well. */
static bool fuse_dense_rows(rf_node *node) {
    rf_node *dense = node->in[0];
    if (node->op != RF_OP_ROW_AFFINE || node->attr.one_plus || node->attr.broadcast || !plain_dense(dense) ||
        dense->in[RF_CONV_RESIDUAL] || dense->in[RF_CONV_GATE] || dense->dtype != node->dtype)
        return false;
    rf_node *gate = node->in[1], *shift = node->in[2], *residual = node->in[3];
    if (shift && (gate || dense->in[RF_CONV_ROWS] || dense->attr.a != 1)) return false;
    take_over(node, dense);
    if (shift) node->in[RF_CONV_ROWS] = shift;
    node->in[RF_CONV_GATE] = gate;
    node->in[RF_CONV_RESIDUAL] = residual;
    node->attr.b = 1;
    return true;
}

static bool fuse_dense_axpby(rf_node *node) {
    if (node->op != RF_OP_AXPBY) return false;
    float a = node->attr.a, b = node->attr.b;
    for (int side = 0; side < 2; side++) {
        rf_node *dense = node->in[side], *other = node->in[1 - side];
        float dense_scale = side ? b : a, other_scale = side ? a : b;
        if (!dense || !plain_dense(dense) || dense->dtype != node->dtype) continue;
        if (other && (dense->in[RF_CONV_RESIDUAL] || other == dense || other->dtype != node->dtype)) continue;
        take_over(node, dense);
        node->attr.a *= dense_scale;
        if (other) node->in[RF_CONV_RESIDUAL] = other, node->attr.b = other_scale;
        else node->attr.b *= dense_scale;
        return true;
    }
    return false;
}

/* x + gate*y with y not dense: one pass instead of two. */
static bool fuse_affine_residual(rf_node *node) {
    if (node->op != RF_OP_AXPBY || !node->in[1] || node->attr.a != 1 || node->attr.b != 1) return false;
    for (int side = 0; side < 2; side++) {
        rf_node *affine = node->in[side], *other = node->in[1 - side];
        if (affine->op != RF_OP_ROW_AFFINE || affine->in[3] || !private_to_user(affine) || other == affine ||
            affine->dtype != node->dtype || other->dtype != node->dtype)
            continue;
        take_over(node, affine);
        node->in[3] = other;
        return true;
    }
    return false;
}

int rf__graph_fuse(rf_graph *graph, bool epilogues) {
    if (graph->status != RF_OK || graph->node_count == 0) return 0;
    bool *live = calloc((size_t)graph->node_count, sizeof *live);
    if (!live) return 0; /* fusing is an optimisation: without it the plan is slower, not wrong */
    int fused = 0;
    count_users(graph, live, !epilogues);
    /* In creation order, so that a chain folds link by link: (dense, +rows) then (dense+rows, +residual) ... */
    for (int i = 0; i < graph->node_count; i++) {
        rf_node *node = graph->nodes[i];
        if (!live[i] || !node->in[0]) continue;
        bool hit = epilogues ? fuse_dense_rows(node) || fuse_dense_axpby(node) || fuse_dense_act(node) || fuse_dense_cast(node) ||
                                   fuse_affine_residual(node)
                             : fuse_norm_act(node) || fuse_norm_modulate(node);
        fused += hit;
    }
    free(live);
    return fused;
}
