/* loss.h - the graph side of the training map: what of the network's velocity is compared (target), and how (metric, premetric). */
#ifndef RF_TRAIN_LOSS_H
#define RF_TRAIN_LOSS_H
#include "adversary.h"
#include "plugin.h"
#include "premetric.h"

/* A linear view of a velocity: applied to the network's answer and to the target alike, so that the optimum stays the mean. */
typedef struct rf_target {
    rf_plugin is;
    bool pictures; /* makes sense of [B,H,W,C] only */
    /* shape: the view's own number, 0: its default. */
    rf_node *(*view)(rf_graph *graph, rf_node *v, rf_node *x, rf_node *t, double shape);
} rf_target;

typedef struct rf_metric {
    rf_plugin is;
    bool labels; /* wanted is the row's class [B] i32 and out are logits [B, classes]; views of a velocity do not apply */
    /* out, wanted: same shape (unless `labels`), batch first -> loss of each row [B]. shape: the metric's own number, 0: its default. */
    rf_node *(*rows)(rf_graph *graph, rf_node *out, rf_node *wanted, double shape);
} rf_metric;

const rf_plugin *const *rf__targets(void);
const rf_plugin *const *rf__metrics(void);

typedef struct rf_loss_plan {
    const rf_target *target;
    const rf_metric *metric;
    double target_shape, shape;
    bool by_sample;                /* each row over its own size, which passes no gradient (Simple ReFlow, item 1) */
    const rf_premetric *premetric; /* NULL: none */
    const rf_adversary *adversary; /* NULL: none */
} rf_loss_plan;

typedef struct rf_loss_inputs {
    rf_node *v, *wanted, *x, *t, *weight; /* weight [B] */
    rf_node *x1, *reach, *look;           /* of the premetric: the data, and [B] as in batch.h; the first two of the adversary too */
    rf_node *label, *fool;                /* of the adversary: classes, NULL for none; weight of its answer [B] */
} rf_loss_inputs;

/* sum_b weight_b metric(view(v), view(target))_b [/ its own value] + look_b premetric(x1 + reach (v - target), x1)_b
 * - fool_b answer(x1 + reach (v - target))_b.
 * Names outputs [B]: "loss_rows", the metric before any weight; "premetric_rows" and "answer_rows", where there is one. With an adversary the graph
 * has inputs like v, which are to be zero: nudge_fit is added to v for metric and premetric, nudge_fool for the adversary's answer, so that their
 * gradients are those of the two parts. NULL after an error, as any builder. */
rf_node *rf__loss_build(rf_graph *graph, const rf_loss_plan *plan, const rf_loss_inputs *in);
/* Those inputs for rf_grad. */
const char *const *rf__loss_nudges(const rf_loss_plan *plan);

#endif
