/* guidance.c - none, classifier-free guidance with an interval, and guidance towards or away from an end point. */
#include "guidance.h"

#include <math.h>
#include <string.h>

#include "../base/table.h"

bool rf__guidance_inside(const rf_guidance_opts *opts, double t) { return t >= opts->low && t <= opts->high; }

static int one_row(const rf_guidance_opts *opts, const rf_guide *guide, double t, rf_row rows[RF_MAX_GUIDANCE_ROWS]) {
    (void)opts, (void)guide, (void)t;
    rows[0] = RF_ROW_COND;
    return 1;
}

static void copy(const rf_guidance_opts *opts, rf_guide *guide, int64_t n, const float *x, double t, int count,
                 const float *const *answers, float *v) {
    (void)opts, (void)guide, (void)x, (void)t, (void)count;
    if (v != answers[0]) memcpy(v, answers[0], (size_t)n * sizeof *v);
}

/* Scale 1 is the conditional velocity and scale 0 the unconditional one: one row each, and exact. */
static int cfg_rows(const rf_guidance_opts *opts, const rf_guide *guide, double t, rf_row rows[RF_MAX_GUIDANCE_ROWS]) {
    (void)guide;
    bool inside = rf__guidance_inside(opts, t);
    rows[0] = inside && opts->scale == 0 ? RF_ROW_NULL : RF_ROW_COND;
    rows[1] = RF_ROW_NULL;
    return inside && opts->scale != 0 && opts->scale != 1 ? 2 : 1;
}

static void cfg_combine(const rf_guidance_opts *opts, rf_guide *guide, int64_t n, const float *x, double t, int count,
                        const float *const *answers, float *v) {
    if (count == 1) {
        copy(opts, guide, n, x, t, count, answers, v);
        return;
    }
    const float *c = answers[0], *u = answers[1];
    float scale = (float)opts->scale;
    for (int64_t i = 0; i < n; i++) v[i] = u[i] + scale * (c[i] - u[i]);
}

static rf_status cfg_check(const rf_guidance_opts *opts) {
    if (!isfinite(opts->scale))
        return rf__fail(RF_EINVAL, "guidance scale is %g, expected a finite number", opts->scale);
    if (!(opts->low >= 0 && opts->low <= opts->high && opts->high <= 1))
        return rf__fail(RF_EINVAL, "guidance interval is %g .. %g, expected 0 <= low <= high <= 1", opts->low,
                        opts->high);
    return RF_OK;
}

/* v' = (y - x)/(end - t) is the velocity that leads x straight to y. Residual guidance is delta v' + gamma (v - delta v'), written so
 * that gamma = 1 is v itself. With delta = 1 it is RF-Inversion's controller v + eta (v' - v), eta = 1 - gamma. */
static void steer(const rf_guidance_opts *opts, int64_t n, const float *x, double t, double end, const float *y, const float *answer,
                  float *v) {
    double left = end - t;
    bool inside = rf__guidance_inside(opts, t) && fabs(left) > 1e-6; /* at the end point there is no way left */
    if (!inside || opts->scale == 1) {
        if (v != answer) memcpy(v, answer, (size_t)n * sizeof *v);
        return;
    }
    float gamma = (float)opts->scale, pull = (float)(opts->delta * (1 - opts->scale) / left);
    for (int64_t i = 0; i < n; i++) v[i] = gamma * answer[i] + pull * (y[i] - x[i]);
}

static void endpoint_combine(const rf_guidance_opts *opts, rf_guide *guide, int64_t n, const float *x, double t, int count,
                             const float *const *answers, float *v) {
    (void)guide, (void)count;
    steer(opts, n, x, t, opts->end, opts->target, answers[0], v);
}

static rf_status endpoint_check(const rf_guidance_opts *opts) {
    RF_TRY(cfg_check(opts));
    if (!isfinite(opts->delta)) return rf__fail(RF_EINVAL, "guidance delta is %g, expected a finite number", opts->delta);
    if (opts->end != 0 && opts->end != 1)
        return rf__fail(RF_EINVAL, "guidance end is %d, expected 0 (noise) or 1 (data)", opts->end);
    if (!opts->target) return rf__fail(RF_EINVAL, "guidance 'endpoint' has no target, expected the end point to steer by");
    return RF_OK;
}

static int onetime_rows(const rf_guidance_opts *opts, const rf_guide *guide, double t, rf_row rows[RF_MAX_GUIDANCE_ROWS]) {
    bool inside = rf__guidance_inside(opts, t);
    rows[0] = RF_ROW_COND;
    rows[1] = RF_ROW_NULL;
    return inside && opts->scale != 1 && !(guide && guide->known) ? 2 : 1;
}

/* The first answer brings the end point of the unconditional way with it. */
static void onetime_combine(const rf_guidance_opts *opts, rf_guide *guide, int64_t n, const float *x, double t, int count,
                            const float *const *answers, float *v) {
    if (count == 2) {
        for (int64_t i = 0; i < n; i++) guide->target[i] = x[i] + (float)(1 - t) * answers[1][i];
        guide->known = true;
    }
    if (guide->known) steer(opts, n, x, t, 1, guide->target, answers[0], v);
    else copy(opts, guide, n, x, t, count, answers, v);
}

static rf_status onetime_check(const rf_guidance_opts *opts) {
    RF_TRY(cfg_check(opts));
    if (!isfinite(opts->delta)) return rf__fail(RF_EINVAL, "guidance delta is %g, expected a finite number", opts->delta);
    return RF_OK;
}

const rf_guidance rf__guidance_none = {
    .name = "none", .source = "", .help = "the conditional velocity, one row", .rows = one_row, .combine = copy};
static const rf_guidance cfg = {
    .name = "cfg",
    .source = "Ho and Salimans 2022, arXiv 2207.12598; interval: Kynkaanniemi et al. 2024, arXiv 2404.07724",
    .help = "v_u + s (v_c - v_u) for t in [low, high], two rows",
    .rows = cfg_rows,
    .combine = cfg_combine,
    .check = cfg_check};
static const rf_guidance endpoint = {
    .name = "endpoint",
    .source = "residual CFG (self) of StreamDiffusion, arXiv 2312.12491; RF-Inversion, arXiv 2410.10792, with gamma = 1 - eta",
    .help = "gamma v_c + delta (1 - gamma) (y - x)/(1 - t): away from the target y above 1, towards it below; one row",
    .steers = true,
    .rows = one_row,
    .combine = endpoint_combine,
    .check = endpoint_check};
static const rf_guidance onetime = {
    .name = "onetime",
    .source = "residual CFG (onetime) of StreamDiffusion, arXiv 2312.12491",
    .help = "as endpoint, with y = x + (1 - t) v_u of the first answer: one row more in the whole walk",
    .remembers = true,
    .rows = onetime_rows,
    .combine = onetime_combine,
    .check = onetime_check};
extern const rf_guidance rf__guidance_flowedit;
static const rf_guidance *const guidances[] = {&rf__guidance_none, &cfg, &endpoint, &onetime, &rf__guidance_flowedit, NULL};

rf_guidance_opts rf__guidance_defaults(void) {
    return (rf_guidance_opts){.scale = 1, .low = 0, .high = 1, .delta = 1, .end = 1, .source_scale = 1};
}

const rf_guidance *const *rf__guidances(void) {
    return guidances;
}

const rf_guidance *rf__guidance_find(const char *name) {
    RF_TABLE_FIND(guidances, "guidance", name);
}

int rf__guidance_max_rows(const rf_guidance *guidance, const rf_guidance_opts *opts) {
    rf_row rows[RF_MAX_GUIDANCE_ROWS];
    /* Where an interval is set its low end lies inside it; outside an answer never takes more rows. */
    return guidance->rows(opts, NULL, opts->low, rows);
}
