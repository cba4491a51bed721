/* trainer.c - see trainer.h. */
#include "trainer.h"

#include <string.h>

#include "../base/log.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../models/grow.h"
#include "crossing.h"
#include "inputs.h"
#include "memory_need.h"
#include "resolutions.h"

rf_status rf__trainer_plan(const rf_trainer *tr, const rf_model *model, rf_graph **graph, rf_plan **out) {
    const rf_recipe *recipe = tr->recipe;
    int64_t rows = recipe->train.micro_batch;
    *graph = rf__graph_create((rf_dtype)recipe->train.dtype);
    if (!*graph) return rf__fail(RF_ENOMEM, "training: no memory for the graph");
    rf_graph *g = *graph;
    rf_model_inputs in = rf__model_declare(g, &model->shape, rows, true);
    rf_node *v = rf__model_velocity(g, model->kind, model->config, &in);
    if (!v) return rf__graph_status(g);
    rf_node *target = recipe->metric->labels ? in.label : rf__input(g, "target", RF_F32, rf__node_shape(v));
    rf_node *weight = rf__input(g, "row_weight", RF_F32, rf__shape1(rows));
    const rf_loss_plan plan = {.target = recipe->target, .metric = recipe->metric, .target_shape = recipe->train.target_shape,
                               .shape = recipe->train.loss_shape, .by_sample = recipe->train.normalise == RF_NORMALISE_SAMPLE,
                               .premetric = tr->premetric, .adversary = tr->adversary};
    rf_loss_inputs parts = {.v = v, .wanted = target, .x = in.x, .t = in.t, .weight = weight};
    if (tr->premetric || tr->adversary) {
        parts.x1 = rf__input(g, "x1", RF_F32, rf__node_shape(v));
        parts.reach = rf__input(g, "reach", RF_F32, rf__shape1(rows));
    }
    rf_weights *last = model->weights;
    if (tr->premetric) {
        parts.look = rf__input(g, "look", RF_F32, rf__shape1(rows));
        rf__weights_attach(last, rf__premetric_weights(tr->premetric));
        last = rf__premetric_weights(tr->premetric);
    }
    if (tr->adversary) {
        parts.label = in.label;
        parts.fool = rf__input(g, "fool", RF_F32, rf__shape1(rows));
        rf__weights_attach(last, rf__adversary_weights(tr->adversary));
    }
    rf_node *loss = rf__loss_build(g, &plan, &parts);
    RF_TRY(rf__graph_status(g));
    rf__recompute(g, recipe->train.recompute);
    RF_TRY(rf_grad(g, loss, rf__loss_nudges(&plan)));
    return rf__plan_build(out, g, model->weights, rf__kernels());
}

/* The weights of another network of the same kind, and what that one descends from. */
static rf_status start_from(rf_trainer *tr, const char *path) {
    rf_model *teacher = NULL;
    RF_TRY(rf__model_open(&teacher, path));
    rf__model_base(teacher, tr->base);
    rf_status status = rf__model_grow(tr->model, teacher);
    rf__model_free(&teacher);
    return status == RF_OK ? status : rf__fail_in(status, "train.init: %s ", path);
}

static rf_status open_online(rf_trainer *tr) {
    const rf_recipe *recipe = tr->recipe;
    if (!recipe->coupling->prepare) return RF_OK;
    const rf_online_opts opts = {.teacher = &recipe->teacher, .windows = &recipe->windows, .anneal = &recipe->anneal, .plan = &tr->fill,
                                 .student = tr->model, .pool = tr->pool, .dtype = (rf_dtype)recipe->train.dtype,
                                 .seed = (uint64_t)recipe->train.seed};
    RF_TRY(rf__online_open(&tr->online, &opts));
    tr->fill.pair.online = tr->online;
    tr->fill.windows = tr->model->windows.count ? &tr->model->windows : NULL;
    return RF_OK;
}

/* What a coupling needs before the lanes draw from it. */
static rf_status prepare(rf_trainer *tr) {
    const rf_recipe *recipe = tr->recipe;
    if (recipe->coupling->anneals) tr->fill.pair.beta = rf__anneal_beta(recipe->annealing, &recipe->anneal, &tr->anneal, tr->step);
    if (recipe->coupling->make)
        RF_TRY(recipe->coupling->make(recipe->coupling, tr->fill.pair.refine, (uint64_t)recipe->train.seed, tr->step));
    return tr->online ? recipe->coupling->prepare(tr->online, (uint64_t)tr->step) : RF_OK;
}

/* Rows in order, so that the sum does not depend on threads. */
static void note_loss(rf_trainer *tr, const rf_lanes *lanes) {
    double sum = 0;
    if (!tr->recipe->coupling->anneals || tr->recipe->annealing->at) return;
    for (int64_t r = 0; r < lanes->batch; r++) sum += (double)lanes->loss[r];
    rf__anneal_note(&tr->recipe->anneal, &tr->anneal, sum / (double)lanes->batch);
}

/* The networks that help. */
static rf_status open_frozen(rf_trainer *tr, const rf_model_shape *shape) {
    const rf_train_config *c = &tr->recipe->train;
    const rf_premetric_spec spec = {.name = c->premetric, .file = c->premetric_file, .heads = c->premetric_heads, .size = (int)c->premetric_size,
                                    .any_file = c->premetric_any_file};
    if (c->premetric[0] && rf__premetric_open(&tr->premetric, &spec) != RF_OK) return rf__fail_in(RF_EINVAL, "train.premetric: ");
    const rf_adversary_config *rival = &tr->recipe->adversary;
    if (rival->features[0]) RF_TRY(rf__adversary_open(&tr->adversary, rival, tr->model, (rf_dtype)c->dtype, (uint64_t)c->seed));
    if (c->initial[0]) {
        RF_TRY(rf__initial_open(&tr->initial, c->initial, shape, c->micro_batch, (rf_dtype)c->dtype));
        rf_refiner_facts *facts = &tr->model->refiner; /* all gaps: it is told the velocity at t = 0 whatever its own time */
        *facts = (rf_refiner_facts){.gap_most = 1, .scale_least = 1, .scale_most = 1, .from_start = true};
        memcpy(facts->predictor, tr->initial->model->sha256, sizeof facts->predictor);
    }
    if (c->normalise != RF_NORMALISE_TIME) return RF_OK;
    tr->scale = rf__alloc(sizeof *tr->scale);
    return tr->scale ? RF_OK : rf__fail(RF_ENOMEM, "training: no memory for the scale of the loss");
}

/* What a loss that is no squared error, or is weighed by its own residual, learns of a coupling that crosses is not the mean. */
static void warn_of_crossing(const rf_recipe *recipe) {
    const rf_train_config *c = &recipe->train;
    bool joined = recipe->coupling->pairs || recipe->coupling->online || recipe->coupling->refines;
    if (joined || !rf__train_needs_straight(recipe)) return;
    rf__warn("train.%s %s with train.coupling %s: its pairs cross, and the best answer is then not the mean velocity; expected a coupling that "
             "a flow joins (stored)", c->premetric[0] ? "premetric" : "normalise", c->premetric[0] ? c->premetric : "sample", c->coupling);
}

static rf_status set_up(rf_trainer *tr, int threads) {
    rf_recipe *recipe = tr->recipe;
    const rf_train_config *c = &recipe->train;
    RF_TRY(rf__need_of_weights(recipe));
    if (!tr->source.kind) RF_TRY(rf__source_open(&tr->source, &recipe->data));
    rf_model_shape shape = recipe->kind->shape(recipe->model);
    RF_TRY(rf__source_fits(&tr->source, &shape));
    if (recipe->coupling->pairs && !tr->source.kind->pair)
        return rf__fail(RF_EINVAL, "train.coupling is %s, expected data.name: pairs, not %s", recipe->coupling->is.name, tr->source.kind->is.name);
    if (!(tr->inputs = rf__inputs_json(recipe, &tr->source))) return rf__fail(RF_ENOMEM, "training: no memory, or a file of the recipe cannot be read");
    if (!(tr->pool = rf__pool_create(threads))) return rf__fail(RF_ENOMEM, "training: no memory for the threads");
    RF_TRY(rf__model_create(&tr->model, recipe->kind, recipe->model, (uint64_t)c->seed));
    if (c->init[0]) RF_TRY(start_from(tr, c->init));
    RF_TRY(open_frozen(tr, &shape));
    RF_TRY(rf__trainer_plan(tr, tr->model, &tr->graph, &tr->plan));
    RF_TRY(rf__need_of_plan(recipe, tr->plan, rf__pool_size(tr->pool)));
    RF_TRY(rf__weights_refresh(tr->model->weights, tr->pool));

    int64_t count, trained = rf__weights_trained(tr->model->weights);
    const float *all = rf__weights_all(tr->model->weights, &count);
    if (!(tr->ema = rf__alloc_array((size_t)count, sizeof(float)))) return rf__fail(RF_ENOMEM, "training: no memory for the EMA");
    memcpy(tr->ema, all, (size_t)count * sizeof(float));
    RF_TRY(rf__optim_init(&tr->optim, &recipe->optim, trained));
    warn_of_crossing(recipe);
    tr->fill = (rf_batch_plan){.coupling = recipe->coupling, .pair = {.data = &tr->source, .flip = recipe->data.flip}, .time = recipe->time,
                               .time_shape = c->time_shape, .time_eps = c->time_eps, .path = recipe->path,
                               .path_shape = c->path_shape, .weight = recipe->weight, .scale = tr->scale,
                               .look = tr->premetric ? recipe->look : NULL, .look_scale = c->premetric_scale,
                               .label_drop = c->label_drop, .null_label = shape.classes, .labelled = tr->recipe->metric->labels, .batch = c->batch};
    RF_TRY(open_online(tr));
    if (recipe->coupling->open) {
        const rf_refine_setup setup = {.config = &recipe->refine, .data = &tr->source, .time = recipe->time, .time_shape = c->time_shape,
                                       .label_drop = c->label_drop, .flip = recipe->data.flip, .shape = shape, .dtype = (rf_dtype)c->dtype, .batch = c->batch, .pool = tr->pool};
        RF_TRY(recipe->coupling->open(&tr->fill.pair.refine, &setup, &tr->model->refiner));
    }
    const rf_plan *initial = tr->initial ? tr->initial->plan : NULL;
    RF_TRY(rf__lanes_init(&tr->lanes, tr->plan, initial, trained, &shape, &tr->fill, c->micro_batch, (int)c->lanes, (uint64_t)c->seed, tr->pool));
    if (tr->adversary) RF_TRY(rf__adversary_start(tr->adversary, &tr->lanes, initial));
    return rf__resolutions_open(&tr->resolutions, tr);
}

rf_status rf__trainer_create(rf_trainer **out, rf_recipe *recipe, rf_source *source, int threads) {
    rf_trainer *tr = *out = rf__alloc(sizeof *tr);
    if (!tr) {
        if (source) rf__source_close(source);
        return rf__fail(RF_ENOMEM, "training: no memory");
    }
    tr->recipe = recipe;
    if (source) {
        tr->source = *source;
        *source = (rf_source){0};
    }
    rf_status status = set_up(tr, threads);
    if (status != RF_OK) rf__trainer_free(out);
    return status;
}

void rf__trainer_free(rf_trainer **trainer) {
    rf_trainer *tr = *trainer;
    if (!tr) return;
    rf__resolutions_free(&tr->resolutions);
    rf__adversary_free(&tr->adversary);
    rf__lanes_fini(&tr->lanes);
    rf__online_free(&tr->online);
    if (tr->fill.pair.refine) tr->recipe->coupling->close(&tr->fill.pair.refine);
    rf__optim_fini(&tr->optim);
    rf__plan_free(&tr->plan);
    rf__graph_free(&tr->graph);
    rf__free(tr->ema);
    rf__free(tr->scale);
    rf__initial_free(&tr->initial);
    rf__model_free(&tr->model);
    rf__premetric_free(&tr->premetric);
    rf__source_close(&tr->source);
    json_decref(tr->inputs);
    rf__pool_free(&tr->pool);
    rf__free(tr);
    *trainer = NULL;
}

rf_status rf__trainer_step(rf_trainer *tr, rf_loss_bins *bins) {
    double start = rf__now();
    rf_lanes *lanes = tr->resolutions ? rf__resolutions_lanes(tr->resolutions, tr->step) : &tr->lanes;
    RF_TRY(prepare(tr));
    RF_TRY(rf__lanes_run(lanes, (uint64_t)tr->step));
    double summed = rf__now();
    double norm2 = rf__optim_reduce(&tr->optim, tr->pool, lanes->grads, lanes->lanes);
    double reduced = rf__now();
    float *w = rf__weights_all(tr->model->weights, &(int64_t){0});
    bool applied = rf__optim_step(&tr->optim, tr->pool, w, tr->ema, lanes->grads[0], norm2, tr->step);
    double updated = rf__now();
    if (applied) RF_TRY(rf__weights_refresh(tr->model->weights, tr->pool));
    if (tr->adversary) RF_TRY(rf__adversary_step(tr->adversary, (uint64_t)tr->step));
    note_loss(tr, lanes);
    if (tr->scale) rf__time_scale_add(tr->scale, lanes->loss, lanes->t, lanes->batch);
    tr->step++;
    if (bins) rf__loss_bins_add(bins, lanes->loss, lanes->t, lanes->batch);
    double done = rf__now(), workers = (double)lanes->workers;
    rf_lanes_seconds work = rf__lanes_seconds(lanes);
    tr->seconds = (rf_step_seconds){.data = work.data / workers, .network = work.network / workers, .lanes = summed - start,
                                    .reduce = reduced - summed, .optim = updated - reduced, .refresh = done - updated, .whole = done - start};
    return RF_OK;
}
