/* job_spec.c - what a job is to do: completed, checked before anything is allocated, and announced to the field that will answer it. */
#include "../base/memory.h"
#include "schedule.h"
#include "trajectory.h"

void rf__job_complete(rf_job_spec *spec) {
    if (!spec->guidance) spec->guidance = &rf__guidance_none;
    if (!spec->windows && spec->field) spec->windows = spec->field->windows;
    if (!spec->policy) spec->policy = &rf__policy_none;
}

static rf_status check_blocks(const rf_job_spec *spec) {
    const rf_field *refiner = spec->refiner;
    if (!spec->blocks) return RF_OK;
    if (!spec->solver->blocks)
        return rf__fail(RF_EINVAL, "blocks are given, and solver '%s' does not walk them", spec->solver->name);
    if (refiner && refiner->from_start && rf__blocks_calls(spec->blocks, 0, spec->steps, false).refiner > 0)
        return rf__fail(RF_EINVAL, "blocks ask a refiner, and the one given corrects the velocity at t = 0 alone; expected solver caf with it, or one of "
                                   "FlowTurbo's");
    return rf__blocks_check(spec->blocks, spec->times, spec->steps, refiner != NULL, refiner ? refiner->gap_least : 0, refiner ? refiner->gap_most : 0);
}

/* Outside the guidance interval a refiner that knows guided velocities is told scale 1. */
static rf_status check_scale(const rf_job_spec *spec) {
    const rf_field *refiner = spec->refiner;
    bool blocks = spec->blocks && rf__blocks_calls(spec->blocks, 0, spec->steps, false).refiner > 0;
    if (!refiner || !refiner->guided || refiner->scale_most <= 0) return RF_OK;
    if (!blocks && !spec->solver->corrects && !spec->policy->refines) return RF_OK; /* at hand, and nobody asks it */
    bool none = spec->guidance == &rf__guidance_none;
    double scale = none ? 1 : spec->guidance_opts.scale, slack = 1e-6;
    if (scale >= refiner->scale_least - slack && scale <= refiner->scale_most + slack) return RF_OK;
    return rf__fail(RF_EINVAL, "guidance scale is %g, and the refiner was trained for %g .. %g", scale, refiner->scale_least, refiner->scale_most);
}

static rf_status check_stages(const rf_job_spec *spec) {
    if (!spec->stage_count) return RF_OK;
    if (spec->windows || spec->field->windows)
        return rf__fail(RF_EINVAL, "stages are given, and the first one's model is straight in windows only, expected one that is everywhere");
    if (spec->policy != &rf__policy_none) return rf__fail(RF_EINVAL, "stages are given with policy '%s', expected none", spec->policy->name);
    if (spec->guidance->remembers || spec->guidance_opts.target)
        return rf__fail(RF_EINVAL, "stages are given with guidance '%s' towards an end point, which has one size, expected cfg or none", spec->guidance->name);
    return rf__stages_check(spec->stages, spec->stage_count, spec->times[spec->steps], spec->field->scalars);
}

static rf_status check(const rf_job_spec *spec) {
    if (!spec->field || !spec->solver || !spec->times)
        return rf__fail(RF_EINVAL, "a job needs a field, a solver and a grid");
    if (spec->refiner && spec->refiner->scalars != spec->field->scalars)
        return rf__fail(RF_EMISMATCH, "refiner has %lld scalars a row, the network %lld",
                        (long long)spec->refiner->scalars, (long long)spec->field->scalars);
    RF_TRY(rf__grid_check(spec->times, spec->steps));
    RF_TRY(check_blocks(spec));
    RF_TRY(check_scale(spec));
    RF_TRY(check_stages(spec));
    if (!spec->mask != !spec->follow) return rf__fail(RF_EINVAL, "a job has a mask or a walk to follow, expected both or none");
    if (spec->stage_count && (spec->mask || spec->track || spec->init))
        return rf__fail(RF_EINVAL, "a walk through stages is given a start or a mask, expected one that begins with noise");
    if ((spec->mask || spec->track) && spec->solver->adaptive)
        return rf__fail(RF_EINVAL, "solver '%s' chooses its own steps, expected one that stops at the grid's points", spec->solver->name);
    if (spec->windows && spec->solver->adaptive)
        return rf__fail(RF_EINVAL, "solver '%s' chooses its own steps, expected one that stops where the model's windows end",
                        spec->solver->name);
    if (spec->windows && spec->solver->undoes) /* what it would need at an edge is the velocity before it */
        return rf__fail(RF_EINVAL, "solver '%s' undoes itself along one velocity, and the model is straight in windows, expected another solver", spec->solver->name);
    if (spec->windows) RF_TRY(rf__windows_check(spec->windows, spec->times, spec->steps));
    if (spec->solver->corrects && (!spec->refiner || spec->policy != &rf__policy_none))
        return rf__fail(RF_EINVAL, "solver '%s' needs its second network as the refiner, and no policy that skips", spec->solver->name);
    if (spec->solver->corrects && !spec->refiner->from_start)
        return rf__fail(RF_EINVAL, "solver '%s' needs its second network as the refiner, one that corrects the velocity at t = 0; the one given refines "
                                   "velocities of the steps before", spec->solver->name);
    if (spec->carry && !spec->solver->carries)
        return rf__fail(RF_EINVAL, "a velocity to start from is given, and solver '%s' carries none", spec->solver->name);
    if (spec->policy->check) RF_TRY(spec->policy->check(spec->policy, &spec->setup, spec->solver, spec->times, spec->steps));
    if (spec->guidance->check) RF_TRY(spec->guidance->check(&spec->guidance_opts));
    bool wants_null = rf__guidance_max_rows(spec->guidance, &spec->guidance_opts) > 1;
    if (wants_null && spec->field->null_label < 0)
        return rf__fail(RF_EINVAL, "guidance '%s' needs a network with classes, and this one has none",
                        spec->guidance->name);
    return RF_OK;
}

rf_status rf__job_check(const rf_job_spec *spec) {
    rf_job_spec whole = *spec;
    rf__job_complete(&whole);
    return check(&whole);
}

rf_cond rf__job_cond(const rf_job_spec *spec, const rf_field *field, rf_row row) {
    rf_cond cond = spec->cond;
    if (row == RF_ROW_SOURCE) cond.label = spec->guidance_opts.source_label;
    if (row == RF_ROW_NULL || row == RF_ROW_SOURCE_NULL) cond.label = field->null_label;
    return cond;
}

/* The rows of every point of the grid but the last, where most solvers do not ask; returns how many. */
static int64_t list_rows(const rf_job_spec *spec, float *t, rf_cond *cond) {
    int64_t count = 0;
    for (int i = 0; i < spec->steps; i++) {
        rf_row rows[RF_MAX_GUIDANCE_ROWS];
        const int n = spec->guidance->rows(&spec->guidance_opts, NULL, spec->times[i], rows);
        for (int k = 0; k < n; k++, count++) {
            t[count] = (float)spec->times[i];
            cond[count] = rf__job_cond(spec, spec->field, rows[k]);
        }
    }
    return count;
}

rf_status rf__job_announce(const rf_job_spec *spec) {
    const rf_field *field = spec->field;
    if (!field->prepare || spec->solver->adaptive) return RF_OK;
    const size_t most = (size_t)spec->steps * RF_MAX_GUIDANCE_ROWS;
    float *t = rf__alloc_array(most, sizeof *t);
    rf_cond *cond = rf__alloc_array(most, sizeof *cond);
    rf_status status = t && cond ? RF_OK : rf__fail(RF_ENOMEM, "no memory to announce a grid of %d steps", spec->steps);
    if (status == RF_OK) status = field->prepare(field->network, list_rows(spec, t, cond), t, cond);
    rf__free(t);
    rf__free(cond);
    return status;
}
