/* schedule.c - time grids: warps of the uniform grid, and the explicit list. */
#include "schedule.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/table.h"

static double warp_uniform(const rf_grid_opts *opts, double u) {
    (void)opts;
    return u;
}

/* sigma' = s sigma / (1 + (s-1) sigma) with sigma = 1 - t, solved for our t. */
static double shifted_by(double s, double u) { return u / (u + s * (1 - u)); }

static double given_shift(const rf_grid_opts *opts) { return opts->shift; }
static double warp_shifted(const rf_grid_opts *opts, double u) { return shifted_by(opts->shift, u); }

double rf__flux_shift(int64_t tokens) {
    const double base = 256, most = 4096, low = 0.5, high = 1.15;
    return exp(low + ((double)tokens - base) * (high - low) / (most - base));
}

static double shift_of_tokens(const rf_grid_opts *opts) { return rf__flux_shift(opts->tokens); }
static double warp_flux(const rf_grid_opts *opts, double u) { return shifted_by(shift_of_tokens(opts), u); }

static rf_status check_flux(const rf_grid_opts *opts) {
    if (opts->tokens >= 1 && opts->tokens <= 1 << 16) return RF_OK;
    return rf__fail(RF_EINVAL, "tokens of the flux grid is %lld, expected 1 .. %d", (long long)opts->tokens, 1 << 16);
}

static rf_status check_shifted(const rf_grid_opts *opts) {
    if (isfinite(opts->shift) && opts->shift > 0) return RF_OK;
    return rf__fail(RF_EINVAL, "flow shift is %g, expected a number above 0", opts->shift);
}

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static double warp_sigmoid(const rf_grid_opts *opts, double u) {
    double k = opts->steepness, low = logistic(-k / 2), high = logistic(k / 2);
    return (logistic(k * (u - 0.5)) - low) / (high - low);
}

static rf_status check_sigmoid(const rf_grid_opts *opts) {
    /* Above 60 neighbouring points near the ends fall on one double. */
    if (opts->steepness > 0 && opts->steepness <= 60) return RF_OK;
    return rf__fail(RF_EINVAL, "steepness of the sigmoid grid is %g, expected more than 0 and at most 60",
                    opts->steepness);
}

static rf_status check_list(const rf_grid_opts *opts) {
    if (opts->list && opts->list_count >= 2) return RF_OK;
    return rf__fail(RF_EINVAL, "list of times has %d, expected at least 2",
                    opts->list ? opts->list_count : 0);
}

static const rf_schedule uniform = {.name = "uniform",
                                    .source = "Liu et al. 2022, arXiv 2209.03003",
                                    .help = "equal steps",
                                    .warp = warp_uniform};
static const rf_schedule shifted = {.name = "shifted",
                                    .source = "Esser et al. 2024, arXiv 2403.03206 (SD3), also FLUX",
                                    .help = "sigma' = s sigma / (1 + (s-1) sigma), sigma = 1 - t",
                                    .warp = warp_shifted,
                                    .shift = given_shift,
                                    .takes_shift = true,
                                    .check = check_shifted};
static const rf_schedule flux = {.name = "flux",
                                 .source = "FLUX.1, Black Forest Labs, sampling.py (get_schedule)",
                                 .help = "shifted, by a shift that grows with the tokens of the image",
                                 .warp = warp_flux,
                                 .shift = shift_of_tokens,
                                 .check = check_flux};
static const rf_schedule sigmoid = {.name = "sigmoid",
                                    .source = "Simple ReFlow, arXiv 2410.07815",
                                    .help = "denser at both ends",
                                    .warp = warp_sigmoid,
                                    .check = check_sigmoid};
static const rf_schedule list = {
    .name = "list", .source = "user", .help = "the given times", .check = check_list};
static const rf_schedule *const schedules[] = {&uniform, &shifted, &flux, &sigmoid, &list, NULL};

rf_grid_opts rf__grid_defaults(void) {
    return (rf_grid_opts){.steps = 20, .shift = 3, .steepness = 10, .tokens = 256};
}

const rf_schedule *const *rf__schedules(void) {
    return schedules;
}

const rf_schedule *rf__schedule_find(const char *name) {
    RF_TABLE_FIND(schedules, "schedule", name);
}

rf_status rf__grid_check(const double *t, int steps) {
    if (steps < 1 || steps > RF_MAX_STEPS)
        return rf__fail(RF_EINVAL, "steps is %d, expected 1 .. %d", steps, RF_MAX_STEPS);
    bool rising = t[steps] >= t[0];
    for (int i = 0; i <= steps; i++) {
        if (!(t[i] >= 0 && t[i] <= 1))
            return rf__fail(RF_EINVAL, "time %d of the grid is %g, expected 0 .. 1", i, t[i]);
        if (i > 0 && (rising ? t[i] <= t[i - 1] : t[i] >= t[i - 1]))
            return rf__fail(RF_EINVAL,
                            "times %d and %d of the grid are %.17g and %.17g, expected a strictly %s list",
                            i - 1, i, t[i - 1], t[i], rising ? "rising" : "falling");
    }
    return RF_OK;
}

static rf_status fill(rf_grid *grid, const rf_schedule *schedule, const rf_grid_opts *opts) {
    if (opts->windows && schedule == &uniform) return rf__windows_grid(opts->windows, opts->from, grid->steps, grid->t);
    if (!schedule->warp) {
        memcpy(grid->t, opts->list, (size_t)opts->list_count * sizeof *grid->t);
    } else {
        for (int i = 1; i < grid->steps; i++) grid->t[i] = schedule->warp(opts, (double)i / grid->steps);
        grid->t[0] = 0;
        grid->t[grid->steps] = 1;
    }
    for (int i = 0; i <= grid->steps; i++)
        if (grid->t[i] != 1) grid->t[i] = opts->from + (1 - opts->from) * grid->t[i]; /* the end stays exact */
    return RF_OK;
}

rf_status rf__grid_build(rf_grid *out, const rf_schedule *schedule, const rf_grid_opts *opts) {
    *out = (rf_grid){0, NULL};
    if (!(opts->from >= 0 && opts->from < 1)) return rf__fail(RF_EINVAL, "the grid begins at %g, expected 0 (noise) to below 1", opts->from);
    if (schedule->check) RF_TRY(schedule->check(opts));
    int steps = schedule->warp ? opts->steps : opts->list_count - 1;
    if (steps < 1 || steps > RF_MAX_STEPS)
        return rf__fail(RF_EINVAL, "steps is %d, expected 1 .. %d", steps, RF_MAX_STEPS);
    rf_grid grid = {steps, rf__alloc_array((size_t)steps + 1, sizeof *grid.t)};
    if (!grid.t) return rf__fail(RF_ENOMEM, "no memory for a grid of %d steps", steps);
    rf_status status = fill(&grid, schedule, opts);
    if (status == RF_OK) status = rf__grid_check(grid.t, steps);
    if (status == RF_OK && opts->windows) status = rf__windows_check(opts->windows, grid.t, steps);
    if (status != RF_OK) rf__grid_fini(&grid);
    *out = grid;
    return status;
}

void rf__grid_fini(rf_grid *grid) {
    rf__free(grid->t);
    *grid = (rf_grid){0, NULL};
}
