/* loss.h - the graph side of the training map: what of the network's velocity is compared (target), and how (metric). */
#ifndef RF_TRAIN_LOSS_H
#define RF_TRAIN_LOSS_H
#include "../graph/graph.h"
#include "plugin.h"

/* A view of a velocity: applied to the network's answer and to the target alike. */
typedef struct rf_target {
    rf_plugin is;
    rf_node *(*view)(rf_graph *graph, rf_node *v, rf_node *x, rf_node *t);
} rf_target;

typedef struct rf_metric {
    rf_plugin is;
    bool labels; /* wanted is the row's class [B] i32 and out are logits [B, classes]; views of a velocity do not apply */
    /* out, wanted: same shape (unless `labels`), batch first -> loss of each row [B]. shape: the metric's own number, 0: its default. */
    rf_node *(*rows)(rf_graph *graph, rf_node *out, rf_node *wanted, double shape);
} rf_metric;

const rf_plugin *const *rf__targets(void);
const rf_plugin *const *rf__metrics(void);

/* sum_b weight[b] * metric(view(v), view(target))_b; names the rows "loss_rows". NULL after an error, as any builder. */
rf_node *rf__loss_build(rf_graph *graph, const rf_target *target, const rf_metric *metric, double shape, rf_node *v,
                        rf_node *wanted, rf_node *x, rf_node *t, rf_node *weight);

#endif
