/* trajectory.c - a job between its solver, its policy and its guidance. */
#include "trajectory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "schedule.h"

void rf__counters_add(rf_counters *sum, const rf_counters *one) {
    sum->nfe_full += one->nfe_full;
    sum->nfe_refine += one->nfe_refine;
    sum->extrapolated += one->extrapolated;
    sum->rows_full += one->rows_full;
    sum->rows_refine += one->rows_refine;
}

rf_status rf__trajectory_create(rf_trajectory **out, const rf_job_spec *spec) {
    *out = NULL;
    rf_trajectory *trajectory = rf__alloc(sizeof *trajectory);
    if (!trajectory) return rf__fail(RF_ENOMEM, "no memory for a job");
    trajectory->spec = *spec;
    rf__job_complete(&trajectory->spec);
    rf_status status = rf__job_check(spec);
    if (status == RF_OK) {
        trajectory->times = rf__alloc_array((size_t)spec->steps + 1, sizeof *trajectory->times);
        trajectory->asked = rf__alloc((size_t)spec->steps + 1);
        if (!trajectory->times || !trajectory->asked) status = rf__fail(RF_ENOMEM, "no memory for a grid of %d steps", spec->steps);
    }
    if (status != RF_OK) {
        rf__trajectory_free(&trajectory);
        return status;
    }
    if (spec->solver_options) trajectory->solver_options = *spec->solver_options;
    if (spec->blocks) trajectory->blocks = *spec->blocks;
    if (spec->setup.options) {
        trajectory->policy_options = *spec->setup.options;
        trajectory->spec.setup.options = &trajectory->policy_options;
    }
    memcpy(trajectory->times, spec->times, ((size_t)spec->steps + 1) * sizeof *spec->times);
    trajectory->spec.times = trajectory->times;
    trajectory->job = (rf_job){.solver = spec->solver,
                               .options = spec->solver_options ? &trajectory->solver_options : NULL,
                               .scalars = spec->field->scalars,
                               .grid = trajectory->times,
                               .steps = spec->steps,
                               .blocks = spec->blocks ? &trajectory->blocks : NULL};
    *out = trajectory;
    return RF_OK;
}

void rf__trajectory_free(rf_trajectory **trajectory) {
    rf_trajectory *dead = *trajectory;
    if (!dead) return;
    if (dead->policy_state && dead->spec.policy->end) dead->spec.policy->end(dead->policy_state, &dead->job);
    rf__free(dead->policy_state);
    rf__free(dead->times);
    rf__free(dead->asked);
    rf__free(dead->memory);
    rf__free(dead);
    *trajectory = NULL;
}

/* One block: x | combined velocity | guidance | solver buffers | history, each starting on a cache line. */
static rf_status allocate(rf_trajectory *trajectory) {
    const rf_job_spec *spec = &trajectory->spec;
    bool history = spec->solver->history || spec->policy->history;
    if (spec->refiner) history = true;
    int vectors = 2 + spec->guidance->remembers + spec->solver->buffers + (history ? RF_HISTORY : 0);
    size_t stride = ((size_t)spec->field->scalars + 15) / 16 * 16;
    trajectory->memory = rf__alloc_array(stride * (size_t)vectors, sizeof *trajectory->memory);
    if (!trajectory->memory)
        return rf__fail(RF_ENOMEM, "no memory for the state of a job: %d vectors of %lld scalars", vectors,
                        (long long)spec->field->scalars);
    float *at = trajectory->memory;
    rf_job *job = &trajectory->job;
    job->x = at;
    trajectory->velocity = at += stride;
    if (spec->guidance->remembers) trajectory->guide.target = at += stride;
    for (int i = 0; i < spec->solver->buffers; i++) job->buffer[i] = at += stride;
    for (int i = 0; history && i < RF_HISTORY; i++) job->history.v[i] = at += stride;
    return RF_OK;
}

/* The state is kept only once begin has succeeded, so that `end` is owed exactly when there is one. */
static rf_status begin_policy(rf_trajectory *trajectory) {
    const rf_policy *policy = trajectory->spec.policy;
    void *state = rf__alloc(policy->state_size ? policy->state_size : 1);
    if (!state) return rf__fail(RF_ENOMEM, "no memory for the state of policy '%s'", policy->name);
    rf_status status = policy->begin ? policy->begin(state, &trajectory->spec.setup, &trajectory->job) : RF_OK;
    if (status == RF_OK) trajectory->policy_state = state;
    else rf__free(state);
    return status;
}

/* Position `position` of the walk as a row of track and follow. */
static int64_t row_of(const rf_job *job, int position) {
    bool rising = job->grid[job->steps] > job->grid[0];
    return rising ? position : job->steps - position;
}

static void keep_track(rf_trajectory *trajectory) {
    const rf_job *job = &trajectory->job;
    float *track = trajectory->spec.track;
    if (track) memcpy(track + row_of(job, job->position) * job->scalars, job->x, (size_t)job->scalars * sizeof *track);
}

static rf_status start(rf_trajectory *trajectory) {
    const rf_job_spec *spec = &trajectory->spec;
    RF_TRY(allocate(trajectory));
    rf_job *job = &trajectory->job;
    if (spec->init)
        memcpy(job->x, spec->init, (size_t)job->scalars * sizeof *job->x);
    else
        rf__rng_normal_sample(spec->seed, RF_STREAM_NOISE, 0, job->scalars, job->x);
    rf__job_begin(job);
    if (spec->carry) {
        memcpy(job->buffer[0], spec->carry, (size_t)job->scalars * sizeof *spec->carry);
        job->carried = true;
    }
    RF_TRY(begin_policy(trajectory));
    trajectory->status = RF_JOB_ACTIVE;
    keep_track(trajectory);
    return RF_OK;
}

static void fail(rf_trajectory *trajectory, rf_status failure) {
    trajectory->status = RF_JOB_FAILED;
    trajectory->failure = failure;
    snprintf(trajectory->sentence, sizeof trajectory->sentence, "%s", rf_last_error());
}

rf_status rf__trajectory_start(rf_trajectory *trajectory) {
    rf_status status = start(trajectory);
    if (status != RF_OK) fail(trajectory, status);
    return status;
}

static rf_kind choose(rf_trajectory *trajectory) {
    const rf_step_view view = {&trajectory->job, &trajectory->ask};
    rf_kind kind = trajectory->spec.policy->choose(trajectory->policy_state, &view);
    if (kind == RF_KIND_FULL && trajectory->ask.refine) kind = RF_KIND_REFINE;
    bool can_refine = trajectory->spec.refiner && trajectory->job.history.count > 0; /* it corrects a velocity that is known */
    if (kind == RF_KIND_REFINE && can_refine && !trajectory->ask.refine) { /* not checked before the walk: a policy may skip and lengthen the gap */
        const rf_field *refiner = trajectory->spec.refiner;
        double gap = fabs(trajectory->ask.t - trajectory->job.history.t[0]), slack = 1e-9;
        can_refine = !refiner->from_start && (refiner->gap_most <= 0 || (gap >= refiner->gap_least - slack && gap <= refiner->gap_most + slack));
    }
    if (kind == RF_KIND_REFINE && !can_refine) return RF_KIND_FULL;
    if (kind == RF_KIND_EXTRAPOLATE && trajectory->job.history.count < 2) return RF_KIND_FULL;
    return kind;
}

/* Into the next stage, with memory of its size; velocity: at job.x, NULL at t = 1. */
static rf_status enter(rf_trajectory *trajectory, float *velocity) {
    rf_job *job = &trajectory->job, old = *job;
    rf_job_spec *spec = &trajectory->spec;
    const rf_stage *stage = &spec->stages[trajectory->stage];
    float *memory = trajectory->memory;
    spec->field = stage->field;
    spec->refiner = stage->refiner;
    spec->solver = rf__solver_find("blocks");
    spec->times = stage->times;
    spec->steps = stage->steps;
    spec->blocks = stage->blocks;
    *job = (rf_job){.solver = spec->solver, .scalars = spec->field->scalars, .grid = spec->times, .steps = spec->steps, .blocks = spec->blocks};
    rf_status status = allocate(trajectory);
    if (status == RF_OK) {
        rf__stage_enter(stage, ++trajectory->stage, spec->seed, old.t, old.x, velocity, trajectory->velocity, job->x);
        rf__job_begin(job);
        job->calls = old.calls;
    }
    rf__free(memory);
    return status;
}

/* Out of a walk that is over: a look at the clean picture is asked for, or the next stage entered, or there is none. */
static void leave(rf_trajectory *trajectory) {
    const rf_job *job = &trajectory->job;
    bool last = trajectory->stage == trajectory->spec.stage_count;
    if (last) {
        trajectory->status = RF_JOB_DONE;
    } else if (job->t < 1) {
        trajectory->leaving = true;
        trajectory->ask = (rf_request){job->x, job->t, true, false};
    } else {
        rf_status status = enter(trajectory, NULL);
        if (status != RF_OK) fail(trajectory, status);
    }
}

/* An edge belongs to the window after it. A question at the later end of a step that lies before it is meant for the window of that step: the end of a
 * second-order step, and the beginning of any step of a walk towards noise. */
static void stay_in_window(rf_trajectory *trajectory) {
    const rf_job *job = &trajectory->job;
    const rf_windows *windows = trajectory->spec.windows;
    if (!windows) return;
    const double later = fmax(job->grid[job->position], job->grid[job->position + 1]);
    if (rf__windows_edge(windows, later) && trajectory->ask.t >= later - RF_WINDOW_SLACK) trajectory->ask.t = later - 2 * RF_WINDOW_SLACK;
}

/* The next question into `ask`; false: not yet, because the walk at hand is over. */
static bool next_question(rf_trajectory *trajectory) {
    rf_job *job = &trajectory->job;
    if (trajectory->leaving) return true;
    if (job->solver->next(job, &trajectory->ask)) {
        stay_in_window(trajectory);
        return true;
    }
    leave(trajectory);
    return trajectory->leaving;
}

static bool all_finite(const float *v, int64_t n) {
    /* A NaN or an infinity times zero is NaN, and NaN survives the sum: one branch for the whole row. */
    float sum = 0;
    for (int64_t i = 0; i < n; i++) sum += v[i] * 0.0f;
    return sum == 0;
}

/* Where the mask says so the velocity is the one that leads to the followed walk at the end of the step. It is the same for every stage of
 * a step, so whatever the solver makes of its stages the step ends there; a solver's memory stays valid. (One that reuses the velocity of an
 * earlier step ends as near as its order allows: land.) */
static void stay(const rf_trajectory *trajectory, float *v) {
    const rf_job *job = &trajectory->job;
    const float *mask = trajectory->spec.mask;
    if (!mask) return;
    const float *to = trajectory->spec.follow + row_of(job, job->position + 1) * job->scalars;
    float rate = (float)(1 / rf__job_step(job));
    for (int64_t i = 0; i < job->scalars; i++)
        if (mask[i] != 1) v[i] = mask[i] * v[i] + (1 - mask[i]) * ((to[i] - job->x[i]) * rate);
}

/* Arrived: what is followed alone is where it should be, whatever the solver remembers of the steps before. */
static void land(rf_trajectory *trajectory) {
    rf_job *job = &trajectory->job;
    const float *mask = trajectory->spec.mask;
    if (!mask) return;
    const float *to = trajectory->spec.follow + row_of(job, job->position) * job->scalars;
    for (int64_t i = 0; i < job->scalars; i++)
        if (mask[i] == 0) job->x[i] = to[i];
}

/* Everybody who wants to know the velocity hears of it, the solver last. */
static void take(rf_trajectory *trajectory, float *v) {
    rf_job *job = &trajectory->job;
    trajectory->row_count = 0;
    stay(trajectory, v);
    if (!all_finite(v, job->scalars)) {
        fail(trajectory,
             rf__fail(RF_ENUMERIC, "velocity of seed %llu at t = %g (step %d of %d) is not a finite number",
                      (unsigned long long)trajectory->spec.seed, trajectory->ask.t, job->position + 1,
                      job->steps));
        return;
    }
    if (trajectory->leaving) {
        trajectory->leaving = false;
        job->calls++;
        rf_status status = enter(trajectory, trajectory->velocity);
        if (status != RF_OK) fail(trajectory, status);
        return;
    }
    const rf_step_view view = {job, &trajectory->ask};
    const rf_policy *policy = trajectory->spec.policy;
    if (policy->observe) policy->observe(trajectory->policy_state, &view, trajectory->kind, v);
    if (trajectory->kind != RF_KIND_EXTRAPOLATE) rf__job_remember(job, trajectory->ask.t, v);
    int position = job->position;
    job->solver->accept(job, v);
    if (job->failure != RF_OK) fail(trajectory, job->failure);
    bool arrived = job->position != position;
    if (arrived) land(trajectory);
    if (arrived) keep_track(trajectory);
    if (arrived && trajectory->spec.windows && rf__windows_edge(trajectory->spec.windows, job->t)) rf__job_invalidate(job);
}

void rf__trajectory_invalidate(rf_trajectory *trajectory) {
    trajectory->row_count = 0;
    trajectory->guide.known = false;
    if (trajectory->status == RF_JOB_ACTIVE) rf__job_invalidate(&trajectory->job);
}

/* A refiner that knows guided velocities answers for both rows at once. */
static const rf_guidance *guidance_of(const rf_trajectory *trajectory) {
    const rf_job_spec *spec = &trajectory->spec;
    bool one = trajectory->kind == RF_KIND_REFINE && spec->refiner->guided;
    return one ? &rf__guidance_none : spec->guidance;
}

bool rf__trajectory_ask(rf_trajectory *trajectory) {
    rf_job *job = &trajectory->job;
    const rf_job_spec *spec = &trajectory->spec;
    while (trajectory->status == RF_JOB_ACTIVE && trajectory->row_count == 0) {
        if (!next_question(trajectory)) continue;
        trajectory->kind = trajectory->leaving ? RF_KIND_FULL : choose(trajectory);
        if (trajectory->stage == 0 && !trajectory->leaving) trajectory->asked[job->position] = RF_LETTERS[trajectory->kind];
        if (trajectory->kind == RF_KIND_EXTRAPOLATE) {
            rf__extrapolate(job, trajectory->ask.t, spec->policy->hold, trajectory->velocity);
            trajectory->counters.extrapolated++;
            take(trajectory, trajectory->velocity);
        } else {
            const rf_guidance *guidance = guidance_of(trajectory);
            trajectory->hook = spec->replay && trajectory->kind == RF_KIND_FULL ? rf__replay_at(spec->replay, job, &trajectory->ask) : NULL;
            trajectory->row_count = guidance->rows(&spec->guidance_opts, &trajectory->guide, trajectory->ask.t, trajectory->rows);
        }
    }
    return trajectory->status == RF_JOB_ACTIVE;
}

int64_t rf__trajectory_left(const rf_trajectory *trajectory) {
    const rf_job_spec *spec = &trajectory->spec;
    const rf_solver *solver = spec->solver;
    int64_t steps = spec->steps - trajectory->job.position, left = steps * solver->calls_per_step - trajectory->job.stage;
    if (solver->left) left = solver->left(&trajectory->job);
    else if (steps > 0 && (solver->extra_calls < 0 || !trajectory->job.carried)) left += solver->extra_calls; /* one fewer at the end, or one more to begin with */
    if (trajectory->stage < spec->stage_count)
        left += (spec->times[spec->steps] < 1) + rf__stages_calls(spec->stages, trajectory->stage, spec->stage_count);
    return left > 0 ? left : 0;
}

const rf_field *rf__trajectory_field(const rf_trajectory *trajectory) {
    return trajectory->kind == RF_KIND_REFINE ? trajectory->spec.refiner : trajectory->spec.field;
}

void rf__trajectory_place(const rf_trajectory *trajectory, int row, float *out) {
    const rf_guidance *guidance = guidance_of(trajectory);
    const rf_job_spec *spec = &trajectory->spec;
    const rf_request *ask = &trajectory->ask;
    int64_t n = trajectory->job.scalars;
    if (guidance->place) guidance->place(&spec->guidance_opts, trajectory->rows[row], n, ask->x, ask->t, out);
    else memcpy(out, ask->x, (size_t)n * sizeof *out);
}

rf_cond rf__trajectory_cond(const rf_trajectory *trajectory, int row) {
    rf_row kind = trajectory->rows[row];
    rf_cond cond = rf__job_cond(&trajectory->spec, rf__trajectory_field(trajectory), kind);
    if (kind == RF_ROW_COND) cond.hook = trajectory->hook;
    if (trajectory->kind == RF_KIND_REFINE) {
        const rf_guidance_opts *opts = &trajectory->spec.guidance_opts;
        const rf_history *history = &trajectory->job.history;
        bool guided = trajectory->spec.guidance != &rf__guidance_none && rf__guidance_inside(opts, trajectory->ask.t);
        cond.before = trajectory->ask.before ? trajectory->ask.before : history->v[0];
        cond.gap = (float)fabs(trajectory->ask.t - history->t[0]);
        cond.scale = guided ? (float)opts->scale : 1;
    }
    return cond;
}

void rf__trajectory_answer(rf_trajectory *trajectory, const float *const *answers) {
    const rf_job_spec *spec = &trajectory->spec;
    rf_counters *counters = &trajectory->counters;
    bool refine = trajectory->kind == RF_KIND_REFINE;
    *(refine ? &counters->nfe_refine : &counters->nfe_full) += 1;
    *(refine ? &counters->rows_refine : &counters->rows_full) += trajectory->row_count;
    guidance_of(trajectory)->combine(&spec->guidance_opts, &trajectory->guide, trajectory->job.scalars, trajectory->ask.x,
                            trajectory->ask.t, trajectory->row_count, answers, trajectory->velocity);
    take(trajectory, trajectory->velocity);
}
