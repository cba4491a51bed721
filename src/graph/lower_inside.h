/* lower_inside.h - what the files that lower nodes share: new steps, pointers as fix-ups, sizes of a node. */
#ifndef RF_GRAPH_LOWER_INSIDE_H
#define RF_GRAPH_LOWER_INSIDE_H
#include "plan_inside.h"

#define MEMBER(type, name) (uint16_t) offsetof(type, name)

typedef struct rf_lowering {
    rf_plan *plan;
    const rf_graph *graph;
    const rf_layout *layout;
    const rf_node *node;
    int step;    /* index of the newest step */
    bool failed; /* a fix-up found no memory */
} rf_lowering;

/* A new step for kernel `id`; NULL when out of memory. Good until the next call. */
rf_step *rf__lower_step(rf_lowering *low, rf_kernel_id id, int64_t units, int64_t grain);
/* Store the address of `node`'s memory (plus `extra` bytes) into a pointer of the newest step. */
void rf__lower_bind(rf_lowering *low, uint16_t member, rf_node *node, size_t extra);
/* The same for a place in the gradient vector. param < 0: the pointer stays NULL. */
void rf__lower_bind_grad(rf_lowering *low, uint16_t member, int param);
/* The same for the shared work area of the node, `extra` bytes into it; stays NULL when it has none. */
void rf__lower_bind_work(rf_lowering *low, uint16_t member, size_t extra);

/* The same as `step`, or out of the function. */
#define STEP(id, units, grain)                            \
    rf_step *step = rf__lower_step(low, id, units, grain); \
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step")
#define BIND(type, name, node) rf__lower_bind(low, MEMBER(type, name), node, 0)

static inline int64_t count_of(const rf_node *node) { return rf__shape_count(&node->shape); }
static inline int64_t batch_of(const rf_node *node) { return node->shape.dim[0]; }
static inline int channels_of(const rf_node *node) { return (int)rf__shape_last(&node->shape); }
static inline int rows_of(const rf_node *node) { return (int)rf__shape_rows(&node->shape); }

/* Dense operations (lower_dense.c). */
rf_status rf__lower_conv(rf_lowering *low);
rf_status rf__lower_conv_dw(rf_lowering *low);
rf_status rf__lower_attention(rf_lowering *low);

/* What moves numbers (lower_shape.c). */
rf_status rf__lower_resample(rf_lowering *low);
rf_status rf__lower_resize(rf_lowering *low);
rf_status rf__lower_concat(rf_lowering *low);
rf_status rf__lower_slice(rf_lowering *low);
rf_status rf__lower_unslice(rf_lowering *low);
rf_status rf__lower_patch(rf_lowering *low);

#endif
