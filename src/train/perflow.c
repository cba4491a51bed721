/* perflow.c - the coupling of PeRFlow (Yan et al. 2024, arXiv 2405.07510): real data noised to the start of a window, and where a short
 * teacher solve takes it at the window's end. Piecewise straight flows need no stored pairs: a window is short, so its solve is cheap.
 *
 * The line through (a, z_a) and (b, z_b), drawn on to 0 and 1, is a pair like any other: x0 = z_a - a u and x1 = z_b + (1-b) u with
 * u = (z_b - z_a)/(b - a). Path linear then gives x_t = z_a + (t-a) u and the target u, so nothing after this knows of windows. */
#include <math.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "online.h"

enum { STREAM_OWN = 64 }; /* which starts the student makes itself */

/* z at the start of window k into x0[r]. Where that is noise alone the data still gives the label. */
static rf_status start_of(rf_online *o, int64_t r, int k) {
    const rf_source *data = o->plan->pair.data;
    uint64_t sample = o->first + (uint64_t)r;
    float *z = o->x0 + r * o->scalars;
    rf__rng_normal_sample(o->seed, RF_STREAM_NOISE, sample, o->scalars, z);
    o->label[r] = 0;
    RF_TRY(data->kind->draw(data, o->seed, sample, o->scratch, &o->label[r]));
    rf__coupling_flip(&o->plan->pair, o->seed, sample, o->scratch);
    double keep = o->start_data[k], noise = o->start_noise[k];
    for (int64_t i = 0; i < o->scalars; i++)
        z[i] = k == 0 && keep == 0 ? z[i] : (float)(keep * (double)o->scratch[i] + noise * (double)z[i]);
    return RF_OK;
}

static rf_cond cond_of(const rf_online *o, const rf_field *field, int64_t r, bool drop) {
    if (field->null_label < 0) return (rf_cond){.label = -1};
    return (rf_cond){.label = drop ? rf__batch_label(o->plan, o->seed, o->first + (uint64_t)r, o->label[r]) : o->label[r]};
}

static bool is_own(const rf_online *o, int64_t r, int k) {
    float u;
    if (k == 0 || o->windows_how.own <= 0) return false;
    rf__rng_uniform(o->seed, STREAM_OWN, o->first + (uint64_t)r, 1, &u);
    return (double)u < o->windows_how.own;
}

/* Where the student, one Euler step a window, would start window k: what it meets at inference, instead of noised data. */
static rf_status own_starts(rf_online *o) {
    const rf_windows *windows = &o->student->windows;
    int64_t count = 0;
    for (int64_t r = 0; r < o->plan->batch; r++) {
        int k = rf__windows_find_exact(windows, (double)o->t[r]);
        if (!is_own(o, r, k)) continue;
        float *z = o->x0 + r * o->scalars;
        rf__rng_normal_sample(o->seed, RF_STREAM_NOISE, o->first + (uint64_t)r, o->scalars, z);
        o->walks[count++] = (rf_walk){z, z, windows->edge, k, cond_of(o, &o->student_field, r, true)};
    }
    return count ? rf__online_walk(o, &o->student_field, o->walks, count, 1) : RF_OK;
}

static rf_status teacher_ends(rf_online *o) {
    int64_t steps = o->how.steps, n = o->scalars;
    bool drop = o->how.guidance == RF_GUIDANCE_SYNC;
    for (int64_t r = 0; r < o->plan->batch; r++) {
        int k = rf__windows_find_exact(&o->student->windows, (double)o->t[r]);
        o->walks[r] = (rf_walk){o->x0 + r * n, o->x1 + r * n, o->times + k * (steps + 1), (int)steps, cond_of(o, &o->teacher_field, r, drop)};
    }
    return rf__online_walk(o, &o->teacher_field, o->walks, o->plan->batch, o->how.cfg);
}

static void draw_line(rf_online *o, int64_t r) {
    const rf_windows *windows = &o->student->windows;
    int k = rf__windows_find_exact(windows, (double)o->t[r]);
    double a = windows->edge[k], b = windows->edge[k + 1];
    float *start = o->x0 + r * o->scalars, *end = o->x1 + r * o->scalars;
    for (int64_t i = 0; i < o->scalars; i++) {
        double u = ((double)end[i] - (double)start[i]) / (b - a);
        start[i] = (float)((double)start[i] - a * u);
        end[i] = (float)((double)end[i] + (1 - b) * u);
    }
}

static rf_status prepare(rf_online *o, uint64_t step) {
    o->first = step * (uint64_t)o->plan->batch;
    rf__online_times(o);
    for (int64_t r = 0; r < o->plan->batch; r++) RF_TRY(start_of(o, r, rf__windows_find_exact(&o->student->windows, (double)o->t[r])));
    RF_TRY(own_starts(o));
    RF_TRY(teacher_ends(o));
    for (int64_t r = 0; r < o->plan->batch; r++) draw_line(o, r);
    return RF_OK;
}

const rf_coupling rf__coupling_perflow = {
    {"perflow", "Yan et al. 2024 (PeRFlow), arXiv 2405.07510", "the start of the window that t lies in and the teacher's end of it; see the sections teacher and windows"},
    .online = RF_ONLINE_WINDOWS | RF_ONLINE_TEACHER, .prepare = prepare, .draw = rf__online_draw};
