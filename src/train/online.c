/* online.c - see online.h. */
#include "online.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"

/* ---- opening ---- */

static rf_status open_teacher(rf_online *o, rf_dtype dtype) {
    const char *name = o->how.model;
    if (strcmp(name, "exact") == 0) {
        o->exact = (rf_exact_source){o->plan->pair.data, o->pool};
        rf_status status = rf__source_exact_field(&o->teacher_field, &o->exact);
        return status == RF_OK ? status : rf__fail_in(status, "teacher.model is exact: ");
    }
    RF_TRY(rf__model_open(&o->teacher, name));
    const rf_model_shape *t = &o->teacher->shape, *s = &o->student->shape;
    if (t->height != s->height || t->width != s->width || t->channels != s->channels || t->classes != s->classes)
        return rf__fail(RF_EMISMATCH, "teacher.model: %s makes %dx%dx%d with %d classes, the student %dx%dx%d with %d, expected the same", name,
                        t->height, t->width, t->channels, t->classes, s->height, s->width, s->channels, s->classes);
    RF_TRY(rf__model_field_open(&o->teacher_network, o->teacher, dtype, o->pool, o->how.rows));
    o->teacher_field = rf__model_field_view(o->teacher_network);
    return RF_OK;
}

static rf_status edges_by_curvature(rf_online *o) {
    enum { ROWS = 64, FINE = 64 };
    int64_t n = o->scalars;
    float *starts = rf__alloc_array((size_t)(ROWS * n), sizeof *starts);
    rf_cond cond[ROWS];
    if (!starts) return rf__fail(RF_ENOMEM, "windows.edges: no memory for %d starts", ROWS);
    int null = o->teacher_field.null_label;
    for (int r = 0; r < ROWS; r++) {
        rf__rng_normal_sample(~o->seed, RF_STREAM_NOISE, (uint64_t)r, n, starts + r * n); /* noise that the training does not see */
        cond[r] = (rf_cond){.label = null > 0 ? r % null : null};
    }
    rf_status status = rf__windows_by_curvature(&o->student->windows, (int)o->windows_how.count, &o->teacher_field, starts, cond, ROWS, FINE);
    rf__free(starts);
    return status;
}

/* Edges, what is predicted, and where the windows start: on our line, or on the schedule that noise predictions are defined by. */
static rf_status open_windows(rf_online *o) {
    enum { TRAINED = 1000 };
    rf_windows *windows = &o->student->windows;
    int count = (int)o->windows_how.count;
    if (count == 0) return RF_OK;
    if (o->windows_how.edges == RF_EDGES_CURVATURE) RF_TRY(edges_by_curvature(o));
    else RF_TRY(rf__windows_uniform(windows, count));
    double alpha_bar[TRAINED];
    rf__alpha_bar_scaled_linear(alpha_bar, TRAINED, 0.00085, 0.012);
    RF_TRY(rf__windows_schedule(windows, alpha_bar, TRAINED, (rf_window_target)o->windows_how.predicts));
    for (int k = 0; k < count; k++) {
        double a = windows->edge[k], kept = windows->noise ? rf__alpha_bar_at(alpha_bar, TRAINED, a) : a * a;
        o->start_data[k] = sqrt(kept);
        o->start_noise[k] = windows->noise ? sqrt(1 - kept) : 1 - a;
    }
    int64_t steps = o->how.steps;
    if (!(o->times = rf__alloc_array((size_t)(count * (steps + 1)), sizeof *o->times))) return rf__fail(RF_ENOMEM, "no memory for the teacher's grids");
    for (int k = 0; k < count; k++)
        for (int64_t i = 0; i <= steps; i++) {
            double a = windows->edge[k], b = windows->edge[k + 1];
            o->times[k * (steps + 1) + i] = i == steps ? b : a + (b - a) * (double)i / (double)steps;
        }
    return RF_OK;
}

static rf_status open_student(rf_online *o, rf_dtype dtype) {
    RF_TRY(rf__model_field_open(&o->student_network, o->student, dtype, o->pool, o->how.rows));
    o->student_field = rf__model_field_view(o->student_network);
    return RF_OK;
}

static rf_status allocate(rf_online *o) {
    size_t rows = (size_t)o->plan->batch, all = rows * (size_t)o->scalars;
    o->x0 = rf__alloc_array(all, sizeof *o->x0);
    o->x1 = rf__alloc_array(all, sizeof *o->x1);
    o->t = rf__alloc_array(rows, sizeof *o->t);
    o->label = rf__alloc_array(rows, sizeof *o->label);
    o->walks = rf__alloc_array(rows, sizeof *o->walks);
    o->scratch = rf__alloc_array((size_t)o->scalars, sizeof *o->scratch);
    if (o->x0 && o->x1 && o->t && o->label && o->walks && o->scratch) return RF_OK;
    return rf__fail(RF_ENOMEM, "no memory for %zu pairs of %lld numbers", rows, (long long)o->scalars);
}

rf_status rf__online_open(rf_online **out, const rf_online_opts *opts) {
    rf_online *o = *out = rf__alloc(sizeof *o);
    if (!o) return rf__fail(RF_ENOMEM, "no memory for the pairs made while training");
    const rf_model_shape *shape = &opts->student->shape;
    *o = (rf_online){.how = *opts->teacher, .windows_how = *opts->windows, .anneal = *opts->anneal, .plan = opts->plan, .student = opts->student,
                     .pool = opts->pool, .seed = opts->seed, .scalars = rf__scalars_of(shape),
                     .solver = rf__solver_find(opts->teacher->solver)};
    rf_status status = o->solver ? allocate(o) : rf__fail_in(RF_ENOTFOUND, "teacher.solver: ");
    if (status == RF_OK && o->how.model[0]) status = open_teacher(o, opts->dtype);
    if (status == RF_OK) status = open_windows(o);
    if (status == RF_OK) status = open_student(o, opts->dtype);
    if (status != RF_OK) rf__online_free(out);
    return status;
}

void rf__online_free(rf_online **online) {
    rf_online *o = *online;
    if (!o) return;
    rf__model_field_close(&o->teacher_network);
    rf__model_field_close(&o->student_network);
    rf__model_free(&o->teacher);
    rf__free(o->x0);
    rf__free(o->x1);
    rf__free(o->t);
    rf__free(o->label);
    rf__free(o->walks);
    rf__free(o->scratch);
    rf__free(o->times);
    rf__free(o);
    *online = NULL;
}

/* ---- walking ---- */

typedef struct walk_state {
    rf_status status;
    char sentence[256];
} walk_state;

static void arrived(void *user, const rf_trajectory *trajectory) {
    walk_state *state = user;
    const rf_walk *walk = trajectory->spec.user;
    if (trajectory->status == RF_JOB_DONE) {
        memcpy(walk->out, trajectory->job.x, (size_t)trajectory->job.scalars * sizeof(float));
    } else if (state->status == RF_OK) {
        state->status = trajectory->failure;
        snprintf(state->sentence, sizeof state->sentence, "%s", trajectory->sentence);
    }
}

rf_status rf__online_walk(rf_online *o, const rf_field *field, const rf_walk *walks, int64_t count, double cfg) {
    walk_state state = {.status = RF_OK};
    rf_batcher *batcher = NULL;
    int rows = (int)o->how.rows < 2 ? 2 : (int)o->how.rows;
    rf_batcher_opts opts = {.rows = rows, .slots = 2 * rows, .finished = arrived, .user = &state};
    rf_guidance_opts guidance = rf__guidance_defaults();
    guidance.scale = cfg;
    RF_TRY(rf__batcher_create(&batcher, &opts));
    rf_status status = RF_OK;
    for (int64_t given = 0; status == RF_OK && (given < count || rf__batcher_busy(batcher));) {
        for (; status == RF_OK && given < count && rf__batcher_room(batcher) > 0; given++) {
            const rf_walk *w = &walks[given];
            rf_job_spec spec = {.field = field, .solver = field == &o->teacher_field ? o->solver : rf__solver_find("euler"), .times = w->times,
                                .steps = w->steps, .cond = w->cond, .guidance = rf__guidance_find(cfg == 1 ? "none" : "cfg"),
                                .guidance_opts = guidance, .init = w->init, .user = (void *)w};
            status = rf__batcher_submit(batcher, &spec, NULL);
        }
        if (status == RF_OK) status = rf__batcher_tick(batcher);
    }
    rf__batcher_free(&batcher);
    if (status == RF_OK && state.status != RF_OK) status = rf__fail(state.status, "while making pairs: %s", state.sentence);
    return status;
}

/* ---- what the rows of a step have in common ---- */

void rf__online_times(rf_online *o) {
    const rf_batch_plan *plan = o->plan;
    rf__rng_uniform(o->seed, RF_STREAM_TIME, o->first, plan->batch, o->t);
    for (int64_t r = 0; r < plan->batch; r++) o->t[r] = (float)rf__time_at(plan->time, plan->time_shape, plan->time_eps, (double)o->t[r]);
}

rf_status rf__online_draw(const rf_coupling_args *args, rf_batch *batch) {
    const rf_online *o = args->online;
    int64_t row = (int64_t)(batch->first - o->first), n = batch->scalars;
    memcpy(batch->x0, o->x0 + row * n, (size_t)(batch->rows * n) * sizeof(float));
    memcpy(batch->x1, o->x1 + row * n, (size_t)(batch->rows * n) * sizeof(float));
    if (batch->label) memcpy(batch->label, o->label + row, (size_t)batch->rows * sizeof *o->label);
    return RF_OK;
}
