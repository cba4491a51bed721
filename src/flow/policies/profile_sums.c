/* profile_sums.c - errors of every possible jump on walks that asked everywhere: all velocities are known, so one walk tells what each
 * length of each gap at each place would have done (fastflow.md section 5). Sums are whole numbers: any order of walks gives the same. */
#include "profile_sums.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/memory.h"
#include "../../base/number.h"
#include "jump.h"

#define UNIT ((double)(1LL << 40))

/* Of one walk, for the classes of change: they are cut once all are known. */
typedef struct walk_errors {
    float *change; /* [steps], negative: unknown */
    float *error;  /* [steps, RF_PROFILE_MOST + 1], negative: unknown */
} walk_errors;

struct rf_profile_sums {
    int64_t *shift, *shift_count, *error, *error_count;
    walk_errors *walk;
    int64_t walks, room;
};

void rf__profile_sums_free(rf_profile_sums **sums) {
    rf_profile_sums *dead = *sums;
    if (!dead) return;
    for (int64_t i = 0; i < dead->walks; i++) {
        rf__free(dead->walk[i].change);
        rf__free(dead->walk[i].error);
    }
    free(dead->walk);
    rf__free(dead->shift);
    rf__free(dead->shift_count);
    rf__free(dead->error);
    rf__free(dead->error_count);
    rf__free(dead);
    *sums = NULL;
}

static rf_profile_sums *make_sums(const rf_profile *profile) {
    rf_profile_sums *sums = rf__alloc(sizeof *sums);
    if (!sums) return NULL;
    size_t shifts = rf__shift_at(profile->steps, 0, 0), errors = rf__error_at(profile->steps, 0);
    sums->shift = rf__alloc_array(shifts, sizeof *sums->shift);
    sums->shift_count = rf__alloc_array(shifts, sizeof *sums->shift_count);
    sums->error = rf__alloc_array(errors, sizeof *sums->error);
    sums->error_count = rf__alloc_array(errors, sizeof *sums->error_count);
    if (!sums->shift || !sums->shift_count || !sums->error || !sums->error_count) rf__profile_sums_free(&sums);
    return sums;
}

/* ---- one walk ---- */

typedef struct full_walk {
    const rf_profile *profile;
    const float *v, *path; /* [steps, n]; [steps + 1, n] the integral of v from the start */
    const double *t;
    const char *fresh;
    int64_t n;
    double size; /* |x| at the end */
    bool integrated;
} full_walk;

static const float *v_at(const full_walk *w, int k) { return w->v + (size_t)k * (size_t)w->n; }

/* path: what the walk adds up to when it asks everywhere; for solvers of second order by the trapezoid rule on the same points. */
static void integrate(const full_walk *w, float *path) {
    const double *grid = w->profile->times;
    int64_t n = w->n;
    for (int k = 0; k < w->profile->steps; k++) {
        double h = grid[k + 1] - grid[k], now = h, other = 0;
        const float *neighbour = v_at(w, k);
        if (w->integrated && k + 1 < w->profile->steps && w->fresh[k + 1] == '0') {
            neighbour = v_at(w, k + 1);
            now = other = 0.5 * h;
        } else if (w->integrated && w->fresh[k] == '0') { /* nothing known beyond: the line through the last two */
            neighbour = v_at(w, k - 1);
            other = -0.5 * h * h / (w->t[k] - w->t[k - 1]);
            now = h - other;
        }
        const float *v = v_at(w, k), *from = path + (size_t)k * (size_t)n;
        float *to = path + (size_t)(k + 1) * (size_t)n;
        for (int64_t i = 0; i < n; i++) to[i] = from[i] + (float)now * v[i] + (float)other * neighbour[i];
    }
}

/* Whether a line through k - gap and k may be drawn. */
static bool has_line(const full_walk *w, int k, int gap) {
    if (k - gap < 0) return false;
    for (int j = k - gap + 1; j <= k; j++)
        if (w->fresh[j] != '0') return false;
    return true;
}

/* Whether m points after k may be passed: the last answer is real, and no passed point begins anew. */
static bool may_pass(const full_walk *w, int k, int m) {
    if (m > 0 && k + m + 1 > w->profile->steps - 1) return false;
    for (int j = k + 1; j <= k + m; j++)
        if (w->fresh[j] != '0') return false;
    return true;
}

/* |what the jump adds - what the full walk adds| / |x|. */
static double wrong_shift(const full_walk *w, int k, int gap, int m) {
    const double *grid = w->profile->times;
    int64_t n = w->n;
    double length = grid[k + m + 1] - grid[k], moment = 0.5 * length * length, square = 0;
    if (!w->integrated) {
        moment = 0;
        for (int j = k; j <= k + m; j++) moment += (grid[j + 1] - grid[j]) * (grid[j] - grid[k]);
    }
    double bend = moment / (w->t[k] - w->t[k - gap]);
    const float *v = v_at(w, k), *before = v_at(w, k - gap), *from = w->path + (size_t)k * (size_t)n, *to = w->path + (size_t)(k + m + 1) * (size_t)n;
    for (int64_t i = 0; i < n; i++) {
        double gone = length * (double)v[i] + bend * ((double)v[i] - (double)before[i]) - ((double)to[i] - (double)from[i]);
        square += gone * gone;
    }
    return sqrt(square) / w->size;
}

/* Relative squared error of the line through k - gap and k at landing. */
static double wrong_velocity(const full_walk *w, int k, int gap, int m) {
    int l = k + m + 1;
    double factor = (w->t[l] - w->t[k]) / (w->t[k] - w->t[k - gap]), square = 0, size = 0;
    const float *v = v_at(w, k), *before = v_at(w, k - gap), *real = v_at(w, l);
    for (int64_t i = 0; i < w->n; i++) {
        double gone = (double)v[i] + factor * ((double)v[i] - (double)before[i]) - (double)real[i];
        square += gone * gone;
        size += (double)real[i] * (double)real[i];
    }
    return square / fmax(size, 1e-30);
}

/* As rf_jump measures it. */
static double change_at(const full_walk *w, int k) {
    const double *grid = w->profile->times;
    double step = (grid[w->profile->steps] - grid[0]) / w->profile->steps, span = w->t[k] - w->t[k - 1];
    return rf__relative_error(v_at(w, k - 1), v_at(w, k), w->n) * (step / span) * (step / span);
}

static int64_t units(double value) { return (int64_t)llround(fmin(value, 1e6) * UNIT); }

/* Measured outside the lock, added inside. */
typedef struct measured { double *shift; walk_errors errors; } measured;

static void measure(const full_walk *w, measured *out) {
    for (int k = 0; k < w->profile->steps; k++) {
        out->errors.change[k] = has_line(w, k, 1) ? (float)change_at(w, k) : -1;
        for (int m = 0; m <= RF_PROFILE_MOST; m++) {
            for (int gap = 1; gap < RF_PROFILE_GAPS; gap++)
                out->shift[rf__shift_at(k, gap, m)] = may_pass(w, k, m) && has_line(w, k, gap) ? wrong_shift(w, k, gap, m) : -1;
            int gap = m + 1, l = k + m + 1;
            while (gap > 1 && !has_line(w, k, gap)) gap--;
            bool known = l < w->profile->steps && may_pass(w, k, m) && w->fresh[l] == '0' && has_line(w, k, gap);
            out->errors.error[rf__error_at(k, m)] = known ? (float)wrong_velocity(w, k, gap, m) : -1;
        }
    }
}

static rf_status keep_walk(rf_profile_sums *sums, walk_errors *walk) {
    if (sums->walks == sums->room) {
        int64_t room = sums->room ? 2 * sums->room : 16;
        walk_errors *grown = realloc(sums->walk, (size_t)room * sizeof *grown);
        if (!grown) return rf__fail(RF_ENOMEM, "no memory for the errors of %lld walks", (long long)room);
        sums->walk = grown;
        sums->room = room;
    }
    sums->walk[sums->walks++] = *walk;
    *walk = (walk_errors){0};
    return RF_OK;
}

static rf_status add(rf_profile *profile, const full_walk *w, measured *one) {
    if (!profile->sums) profile->sums = make_sums(profile);
    rf_profile_sums *sums = profile->sums;
    if (!sums) return rf__fail(RF_ENOMEM, "no memory for the sums of a profile");
    for (size_t i = 0; i < rf__shift_at(profile->steps, 0, 0); i++) {
        if (one->shift[i] < 0) continue;
        sums->shift[i] += units(one->shift[i]);
        sums->shift_count[i]++;
    }
    for (size_t i = 0; i < rf__error_at(profile->steps, 0); i++) {
        if (one->errors.error[i] < 0) continue;
        sums->error[i] += units((double)one->errors.error[i]);
        sums->error_count[i]++;
    }
    memcpy(profile->fresh, w->fresh, (size_t)profile->steps);
    return keep_walk(sums, &one->errors);
}

rf_status rf__profile_full_walk(rf_profile *profile, const float *v, const double *t, int64_t scalars, const float *x, const char *fresh, bool integrated) {
    size_t steps = (size_t)profile->steps;
    float *path = rf__alloc_array((steps + 1) * (size_t)scalars, sizeof *path);
    measured one = {rf__alloc_array(rf__shift_at(profile->steps, 0, 0), sizeof *one.shift),
                    {rf__alloc_array(steps, sizeof(float)), rf__alloc_array(rf__error_at(profile->steps, 0), sizeof(float))}};
    rf_status status = RF_OK;
    if (path && one.shift && one.errors.change && one.errors.error) {
        full_walk w = {.profile = profile, .v = v, .path = path, .t = t, .fresh = fresh, .n = scalars, .integrated = integrated};
        for (int64_t i = 0; i < scalars; i++) w.size += (double)x[i] * (double)x[i];
        w.size = sqrt(fmax(w.size, 1e-30));
        integrate(&w, path);
        measure(&w, &one);
        pthread_mutex_lock(profile->lock);
        status = add(profile, &w, &one);
        pthread_mutex_unlock(profile->lock);
    } else {
        status = rf__fail(RF_ENOMEM, "no memory to measure a walk of %d steps", profile->steps);
    }
    rf__free(path);
    rf__free(one.shift);
    rf__free(one.errors.change);
    rf__free(one.errors.error);
    return status;
}

/* ---- tables ---- */

/* Six digits: what is used is exactly what a file keeps. */
static double rounded(double value) {
    char text[32];
    rf__number_print(text, sizeof text, "%.6g", value);
    return rf__number_read(text, NULL);
}

static double mean_of(int64_t sum, int64_t count) { return count ? rounded((double)sum / UNIT / (double)count) : NAN; }

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The quartiles of change in one part of the grid. scratch: room for all of it. */
static void cut(rf_profile *profile, int age, float *scratch) {
    size_t count = 0;
    for (int64_t w = 0; w < profile->sums->walks; w++)
        for (int k = 0; k < profile->steps; k++)
            if (k * RF_PROFILE_AGES / profile->steps == age && profile->sums->walk[w].change[k] >= 0) scratch[count++] = profile->sums->walk[w].change[k];
    qsort(scratch, count, sizeof *scratch, by_size);
    for (size_t i = 1; i < RF_PROFILE_CHANGES; i++)
        profile->edge[age][i - 1] = count ? rounded((double)scratch[i * count / RF_PROFILE_CHANGES]) : 0;
}

static void fill_context(rf_profile *profile) {
    enum { CELLS = RF_PROFILE_AGES * RF_PROFILE_CHANGES * (RF_PROFILE_MOST + 1) };
    int64_t sum[CELLS] = {0}, count[CELLS] = {0};
    for (int64_t w = 0; w < profile->sums->walks; w++) {
        const walk_errors *walk = &profile->sums->walk[w];
        for (int k = 0; k < profile->steps; k++) {
            if (walk->change[k] < 0) continue;
            int row = rf__profile_context(profile, k, (double)walk->change[k]);
            for (int m = 0; m <= RF_PROFILE_MOST; m++) {
                float error = walk->error[rf__error_at(k, m)];
                if (error < 0) continue;
                sum[rf__error_at(row, m)] += units((double)error);
                count[rf__error_at(row, m)]++;
            }
        }
    }
    for (int i = 0; i < CELLS; i++) profile->context[i] = mean_of(sum[i], count[i]);
}

rf_status rf__profile_settle(rf_profile *profile) {
    rf_profile_sums *sums = profile->sums;
    if (!sums || sums->walks == 0) return rf__fail(RF_EINVAL, "no full walk was measured, and a profile needs at least one");
    float *scratch = rf__alloc_array((size_t)sums->walks * (size_t)profile->steps, sizeof *scratch);
    if (!scratch) return rf__fail(RF_ENOMEM, "no memory to sort the changes of %lld walks", (long long)sums->walks);
    for (size_t i = 0; i < rf__shift_at(profile->steps, 0, 0); i++) profile->shift[i] = mean_of(sums->shift[i], sums->shift_count[i]);
    for (size_t i = 0; i < rf__error_at(profile->steps, 0); i++) profile->error[i] = mean_of(sums->error[i], sums->error_count[i]);
    for (int age = 0; age < RF_PROFILE_AGES; age++) cut(profile, age, scratch);
    rf__free(scratch);
    fill_context(profile);
    profile->walks = sums->walks;
    for (int b = 0; b < RF_BANDITS; b++) profile->bandit[b].tolerance = 0; /* what was learned before rests on other errors */
    profile->rungs = 0;
    rf__profile_sums_free(&profile->sums);
    return rf__profile_plan(profile);
}
