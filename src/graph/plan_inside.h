/* plan_inside.h - the inside of a plan, shared by lower.c, layout.c, plan.c, exec.c and weights.c. */
#ifndef RF_GRAPH_PLAN_INSIDE_H
#define RF_GRAPH_PLAN_INSIDE_H
#include "node.h"
#include "plan.h"

/* The arguments of any kernel. */
typedef union rf_any_args {
#define X(name, type) type name;
    RF_KERNEL_LIST(X)
#undef X
} rf_any_args;

/* One kernel call. Pointers into the arena and into the gradients are filled in by each exec (rf_fixup). */
typedef struct rf_step {
    rf_kernel_fn fn;
    int64_t units, grain;
    size_t scratch;       /* bytes a thread */
    rf_any_args args;
    const char *kernel;   /* for profiles */
    char what[96];        /* parameter or scope, and shape */
    double gflop;
    int dense;            /* 0: not dense; 1 forward, 2 by data, 3 by weights */
} rf_step;

typedef enum rf_where { RF_IN_ARENA, RF_IN_GRADS } rf_where;
typedef struct rf_fixup {
    int step;
    uint16_t member;      /* offset of the pointer in the arguments */
    rf_where where;
    size_t offset;        /* bytes from the start of the arena or of the gradient vector */
} rf_fixup;

typedef struct rf_binding { /* named input or output */
    char name[64];
    size_t offset;
} rf_binding;

typedef struct rf_crossing { /* a vector a row between the halves of a graph */
    size_t offset;
    int64_t width;
} rf_crossing;

typedef struct rf_constant { /* a FILL node */
    size_t offset;
    int64_t count;
    rf_dtype dtype;
    float value;
} rf_constant;

struct rf_plan {
    rf_kernels kernels; /* a copy: providers may outlive the caller's table */
    bool int8;          /* as the graph's */
    rf_weights *weights; /* borrowed */
    rf_step *steps;
    rf_fixup *fixups;
    rf_binding *bindings;
    rf_constant *constants;
    rf_crossing *cuts;
    int cut_count;
    int step_count, step_room, fixup_count, fixup_room, binding_count, binding_room, constant_count, constant_room;
    size_t arena_bytes, scratch_bytes;
    rf_plan_stats stats;
};

/* Memory of one node while planning: a piece of the arena alive from `first` to `last` (node ids). */
typedef struct rf_block {
    size_t size, offset;
    int first, last;
} rf_block;

typedef struct rf_layout {
    rf_block *blocks;
    int count;
    int *block_of;    /* by node id; -1: no memory of its own (parameters) */
    int *shared_of;   /* by node id: block of a shared work area (CONV_DW), or -1 */
    size_t arena_bytes, activation_bytes;
} rf_layout;

/* Lifetimes, in-place sharing and offsets. work: by node id, bytes of shared work area (may be NULL). */
rf_status rf__layout_build(rf_layout *out, const rf_graph *graph, const bool *live, const size_t *work);
void rf__layout_free(rf_layout *layout);

/* Append the steps of one node. */
rf_status rf__lower_node(rf_plan *plan, const rf_graph *graph, const rf_layout *layout, rf_node *node);
/* Shared work area a node wants (CONV_DW), bytes. */
size_t rf__lower_work(const rf_plan *plan, const rf_node *node);

/* Whose parameter that is: `weights`, or what is attached to it; NULL when unknown. */
rf_weights *rf__weights_owner(rf_weights *weights, const char *name, int *index);
/* The packed form of a parameter, made on first use and kept; NULL when out of memory. */
const void *rf__weights_packed(rf_weights *weights, const rf_conv_provider *provider, int index, bool transposed, rf_dtype dtype,
                               size_t *bytes);

#endif
