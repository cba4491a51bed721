/* tune_mix.c - where the network may be replaced by its refiner or by the line through the last two velocities. From the walk that asks the
 * network everywhere, one point after the other is given to another, each time the one that takes the end of the walk least far from the fine solve
 * for what it saves, with the replacements before it in place. Not from the walk that asks everywhere: that has an error of its own, and a search
 * that keeps to it is worse (CONTRIBUTING). Only the candidate that looked best when it was last tried is tried again (lazy greedy search). */
#include <math.h>
#include <string.h>

#include "../base/log.h"
#include "../base/memory.h"
#include "../flow/policies/jump.h"
#include "bench_bed.h"
#include "tune.h"

#define AWAY_MOST 0.5 /* of |x|: farther from the fine solve nothing is worth a name */

typedef struct candidate {
    int step;
    char kind;
    double away, worth; /* distance of the walk with it; what it adds a network call saved. worth NAN: out */
    int round;           /* when it was tried */
} candidate;

typedef struct search {
    rf_tune *tune;
    float *exact, *made; /* [walks, scalars] ends of the fine solve, and of a walk that is tried */
    char *kinds;         /* [steps + 1] so far */
    char *asked;         /* [walks, steps + 1] */
    double away, cost;
    candidate *all; /* [2 steps] */
    int count, round;
} search;

/* A refiner's answer in network calls: dense arithmetic of a row of each. One that knows the guidance scale answers with one row for two. */
static rf_status find_share(rf_tune *tune) {
    const rf_model *models[2] = {tune->model, tune->refiner};
    double work[2] = {0};
    for (int i = 0; i < 2; i++) {
        rf_bench_bed bed;
        rf_status status = rf__bench_bed_init(&bed, models[i], rf__sampler_dtype(tune->sampler), 1, rf__sampler_pool(tune->sampler));
        if (status == RF_OK) work[i] = rf__plan_stats(bed.plan).gflop;
        rf__bench_bed_fini(&bed);
        RF_TRY(status);
    }
    const int rows = rf__guidance_max_rows(tune->order.guide, &tune->order.guidance);
    tune->share = work[1] / work[0] / (tune->refiner->shape.refines == RF_REFINES_GUIDED ? rows : 1);
    return RF_OK;
}

/* *away: mean |x - x*| / |x*| of walks of these kinds. *full: whether every answer came from whom it was asked of (a refiner is not asked for gaps it
 * never learned). */
static rf_status walk(search *s, const char *kinds, double *away, bool *full) {
    rf_tune *tune = s->tune;
    const int64_t n = rf__model_scalars(tune->model);
    const size_t stride = (size_t)tune->order.grid.steps + 1;
    int64_t refined = 0;
    for (const char *c = kinds; *c; c++) refined += *c == RF_LETTERS[RF_KIND_REFINE];
    for (int64_t k = 0; k < tune->walks; k++) memcpy(s->asked + (size_t)k * stride, kinds, stride);
    rf_tune_kept kept = {.images = s->made, .asked = s->asked};
    RF_TRY(rf__tune_walk(tune, rf__policy_find("recorded"), NULL, NULL, 0, tune->walks, 0, &kept));
    *full = kept.refine == refined * tune->walks;
    *away = 0;
    for (int64_t k = 0; k < tune->walks; k++) *away += sqrt(rf__relative_error(s->made + k * n, s->exact + k * n, n)) / (double)tune->walks;
    return RF_OK;
}

static rf_status try_one(search *s, candidate *c) {
    const char before = s->kinds[c->step];
    bool full;
    s->kinds[c->step] = c->kind;
    const double saved = s->cost - rf__profile_mix_cost(s->tune->profile, s->kinds);
    rf_status status = saved > 0 ? walk(s, s->kinds, &c->away, &full) : RF_OK;
    s->kinds[c->step] = before;
    c->worth = NAN;
    if (status != RF_OK || saved <= 0 || !full) return status;
    c->worth = (c->away - s->away) / saved;
    c->round = s->round;
    return RF_OK;
}

static candidate *best(search *s) {
    candidate *found = NULL;
    for (int i = 0; i < s->count; i++)
        if (!isnan(s->all[i].worth) && (!found || s->all[i].worth < found->worth)) found = &s->all[i];
    return found;
}

/* *out: the best replacement with those so far in place; NULL: none is left. */
static rf_status next(search *s, candidate **out) {
    s->round++;
    while ((*out = best(s)) && (*out)->round != s->round) RF_TRY(try_one(s, *out));
    return RF_OK;
}

static rf_status take(search *s, candidate *c) {
    rf_profile *profile = s->tune->profile;
    rf_profile_mix mix = {.away = c->away};
    s->kinds[c->step] = c->kind;
    s->away = c->away;
    s->cost = mix.cost = rf__profile_mix_cost(profile, s->kinds);
    memcpy(mix.kinds, s->kinds, (size_t)profile->steps);
    c->worth = NAN;
    rf__info("learned %.2f calls: rel %.4f, %s", mix.cost, mix.away, mix.kinds);
    return rf__profile_add_mix(profile, &mix);
}

static rf_status prepare(search *s) {
    rf_tune *tune = s->tune;
    const size_t steps = (size_t)tune->order.grid.steps, scalars = (size_t)(tune->walks * rf__model_scalars(tune->model));
    bool full;
    s->made = rf__alloc_array(scalars, sizeof *s->made);
    s->kinds = rf__alloc(steps + 1);
    s->asked = rf__alloc_array((size_t)tune->walks, steps + 1);
    s->all = rf__alloc_array(2 * steps, sizeof *s->all);
    if (!s->made || !s->kinds || !s->asked || !s->all) return rf__fail(RF_ENOMEM, "tune: no memory for %lld walks", (long long)tune->walks);
    memset(s->kinds, RF_LETTERS[RF_KIND_FULL], steps);
    s->cost = (double)steps;
    for (int step = 1; step < tune->order.grid.steps; step++) {
        if (tune->refiner) s->all[s->count++] = (candidate){.step = step, .kind = RF_LETTERS[RF_KIND_REFINE]};
        if (step > 1) s->all[s->count++] = (candidate){.step = step, .kind = RF_LETTERS[RF_KIND_EXTRAPOLATE]};
    }
    RF_TRY(rf__tune_reference(tune, 0, tune->walks, &s->exact));
    return walk(s, s->kinds, &s->away, &full);
}

rf_status rf__tune_mix(rf_tune *tune) {
    search s = {.tune = tune};
    candidate *c = NULL;
    if (tune->refiner && tune->share <= 0) RF_TRY(find_share(tune));
    rf__profile_mixes_begin(tune->profile, tune->refiner ? tune->refiner->sha256 : NULL, tune->share);
    if (tune->refiner) rf__info("a refiner's answer counts as %.3f network calls", tune->share);
    rf_status status = prepare(&s);
    while (status == RF_OK && tune->profile->mixes < RF_PROFILE_RUNGS) {
        status = next(&s, &c);
        if (status != RF_OK || !c || c->away > AWAY_MOST) break;
        status = take(&s, c);
    }
    rf__free(s.exact);
    rf__free(s.made);
    rf__free(s.kinds);
    rf__free(s.asked);
    rf__free(s.all);
    return status;
}
