/* order.c - from flags to solver, grid, guidance and policy, and which seed and class image k has. */
#include "order.h"

#include <string.h>
#include <sys/random.h>

#include "../base/log.h"
#include "../base/memory.h"
#include "class_names.h"
#include "picture.h"
#include "profiles.h"

/* ---- time grid ---- */
static bool is_sorted_down(const double *list, int count) {
    for (int i = 1; i < count; i++)
        if (list[i] >= list[i - 1]) return false;
    return true;
}

/* sigma = 1 - t runs from 1 to 0; like diffusers we append the final 0 when it is missing. *times: caller
 * frees with rf__free. */
static rf_status times_of_sigmas(const rf_arg_list *sigmas, double **times, int *count) {
    if (!is_sorted_down(sigmas->at, sigmas->count) || sigmas->at[0] != 1)
        return rf__fail(RF_EINVAL,
                        "--sigmas begins with %g, expected a falling list that begins with 1 (noise) and may "
                        "end with 0 (data)",
                        sigmas->at[0]);
    bool append = sigmas->at[sigmas->count - 1] != 0;
    *count = sigmas->count + append;
    *times = rf__alloc_array((size_t)*count, sizeof **times);
    if (!*times) return rf__fail(RF_ENOMEM, "no memory for %d times", *count);
    for (int i = 0; i < sigmas->count; i++) (*times)[i] = 1 - sigmas->at[i];
    if (append) (*times)[*count - 1] = 1;
    return RF_OK;
}

/* A walk that begins after the noise or stops before the data would give a picture that is quietly wrong. */
static rf_status check_whole(const rf_grid *grid, double from, const char *flag) {
    double first = grid->t[0], last = grid->t[grid->steps];
    if (first == from && last == 1) return RF_OK;
    return rf__fail(RF_EINVAL, "%s runs from %g to %g, expected from 0 (noise) to 1 (data)", flag, first,
                    last);
}

static rf_status list_grid(rf_order *order, const rf_sampling_flags *flags, const rf_model *model) {
    const char *flag = flags->sigmas.count ? "--sigmas" : "--times";
    if (flags->sigmas.count && flags->times.count)
        return rf__fail(RF_EINVAL, "--sigmas and --times are both given, expected one of them");
    order->schedule = rf__schedule_find("list");
    if (flags->scheduler && strcmp(flags->scheduler, order->schedule->name) != 0)
        return rf__fail(RF_EINVAL, "--scheduler is %s and %s is given, expected one of them",
                        flags->scheduler, flag);
    double *converted = NULL;
    rf_grid_opts opts = rf__grid_defaults();
    opts.list = flags->times.at;
    opts.list_count = flags->times.count;
    opts.windows = model->windows.count ? &model->windows : NULL;
    opts.from = flags->from;
    if (flags->sigmas.count) {
        RF_TRY(times_of_sigmas(&flags->sigmas, &converted, &opts.list_count));
        opts.list = converted;
    }
    rf_status status = rf__grid_build(&order->grid, order->schedule, &opts);
    if (status != RF_OK) rf__fail_in(status, "%s: ", flag);
    if (status == RF_OK) status = check_whole(&order->grid, flags->from, flag);
    if (status == RF_OK && flags->steps && flags->steps != order->grid.steps)
        status = rf__fail(RF_EINVAL, "--steps is %lld and %s has %d steps, expected the same or no --steps",
                          (long long)flags->steps, flag, order->grid.steps);
    rf__free(converted);
    return status;
}

static rf_status named_grid(rf_order *order, const rf_sampling_flags *flags, const rf_model *model) {
    const char *name = flags->scheduler ? flags->scheduler : flags->flow_shift ? "shifted" : "uniform";
    rf_grid_opts opts = rf__grid_defaults();
    if (flags->steps) opts.steps = (int)flags->steps;
    if (flags->flow_shift) opts.shift = flags->flow_shift;
    opts.tokens = rf__model_tokens(model);
    opts.windows = model->windows.count ? &model->windows : NULL;
    opts.from = flags->from;
    const rf_schedule *schedule = order->schedule = rf__schedule_find(name);
    if (!schedule) return RF_EINVAL;
    if (flags->flow_shift && !schedule->takes_shift)
        return rf__fail(RF_EINVAL, "--flow-shift is given and --scheduler is %s, expected shifted", name);
    if (!schedule->warp) return rf__fail(RF_EINVAL, "--scheduler is %s, expected --times or --sigmas with it", name);
    order->shift = schedule->shift ? schedule->shift(&opts) : 0;
    return rf__grid_build(&order->grid, order->schedule, &opts);
}

/* ---- what to make ---- */
static rf_status check_size(const rf_sampling_flags *flags, const rf_model *model) {
    const rf_model_shape *shape = &model->shape;
    if (flags->width && flags->width != shape->width)
        return rf__fail(RF_EINVAL, "--width is %lld, expected %d: this model makes %dx%d",
                        (long long)flags->width, shape->width, shape->width, shape->height);
    if (flags->height && flags->height != shape->height)
        return rf__fail(RF_EINVAL, "--height is %lld, expected %d: this model makes %dx%d",
                        (long long)flags->height, shape->height, shape->width, shape->height);
    return RF_OK;
}

static rf_status labels_of_numbers(rf_order *order, const rf_arg_list *list, const rf_model *model) {
    for (int i = 0; i < list->count; i++) {
        rf_status status = rf__sampler_check_label(model, (int64_t)list->at[i]);
        if (status != RF_OK) return rf__fail_in(status, "--class-label: ");
        order->labels[i] = (int32_t)list->at[i];
    }
    return RF_OK;
}

rf_status rf__order_take_latents(rf_order *order, const char *path, const rf_model *model) {
    RF_TRY(rf__latents_read(&order->latents, path, &model->shape));
    order->latent_path = strdup(path);
    if (!order->latent_path) return rf__fail(RF_ENOMEM, "no memory for a file name");
    for (int64_t k = 0; k < order->latents.count; k++) {
        rf_status status = rf__sampler_check_label(model, rf__latents_label(&order->latents, k));
        if (status != RF_OK) return rf__fail_in(status, "%s: ", path);
    }
    const char *made = json_string_value(json_object_get(order->latents.facts, "model_sha256"));
    if (made && model->sha256[0] && strcmp(made, model->sha256))
        rf__warn("%s: was made with another model than %s", path, model->path ? model->path : "this one");
    return RF_OK;
}

/* The classes the latents were made under, unless others are asked for. */
static rf_status take_latents(rf_order *order, const rf_sampling_flags *flags, const rf_model *model) {
    if (!flags->init_latent) return RF_OK;
    RF_TRY(rf__order_take_latents(order, flags->init_latent, model));
    int64_t count = order->latents.count;
    if (flags->count > count)
        return rf__fail(RF_EINVAL, "--batch-count is %lld, expected at most the %lld latents of %s", (long long)flags->count, (long long)count,
                        flags->init_latent);
    if (!flags->count) order->count = count;
    if (order->label_count > order->count)
        return rf__fail(RF_EINVAL, "--class-label has %d classes for %lld latents of %s, expected at most one a latent", order->label_count, (long long)order->count,
                        flags->init_latent);
    if (order->label_count) return RF_OK;
    order->labels = rf__alloc_array((size_t)order->count, sizeof *order->labels);
    if (!order->labels) return rf__fail(RF_ENOMEM, "no memory for %lld classes", (long long)order->count);
    for (int64_t k = 0; k < order->count; k++) order->labels[k] = rf__latents_label(&order->latents, k);
    order->label_count = (int)order->count;
    return RF_OK;
}

/* Classes by number or by name; one block of images each. */
static rf_status take_labels(rf_order *order, const rf_sampling_flags *flags, const rf_model *model) {
    int count = flags->prompt ? 1 : flags->class_label.count;
    if (flags->prompt && flags->class_label.count)
        return rf__fail(RF_EINVAL, "--prompt and --class-label are both given, expected one of them");
    order->count = flags->count ? flags->count : count ? count : 1;
    if (count > order->count)
        return rf__fail(RF_EINVAL,
                        "--class-label has %d classes for %lld images, expected at least one image a class",
                        count, (long long)order->count);
    if (count == 0) return RF_OK;
    order->labels = rf__alloc_array((size_t)count, sizeof *order->labels);
    if (!order->labels) return rf__fail(RF_ENOMEM, "no memory for %d classes", count);
    order->label_count = count;
    if (!flags->prompt) return labels_of_numbers(order, &flags->class_label, model);
    rf_status status = rf__class_find(model, flags->prompt, &order->labels[0]);
    return status == RF_OK ? RF_OK : rf__fail_in(status, "--");
}

static rf_status take_target(rf_order *order, const char *path, const rf_model *model) {
    RF_TRY(rf__picture_read(&order->target, &model->shape, path));
    order->guidance.target = order->target;
    order->target_path = strdup(path);
    return order->target_path ? RF_OK : rf__fail(RF_ENOMEM, "no memory for a file name");
}

static rf_status take_guidance(rf_order *order, const rf_sampling_flags *flags, const rf_model *model) {
    order->guidance = (rf_guidance_opts){.scale = flags->cfg_scale,
                                         .low = flags->guidance_low,
                                         .high = flags->guidance_high,
                                         .delta = flags->guidance_delta,
                                         .end = (int)flags->guidance_end};
    order->guide = rf__guidance_find(flags->guidance ? flags->guidance : model->shape.classes ? "cfg" : "none");
    if (!order->guide) return RF_EINVAL;
    static const float later = 0;
    if (flags->guidance_target) RF_TRY(take_target(order, flags->guidance_target, model));
    else if (flags->target_later && order->guide->steers) order->guidance.target = &later;
    if (flags->guidance_low > flags->guidance_high)
        return rf__fail(RF_EINVAL, "--guidance-low is %g, expected at most --guidance-high, which is %g",
                        flags->guidance_low, flags->guidance_high);
    rf_status status = order->guide->check ? order->guide->check(&order->guidance) : RF_OK;
    if (status != RF_OK) return rf__fail_in(status, "--guidance: ");
    if (!order->target) order->guidance.target = NULL;
    if (flags->guidance && order->guide == &rf__guidance_none && flags->cfg_scale != 1)
        return rf__fail(RF_EINVAL, "--cfg-scale is %g with --guidance none, expected 1 or another guidance", flags->cfg_scale);
    bool wants_classes = !flags->guidance || rf__guidance_max_rows(order->guide, &order->guidance) > 1;
    if (flags->cfg_scale != 1 && model->shape.classes == 0 && wants_classes)
        return rf__fail(RF_EINVAL,
                        "--cfg-scale is %g, expected 1: this model has no classes to guide towards",
                        flags->cfg_scale);
    return RF_OK;
}

/* ---- policy ---- */

static rf_status record_room(rf_order *order) {
    order->asked = rf__alloc_array((size_t)order->count, (size_t)order->grid.steps + 1);
    return order->asked ? RF_OK : rf__fail(RF_ENOMEM, "no memory to record %lld walks", (long long)order->count);
}

static rf_status take_policy(rf_order *order, const rf_sampling_flags *flags, const rf_model *model) {
    const rf_policy *policy = order->policy;
    RF_TRY(rf__policy_takes(policy, flags->quality_budget, flags->profile));
    if (policy->profile) {
        RF_TRY(rf__profiles_open(&order->profile, order, flags->profile, model));
        RF_TRY(record_room(order));
    }
    if (flags->quality_budget) {
        rf_status status = rf__profile_budget(order->profile, policy, flags->quality_budget, &order->policy_options, &order->promise);
        if (status != RF_OK) return rf__fail_in(RF_EINVAL, "--quality-budget: ");
    }
    if (policy->mixes) return RF_OK; /* checked when the sampler is there, which has the refiner that its walks may ask */
    const rf_policy_setup setup = {.options = &order->policy_options, .profile = order->profile};
    return policy->check ? policy->check(policy, &setup, order->solver, order->grid.t, order->grid.steps) : RF_OK;
}

/* Blocks bring their solver and their number of steps. */
static rf_status take_blocks(rf_order *order, const rf_sampling_flags *flags, rf_sampling_flags *with) {
    *with = *flags;
    if (!flags->blocks) return RF_OK;
    rf_status status = rf__blocks_parse(&order->blocks, flags->blocks);
    if (status != RF_OK) return rf__fail_in(status, "--blocks: ");
    order->solver = rf__solver_find("blocks");
    if (strcmp(flags->method, order->solver->name) && strcmp(flags->method, "euler")) /* euler: not given */
        return rf__fail(RF_EINVAL, "--blocks is given and --sampling-method is %s, expected one of them", flags->method);
    int steps = rf__blocks_steps(&order->blocks);
    bool list = flags->sigmas.count || flags->times.count; /* counted when it is read */
    if (flags->steps && flags->steps != steps)
        return rf__fail(RF_EINVAL, "--steps is %lld and --blocks %s are %d steps, expected the same or no --steps", (long long)flags->steps,
                        flags->blocks, steps);
    if (!list && steps > RF_MAX_STEPS) return rf__fail(RF_EINVAL, "--blocks: %d steps, expected at most %d", steps, RF_MAX_STEPS);
    with->steps = steps;
    return RF_OK;
}

static rf_status fill(rf_order *order, const rf_sampling_flags *given, const rf_model *model) {
    rf_sampling_flags with, *flags = &with;
    order->solver = rf__solver_find(given->method);
    order->policy = rf__policy_choose(given->policy, given->quality_budget);
    if (!order->solver || !order->policy) return RF_EINVAL;
    RF_TRY(take_blocks(order, given, &with));
    RF_TRY(rf__options_parse(order->solver->options, &order->solver_options, order->solver->name, flags->sampling_option));
    RF_TRY(rf__options_parse(order->policy->options, &order->policy_options, order->policy->name, flags->policy_option));
    if (model->windows.count && order->solver->adaptive)
        return rf__fail(RF_EINVAL, "--sampling-method is %s, expected a solver that stops where the model's %d windows end", flags->method,
                        model->windows.count);
    RF_TRY(check_size(flags, model));
    RF_TRY(take_labels(order, flags, model));
    RF_TRY(take_latents(order, flags, model));
    RF_TRY(take_guidance(order, flags, model));
    RF_TRY(flags->sigmas.count || flags->times.count ? list_grid(order, flags, model) : named_grid(order, flags, model));
    RF_TRY(take_policy(order, flags, model));
    RF_TRY(rf__sampling_settle_seed(&with));
    if (flags->seed > INT64_MAX - (order->count - 1))
        return rf__fail(RF_EINVAL, "--seed is %lld for %lld images, whose last would be beyond 64 bits, expected at most %lld", (long long)flags->seed,
                        (long long)order->count, (long long)(INT64_MAX - (order->count - 1)));
    order->seed = (uint64_t)flags->seed;
    order->deadline = flags->deadline_ms / 1e3;
    order->output = flags->output ? strdup(flags->output) : NULL;
    if (flags->output && !order->output) return rf__fail(RF_ENOMEM, "no memory for a file name");
    return RF_OK;
}

rf_status rf__sampling_settle_seed(rf_sampling_flags *flags) {
    uint32_t bits = 0;
    if (flags->seed >= 0) return RF_OK;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) return rf__fail(RF_EIO, "no random seed from the system");
    flags->seed = bits >> 1; /* fits what other programs take for a seed */
    return RF_OK;
}

rf_status rf__order_check_rows(const rf_order *order, int64_t rows) {
    const int needed = rf__guidance_max_rows(order->guide, &order->guidance);
    if (!rows || needed <= rows) return RF_OK;
    return rf__fail(RF_EINVAL, "--batch-size is %lld, expected at least %d with --cfg-scale %g", (long long)rows, needed, order->guidance.scale);
}

rf_status rf__order_build(rf_order *out, const rf_sampling_flags *flags, const rf_model *model) {
    memset(out, 0, sizeof *out);
    rf_status status = fill(out, flags, model);
    if (status != RF_OK) rf__order_fini(out);
    return status;
}

void rf__order_fini(rf_order *order) {
    rf__grid_fini(&order->grid);
    rf__free(order->labels);
    rf__free(order->seeds);
    rf__free(order->target);
    rf__free(order->asked);
    free(order->target_path);
    rf__latents_fini(&order->latents);
    free(order->latent_path);
    free(order->output);
    memset(order, 0, sizeof *order);
}

uint64_t rf__order_seed(const rf_order *order, int64_t k) {
    return order->seeds ? order->seeds[k] : order->seed + (uint64_t)k;
}

int32_t rf__order_label(const rf_order *order, const rf_model *model, int64_t k) {
    /* Blocks, so that a grid shows one class a row. */
    if (order->label_count) return order->labels[k * order->label_count / order->count];
    /* No class given: the seed picks one, so that image k of a batch still equals the single run of its seed.
     */
    return model->shape.classes ? (int32_t)(rf__order_seed(order, k) % (uint64_t)model->shape.classes) : -1;
}

void rf__order_describe(const rf_order *order, const rf_model *model, int64_t k, rf_job_spec *spec) {
    int32_t label = rf__order_label(order, model, k);
    if (label >= 0) spec->cond.label = label;
    spec->solver = order->solver;
    spec->policy = order->policy;
    spec->solver_options = &order->solver_options;
    spec->setup.options = &order->policy_options;
    spec->setup.profile = order->profile;
    if (order->policy->internal && order->asked) spec->setup.recorded = rf__order_asked(order, k);
    spec->guidance = order->guide;
    spec->guidance_opts = order->guidance;
    spec->times = order->grid.t;
    spec->steps = order->grid.steps;
    spec->blocks = order->blocks.runs ? &order->blocks : NULL;
    if (order->stages) rf__stage_set_describe(order->stages, spec);
    spec->seed = rf__order_seed(order, k);
    if (!order->latents.count) return;
    int64_t n = rf__model_scalars(model);
    const char *made = json_string_value(json_object_get(order->latents.facts, "sampling_method"));
    spec->init = order->latents.x + k * n;
    if (order->latents.carry && order->solver->undoes && made && !strcmp(made, order->solver->name)) spec->carry = order->latents.carry + k * n;
}

char *rf__order_asked(const rf_order *order, int64_t k) {
    return order->asked ? order->asked + (size_t)k * ((size_t)order->grid.steps + 1) : NULL;
}

int64_t rf__order_answers(const rf_order *order) {
    if (order->stages) return order->count * rf__stage_set_answers(order->stages);
    return order->count * rf__solver_calls(order->solver, &order->blocks, order->grid.steps);
}
