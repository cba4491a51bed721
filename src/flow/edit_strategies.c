/* edit_strategies.c - the ways to edit: plain inversion by several solvers, inversion with a pull at both ends, none at all. */
#include <math.h>
#include <string.h>

#include "../base/rng.h"
#include "../base/table.h"
#include "edit.h"

/* RF-Inversion: both walks are pulled, by gamma to a fresh Gaussian and by eta to the source. Endpoint guidance is one row and takes the
 * place of classifier-free guidance; the original inverts without a prompt, we under the source's class as every other strategy does. */
static void pulled_invert(rf_edit *edit, rf_job_spec *spec) {
    rf__rng_normal_sample(edit->opts.seed, RF_STREAM_NOISE, 0, edit->field->scalars, edit->noise);
    spec->guidance = rf__guidance_find("endpoint");
    spec->guidance_opts = rf__guidance_defaults();
    spec->guidance_opts.scale = 1 - edit->opts.gamma;
    spec->guidance_opts.target = edit->noise;
    spec->guidance_opts.end = 0;
}

static void pulled_sample(rf_edit *edit, rf_job_spec *spec) {
    int steps = (int)lround(edit->opts.stop * edit->opts.steps); /* the first so many */
    spec->guidance = rf__guidance_find("endpoint");
    spec->guidance_opts = rf__guidance_defaults();
    spec->guidance_opts.scale = steps ? 1 - edit->opts.eta : 1;
    spec->guidance_opts.high = steps ? edit->times[steps - 1] : 0;
    spec->guidance_opts.target = edit->source;
}

static void flowedit_sample(rf_edit *edit, rf_job_spec *spec) {
    spec->guidance = rf__guidance_find("flowedit");
    spec->guidance_opts.source_scale = edit->opts.source_scale;
    spec->guidance_opts.source_label = edit->opts.source_label;
    spec->guidance_opts.target = edit->source;
    spec->guidance_opts.seed = edit->opts.seed;
    spec->init = edit->source;
}

static void stay_source(const rf_edit *edit, int row, float *out) {
    (void)row;
    memcpy(out, edit->source, (size_t)edit->field->scalars * sizeof *out);
}

static void noisy_source(const rf_edit *edit, int row, float *out) {
    float t = (float)edit->times[row];
    rf__rng_normal_sample(edit->opts.seed, RF_STREAM_NOISE, 0, edit->field->scalars, out);
    for (int64_t i = 0; i < edit->field->scalars; i++) out[i] = (1 - t) * out[i] + t * edit->source[i];
}

static void sdedit_sample(rf_edit *edit, rf_job_spec *spec) {
    noisy_source(edit, 0, edit->latent);
    spec->init = edit->latent;
}

static const rf_edit_strategy strategies_all[] = {
    {.name = "fireflow", .source = "Deng et al. 2024, arXiv 2412.07517", .help = "invert and walk back with one call a step and one more",
     .solver = "fireflow", .inverts = true, .strength = 1},
    {.name = "rf_solver", .source = "Wang et al. 2024, arXiv 2411.04746", .help = "invert and walk back with the midpoint rule, two calls a step",
     .solver = "midpoint", .inverts = true, .strength = 1},
    {.name = "reversible", .source = "reversible midpoint, fireflow.md section 8",
     .help = "invert and walk back with a solver that undoes itself: the reconstruction is exact to rounding", .solver = "reversible",
     .inverts = true, .strength = 1},
    {.name = "euler", .source = "Song et al. 2021, arXiv 2010.02502 (DDIM inversion), for flows", .help = "invert and walk back with Euler steps",
     .solver = "euler", .inverts = true, .strength = 1},
    {.name = "rf_inversion", .source = "Rout et al. 2024, arXiv 2410.10792",
     .help = "pulled by gamma to fresh noise on the way there and by eta to the source for the first part of the way back", .solver = "euler",
     .inverts = true, .strength = 1, .invert = pulled_invert, .sample = pulled_sample},
    {.name = "flowedit", .source = "Kulikov et al. 2024, arXiv 2412.08629",
     .help = "no inversion: the picture moves by the target's velocity less the source's", .solver = "euler", .strength = 0.7,
     .sample = flowedit_sample, .state = stay_source},
    {.name = "sdedit", .source = "Meng et al. 2021, arXiv 2108.01073", .help = "no inversion: noise is mixed in and walked out again", .solver = "euler",
     .strength = 0.7, .sample = sdedit_sample, .state = noisy_source},
};

#define COUNT (sizeof strategies_all / sizeof *strategies_all)
static const rf_edit_strategy *const strategies[COUNT + 1] = {&strategies_all[0], &strategies_all[1], &strategies_all[2], &strategies_all[3],
                                                              &strategies_all[4], &strategies_all[5], &strategies_all[6], NULL};

const rf_edit_strategy *const *rf__edit_strategies(void) { return strategies; }

const rf_edit_strategy *rf__edit_strategy_find(const char *name) { RF_TABLE_FIND(strategies, "strategy", name); }
