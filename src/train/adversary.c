/* adversary.c - see adversary.h. */
#include "adversary.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "../models/features.h"
#include "../nn/layers.h"

#define SCOPE "adversary"
#define EYE SCOPE ".eye."
#define LEAST 0.01
#define MOST 10.0
#define GUARD 1e-4 /* of the published balance */

#define AT(member) offsetof(rf_adversary_config, member)
const rf_field_desc rf__adversary_fields[] = {
    {"features", RF_FIELD_STRING, AT(features), "", 0, 0, NULL, "network whose frozen layers the discriminator looks through, e.g. classifier; empty: no adversary"},
    {"file", RF_FIELD_STRING, AT(file), "", 0, 0, NULL, "its weights"},
    {"data", RF_FIELD_STRING, AT(data), "", 0, 0, NULL, "data set of real pictures"},
    {"path", RF_FIELD_STRING, AT(path), "", 0, 0, NULL, "where it lies; empty: where it is usually installed"},
    {"width", RF_FIELD_INT, AT(width), "32", 1, 4096, NULL, "channels of each head"},
    {"lr", RF_FIELD_FLOAT, AT(lr), "1e-3", 0, 1e3, NULL, "learning rate of the discriminator"},
    {"pull", RF_FIELD_FLOAT, AT(pull), "0", 0, 1e6, NULL, "factor of the flow's reward; 0: such that its gradient is twice that of the rest, between 0.01 and 10"},
    {NULL}};

struct rf_adversary {
    const rf_adversary_config *config;
    const rf_model *model;
    rf_dtype dtype;
    uint64_t seed;
    rf_feature_model *eye;
    rf_source real;
    rf_weights *weights;      /* heads, and the frozen features as buffers */
    rf_graph *graph, *made_graph;
    rf_plan *plan, *made;     /* of a micro-batch: the discriminator's update; what the flow makes of noise */
    rf_exec **maker;          /* [workers] of `made` */
    rf_batch_plan fill;
    rf_lanes lanes;
    rf_optim optim;
    float *ema;               /* of no use here; the optimiser writes one */
    rf_lanes *flow;
    float *fit, *fool;        /* [batch] squared gradients at the flow's answer */
    rf_adversary_state state;
};

double rf__adversary_balance(double fit, double fool, double pull) {
    double want = 2 * sqrt(fit) / (sqrt(fool) / pull + GUARD);
    return want < LEAST ? LEAST : want > MOST ? MOST : want;
}

/* ---- the network ---- */

/* One layer: what is there, at unit variance a pixel, through one convolution; the class weighs what it found. */
static rf_node *head(rf_graph *g, const rf_adversary *a, rf_node *tap, rf_node *label) {
    const rf_init start = {RF_INIT_FAN_AVG_UNIFORM, 1};
    rf_shape shape = rf__node_shape(tap);
    int64_t width = a->config->width;
    rf_node *x = rf__scale(g, rf__unit_norm(g, tap, 1e-6f), sqrtf((float)shape.dim[3]));
    rf_node *h = rf__mean_pixels(g, rf__silu(g, rf__nn_conv(g, "conv", x, width, 3, 1, start)));
    rf_node *row = rf__reshape(g, rf__nn_linear(g, "answer", h, 1, start), rf__shape1(shape.dim[0]));
    if (!label) return row;
    return rf__add(g, row, rf__dot_rows(g, h, rf__nn_label_table(g, "class", label, a->model->shape.classes, width, (rf_init){RF_INIT_ZERO, 0}), 1));
}

static rf_node *answer(rf_graph *g, const rf_adversary *a, rf_node *picture, rf_node *label) {
    if (!picture) return NULL;
    rf__scope_push(g, SCOPE);
    rf__scope_push(g, "eye");
    rf_feature_out out = rf__feature_build(g, a->eye->net, a->eye->form, picture, 0, 0, RF_FEATURE_TAPS_ONLY);
    rf__scope_pop(g);
    rf_node *sum = NULL;
    for (int i = 0; i < out.tap_count; i++) {
        rf__scope_push(g, "heads.%d", i);
        rf_node *row = head(g, a, out.taps[i], label);
        rf__scope_pop(g);
        sum = sum ? rf__add(g, sum, row) : row;
    }
    rf__scope_pop(g);
    return sum ? rf__scale(g, sum, 1 / (float)out.tap_count) : NULL;
}

rf_node *rf__adversary_answer(rf_graph *graph, const rf_adversary *adversary, rf_node *picture, rf_node *label) {
    rf__freeze(graph, true);
    rf_node *row = answer(graph, adversary, picture, label);
    rf__freeze(graph, false);
    return row;
}

rf_weights *rf__adversary_weights(const rf_adversary *adversary) { return adversary->weights; }

/* relu(1 + sign * answer) */
static rf_node *hinge(rf_graph *g, rf_node *rows, float sign) {
    return rows ? rf__act(g, RF_ACT_RELU, rf__add(g, rf__scale(g, rows, sign), rf__fill(g, rf__node_shape(rows), 1))) : NULL;
}

/* Inputs x (what the flow made), real, row_weight (label, real_label); output loss_rows. */
static rf_status build(rf_adversary *a, int64_t rows, rf_graph **out) {
    rf_graph *g = *out = rf__graph_create(a->dtype);
    if (!g) return rf__fail(RF_ENOMEM, "adversary: no memory for the graph");
    const rf_model_shape *s = &a->model->shape;
    const rf_shape shape = rf__shape4(rows, s->height, s->width, s->channels);
    rf_node *made = rf__input(g, "x", RF_F32, shape), *real = rf__input(g, "real", RF_F32, shape);
    rf_node *label = s->classes ? rf__input(g, "label", RF_I32, rf__shape1(rows)) : NULL;
    rf_node *real_label = s->classes ? rf__input(g, "real_label", RF_I32, rf__shape1(rows)) : NULL;
    rf_node *loss = rf__add(g, hinge(g, answer(g, a, real, real_label), -1), hinge(g, answer(g, a, made, label), 1));
    rf__output(g, "loss_rows", loss);
    RF_TRY(rf_grad(g, rf__sum(g, rf__mul(g, loss, rf__input(g, "row_weight", RF_F32, rf__shape1(rows))), 1), NULL));
    return rf__graph_status(g);
}

/* What the flow makes of x at t; output v. */
static rf_status build_maker(rf_adversary *a, int64_t rows) {
    RF_TRY(rf__model_graph(&a->made_graph, a->model, rows, a->dtype));
    return rf__plan_build(&a->made, a->made_graph, a->model->weights, rf__kernels());
}

static rf_status open_parts(rf_adversary *a) {
    const rf_adversary_config *c = a->config;
    rf_data_config data = {.split = "train"};
    snprintf(data.name, sizeof data.name, "%s", c->data);
    snprintf(data.path, sizeof data.path, "%s", c->path);
    if (rf__source_open(&a->real, &data) != RF_OK) return rf__fail_in(RF_EINVAL, "adversary.data: ");
    RF_TRY(rf__source_fits(&a->real, &a->model->shape));
    if (rf__feature_open(&a->eye, c->features, c->file, true) != RF_OK) return rf__fail_in(RF_EINVAL, "adversary.features: ");
    rf_graph *graph = NULL;
    rf_status status = build(a, 1, &graph);
    if (status == RF_OK) status = rf__weights_create(&a->weights, graph);
    rf__graph_free(&graph);
    RF_TRY(status);
    rf__weights_init(a->weights, a->seed);
    RF_TRY(rf__feature_copy(a->eye, a->weights, EYE));
    return rf__weights_refresh(a->weights, NULL);
}

rf_status rf__adversary_open(rf_adversary **out, const rf_adversary_config *config, const rf_model *model, rf_dtype dtype, uint64_t seed) {
    rf_adversary *a = *out = rf__alloc(sizeof *a);
    if (!a) return rf__fail(RF_ENOMEM, "adversary: no memory");
    /* Real pictures, noise and first weights are others than the flow's. */
    *a = (rf_adversary){.config = config, .model = model, .dtype = dtype, .seed = seed ^ UINT64_C(0x9e3779b97f4a7c15),
                        .state = {.pull = config->pull > 0 ? config->pull : LEAST}};
    rf_status status = open_parts(a);
    if (status != RF_OK) rf__adversary_free(out);
    return status;
}

void rf__adversary_free(rf_adversary **adversary) {
    rf_adversary *a = *adversary;
    if (!a) return;
    for (int i = 0; a->maker && i < a->lanes.workers; i++) rf__exec_free(&a->maker[i]);
    rf__free(a->maker);
    rf__lanes_fini(&a->lanes);
    rf__optim_fini(&a->optim);
    rf__plan_free(&a->plan);
    rf__plan_free(&a->made);
    rf__graph_free(&a->graph);
    rf__graph_free(&a->made_graph);
    rf__weights_free(&a->weights);
    rf__feature_free(&a->eye);
    rf__source_close(&a->real);
    rf__free(a->ema);
    rf__free(a->fit);
    rf__free(a);
    *adversary = NULL;
}

/* ---- a micro-batch of the flow ---- */

/* Rows at t = 0, the ones that are whole steps from noise, are rewarded. The nudges are zeros whose gradients tell the two parts apart. */
static rf_status reward(void *self, rf_exec *exec, const rf_batch *batch, int worker) {
    (void)worker;
    const rf_adversary *a = self;
    size_t bytes = (size_t)(batch->rows * batch->scalars) * sizeof(float);
    float *weight = rf__exec_buffer(exec, "fool");
    for (int64_t r = 0; r < batch->rows; r++) weight[r] = batch->t[r] == 0 ? (float)(a->state.pull / (double)a->flow->batch) : 0;
    memset(rf__exec_buffer(exec, "nudge_fit"), 0, bytes);
    memset(rf__exec_buffer(exec, "nudge_fool"), 0, bytes);
    return RF_OK;
}

static float squares(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return (float)sum;
}

static void weigh(void *self, rf_exec *exec, const rf_batch *batch, int64_t row) {
    rf_adversary *a = self;
    const float *fit = rf__exec_buffer(exec, "grad:nudge_fit"), *fool = rf__exec_buffer(exec, "grad:nudge_fool");
    for (int64_t r = 0; r < batch->rows; r++) {
        bool rewarded = batch->t[r] == 0; /* the balance is about these */
        a->fit[row + r] = rewarded ? squares(fit + r * batch->scalars, batch->scalars) : 0;
        a->fool[row + r] = rewarded ? squares(fool + r * batch->scalars, batch->scalars) : 0;
    }
}

/* ---- a micro-batch of the discriminator ---- */

static rf_status make_both(void *self, rf_exec *exec, const rf_batch *batch, int worker) {
    rf_adversary *a = self;
    rf_exec *maker = a->maker[worker];
    int64_t n = batch->scalars, count = batch->rows * n;
    float *x = rf__exec_buffer(exec, "x"), *real = rf__exec_buffer(exec, "real"), *before = rf__exec_buffer(maker, "before");
    int32_t *label = rf__exec_buffer(maker, "label"), *real_label = rf__exec_buffer(exec, "real_label"), none;
    memcpy(rf__exec_buffer(maker, "x"), batch->xt, (size_t)count * sizeof(float));
    memcpy(rf__exec_buffer(maker, "t"), batch->t, (size_t)batch->rows * sizeof(float));
    if (label) memcpy(label, batch->label, (size_t)batch->rows * sizeof *label);
    if (before) memcpy(before, batch->before, (size_t)count * sizeof(float));
    RF_TRY(rf__exec_run(maker, NULL));
    const float *v = rf__exec_buffer(maker, "v");
    for (int64_t i = 0; i < count; i++) x[i] = batch->x1[i] + batch->reach[i / n] * (v[i] - batch->target[i]);
    for (int64_t r = 0; r < batch->rows; r++) /* not the draw that chose the row's own pair */
        RF_TRY(a->real.kind->draw(&a->real, ~a->seed, batch->first + (uint64_t)r, real + r * n, real_label ? real_label + r : &none));
    return RF_OK;
}

/* ---- learning ---- */

rf_status rf__adversary_start(rf_adversary *a, rf_lanes *flow, const rf_plan *initial) {
    RF_TRY(build(a, flow->micro_batch, &a->graph));
    RF_TRY(rf__plan_build(&a->plan, a->graph, a->weights, rf__kernels()));
    RF_TRY(build_maker(a, flow->micro_batch));
    RF_TRY(rf__weights_refresh(a->weights, flow->pool));
    a->fill = *flow->fill;
    a->fill.time = (const rf_time_law *)rf__plugin_find(rf__time_laws(), "adversary", "nodes"); /* t = 0 */
    a->fill.time_shape = a->fill.time_eps = 0;
    a->fill.weight = (const rf_weight *)rf__plugin_find(rf__loss_weights(), "adversary", "one");
    a->fill.scale = NULL;
    a->fill.look = NULL; /* and the coupling's state, which changes from step to step, in rf__adversary_step */
    int64_t trained = rf__weights_trained(a->weights);
    RF_TRY(rf__lanes_init(&a->lanes, a->plan, initial, trained, &a->model->shape, &a->fill, flow->micro_batch, flow->lanes, a->seed, flow->pool));
    a->maker = rf__alloc_array((size_t)a->lanes.workers, sizeof *a->maker);
    a->fit = rf__alloc_array((size_t)(2 * flow->batch), sizeof *a->fit);
    a->ema = rf__alloc_array((size_t)trained, sizeof *a->ema);
    if (!a->maker || !a->fit || !a->ema) return rf__fail(RF_ENOMEM, "adversary: no memory for its workers");
    a->fool = a->fit + flow->batch;
    for (int i = 0; i < a->lanes.workers; i++) RF_TRY(rf__exec_create(&a->maker[i], a->made, 1));
    const rf_optim_config config = {.lr = a->config->lr, .beta1 = 0.5, .beta2 = 0.99, .eps = 1e-8, .clip = 1, .steps = INT64_MAX,
                                    .schedule = (const rf_lr_schedule *)rf__plugin_find(rf__lr_schedules(), "adversary", "constant")};
    RF_TRY(rf__optim_init(&a->optim, &config, trained));
    a->flow = flow;
    flow->guest = (rf_lanes_guest){a, reward, weigh};
    a->lanes.guest = (rf_lanes_guest){a, make_both, NULL};
    return RF_OK;
}

/* Rows in order, so that the sums do not depend on threads. */
static void balance(rf_adversary *a) {
    double fit = 0, fool = 0;
    for (int64_t r = 0; r < a->flow->batch; r++) fit += (double)a->fit[r], fool += (double)a->fool[r];
    if (a->config->pull > 0 || fool <= 0 || !isfinite(fit) || !isfinite(fool)) return;
    a->state.pull = rf__adversary_balance(fit, fool, a->state.pull);
}

rf_status rf__adversary_step(rf_adversary *a, uint64_t step) {
    int64_t count;
    double sum = 0;
    balance(a);
    a->fill.pair = a->flow->fill->pair;
    RF_TRY(rf__lanes_run(&a->lanes, step));
    double norm2 = rf__optim_reduce(&a->optim, a->lanes.pool, a->lanes.grads, a->lanes.lanes);
    float *all = rf__weights_all(a->weights, &count);
    bool applied = rf__optim_step(&a->optim, a->lanes.pool, all, a->ema, a->lanes.grads[0], norm2, (int64_t)step);
    for (int64_t r = 0; r < a->lanes.batch; r++) sum += (double)a->lanes.loss[r];
    a->state.loss = sum / (double)a->lanes.batch;
    a->state.updates = a->optim.updates;
    a->state.skipped = a->optim.skipped;
    return applied ? rf__weights_refresh(a->weights, a->lanes.pool) : RF_OK;
}

rf_adversary_memory rf__adversary_memory(rf_adversary *a) {
    int64_t count;
    return (rf_adversary_memory){rf__weights_all(a->weights, &count), a->optim.m, a->optim.v, a->optim.count, &a->state};
}

rf_status rf__adversary_resume(rf_adversary *a) {
    a->optim.updates = a->state.updates;
    a->optim.skipped = a->state.skipped;
    return rf__weights_refresh(a->weights, a->lanes.pool);
}
