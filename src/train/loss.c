/* loss.c - the tables of targets and metrics, and how they become one scalar of the graph. */
#include "loss.h"

static rf_node *velocity_view(rf_graph *graph, rf_node *v, rf_node *x, rf_node *t) {
    (void)graph, (void)x, (void)t;
    return v;
}

static const rf_target velocity = {
    {"velocity", "Liu et al. 2022, arXiv 2209.03003", "v against x1 - x0"}, velocity_view};

const rf_plugin *const *rf__targets(void) {
    static const rf_plugin *const table[] = {&velocity.is, NULL};
    return table;
}

/* Mean over the scalars of a row, so that a loss means the same at every resolution. */
static rf_node *l2_rows(rf_graph *graph, rf_node *out, rf_node *wanted) {
    rf_node *d = rf__sub(graph, out, wanted);
    if (!d) return NULL;
    rf_shape shape = rf__node_shape(d);
    double scalars = (double)rf__shape_count(&shape) / (double)shape.dim[0];
    return rf__dot_rows(graph, d, d, (float)(1 / scalars));
}

static const rf_metric l2 = {{"l2", "Liu et al. 2022, arXiv 2209.03003", "squared error, mean over the scalars"}, .rows = l2_rows};

static const rf_metric cross_entropy = {
    {"cross_entropy", "log loss; for networks that classify", "minus the log-probability of the row's class; path: clean, label_drop: 0"},
    .labels = true, .rows = rf__cross_entropy};

const rf_plugin *const *rf__metrics(void) {
    static const rf_plugin *const table[] = {&l2.is, &cross_entropy.is, NULL};
    return table;
}

rf_node *rf__loss_build(rf_graph *graph, const rf_target *target, const rf_metric *metric, rf_node *v, rf_node *wanted,
                        rf_node *x, rf_node *t, rf_node *weight) {
    rf_node *rows = metric->labels ? metric->rows(graph, v, wanted)
                                   : metric->rows(graph, target->view(graph, v, x, t), target->view(graph, wanted, x, t));
    rf__output(graph, "loss_rows", rows);
    return rf__sum(graph, rf__mul(graph, rows, weight), 1);
}
