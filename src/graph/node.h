/* node.h - the inside of a graph, shared by the files of this room. */
#ifndef RF_GRAPH_NODE_H
#define RF_GRAPH_NODE_H
#include <stdio.h>

#include "../base/memory.h"
#include "graph.h"

typedef enum rf_op {
#define RF_OP(name, kernel, grad) RF_OP_##name,
#include "ops.inc"
#undef RF_OP
    RF_OPS
} rf_op;

/* Slots of CONV; the other operations number theirs in ops.inc. */
enum { RF_CONV_X, RF_CONV_WEIGHT, RF_CONV_BIAS, RF_CONV_ROWS, RF_CONV_GATE, RF_CONV_RESIDUAL, RF_MAX_INPUTS };

typedef struct rf_attr {
    int stride, dilate, pad_h, pad_w; /* CONV, POOL */
    int kernel;                       /* POOL: side of the window */
    int groups, heads, patch, axis;
    int64_t begin;                   /* SLICE: first index on `axis` */
    float a, b, eps, max_period, shift;
    rf_time_map of;                  /* TIME_MAP, of t and these */
    float with[5];
    rf_act act;
    bool transposed;                 /* CONV: gradient by data */
    bool one_plus, max, count_pad, corner, channel_first, inverse, sin_first;
    bool broadcast;                  /* vectors of ROW_AFFINE, LAYER_NORM are [C], one for all images */
    uint32_t layer;                  /* DROPOUT: which stream */
} rf_attr;

struct rf_node {
    rf_op op;
    int id;                          /* index in graph->nodes: a topological order */
    rf_dtype dtype;
    rf_shape shape;
    rf_node *in[RF_MAX_INPUTS];
    rf_node *aux[2];                 /* further outputs, made on demand */
    rf_attr attr;
    int param;                       /* PARAM: its index; sinks (CONV_DW, EMBED_DW, ACCUMULATE): whose gradient; -1 */
    int param2;                      /* CONV_DW: the bias, or -1 */
    bool sink;                       /* runs for its effect on the gradient vector */
    bool needs_grad;
    const char *name;                /* scope and parameter, for messages and profiles */
    const char *output;              /* name of the output, or NULL */
    rf_node *grad, *again;           /* while rf_grad runs: its gradient, and its copy that is computed again */
    rf_node *origin;                 /* what such a copy is of */
    bool kept;                       /* see rf__keep */
    int cut;                         /* 1 + the place of a vector that crosses between the halves (cut.c); 0: it does not */
    int users;                       /* while fusing */
};

typedef struct rf_output_entry { const char *name; rf_node *node; } rf_output_entry;

struct rf_graph {
    rf_arena *arena;
    rf_dtype compute;
    bool int8;              /* dense layers in whole numbers where lower_dense.c finds them large enough */
    rf_node **nodes;
    int node_count, node_room;
    rf_param *params;
    rf_node **param_nodes;
    int param_count, param_room;
    rf_output_entry outputs[64];
    int output_count, cut_count;
    char scope[512];
    int scope_marks[32], scope_depth;
    uint32_t dropout_layers;
    bool frozen; /* parameters become buffers */
    bool recompute;
    int last_kept; /* id of the newest kept node, -1 */
    rf_status status;
    char error[512];
};

/* New node of `op`; NULL after an error. Dtype as given. */
rf_node *rf__node_new(rf_graph *graph, rf_op op, rf_dtype dtype, rf_shape shape);
/* The second (third) output of `owner`, made once. */
rf_node *rf__node_aux(rf_graph *graph, rf_node *owner, int which, rf_dtype dtype, rf_shape shape);
/* Record the first error of the graph; always NULL. */
rf_node *rf__graph_fail(rf_graph *graph, rf_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `node` as `dtype`, casting when it differs. */
rf_node *rf__node_cast(rf_graph *graph, rf_node *node, rf_dtype dtype);
/* What activations of this rank are stored as. */
static inline rf_dtype rf__dtype_for_rank(const rf_graph *graph, int rank) {
    return rank >= 3 ? graph->compute : RF_F32;
}
bool rf__shape_equal(const rf_shape *a, const rf_shape *b);
const char *rf__shape_text(const rf_shape *shape, char buffer[64]);
/* [B, ..., C] seen as B images of `rows` by C. */
static inline int64_t rf__shape_rows(const rf_shape *s) {
    int64_t rows = 1;
    for (int i = 1; i + 1 < s->rank; i++) rows *= s->dim[i];
    return rows;
}
static inline int64_t rf__shape_last(const rf_shape *s) { return s->dim[s->rank - 1]; }
const char *rf__op_name(rf_op op);
/* The node whose memory this one shares (RESHAPE and STOP looked through). */
static inline rf_node *rf__node_storage(rf_node *node) {
    while (node && (node->op == RF_OP_RESHAPE || node->op == RF_OP_STOP)) node = node->in[0];
    return node;
}

/* Rewrites that keep the meaning: norms with their activation and modulation, dense epilogues. `epilogues` may only be asked for
 * after rf_grad, because a fused operation keeps no intermediate. Returns how many nodes it removed. */
int rf__graph_fuse(rf_graph *graph, bool epilogues);
/* `node` as its gradient should see it: itself, or with rf__recompute one whose inputs are computed again (recompute.c). */
rf_node *rf__node_seen_again(rf_graph *graph, rf_node *node);
/* Mark what outputs and sinks need: live[id]. */
void rf__graph_live(const rf_graph *graph, bool *live);

#endif
