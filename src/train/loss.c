/* loss.c - the tables of targets and metrics, and how they become one scalar of the graph. */
#include "loss.h"

static rf_node *velocity_view(rf_graph *graph, rf_node *v, rf_node *x, rf_node *t, double shape) {
    (void)graph, (void)x, (void)t, (void)shape;
    return v;
}

static const rf_target velocity = {
    {"velocity", "Liu et al. 2022, arXiv 2209.03003", "v against x1 - x0"}, .view = velocity_view};

/* x_t is the same on both sides, so that the data's error is (1-t) times the velocity's. */
static rf_node *data_view(rf_graph *graph, rf_node *v, rf_node *x, rf_node *t, double shape) {
    (void)shape;
    return rf__add(graph, x, rf__scale_rows(graph, v, rf__time_ratio(graph, t, 1, -1, 1, 0, 1)));
}

static const rf_target data = {
    {"data", "Kim et al. 2024 (Simple ReFlow), arXiv 2410.07815", "the predicted data x_t + (1-t) v against x1"}, .view = data_view};

/* B: [1 2 1]/4 both ways, edges repeated, as two 2x2 means. It is symmetric with eigenvalues in [0,1], so that phi has singular values in
 * [1, 1 + lambda]. */
static rf_node *high_pass_view(rf_graph *graph, rf_node *v, rf_node *x, rf_node *t, double shape) {
    (void)x, (void)t;
    double lambda = shape > 0 ? shape : 10;
    rf_node *blurred = rf__avg_pool(graph, rf__avg_pool(graph, v, 2, 1, 1, false), 2, 1, 0, false);
    return rf__axpby(graph, (float)(1 + lambda), v, (float)-lambda, blurred);
}

static const rf_target high_pass = {
    {"high_pass", "Kim et al. 2024 (Simple ReFlow), arXiv 2410.07815; the filter is ours",
     "v + lambda (v - blur(v)), fine detail weighs more; target_shape: lambda (0: 10)"},
    .pictures = true, .view = high_pass_view};

const rf_plugin *const *rf__targets(void) {
    static const rf_plugin *const table[] = {&velocity.is, &data.is, &high_pass.is, NULL};
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

/* The same of each scalar by itself, then their mean: every scalar is a row of (e, c). */
static rf_node *huber_each_rows(rf_graph *graph, rf_node *out, rf_node *wanted, double shape) {
    rf_node *d = rf__sub(graph, out, wanted);
    if (!d) return NULL;
    int64_t rows = rf__node_shape(d).dim[0], scalars = scalars_of(d);
    const rf_shape column = rf__shape2(rows * scalars, 1), table = rf__shape2(rows, scalars);
    double c = shape > 0 ? shape : 1e-3;
    rf_node *y = rf__concat(graph, rf__reshape(graph, rf__to_f32(graph, d), column), rf__fill(graph, column, (float)c));
    rf_node *length = rf__reshape(graph, rf__dot_rows(graph, y, rf__stop_gradient(graph, rf__unit_norm(graph, y, 0)), 1), table);
    rf_node *mean = rf__dot_rows(graph, length, rf__fill(graph, table, 1), (float)(1 / (double)scalars));
    return rf__add(graph, mean, rf__fill(graph, rf__shape1(rows), (float)-c));
}

static const rf_metric huber_each = {
    {"huber_each", "Yan et al. 2024 (PeRFlow), published SDXL code", "mean over the scalars of sqrt(e^2 + c^2) - c; loss_shape: c (0: 0.001)"},
    .rows = huber_each_rows};

static rf_node *cross_entropy_rows(rf_graph *graph, rf_node *out, rf_node *wanted, double shape) {
    (void)shape;
    return rf__cross_entropy(graph, out, wanted);
}

static const rf_metric cross_entropy = {
    {"cross_entropy", "log loss; for networks that classify", "minus the log-probability of the row's class; path: clean, label_drop: 0"},
    .labels = true, .rows = cross_entropy_rows};

const rf_plugin *const *rf__metrics(void) {
    static const rf_plugin *const table[] = {&l2.is, &pseudo_huber.is, &huber_each.is, &cross_entropy.is, NULL};
    return table;
}

/* 1 / sqrt(r^2 + eps^2) of rows r >= 0: the second channel of (r, eps) at unit length is eps times that. */
static rf_node *inverse_rows(rf_graph *graph, rf_node *rows, double eps) {
    if (!rows) return NULL;
    int64_t count = rf__node_shape(rows).dim[0];
    const rf_shape column = rf__shape2(count, 1);
    rf_node *pair = rf__concat(graph, rf__reshape(graph, rows, column), rf__fill(graph, column, (float)eps));
    rf_node *second = rf__slice(graph, rf__unit_norm(graph, pair, 0), 1, 1);
    return rf__stop_gradient(graph, rf__scale(graph, rf__reshape(graph, second, rf__shape1(count)), (float)(1 / eps)));
}

/* The data that the answer v leads to. */
static rf_node *predicted(rf_graph *graph, const rf_loss_inputs *in, rf_node *v) {
    return rf__add(graph, in->x1, rf__scale_rows(graph, rf__sub(graph, v, in->wanted), in->reach));
}

static rf_node *premetric_sum(rf_graph *graph, const rf_loss_plan *plan, const rf_loss_inputs *in, rf_node *v) {
    rf_node *rows = rf__premetric_build(graph, plan->premetric, predicted(graph, in, v), in->x1);
    rf__output(graph, "premetric_rows", rows);
    return rf__sum(graph, rf__mul(graph, rows, in->look), 1);
}

static rf_node *nudged(rf_graph *graph, rf_node *v, const char *name) {
    return v ? rf__add(graph, v, rf__input(graph, name, RF_F32, rf__node_shape(v))) : NULL;
}

static rf_node *adversary_sum(rf_graph *graph, const rf_loss_plan *plan, const rf_loss_inputs *in) {
    rf_node *picture = predicted(graph, in, nudged(graph, in->v, "nudge_fool"));
    rf_node *rows = rf__adversary_answer(graph, plan->adversary, picture, in->label);
    rf__output(graph, "answer_rows", rows);
    return rf__sum(graph, rf__mul(graph, rows, in->fool), -1);
}

const char *const *rf__loss_nudges(const rf_loss_plan *plan) {
    static const char *const names[] = {"nudge_fit", "nudge_fool", NULL};
    return plan->adversary ? names : NULL;
}

rf_node *rf__loss_build(rf_graph *graph, const rf_loss_plan *plan, const rf_loss_inputs *in) {
    enum { LEAST_BITS = 20 }; /* a row this much smaller than 1 is as good as learned: its weight grows no further */
    const rf_target *target = plan->target;
    const rf_metric *metric = plan->metric;
    rf_node *v = plan->adversary ? nudged(graph, in->v, "nudge_fit") : in->v;
    rf_node *rows = metric->labels ? metric->rows(graph, v, in->wanted, plan->shape)
                                   : metric->rows(graph, target->view(graph, v, in->x, in->t, plan->target_shape),
                                                  target->view(graph, in->wanted, in->x, in->t, plan->target_shape), plan->shape);
    rf__output(graph, "loss_rows", rows);
    rf_node *weight = in->weight;
    if (plan->by_sample) weight = rf__mul(graph, weight, inverse_rows(graph, rows, 1.0 / (1 << LEAST_BITS)));
    rf_node *loss = rf__sum(graph, rf__mul(graph, rows, weight), 1);
    if (plan->premetric) loss = rf__add(graph, loss, premetric_sum(graph, plan, in, v));
    return plan->adversary ? rf__add(graph, loss, adversary_sum(graph, plan, in)) : loss;
}
