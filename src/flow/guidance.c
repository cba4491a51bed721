/* guidance.c - none, and classifier-free guidance with an interval. */
#include "guidance.h"

#include <math.h>
#include <string.h>

#include "../base/table.h"

static int one_row(const rf_guidance_opts *opts, double t, rf_row rows[RF_MAX_GUIDANCE_ROWS]) {
    (void)opts, (void)t;
    rows[0] = RF_ROW_COND;
    return 1;
}

static void copy(const rf_guidance_opts *opts, int64_t n, const float *x, double t, int count,
                 const float *const *answers, float *v) {
    (void)opts, (void)x, (void)t, (void)count;
    if (v != answers[0]) memcpy(v, answers[0], (size_t)n * sizeof *v);
}

/* Scale 1 is the conditional velocity and scale 0 the unconditional one: one row each, and exact. */
static int cfg_rows(const rf_guidance_opts *opts, double t, rf_row rows[RF_MAX_GUIDANCE_ROWS]) {
    bool inside = t >= opts->low && t <= opts->high;
    rows[0] = inside && opts->scale == 0 ? RF_ROW_NULL : RF_ROW_COND;
    rows[1] = RF_ROW_NULL;
    return inside && opts->scale != 0 && opts->scale != 1 ? 2 : 1;
}

static void cfg_combine(const rf_guidance_opts *opts, int64_t n, const float *x, double t, int count,
                        const float *const *answers, float *v) {
    if (count == 1) {
        copy(opts, n, x, t, count, answers, v);
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

static const rf_guidance none = {.name = "none",
                                 .source = "",
                                 .help = "the conditional velocity, one row",
                                 .rows = one_row,
                                 .combine = copy};
static const rf_guidance cfg = {
    .name = "cfg",
    .source = "Ho and Salimans 2022, arXiv 2207.12598; interval: Kynkaanniemi et al. 2024, arXiv 2404.07724",
    .help = "v_u + s (v_c - v_u) for t in [low, high], two rows",
    .rows = cfg_rows,
    .combine = cfg_combine,
    .check = cfg_check};
static const rf_guidance *const guidances[] = {&none, &cfg, NULL};

rf_guidance_opts rf__guidance_defaults(void) {
    return (rf_guidance_opts){.scale = 1, .low = 0, .high = 1};
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
    return guidance->rows(opts, opts->low, rows);
}
