/* layout.c - where every activation lives: lifetimes by node order, in-place where a kernel allows it, then one arena with
 * offsets, biggest blocks first at the lowest place that is free for their whole life (as XNNPACK's memory planner does). */
#include "plan_inside.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 64

static size_t align_up(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

static size_t node_bytes(const rf_node *node) {
    return align_up((size_t)rf__shape_count(&node->shape) * rf__dtype_size(node->dtype));
}

/* Parameters live in the weights, sinks in the gradient vector, views in what they look at. */
static bool owns_memory(const rf_node *node) {
    return node->op != RF_OP_PARAM && node->op != RF_OP_RESHAPE && node->op != RF_OP_STOP && !node->sink;
}

static bool may_run_in_place(const rf_node *node) {
    return node->op == RF_OP_ACT || node->op == RF_OP_AXPBY || node->op == RF_OP_MUL || node->op == RF_OP_ACT_BWD;
}

/* Kept for the whole run: the caller reads or writes them at any time. */
static bool pinned(const rf_node *node) { return node->op == RF_OP_INPUT || node->op == RF_OP_FILL || node->output || node->cut; }

/* When a node's memory is written: an AUX with its owner. */
static int born(const rf_node *node) { return node->op == RF_OP_AUX ? node->in[0]->id : node->id; }

static void last_uses(const rf_graph *graph, const bool *live, int *last) {
    for (int i = 0; i < graph->node_count; i++) last[i] = i;
    for (int i = 0; i < graph->node_count; i++) {
        const rf_node *node = graph->nodes[i];
        if (!live[i] || node->op == RF_OP_AUX) continue; /* an AUX reads nothing */
        for (int k = 0; k < RF_MAX_INPUTS; k++) {
            rf_node *root = rf__node_storage(node->in[k]);
            if (root && last[root->id] < i) last[root->id] = i;
        }
    }
    for (int i = 0; i < graph->node_count; i++) {
        const rf_node *root = rf__node_storage(graph->nodes[i]);
        if (live[i] && (pinned(graph->nodes[i]) || pinned(root))) last[root->id] = INT_MAX;
        if (graph->nodes[i]->op == RF_OP_AUX && live[i] && last[i] < born(root)) last[i] = born(root);
    }
}

/* The block of an input that dies here and has the right size and type; -1 when there is none. */
static int reusable_block(const rf_layout *layout, const rf_node *node, const int *last) {
    if (!may_run_in_place(node) || pinned(node)) return -1;
    for (int k = 0; k < 2; k++) {
        const rf_node *root = rf__node_storage(node->in[k]);
        if (!root || layout->block_of[root->id] < 0 || last[root->id] != node->id || root->dtype != node->dtype) continue;
        rf_block *block = &layout->blocks[layout->block_of[root->id]];
        if (block->last == node->id && rf__shape_count(&root->shape) == rf__shape_count(&node->shape))
            return layout->block_of[root->id];
    }
    return -1;
}

static int add_block(rf_layout *layout, size_t size, int first, int last) {
    layout->blocks[layout->count] = (rf_block){size, 0, first, last};
    return layout->count++;
}

static int by_size(const void *a, const void *b) {
    const rf_block *x = *(rf_block *const *)a, *y = *(rf_block *const *)b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

static int by_offset(const void *a, const void *b) {
    const rf_block *x = *(rf_block *const *)a, *y = *(rf_block *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Lowest offset at which `block` meets none of the placed blocks that live at the same time. */
static size_t lowest_gap(rf_block *block, rf_block **placed, int count, rf_block **work) {
    int rivals = 0;
    for (int i = 0; i < count; i++)
        if (placed[i]->first <= block->last && block->first <= placed[i]->last) work[rivals++] = placed[i];
    qsort(work, (size_t)rivals, sizeof *work, by_offset);
    size_t at = 0;
    for (int i = 0; i < rivals; i++) {
        if (at + block->size <= work[i]->offset) break;
        if (work[i]->offset + work[i]->size > at) at = work[i]->offset + work[i]->size;
    }
    return at;
}

static bool place(rf_layout *layout) {
    rf_block **order = calloc((size_t)layout->count + 1, sizeof *order), **work = calloc((size_t)layout->count + 1, sizeof *work);
    if (order && work) {
        for (int i = 0; i < layout->count; i++) order[i] = &layout->blocks[i];
        qsort(order, (size_t)layout->count, sizeof *order, by_size);
        for (int i = 0; i < layout->count; i++) {
            order[i]->offset = lowest_gap(order[i], order, i, work);
            size_t end = order[i]->offset + order[i]->size;
            if (end > layout->arena_bytes) layout->arena_bytes = end;
        }
    }
    bool done = order && work;
    free(order);
    free(work);
    return done;
}

rf_status rf__layout_build(rf_layout *out, const rf_graph *graph, const bool *live, const size_t *work) {
    size_t n = (size_t)graph->node_count;
    *out = (rf_layout){.blocks = calloc(2 * n + 1, sizeof(rf_block)), .block_of = malloc((n + 1) * sizeof(int)),
                       .shared_of = malloc((n + 1) * sizeof(int))};
    int *last = malloc((n + 1) * sizeof *last);
    if (!out->blocks || !out->block_of || !out->shared_of || !last) goto fail;
    memset(out->block_of, 0xff, (n + 1) * sizeof(int));
    memset(out->shared_of, 0xff, (n + 1) * sizeof(int));
    last_uses(graph, live, last);
    for (int i = 0; i < graph->node_count; i++) {
        const rf_node *node = graph->nodes[i];
        if (!live[i]) continue;
        if (work && work[i]) out->shared_of[i] = add_block(out, align_up(work[i]), i, i);
        if (!owns_memory(node)) continue;
        out->activation_bytes += node_bytes(node);
        int shared = reusable_block(out, node, last);
        if (shared >= 0) out->blocks[shared].last = last[i];
        int first = pinned(node) ? 0 : born(node);
        out->block_of[i] = shared >= 0 ? shared : add_block(out, node_bytes(node), first, last[i]);
    }
    if (!place(out)) goto fail;
    free(last);
    return RF_OK;
fail:
    free(last);
    rf__layout_free(out);
    return rf__fail(RF_ENOMEM, "no memory to lay out %d nodes", graph->node_count);
}

void rf__layout_free(rf_layout *layout) {
    free(layout->blocks);
    free(layout->block_of);
    free(layout->shared_of);
    *layout = (rf_layout){0};
}
