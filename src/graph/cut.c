/* cut.c - a graph in two: what it makes of a few inputs alone (time, class: embeddings and the vectors that blocks are modulated with), and the
 * rest, which takes those vectors as inputs. Operations and their order stay, so the two halves give the bytes of the whole. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

static bool is_leaf(const rf_node *node) { return node->op == RF_OP_PARAM || node->op == RF_OP_FILL; }

static bool is_named(const rf_node *node, const char *const *names) {
    if (node->op != RF_OP_INPUT) return false;
    for (; *names; names++)
        if (!strcmp(node->name, *names)) return true;
    return false;
}

/* One vector or number a row: what can be kept for later by row. */
static bool is_row_vector(const rf_node *node, int64_t rows) { return node->shape.rank <= 2 && node->shape.dim[0] == rows; }

/* front[id]: computed from the named inputs and parameters alone. */
static void find_front(const rf_graph *graph, const char *const *names, const bool *live, bool *front) {
    int64_t rows = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const rf_node *node = graph->nodes[i];
        bool told = false, only = live[i] && !is_leaf(node) && node->op != RF_OP_INPUT;
        for (int k = 0; k < RF_MAX_INPUTS && only; k++) {
            if (!node->in[k] || is_leaf(node->in[k])) continue;
            told = true;
            only = front[node->in[k]->id];
        }
        front[i] = is_named(node, names) || (only && told && is_row_vector(node, rows));
        if (is_named(node, names)) rows = node->shape.dim[0];
    }
}

/* asked[id]: the rest reads it. A cast or a view on the border belongs to the rest, so that only f32 vectors cross. */
static void find_border(const rf_graph *graph, const bool *live, bool *front, bool *asked) {
    for (int i = 0; i < graph->output_count; i++) asked[graph->outputs[i].node->id] = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const rf_node *node = graph->nodes[i];
        if (!live[i]) continue;
        bool view = node->op == RF_OP_RESHAPE || node->op == RF_OP_STOP;
        if (front[i] && asked[i] && node->op != RF_OP_INPUT && (view || node->dtype != RF_F32)) front[i] = false;
        for (int k = 0; k < RF_MAX_INPUTS && !front[i]; k++)
            if (node->in[k]) asked[node->in[k]->id] = true;
    }
}

static bool has_dense(const rf_graph *graph, const bool *front) {
    for (int i = 0; i < graph->node_count; i++)
        if (front[i] && graph->nodes[i]->op == RF_OP_CONV) return true;
    return false;
}

static void become_input(rf_node *node) {
    node->op = RF_OP_INPUT;
    memset(node->in, 0, sizeof node->in);
    node->name = "cut";
}

rf_status rf__graph_cut(rf_graph *graph, const char *const *names, rf_half half) {
    RF_TRY(rf__graph_status(graph));
    bool *memory = calloc(3 * (size_t)graph->node_count + 1, sizeof *memory);
    if (!memory) return rf__fail(RF_ENOMEM, "no memory to cut a graph of %d nodes", graph->node_count);
    bool *live = memory, *front = live + graph->node_count, *asked = front + graph->node_count;
    rf__graph_live(graph, live);
    find_front(graph, names, live, front);
    find_border(graph, live, front, asked);
    const bool worth = has_dense(graph, front);
    for (int i = 0; i < graph->node_count; i++) {
        rf_node *node = graph->nodes[i];
        if (!worth || !front[i] || !asked[i] || node->op == RF_OP_INPUT) continue;
        node->cut = ++graph->cut_count;
        if (half == RF_HALF_REST) become_input(node);
    }
    if (half == RF_HALF_FRONT) graph->output_count = 0;
    free(memory);
    return RF_OK;
}

int rf__graph_cuts(const rf_graph *graph) { return graph->cut_count; }
