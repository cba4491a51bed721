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

static int64_t scalars_of(const rf_node *x) {
    rf_shape shape = rf__node_shape(x);
    return rf__shape_count(&shape) / shape.dim[0];
}

/* Mean over the scalars of a row, so that a loss means the same at every resolution. */
static rf_node *l2_rows(rf_graph *graph, rf_node *out, rf_node *wanted, double shape) {
    (void)shape;
    rf_node *d = rf__sub(graph, out, wanted);
    return d ? rf__dot_rows(graph, d, d, (float)(1 / (double)scalars_of(d))) : NULL;
}

static const rf_metric l2 = {{"l2", "Liu et al. 2022, arXiv 2209.03003", "squared error, mean over the scalars"}, .rows = l2_rows};

/* (sqrt(|e|^2 + c^2) - c) / D. The length of y = (e, c) is y . y/|y|: the product with its own unit vector, whose gradient is e/|y|. */
static rf_node *pseudo_huber_rows(rf_graph *graph, rf_node *out, rf_node *wanted, double shape) {
    rf_node *d = rf__sub(graph, out, wanted);
    if (!d) return NULL;
    int64_t rows = rf__node_shape(d).dim[0], scalars = scalars_of(d);
    double c = shape > 0 ? shape : 0.00054 * (double)scalars;
    rf_node *y = rf__concat(graph, rf__reshape(graph, rf__to_f32(graph, d), rf__shape2(rows, scalars)), rf__fill(graph, rf__shape2(rows, 1), (float)c));
    rf_node *length = rf__dot_rows(graph, y, rf__stop_gradient(graph, rf__unit_norm(graph, y, 0)), (float)(1 / (double)scalars));
    return rf__add(graph, length, rf__fill(graph, rf__shape1(rows), (float)(-c / (double)scalars)));
}

static const rf_metric pseudo_huber = {
    {"pseudo_huber", "Lee et al. 2024 (rf++), arXiv 2405.20320", "(sqrt(|e|^2 + c^2) - c) / scalars; loss_shape: c (0: 0.00054 scalars)"},
    .rows = pseudo_huber_rows};

static rf_node *cross_entropy_rows(rf_graph *graph, rf_node *out, rf_node *wanted, double shape) {
    (void)shape;
    return rf__cross_entropy(graph, out, wanted);
}

static const rf_metric cross_entropy = {
    {"cross_entropy", "log loss; for networks that classify", "minus the log-probability of the row's class; path: clean, label_drop: 0"},
    .labels = true, .rows = cross_entropy_rows};

const rf_plugin *const *rf__metrics(void) {
    static const rf_plugin *const table[] = {&l2.is, &pseudo_huber.is, &cross_entropy.is, NULL};
    return table;
}

rf_node *rf__loss_build(rf_graph *graph, const rf_target *target, const rf_metric *metric, double shape, rf_node *v,
                        rf_node *wanted, rf_node *x, rf_node *t, rf_node *weight) {
    rf_node *rows = metric->labels ? metric->rows(graph, v, wanted, shape)
                                   : metric->rows(graph, target->view(graph, v, x, t), target->view(graph, wanted, x, t), shape);
    rf__output(graph, "loss_rows", rows);
    return rf__sum(graph, rf__mul(graph, rows, weight), 1);
}
