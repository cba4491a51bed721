/* resolutions.c - see resolutions.h. */
#include "resolutions.h"

#include "../base/memory.h"
#include "images.h"
#include "memory_need.h"

/* All that depends on how large pictures are. */
typedef struct one_size {
    rf_model model; /* the trainer's weights, for pictures of this size */
    rf_source source;
    rf_graph *graph;
    rf_plan *plan;
    rf_batch_plan fill;
    rf_lanes lanes;
} one_size;

struct rf_resolutions {
    int count, turns;                /* sizes; entries of the list, which may name a size more than once */
    int turn[RF_FIELD_LIST_MAX];     /* [turns] index into size */
    one_size size[RF_FIELD_LIST_MAX];
};

rf_status rf__resolutions_check(const rf_recipe *recipe, const char *where) {
    const rf_int_list *list = &recipe->data.resolutions;
    const rf_train_config *t = &recipe->train;
    const rf_model_shape shape = recipe->kind->shape(recipe->model);
    if (!list->count) return RF_OK;
    if (!recipe->kind->resize)
        return rf__fail(RF_EFORMAT, "%s: data.resolutions is given for a model of kind %s, whose weights fit one size, expected a dit", where, recipe->kind->name);
    for (int i = 0; i < list->count; i++)
        if (shape.height != shape.width || shape.height % list->at[i])
            return rf__fail(RF_EFORMAT, "%s: data.resolutions has %lld, expected divisors of the model's %dx%d", where, (long long)list->at[i], shape.height,
                            shape.width);
    const rf_coupling *c = recipe->coupling;
    if (c->pairs || c->anneals || c->refines || c->prepare || recipe->path->informed)
        return rf__fail(RF_EFORMAT, "%s: data.resolutions is given with train.coupling %s, expected independent", where, t->coupling);
    if (t->premetric[0] || recipe->adversary.features[0])
        return rf__fail(RF_EFORMAT, "%s: data.resolutions is given with %s, whose network looks at one size, expected none", where,
                        t->premetric[0] ? "train.premetric" : "an adversary");
    return RF_OK;
}

static rf_status open_size(one_size *size, const rf_trainer *tr, int side) {
    const rf_recipe *recipe = tr->recipe;
    const rf_train_config *c = &recipe->train;
    RF_TRY(rf__model_at(&size->model, tr->model, side, side));
    RF_TRY(rf__source_smaller(&size->source, &tr->source, side, side));
    RF_TRY(rf__trainer_plan(tr, &size->model, &size->graph, &size->plan));
    RF_TRY(rf__need_of_plan(recipe, size->plan, rf__pool_size(tr->pool)));
    size->fill = tr->fill;
    size->fill.pair.data = &size->source;
    return rf__lanes_init(&size->lanes, size->plan, NULL, tr->optim.count, &size->model.shape, &size->fill, c->micro_batch, (int)c->lanes,
                          (uint64_t)c->seed, tr->pool);
}

rf_status rf__resolutions_open(rf_resolutions **out, const rf_trainer *trainer) {
    const rf_int_list *list = &trainer->recipe->data.resolutions;
    *out = NULL;
    if (!list->count) return RF_OK;
    rf_resolutions *all = *out = rf__alloc(sizeof *all);
    if (!all) return rf__fail(RF_ENOMEM, "training: no memory");
    for (int i = 0; i < list->count; i++) {
        int k = 0;
        while (k < all->count && all->size[k].model.shape.height != list->at[i]) k++;
        all->turn[all->turns++] = k;
        if (k < all->count) continue;
        all->count++;
        RF_TRY(open_size(&all->size[k], trainer, (int)list->at[i]));
    }
    return RF_OK;
}

void rf__resolutions_free(rf_resolutions **resolutions) {
    rf_resolutions *dead = *resolutions;
    if (!dead) return;
    for (int k = 0; k < dead->count; k++) {
        one_size *size = &dead->size[k];
        rf__lanes_fini(&size->lanes);
        rf__plan_free(&size->plan);
        rf__graph_free(&size->graph);
        rf__source_close(&size->source);
        rf__model_at_fini(&size->model);
    }
    rf__free(dead);
    *resolutions = NULL;
}

rf_lanes *rf__resolutions_lanes(rf_resolutions *resolutions, int64_t step) {
    return &resolutions->size[resolutions->turn[step % resolutions->turns]].lanes;
}
