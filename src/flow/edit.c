/* edit.c - the passes of an edit as jobs; what differs between methods is in edit_strategies.c. */
#include "edit.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "schedule.h"

rf_edit_opts rf__edit_defaults(void) {
    return (rf_edit_opts){.source_scale = 1, .target_scale = 1, .gamma = 0.5, .eta = 0.9, .stop = 0.25, .source_label = -1, .target_label = -1,
                          .rule = {.keep = {1, 1, 0}, .mix = {0, 0, 1}}, .last_block = -1, .memory = (size_t)256 << 20};
}

static const rf_solver *solver_of(const rf_edit_opts *opts) {
    return opts->solver ? opts->solver : rf__solver_find(opts->strategy->solver);
}

static double strength_of(const rf_edit_opts *opts) { return opts->strength > 0 ? opts->strength : opts->strategy->strength; }

static rf_status check_inject(const rf_edit_opts *opts) {
    if (opts->inject < 0 || opts->inject > opts->steps)
        return rf__fail(RF_EINVAL, "inject is %d, expected 0 .. %d, the steps", opts->inject, opts->steps);
    if (opts->inject && !opts->strategy->inverts)
        return rf__fail(RF_EINVAL, "inject is %d and strategy '%s' does not invert, expected 0: there is nothing to hand over", opts->inject,
                        opts->strategy->name);
    if (opts->first_block < 0 || (opts->last_block >= 0 && opts->last_block < opts->first_block))
        return rf__fail(RF_EINVAL, "blocks are %d to %d, expected a first and a last from 0 on", opts->first_block, opts->last_block);
    return RF_OK;
}

static rf_status check(const rf_edit_opts *opts, const rf_field *field) {
    RF_TRY(rf__grid_check(opts->times, opts->steps));
    if (opts->times[0] != 0 || opts->times[opts->steps] != 1)
        return rf__fail(RF_EINVAL, "times run from %g to %g, expected from 0 (noise) to 1 (data)", opts->times[0], opts->times[opts->steps]);
    if (!(opts->strength >= 0 && opts->strength <= 1)) return rf__fail(RF_EINVAL, "strength is %g, expected 0 .. 1", opts->strength);
    if (!(opts->gamma >= 0 && opts->gamma <= 1 && opts->eta >= 0 && opts->eta <= 1 && opts->stop >= 0 && opts->stop <= 1))
        return rf__fail(RF_EINVAL, "gamma, eta, stop are %g, %g, %g, expected 0 .. 1 each", opts->gamma, opts->eta, opts->stop);
    if (solver_of(opts)->adaptive)
        return rf__fail(RF_EINVAL, "solver '%s' chooses its own steps, expected one that walks the same grid both ways", solver_of(opts)->name);
    if (!rf__solver_turns(solver_of(opts)))
        return rf__fail(RF_EINVAL, "solver '%s' does not walk along one velocity, expected one that can turn round", solver_of(opts)->name);
    RF_TRY(check_inject(opts));
    for (int64_t i = 0; opts->mask && i < field->scalars; i++)
        if (!(opts->mask[i] >= 0 && opts->mask[i] <= 1)) return rf__fail(RF_EINVAL, "mask has %g, expected 0 .. 1", (double)opts->mask[i]);
    return RF_OK;
}

/* The grid over the part that is walked. The way back has the same numbers, element by element. */
static rf_status make_grids(rf_edit *edit) {
    int steps = edit->opts.steps;
    double first = 1 - strength_of(&edit->opts);
    edit->times = rf__alloc_array((size_t)steps + 1, sizeof *edit->times);
    edit->back = rf__alloc_array((size_t)steps + 1, sizeof *edit->back);
    if (!edit->times || !edit->back) return rf__fail(RF_ENOMEM, "no memory for a grid of %d steps", steps);
    for (int i = 0; i <= steps; i++) edit->times[i] = i == steps ? 1 : first + (1 - first) * edit->opts.times[i];
    for (int i = 0; i <= steps; i++) edit->back[i] = edit->times[steps - i];
    edit->opts.times = edit->times;
    return RF_OK;
}

static rf_status make_room(rf_edit *edit) {
    size_t n = (size_t)edit->field->scalars, rows = (size_t)edit->opts.steps + 1;
    float **vectors[] = {&edit->source, &edit->latent, &edit->carry, &edit->noise, &edit->made[RF_EDIT_RECONSTRUCT], &edit->made[RF_EDIT_SAMPLE]};
    bool complete = true;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) complete &= (*vectors[i] = rf__alloc_array(n, sizeof(float))) != NULL;
    if (edit->opts.mask) complete &= (edit->track = rf__alloc_array(n * rows, sizeof(float))) != NULL;
    edit->made[RF_EDIT_INVERT] = edit->latent;
    return complete ? RF_OK : rf__fail(RF_ENOMEM, "no memory for an edit of %zu scalars and %zu states", n, rows);
}

/* The inversion records, the second pass injects; the reconstruction shows what inversion alone costs and does neither. */
static rf_status make_replay(rf_edit *edit) {
    const rf_edit_opts *o = &edit->opts;
    RF_TRY(rf__feature_store_create(&edit->store, o->memory, o->disk));
    const rf_replay replay = {.store = edit->store, .inject = o->inject, .first_block = o->first_block, .last_block = o->last_block, .rule = o->rule};
    edit->replay[RF_EDIT_INVERT] = edit->replay[RF_EDIT_SAMPLE] = replay;
    edit->replay[RF_EDIT_INVERT].record = true;
    return RF_OK;
}

rf_status rf__edit_create(rf_edit **out, const rf_edit_opts *opts, const rf_field *field, const float *source) {
    *out = NULL;
    RF_TRY(check(opts, field));
    rf_edit *edit = rf__alloc(sizeof *edit);
    if (!edit) return rf__fail(RF_ENOMEM, "no memory for an edit");
    edit->opts = *opts;
    edit->opts.solver = solver_of(opts);
    edit->field = field;
    rf_status status = make_grids(edit);
    if (status == RF_OK) status = make_room(edit);
    if (status == RF_OK && opts->inject) status = make_replay(edit);
    if (status != RF_OK) {
        rf__edit_free(&edit);
        return status;
    }
    memcpy(edit->source, source, (size_t)field->scalars * sizeof *source);
    for (int row = 0; edit->track && opts->strategy->state && row <= opts->steps; row++)
        opts->strategy->state(edit, row, edit->track + row * field->scalars);
    *out = edit;
    return RF_OK;
}

void rf__edit_free(rf_edit **edit) {
    rf_edit *dead = *edit;
    if (!dead) return;
    rf__feature_store_free(&dead->store);
    rf__free(dead->times);
    rf__free(dead->back);
    float *vectors[] = {dead->source, dead->latent, dead->carry, dead->noise, dead->track, dead->made[RF_EDIT_RECONSTRUCT], dead->made[RF_EDIT_SAMPLE]};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) rf__free(vectors[i]);
    rf__free(dead);
    *edit = NULL;
}

bool rf__edit_has(const rf_edit *edit, rf_edit_pass pass) { return pass == RF_EDIT_SAMPLE || edit->opts.strategy->inverts; }

bool rf__edit_ready(const rf_edit *edit, rf_edit_pass pass) {
    return pass == RF_EDIT_INVERT || !edit->opts.strategy->inverts || edit->inverted;
}

void rf__edit_describe(rf_edit *edit, rf_edit_pass pass, rf_job_spec *spec) {
    const rf_edit_opts *o = &edit->opts;
    bool edits = pass == RF_EDIT_SAMPLE;
    spec->field = edit->field;
    spec->solver = o->solver;
    spec->steps = o->steps;
    spec->times = pass == RF_EDIT_INVERT ? edit->back : edit->times;
    spec->cond.label = edits ? o->target_label : o->source_label;
    spec->guidance = rf__guidance_find(edit->field->null_label < 0 ? "none" : "cfg");
    spec->guidance_opts = rf__guidance_defaults();
    spec->guidance_opts.scale = edit->field->null_label < 0 ? 1 : edits ? o->target_scale : o->source_scale;
    spec->seed = o->seed;
    if (edit->replay[pass].store) spec->replay = &edit->replay[pass];
    spec->init = pass == RF_EDIT_INVERT ? edit->source : edit->latent;
    if (pass == RF_EDIT_INVERT) spec->track = edit->track;
    else if (edit->carried) spec->carry = edit->carry;
    if (edits && o->mask) spec->follow = edit->track, spec->mask = o->mask;
    void (*change)(rf_edit *, rf_job_spec *) = pass == RF_EDIT_INVERT ? o->strategy->invert : o->strategy->sample;
    if (change) change(edit, spec);
}

rf_status rf__edit_take(rf_edit *edit, rf_edit_pass pass, const rf_trajectory *trajectory) {
    if (trajectory->status != RF_JOB_DONE) return rf__fail(trajectory->failure, "%s", trajectory->sentence);
    size_t bytes = (size_t)edit->field->scalars * sizeof(float);
    const rf_job *job = &trajectory->job;
    memcpy(edit->made[pass], job->x, bytes);
    edit->counters[pass] = trajectory->counters;
    if (pass == RF_EDIT_SAMPLE && edit->store) {
        edit->features = rf__feature_store_stats(edit->store);
        rf__feature_store_free(&edit->store);
    }
    if (pass == RF_EDIT_INVERT) {
        edit->inverted = true;
        edit->carried = job->solver->undoes && job->carried;
        if (edit->carried) memcpy(edit->carry, job->buffer[0], bytes);
    }
    /* What the mask protects is the source itself, without the rounding of the walk. */
    for (int64_t i = 0; pass == RF_EDIT_SAMPLE && edit->opts.mask && i < edit->field->scalars; i++)
        if (edit->opts.mask[i] == 0) edit->made[pass][i] = edit->source[i];
    return RF_OK;
}

const float *rf__edit_result(const rf_edit *edit, rf_edit_pass pass) { return edit->made[pass]; }

int64_t rf__edit_rows(const rf_edit *edit) { return edit->counters[RF_EDIT_INVERT].rows_full + edit->counters[RF_EDIT_SAMPLE].rows_full; }

rf_feature_stats rf__edit_features(const rf_edit *edit) { return edit->features; }
