/* eval_model.c - a model as a source of `strait eval`: images are handed on in the order of their seeds, whatever order they end in. */
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/memory.h"
#include "eval_source.h"
#include "shoot.h"

typedef struct generator {
    rf_sampler *sampler;
    const rf_order *order;
} generator;

/* Images that wait for an earlier one, in a ring of `room` places: image k lies at k mod room. */
typedef struct line {
    rf_eval_take take;
    void *user;
    int64_t scalars, room, next, given; /* next: first image not handed on; given: in slab */
    float *x;
    int32_t *label;
    bool *here;
    float *slab;
    int32_t labels[RF_EVAL_ROWS];
    bool flat;
} line;

static rf_status give(line *l) {
    if (l->given == 0) return RF_OK;
    rf_eval_batch batch = {l->next - l->given, l->given, l->slab, l->labels};
    l->given = 0;
    return l->take(l->user, &batch);
}

/* Twice the places; whoever waits moves to its new one. */
static rf_status widen(line *l) {
    int64_t room = l->room ? 2 * l->room : 2 * RF_EVAL_ROWS;
    float *x = rf__alloc_array((size_t)room, (size_t)l->scalars * sizeof *x);
    int32_t *label = rf__alloc_array((size_t)room, sizeof *label);
    bool *here = rf__alloc_array((size_t)room, sizeof *here);
    bool complete = x && label && here;
    for (int64_t k = l->next; complete && k < l->next + l->room; k++) {
        int64_t from = k % l->room, to = k % room;
        if (!(here[to] = l->here[from])) continue;
        memcpy(x + to * l->scalars, l->x + from * l->scalars, (size_t)l->scalars * sizeof *x);
        label[to] = l->label[from];
    }
    rf__free(complete ? l->x : x);
    rf__free(complete ? l->label : label);
    rf__free(complete ? l->here : here);
    if (!complete) return rf__fail(RF_ENOMEM, "no memory for %lld images that wait for an earlier one", (long long)room);
    l->x = x, l->label = label, l->here = here, l->room = room;
    return RF_OK;
}

static rf_status take_shot(void *user, const rf_shot *shot) {
    line *l = user;
    while (shot->k >= l->next + l->room) RF_TRY(widen(l));
    int64_t place = shot->k % l->room;
    memcpy(l->x + place * l->scalars, shot->x, (size_t)l->scalars * sizeof(float));
    l->label[place] = shot->label;
    l->here[place] = true;
    for (place = l->next % l->room; l->here[place]; place = l->next % l->room) {
        l->here[place] = false;
        memcpy(l->slab + l->given * l->scalars, l->x + place * l->scalars, (size_t)l->scalars * sizeof(float));
        if (!l->flat) rf__eval_quantise(l->slab + l->given * l->scalars, l->scalars);
        l->labels[l->given++] = l->label[place];
        l->next++;
        if (l->given == RF_EVAL_ROWS) RF_TRY(give(l));
    }
    return RF_OK;
}

static rf_status model_walk(rf_eval_source *source, int64_t count, rf_eval_take take, void *user) {
    const generator *g = source->self;
    rf_order order = *g->order;
    order.count = count;
    order.asked = NULL; /* nobody reads the record, and it has room for the images of the flags alone */
    line l = {.take = take, .user = user, .scalars = rf__eval_source_scalars(source), .flat = source->shape.flat};
    rf_shoot_totals totals;
    l.slab = rf__alloc_array(RF_EVAL_ROWS, (size_t)l.scalars * sizeof *l.slab);
    rf_status status = l.slab ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %d images", RF_EVAL_ROWS);
    if (status == RF_OK) status = rf__shoot(g->sampler, &order, 1, take_shot, &l, &totals);
    if (status == RF_OK) status = give(&l);
    if (status == RF_OK) {
        double images = (double)totals.images;
        json_object_set_new(source->protocol, "nfe", json_real((double)totals.counters.nfe_full / images));
        json_object_set_new(source->protocol, "nfe_refine", json_real((double)totals.counters.nfe_refine / images));
        json_object_set_new(source->protocol, "extrapolated", json_real((double)totals.counters.extrapolated / images));
    }
    rf__free(l.x);
    rf__free(l.label);
    rf__free(l.here);
    rf__free(l.slab);
    return status;
}

static void model_close(rf_eval_source *source) { rf__free(source->self); }

static const rf_eval_source_kind kind = {.name = "model", .source = "strait generate", .help = "-m MODEL", .walk = model_walk, .close = model_close};

/* "ema", "raw", or null when the checkpoint does not say. */
static json_t *weights_of(const rf_model *model) {
    json_t *metadata = model->metadata_json ? json_loads(model->metadata_json, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(metadata, "training"));
    json_t *training = text ? json_loads(text, 0, NULL) : NULL, *weights = json_object_get(training, "weights");
    json_t *out = weights ? json_incref(weights) : json_null();
    json_decref(training);
    json_decref(metadata);
    return out;
}

rf_status rf__eval_source_model(rf_eval_source *source, rf_sampler *sampler, const rf_order *order) {
    const rf_model *model = rf__sampler_model(sampler);
    generator *g = rf__alloc(sizeof *g);
    json_t *settings = rf__order_json(order);
    source->kind = &kind;
    source->self = g;
    source->shape = model->shape;
    json_t *labels = json_array();
    for (int i = 0; i < order->label_count; i++) json_array_append_new(labels, json_integer(order->labels[i]));
    source->protocol = json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:o, s:b}", "source", "model", "model_sha256", model->sha256, "kind", model->kind->name,
                                 "weights", weights_of(model), "seed", (json_int_t)order->seed, "dtype",
                                 rf__dtype_name(rf__sampler_dtype(sampler)), "class_labels", labels, "eight_bit", !model->shape.flat);
    if (!g || !settings || !source->protocol) {
        json_decref(settings);
        return rf__fail(RF_ENOMEM, "no memory for the protocol");
    }
    const rf_model *refiner = rf__sampler_refiner(sampler);
    if (refiner) json_object_set_new(source->protocol, "refiner_sha256", json_string(refiner->sha256));
    *g = (generator){sampler, order};
    json_object_update(source->protocol, settings);
    json_decref(settings);
    return RF_OK;
}
