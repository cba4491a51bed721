/* tune_run.c - measuring for `strait tune`. Three sets of seeds that do not meet: the tables come from the first, what is promised from
 * the second, and how it holds from the third. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../base/memory.h"
#include "../eval/paired.h"
#include "../flow/policies/jump.h"
#include "profiles.h"
#include "tune.h"

enum { SEED_GAP = 1000000 };

/* ---- walks ---- */

static rf_status keep(void *user, const rf_shot *shot) {
    rf_tune_kept *k = user;
    if (k->images) memcpy(k->images + shot->k * k->scalars, shot->x, (size_t)k->scalars * sizeof *k->images);
    if (k->calls) k->calls[shot->k] = (double)(shot->counters.nfe_full + shot->counters.nfe_refine);
    k->full += shot->counters.nfe_full;
    k->refine += shot->counters.nfe_refine;
    return RF_OK;
}

rf_status rf__tune_walk(rf_tune *tune, const rf_policy *policy, const rf_options *options, rf_profile *profile, int set, int64_t count, int slots, rf_tune_kept *out) {
    rf_order order = tune->order;
    rf_shoot_totals totals;
    order.policy = policy;
    order.asked = out->asked;
    if (options) order.policy_options = *options;
    order.profile = profile;
    order.seed += (uint64_t)set * SEED_GAP;
    order.count = count;
    out->scalars = rf__model_scalars(tune->model);
    const rf_shoot_opts opts = {.slots = slots};
    return rf__shoot_with(&opts, tune->sampler, &order, 1, keep, out, &totals);
}

rf_status rf__tune_reference(rf_tune *tune, int set, int64_t count, float **out) {
    rf_order order = tune->order;
    rf_grid_opts opts = rf__grid_defaults();
    rf_shoot_totals totals;
    opts.steps = (int)tune->reference_steps;
    opts.windows = tune->model->windows.count ? &tune->model->windows : NULL;
    order.solver = rf__solver_find("heun");
    order.solver_options = rf__options_defaults(order.solver->options);
    order.seed += (uint64_t)set * SEED_GAP;
    order.count = count;
    rf_tune_kept k = {.scalars = rf__model_scalars(tune->model)};
    *out = k.images = rf__alloc_array((size_t)(count * k.scalars), sizeof *k.images);
    if (!*out) return rf__fail(RF_ENOMEM, "tune: no memory for %lld images", (long long)count);
    RF_TRY(rf__grid_build(&order.grid, rf__schedule_find("uniform"), &opts));
    rf__info("fine solve of %lld images: heun in %lld steps", (long long)count, (long long)tune->reference_steps);
    rf_status status = rf__shoot(tune->sampler, &order, 1, keep, &k, &totals);
    rf__grid_fini(&order.grid);
    return status;
}

/* ---- distances ---- */

static rf_status distances(rf_tune *tune, const float *made, const float *exact, int64_t count, double *out[RF_BUDGETS]) {
    int64_t n = rf__model_scalars(tune->model);
    const rf_model_shape *shape = &tune->model->shape;
    for (int64_t k = 0; k < count; k++) {
        const float *a = made + k * n, *b = exact + k * n;
        out[RF_BUDGET_REL][k] = sqrt(rf__relative_error(a, b, n));
        out[RF_BUDGET_PSNR][k] = fmin(rf__psnr(rf__mse(a, b, n), RF_PAIRED_RANGE), 200); /* equal pictures: a number beyond any budget */
        out[RF_BUDGET_LPIPS][k] = NAN;
    }
    if (!tune->perceptual) return RF_OK;
    float *distance = rf__alloc_array((size_t)count, sizeof *distance);
    if (!distance) return rf__fail(RF_ENOMEM, "tune: no memory for %lld distances", (long long)count);
    rf_status status = rf__perceptual_run(tune->perceptual, count, shape->height, shape->width, shape->channels, made, exact, distance);
    for (int64_t k = 0; k < count && status == RF_OK; k++) out[RF_BUDGET_LPIPS][k] = (double)distance[k];
    rf__free(distance);
    return status;
}

static double mean_of(const double *values, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i];
    return sum / (double)count;
}

/* Room for one setting's images and their distances. */
typedef struct bench {
    float *made, *exact;
    double *distance[RF_BUDGETS];
    int64_t count;
    int set;
} bench;

static rf_status bench_init(rf_tune *tune, bench *b, int set, int64_t count) {
    *b = (bench){.count = count, .set = set, .made = rf__alloc_array((size_t)(count * rf__model_scalars(tune->model)), sizeof *b->made)};
    bool ok = b->made != NULL;
    for (int i = 0; i < RF_BUDGETS; i++) ok = (b->distance[i] = rf__alloc_array((size_t)count, sizeof **b->distance)) && ok;
    return ok ? rf__tune_reference(tune, set, count, &b->exact) : rf__fail(RF_ENOMEM, "tune: no memory for %lld images", (long long)count);
}

static void bench_fini(bench *b) {
    rf__free(b->made);
    rf__free(b->exact);
    for (int i = 0; i < RF_BUDGETS; i++) rf__free(b->distance[i]);
}

static rf_status try_setting(rf_tune *tune, bench *b, const rf_policy *policy, double value, double *calls) {
    rf_options options = rf__options_defaults(policy->options);
    options.at[policy->knob - 1] = value;
    rf_tune_kept k = {.images = b->made};
    RF_TRY(rf__tune_walk(tune, policy, &options, tune->profile, b->set, b->count, 0, &k));
    *calls = ((double)k.full + tune->profile->share * (double)k.refine) / (double)b->count;
    return distances(tune, b->made, b->exact, b->count, b->distance);
}

/* ---- settings ---- */

enum { SETTINGS = 8 };

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Tolerances at which a bandit's mind changes somewhere: passing m points is worth m / m_max, so it begins to pay at error m_max / m. */
static int tolerances(const rf_profile *profile, double out[SETTINGS]) {
    int count = 0, room = profile->steps * (RF_PROFILE_ARMS - 1);
    double *all = rf__alloc_array((size_t)room, sizeof *all);
    if (!all) return 0;
    for (int k = 0; k < profile->steps; k++)
        for (int m = 2; m <= RF_PROFILE_MOST; m += 2) {
            double error = profile->error[(size_t)k * (RF_PROFILE_MOST + 1) + (size_t)m];
            if (error > 0) all[count++] = error * RF_PROFILE_MOST / m;
        }
    qsort(all, (size_t)count, sizeof *all, by_size);
    for (int i = 0; i < SETTINGS && count; i++) out[i] = 1.001 * all[(size_t)((count - 1) * i / (SETTINGS - 1))];
    rf__free(all);
    return count ? SETTINGS : 0;
}

/* What the mixed walks cost, from the dearest to the cheapest. */
static int costs(const rf_profile *profile, double out[SETTINGS]) {
    int count = profile->mixes < SETTINGS ? profile->mixes : SETTINGS;
    for (int i = 0; i < count; i++) out[i] = profile->mix[count > 1 ? i * (profile->mixes - 1) / (count - 1) : 0].cost;
    return count;
}

/* The settings of a policy's knob, from the one that asks most to the one that asks least. */
static int settings_of(const rf_tune *tune, const rf_policy *policy, double out[SETTINGS]) {
    int count = 0, fewest = rf__profile_fewest(tune->profile);
    if (policy->mixes) return costs(tune->profile, out);
    if (!policy->counts) return tolerances(tune->profile, out);
    for (int calls = tune->order.grid.steps; calls >= fewest && count < SETTINGS; calls = calls * 4 / 5) out[count++] = calls;
    if (count < SETTINGS && out[count - 1] > fewest) out[count++] = fewest;
    return count;
}

static rf_status try_policy(rf_tune *tune, bench *b, const rf_policy *policy) {
    double values[SETTINGS], predicted = NAN;
    int count = settings_of(tune, policy, values);
    if (count == 0) return rf__fail(RF_EINVAL, "tune: nothing to try for policy '%s': a grid of %d steps has no points to pass", policy->name, tune->profile->steps);
    for (int i = 0; i < count; i++) {
        rf_profile_rung rung = {.value = values[i], .images = b->count};
        snprintf(rung.policy, sizeof rung.policy, "%s", policy->name);
        RF_TRY(try_setting(tune, b, policy, values[i], &rung.calls));
        if (policy->counts) predicted = tune->profile->plan_shift[(int)values[i]];
        if (policy->mixes) predicted = rf__profile_mix_for(tune->profile, values[i])->away;
        rung.predicted = predicted;
        for (int m = 0; m < RF_BUDGETS; m++) {
            rung.mean[m] = mean_of(b->distance[m], b->count);
            bool known = !isnan(rung.mean[m]);
            rung.bound[m] = known ? rf__profile_bound(b->distance[m], (int)b->count, m == RF_BUDGET_PSNR) : (double)NAN;
        }
        rf__info("%s %.3g: %.1f calls, rel %.4f, psnr %.2f", policy->name, values[i], rung.calls, rung.mean[RF_BUDGET_REL], rung.mean[RF_BUDGET_PSNR]);
        RF_TRY(rf__profile_add_rung(tune->profile, &rung));
    }
    return RF_OK;
}

static rf_status hold_out(rf_tune *tune, bench *b) {
    for (int i = 0; i < tune->profile->rungs; i++) {
        const rf_profile_rung *rung = &tune->profile->rung[i];
        rf_tune_held *held = &tune->held[i];
        RF_TRY(try_setting(tune, b, rf__policy_find(rung->policy), rung->value, &held->calls));
        for (int m = 0; m < RF_BUDGETS; m++) {
            int64_t broke = 0;
            held->mean[m] = mean_of(b->distance[m], b->count);
            for (int64_t k = 0; k < b->count; k++)
                broke += m == RF_BUDGET_PSNR ? b->distance[m][k] < rung->bound[m] : b->distance[m][k] > rung->bound[m];
            held->broke[m] = isnan(rung->bound[m]) || isnan(held->mean[m]) ? (double)NAN : (double)broke / (double)b->count;
        }
    }
    return RF_OK;
}

static rf_status calibrate(rf_tune *tune) {
    rf_tune_kept k = {0};
    rf__info("%lld walks that ask everywhere", (long long)tune->walks);
    RF_TRY(rf__tune_walk(tune, rf__policy_find("calibrate"), NULL, tune->profile, 0, tune->walks, 0, &k));
    return rf__profile_settle(tune->profile);
}

rf_status rf__tune_run(rf_tune *tune) {
    rf_profile_key key;
    bench tried, held = {0};
    rf__profiles_key(&key, &tune->order, tune->model);
    RF_TRY(rf__profile_create(&tune->profile, &key, tune->order.grid.t, tune->order.grid.steps));
    RF_TRY(calibrate(tune));
    for (int p = 0; p < tune->policies; p++)
        if (tune->policy[p]->mixes) RF_TRY(rf__tune_mix(tune));
    rf_status status = bench_init(tune, &tried, 1, tune->images);
    for (int p = 0; p < tune->policies && status == RF_OK; p++) status = try_policy(tune, &tried, tune->policy[p]);
    if (status == RF_OK) status = bench_init(tune, &held, 2, tune->held_images);
    if (status == RF_OK) status = hold_out(tune, &held);
    bench_fini(&tried);
    bench_fini(&held);
    for (int b = 0; b < RF_BANDITS; b++) tune->profile->bandit[b].tolerance = 0; /* of the last setting tried; nothing was learned */
    return status;
}

/* ---- learning curves ---- */

typedef struct lesson { int64_t request; int row, arm; double reward; } lesson;

typedef struct diary {
    rf_profile *profile; /* a copy that learns; owned */
    lesson *at;          /* owned */
    int64_t count, room;
} diary;

enum { LEAST_JUMPS = 10 /* of an arm before its mean counts in hindsight */ };

static void write_down(void *user, int bandit, int row, int arm, double reward) {
    diary *d = user;
    if (d->count < d->room) d->at[d->count++] = (lesson){d->profile->bandit[bandit].walks, row, arm, reward};
}

static void diary_fini(diary *d) {
    rf__free(d->at);
    rf__profile_free(&d->profile);
}

/* The requests one after the other, on a copy of the profile. */
static rf_status learn(rf_tune *tune, rf_tune_curve *curve, diary *d) {
    json_t *json = rf__profile_json(tune->profile);
    rf_status status = rf__profile_decode(&d->profile, json);
    json_decref(json);
    RF_TRY(status);
    const rf_policy *policy = rf__policy_find(curve->policy);
    rf_options options;
    char text[80];
    snprintf(text, sizeof text, "mode=learn,start=%s,e_tol=%.9g", curve->start, tune->tolerance);
    RF_TRY(rf__options_parse(policy->options, &options, policy->name, text));
    d->room = curve->requests * tune->order.grid.steps;
    d->at = rf__alloc_array((size_t)d->room, sizeof *d->at);
    curve->regret = rf__alloc_array((size_t)curve->requests, sizeof *curve->regret);
    curve->calls = rf__alloc_array((size_t)curve->requests, sizeof *curve->calls);
    if (!d->at || !curve->regret || !curve->calls) return rf__fail(RF_ENOMEM, "tune: no memory for %lld requests", (long long)curve->requests);
    d->profile->watch = write_down;
    d->profile->watch_user = d;
    rf_tune_kept k = {.calls = curve->calls};
    rf__info("learning, %s start: %s, %lld requests one after the other", curve->start, curve->policy, (long long)curve->requests);
    return rf__tune_walk(tune, policy, &options, d->profile, 3, curve->requests, 1, &k);
}

/* best[row]: mean reward of the best arm in hindsight, by the jumps of both starts, so that they are held against the same. Not by a table that
 * holds the measured errors as well: who begins with these would be held against their mistakes. Passing nothing earns 0. */
static rf_status hindsight(const diary two[2], int rows, double *best) {
    const size_t cells = (size_t)rows * RF_PROFILE_ARMS;
    double *sum = rf__alloc_array(2 * cells, sizeof *sum);
    if (!sum) return rf__fail(RF_ENOMEM, "tune: no memory for %d places", rows);
    double *count = sum + cells;
    for (int d = 0; d < 2; d++)
        for (int64_t i = 0; i < two[d].count; i++) {
            const lesson *one = &two[d].at[i];
            sum[one->row * RF_PROFILE_ARMS + one->arm] += one->reward;
            count[one->row * RF_PROFILE_ARMS + one->arm]++;
        }
    for (int row = 0; row < rows; row++) {
        best[row] = 0;
        for (int k = row * RF_PROFILE_ARMS; k < (row + 1) * RF_PROFILE_ARMS; k++)
            if (count[k] >= LEAST_JUMPS && sum[k] > best[row] * count[k]) best[row] = sum[k] / count[k];
    }
    rf__free(sum);
    return RF_OK;
}

static void sum_regret(rf_tune_curve *curve, const diary *d, const double *best) {
    for (int64_t i = 0; i < d->count; i++) curve->regret[d->at[i].request] += best[d->at[i].row] - d->at[i].reward;
    for (int64_t i = 1; i < curve->requests; i++) curve->regret[i] += curve->regret[i - 1];
}

/* A bandit that begins with the measured errors and one that begins with nothing. */
static rf_status learn_twice(rf_tune *tune, const char *policy, int bandit) {
    static const char *const starts[2] = {"measured", "cold"};
    const int rows = tune->profile->bandit[bandit].rows;
    rf_tune_curve *curve = &tune->curve[tune->curves];
    diary two[2] = {{0}};
    double *best = rf__alloc_array((size_t)rows, sizeof *best);
    rf_status status = best ? RF_OK : rf__fail(RF_ENOMEM, "tune: no memory for %d places", rows);
    for (int i = 0; i < 2 && status == RF_OK; i++) {
        curve[i] = (rf_tune_curve){.policy = policy, .start = starts[i], .requests = tune->requests};
        tune->curves++;
        status = learn(tune, &curve[i], &two[i]);
    }
    if (status == RF_OK) status = hindsight(two, rows, best);
    for (int i = 0; i < 2; i++) {
        if (status == RF_OK) sum_regret(&curve[i], &two[i], best);
        diary_fini(&two[i]);
    }
    rf__free(best);
    return status;
}

rf_status rf__tune_learn(rf_tune *tune) {
    if (!tune->requests) return RF_OK;
    RF_TRY(learn_twice(tune, "fastflow", RF_BANDIT_INDEX));
    return learn_twice(tune, "contextual", RF_BANDIT_CONTEXT);
}

void rf__tune_fini(rf_tune *tune) {
    for (int i = 0; i < tune->curves; i++) {
        rf__free(tune->curve[i].regret);
        rf__free(tune->curve[i].calls);
    }
    rf__profile_free(&tune->profile);
    rf__order_fini(&tune->order);
    rf_sampler_close(&tune->sampler);
    rf_model_close(&tune->refiner);
    rf__perceptual_close(&tune->perceptual);
}
