/* recompute.c - activations that are computed again in the backward pass (Chen et al. 2016, "Training deep nets with sublinear memory cost").
 * A node's gradient looks at its inputs. Where these lie inside a block it gets copies of them instead, which hang on the kept nodes
 * before the block. Copies are appended when the backward pass first wants one, so the plan runs them there, and the originals die with
 * their block. Whatever copy nobody reads is dropped with the other dead nodes. */
#include "node.h"

#include <string.h>

rf_node *rf__keep(rf_graph *graph, rf_node *x) {
    if (!x) return NULL;
    x->kept = true;
    if (x->id > graph->last_kept) graph->last_kept = x->id;
    return x;
}

void rf__recompute(rf_graph *graph, bool on) { graph->recompute = on; }

/* Vectors are small and serve many blocks; leaves are there anyway. */
static bool stays(const rf_graph *graph, const rf_node *node) {
    const bool leaf = node->op == RF_OP_PARAM || node->op == RF_OP_INPUT || node->op == RF_OP_FILL || node->op == RF_OP_AUX;
    return node->kept || leaf || node->shape.rank < 3 || node->id > graph->last_kept;
}

static rf_node *again(rf_graph *graph, rf_node *node);

/* Its depth is the length of a block. */
static rf_node *copy(rf_graph *graph, rf_node *node) {
    rf_node *in[RF_MAX_INPUTS];
    if (node->again) return node->again;
    for (int k = 0; k < RF_MAX_INPUTS; k++) in[k] = node->in[k] ? again(graph, node->in[k]) : NULL;
    rf_node *made = rf__node_new(graph, node->op, node->dtype, node->shape);
    if (!made) return NULL;
    memcpy(made->in, in, sizeof in);
    made->attr = node->attr;
    made->param = node->param;
    made->needs_grad = node->needs_grad;
    made->name = node->name;
    made->origin = node;
    return node->again = made;
}

static rf_node *again(rf_graph *graph, rf_node *node) { return stays(graph, node) ? node : copy(graph, node); }

rf_node *rf__node_seen_again(rf_graph *graph, rf_node *node) {
    if (!graph->recompute) return node;
    bool same = stays(graph, node);
    for (int k = 0; k < RF_MAX_INPUTS; k++) same = same && (!node->in[k] || stays(graph, node->in[k]));
    return same ? node : copy(graph, node);
}
