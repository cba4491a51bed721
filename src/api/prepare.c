/* prepare.c - see prepare.h. */
#include "prepare.h"

#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"

static rf_status find_plugins(rf_prepared *p, const rf_schedule **schedule, const rf_sample_opts *opts) {
    rf_job_spec *spec = &p->spec;
    spec->solver = opts->blocks ? rf__solver_find("blocks") : rf__solver_find(opts->solver);
    if (!spec->solver) return RF_ENOTFOUND;
    *schedule = rf__schedule_find(opts->schedule);
    if (!*schedule) return RF_ENOTFOUND;
    spec->policy = rf__policy_choose(opts->policy, opts->quality_budget);
    if (!spec->policy) return RF_ENOTFOUND;
    spec->guidance = rf__guidance_find("cfg"); /* scale 1 is no guidance */
    spec->guidance_opts = (rf_guidance_opts){.scale = opts->cfg_scale, .low = opts->guidance_low, .high = opts->guidance_high};
    RF_TRY(rf__options_parse(spec->solver->options, &p->solver_options, spec->solver->name, opts->solver_options));
    RF_TRY(rf__options_parse(spec->policy->options, &p->policy_options, spec->policy->name, opts->policy_options));
    spec->solver_options = &p->solver_options;
    spec->setup.options = &p->policy_options;
    return RF_OK;
}

static rf_status make_grid(rf_prepared *p, const rf_sample_opts *opts, const rf_schedule *schedule, const rf_model *model, bool backward) {
    rf_grid_opts grid = rf__grid_defaults();
    grid.steps = opts->steps;
    if (opts->blocks) {
        RF_TRY(rf__blocks_parse(&p->blocks, opts->blocks));
        grid.steps = rf__blocks_steps(&p->blocks);
        p->spec.blocks = &p->blocks;
    }
    grid.shift = opts->shift;
    grid.tokens = rf__model_tokens(model);
    grid.list = opts->times;
    grid.list_count = opts->time_count;
    grid.windows = model->windows.count ? &model->windows : NULL;
    RF_TRY(rf__grid_build(&p->grid, schedule, &grid));
    int last = p->grid.steps;
    for (int i = 0; backward && i < last - i; i++) {
        double t = p->grid.t[i];
        p->grid.t[i] = p->grid.t[last - i];
        p->grid.t[last - i] = t;
    }
    p->spec.times = p->grid.t;
    p->spec.steps = p->grid.steps;
    return RF_OK;
}

static rf_status open_profile(rf_prepared *p, const rf_sample_opts *opts, const rf_model *model) {
    const rf_policy *policy = p->spec.policy;
    RF_TRY(rf__policy_takes(policy, opts->quality_budget, opts->profile));
    if (!policy->profile) return RF_OK;
    if (!opts->profile) return rf__fail(RF_EINVAL, "profile is NULL, and policy '%s' works from one; `strait tune` makes it", policy->name);
    rf_profile_key key;
    const rf_profile_rung *promise;
    rf__profile_key_fill(&key, model->sha256, p->spec.solver, p->spec.guidance, &p->spec.guidance_opts);
    RF_TRY(rf__profile_open(&p->profile, opts->profile, &key, policy, &p->policy_options, p->spec.solver, p->grid.t, p->grid.steps));
    p->spec.setup.profile = p->profile;
    if (opts->quality_budget) {
        rf_status status = rf__profile_budget(p->profile, policy, opts->quality_budget, &p->policy_options, &promise);
        if (status != RF_OK) return rf__fail_in(status, "quality_budget: ");
    }
    if (!rf__policy_learns(policy, &p->policy_options)) return RF_OK;
    p->profile_path = strdup(opts->profile);
    return p->profile_path ? RF_OK : rf__fail(RF_ENOMEM, "no memory for a file name");
}

static rf_status fill(rf_prepared *p, const rf_sample_opts *opts, const rf_sampler *sampler, bool backward) {
    const rf_model *model = rf__sampler_model(sampler);
    const rf_schedule *schedule;
    if (opts->count < 1) return rf__fail(RF_EINVAL, "count is %d, expected at least 1", opts->count);
    for (int k = 0; opts->labels && k < opts->count; k++) RF_TRY(rf__sampler_check_label(model, opts->labels[k]));
    if (opts->carry && !opts->init) return rf__fail(RF_EINVAL, "carry is given and init is NULL, expected both or init alone");
    RF_TRY(find_plugins(p, &schedule, opts));
    RF_TRY(make_grid(p, opts, schedule, model, backward));
    RF_TRY(open_profile(p, opts, model));
    p->answers = rf__solver_calls(p->spec.solver, p->spec.blocks, p->grid.steps);
    rf_job_spec whole = p->spec, own = rf__sampler_job(sampler);
    whole.field = own.field, whole.refiner = own.refiner, whole.cond = own.cond, whole.setup.refiner = own.setup.refiner;
    p->spec = whole;
    return rf__job_check(&whole);
}

rf_status rf__prepared_init(rf_prepared *out, const rf_sample_opts *opts, const rf_sampler *sampler, bool backward) {
    *out = (rf_prepared){0};
    rf_status status = fill(out, opts, sampler, backward);
    if (status != RF_OK) rf__prepared_fini(out);
    return status;
}

void rf__prepared_describe(const rf_prepared *p, const rf_sample_opts *opts, int64_t k, rf_job_spec *spec) {
    int64_t n = p->spec.field->scalars;
    *spec = p->spec;
    if (opts->labels && opts->labels[k] >= 0) spec->cond.label = opts->labels[k];
    spec->seed = opts->seed + (uint64_t)k;
    if (opts->init) spec->init = opts->init + k * n;
    if (opts->carry) spec->carry = opts->carry + k * n;
}

rf_status rf__prepared_save(const rf_prepared *p) { return p->profile_path ? rf__profile_save(p->profile, p->profile_path) : RF_OK; }

void rf__prepared_fini(rf_prepared *p) {
    rf__grid_fini(&p->grid);
    rf__profile_free(&p->profile);
    free(p->profile_path);
    *p = (rf_prepared){0};
}
