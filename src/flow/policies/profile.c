/* profile.c - tables in memory: the bandits' rows, what they learn, and the budgets that tried settings can promise. */
#include "profile.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/memory.h"
#include "profile_sums.h"

static const char *const bandit_names[RF_BANDITS] = {"fastflow", "contextual"};
const char *const rf__budget_names[RF_BUDGETS + 1] = {"rel", "psnr", "lpips", NULL};
#define UNIT ((double)(1 << 30))

static bool allocate(rf_profile *p) {
    size_t steps = (size_t)p->steps, m = RF_PROFILE_MOST + 1;
    p->times = rf__alloc_array(steps + 1, sizeof *p->times);
    p->fresh = rf__alloc(steps + 1);
    p->shift = rf__alloc_array(steps * RF_PROFILE_GAPS * m, sizeof *p->shift);
    p->error = rf__alloc_array(steps * m, sizeof *p->error);
    p->context = rf__alloc_array(RF_PROFILE_AGES * RF_PROFILE_CHANGES * m, sizeof *p->context);
    p->plan = rf__alloc_array(steps + 1, steps + 1);
    p->plan_shift = rf__alloc_array(steps + 1, sizeof *p->plan_shift);
    p->lock = rf__alloc(sizeof(pthread_mutex_t));
    bool ok = p->times && p->fresh && p->shift && p->error && p->context && p->plan && p->plan_shift && p->lock;
    for (int b = 0; b < RF_BANDITS; b++) {
        rf_profile_bandit *bandit = &p->bandit[b];
        bandit->name = bandit_names[b];
        bandit->rows = b == RF_BANDIT_INDEX ? p->steps : RF_PROFILE_AGES * RF_PROFILE_CHANGES;
        bandit->arm = rf__alloc_array((size_t)bandit->rows * RF_PROFILE_ARMS, sizeof *bandit->arm);
        bandit->base = rf__alloc_array((size_t)bandit->rows * RF_PROFILE_ARMS, sizeof *bandit->base);
        ok = ok && bandit->arm && bandit->base;
    }
    if (p->lock) pthread_mutex_init(p->lock, NULL);
    return ok;
}

rf_status rf__profile_create(rf_profile **out, const rf_profile_key *key, const double *times, int steps) {
    *out = NULL;
    if (steps < 1 || steps > RF_PROFILE_STEPS) return rf__fail(RF_EINVAL, "a profile of %d steps, expected 1 .. %d", steps, RF_PROFILE_STEPS);
    rf_profile *profile = rf__alloc(sizeof *profile);
    if (!profile) return rf__fail(RF_ENOMEM, "no memory for a profile");
    profile->key = *key;
    profile->steps = steps;
    if (!allocate(profile)) {
        rf__profile_free(&profile);
        return rf__fail(RF_ENOMEM, "no memory for a profile of %d steps", steps);
    }
    memcpy(profile->times, times, ((size_t)steps + 1) * sizeof *times);
    memset(profile->fresh, '0', (size_t)steps);
    profile->fresh[0] = '1';
    *out = profile;
    return RF_OK;
}

void rf__profile_free(rf_profile **profile) {
    rf_profile *dead = *profile;
    if (!dead) return;
    rf__profile_sums_free(&dead->sums);
    for (int b = 0; b < RF_BANDITS; b++) {
        rf__free(dead->bandit[b].arm);
        rf__free(dead->bandit[b].base);
    }
    if (dead->lock) pthread_mutex_destroy(dead->lock);
    void *parts[] = {dead->times, dead->fresh, dead->shift, dead->error, dead->context, dead->plan, dead->plan_shift, dead->lock, dead};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) rf__free(parts[i]);
    *profile = NULL;
}

/* ---- whose it is ---- */

rf_status rf__profile_fits(const rf_profile *profile, const rf_solver *solver, const double *times, int steps) {
    if (strcmp(profile->key.solver, solver->name))
        return rf__fail(RF_EMISMATCH, "the profile was made with solver '%s', and this walk uses '%s'", profile->key.solver, solver->name);
    if (profile->steps != steps) return rf__fail(RF_EMISMATCH, "the profile is of a grid of %d steps, and this walk has %d", profile->steps, steps);
    for (int k = 0; k <= steps; k++)
        if (fabs(profile->times[k] - times[k]) > 1e-9)
            return rf__fail(RF_EMISMATCH, "point %d of the profile's grid is t = %.9g, and that of this walk %.9g", k, profile->times[k], times[k]);
    return RF_OK;
}

rf_status rf__profile_same(const rf_profile *profile, const rf_profile_key *key, const char *path) {
    const struct { const char *what, *had, *wanted; } parts[] = {
        {"model", profile->key.model, key->model}, {"guidance", profile->key.guidance, key->guidance}, {"task", profile->key.task, key->task},
        {"solver", profile->key.solver, key->solver}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].had, parts[i].wanted))
            return rf__fail(RF_EMISMATCH, "%s: is of %s %.24s, expected %.24s", path, parts[i].what, parts[i].had, parts[i].wanted);
    return RF_OK;
}

/* ---- bandits ---- */

double rf__profile_mean(const rf_profile_arm *arm) { return arm->pulls ? (double)arm->reward / UNIT / (double)arm->pulls : 0; }

double rf__profile_reward(int m, int most, double error, double tolerance) {
    if (m == 0) return 0;
    return fmax(-1, fmin(1, (double)m / most - error / tolerance));
}

static int64_t units(double reward) { return (int64_t)llround(reward * UNIT); }

/* As if every full walk had tried every arm there. */
static void start_row(const rf_profile *profile, rf_profile_arm *row, const double *error, double tolerance) {
    for (int a = 0; a < RF_PROFILE_ARMS; a++) {
        double reward = rf__profile_reward(2 * a, RF_PROFILE_MOST, error[2 * a], tolerance);
        if (!isnan(error[2 * a])) row[a] = (rf_profile_arm){profile->walks, profile->walks * units(reward)};
    }
}

rf_status rf__profile_bandit_begin(rf_profile *profile, int which, double tolerance, bool cold) {
    rf_profile_bandit *bandit = &profile->bandit[which];
    if (!profile->walks && !cold && bandit->tolerance != tolerance)
        return rf__fail(RF_EINVAL, "policy '%s' has no measured errors to begin from with e_tol %g; `strait tune` measures them", bandit->name, tolerance);
    pthread_mutex_lock(profile->lock);
    if (bandit->tolerance != tolerance) {
        size_t cells = (size_t)bandit->rows * RF_PROFILE_ARMS;
        memset(bandit->arm, 0, cells * sizeof *bandit->arm);
        bandit->jumps = bandit->walks = bandit->saved_walks = 0;
        const double *errors = which == RF_BANDIT_INDEX ? profile->error : profile->context;
        for (int row = 0; profile->walks && !cold && row < bandit->rows; row++)
            start_row(profile, bandit->arm + row * RF_PROFILE_ARMS, errors + row * (RF_PROFILE_MOST + 1), tolerance);
        memcpy(bandit->base, bandit->arm, cells * sizeof *bandit->arm);
        bandit->tolerance = tolerance;
    }
    pthread_mutex_unlock(profile->lock);
    return RF_OK;
}

int rf__profile_context(const rf_profile *profile, int position, double change) {
    int age = position * RF_PROFILE_AGES / profile->steps, class = 0;
    while (class < RF_PROFILE_CHANGES - 1 && change > profile->edge[age][class]) class++;
    return age * RF_PROFILE_CHANGES + class;
}

void rf__profile_row(rf_profile *profile, int which, int row, rf_profile_arm out[RF_PROFILE_ARMS]) {
    pthread_mutex_lock(profile->lock);
    memcpy(out, profile->bandit[which].arm + row * RF_PROFILE_ARMS, RF_PROFILE_ARMS * sizeof *out);
    pthread_mutex_unlock(profile->lock);
}

void rf__profile_learn(rf_profile *profile, int which, const rf_profile_lesson *lessons, int count) {
    rf_profile_bandit *bandit = &profile->bandit[which];
    pthread_mutex_lock(profile->lock);
    for (int i = 0; i < count; i++) {
        rf_profile_arm *arm = bandit->arm + lessons[i].row * RF_PROFILE_ARMS + lessons[i].arm;
        arm->pulls++;
        arm->reward += units(lessons[i].reward);
        if (profile->watch) profile->watch(profile->watch_user, which, lessons[i].row, lessons[i].arm, lessons[i].reward);
    }
    bandit->jumps += count;
    bandit->walks++;
    pthread_mutex_unlock(profile->lock);
}

/* ---- budgets ---- */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Most of n that may break while P(X <= breaks; n, 0.1) <= 0.05 still holds; -1: none. */
static int allowed_breaks(int n) {
    double term = pow(0.9, n), sum = term;
    int breaks = -1;
    while (sum <= 0.05) {
        breaks++;
        term *= (double)(n - breaks) / (breaks + 1) * (0.1 / 0.9);
        sum += term;
    }
    return breaks;
}

double rf__profile_bound(double *distance, int count, bool high_is_good) {
    int breaks = allowed_breaks(count);
    if (breaks < 0) return NAN;
    qsort(distance, (size_t)count, sizeof *distance, by_size);
    return distance[high_is_good ? breaks : count - 1 - breaks];
}

rf_status rf__profile_pick(const rf_profile *profile, const char *policy, rf_budget budget, double limit, const rf_profile_rung **out) {
    const rf_profile_rung *first = NULL;
    *out = NULL;
    for (int i = 0; i < profile->rungs; i++) {
        const rf_profile_rung *rung = &profile->rung[i];
        if (strcmp(rung->policy, policy)) continue;
        if (!first) first = rung;
        double bound = rung->bound[budget];
        if (isnan(bound) || (budget == RF_BUDGET_PSNR ? bound < limit : bound > limit)) break;
        *out = rung;
    }
    if (*out) return RF_OK;
    if (!first) return rf__fail(RF_ENOTFOUND, "the profile has no quality curve of policy '%s'; `strait tune` measures it", policy);
    if (isnan(first->bound[budget]))
        return rf__fail(RF_EINVAL, "the profile was not tried with %s on enough images; `strait tune` needs at least 29%s", rf__budget_names[budget],
                        budget == RF_BUDGET_LPIPS ? " and the network of --lpips" : "");
    return rf__fail(RF_EINVAL, "no setting of policy '%s' keeps %s = %g; the best that can be promised is %.4g with %.1f network calls", policy,
                    rf__budget_names[budget], limit, first->bound[budget], first->calls);
}

rf_status rf__profile_add_rung(rf_profile *profile, const rf_profile_rung *rung) {
    if (profile->rungs == RF_PROFILE_RUNGS) return rf__fail(RF_EINVAL, "a profile holds at most %d settings", RF_PROFILE_RUNGS);
    profile->rung[profile->rungs++] = *rung;
    return RF_OK;
}
