/* crossing.c - see crossing.h. */
#include "crossing.h"

#include "../base/log.h"
#include "../base/memory.h"

enum { STEPS = 8 /* of Runge-Kutta; V is taken at as many times, shifted from pair to pair */ };
#define MUCH 0.05

bool rf__train_needs_straight(const rf_recipe *recipe) {
    const rf_train_config *c = &recipe->train;
    return !recipe->metric->labels && (c->premetric[0] || c->normalise == RF_NORMALISE_SAMPLE);
}

static rf_status draw(const rf_recipe *recipe, const rf_source *source, int64_t count, int64_t n, float *x0, float *x1, rf_cond *cond) {
    rf_batch batch = {.rows = 1, .scalars = n, .seed = ~(uint64_t)recipe->train.seed};
    const rf_coupling *pairs = (const rf_coupling *)rf__plugin_find(rf__couplings(), "train.coupling", source->kind->pair ? "stored" : "independent");
    const rf_coupling_args args = {.data = source};
    int32_t label;
    for (int64_t k = 0; k < count; k++) {
        batch.first = (uint64_t)k;
        batch.x0 = x0 + k * n;
        batch.x1 = x1 + k * n;
        batch.label = &label;
        label = 0;
        RF_TRY(pairs->draw(&args, &batch));
        cond[k] = (rf_cond){.label = label};
    }
    return RF_OK;
}

rf_status rf__train_crossing(const rf_recipe *recipe, const rf_source *source, const rf_field *field, rf_straightness *out) {
    int64_t count = recipe->evaluate.crossing, n = field->scalars;
    float *x0 = rf__alloc_array((size_t)(count * n), sizeof *x0), *x1 = rf__alloc_array((size_t)(count * n), sizeof *x1);
    rf_cond *cond = rf__alloc_array((size_t)count, sizeof *cond);
    rf_status status = x0 && x1 && cond ? RF_OK : rf__fail(RF_ENOMEM, "evaluate.crossing: no memory for %lld pairs", (long long)count);
    if (status == RF_OK) status = draw(recipe, source, count, n, x0, x1, cond);
    if (status == RF_OK) status = rf__straightness(field, x0, x1, cond, count, STEPS, out);
    rf__free(x0);
    rf__free(x1);
    rf__free(cond);
    RF_TRY(status);
    if (rf__train_needs_straight(recipe) && out->v > MUCH * out->energy_coupling)
        rf__warn("crossing V is %.3g, %.0f %% of E|x1-x0|^2: with train.premetric or train.normalise sample the network has not learned the mean "
                 "velocity of these pairs; expected at most %.0f %%", out->v, 100 * out->v / out->energy_coupling, 100 * MUCH);
    return RF_OK;
}
