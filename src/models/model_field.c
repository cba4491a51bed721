/* model_field.c - rows buckets are powers of two up to a maximum; spare rows of a bucket repeat the last one, and their answers
 * are dropped. A row's bytes do not depend on the bucket (the promise of kernels.h), so neither do the images. What a network makes of
 * time and class alone is cut off and kept (conditioning.h); the plans here are the rest. */
#include "model_field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "taps.h"

#define PLANS_HELD 16
#define CONDITIONS_BYTES ((int64_t)128 << 20) /* SiT-XL/2: 0.8 MB a row */

enum { PLAIN, TAPPED, FRONT }; /* rf_plan_key.layout: of the picture's half, with attention looked into; the other half */

struct rf_model_field {
    rf_model *model;
    rf_pool *pool;
    rf_dtype dtype;
    int64_t max_rows, scalars;
    rf_plan_cache *plans;
    rf_conditioning *conditioning; /* NULL: nothing to cut off */
    int told_width;
    float *told;    /* [max_rows, told_width], of the call at hand */
    int32_t *place; /* [max_rows], where their vectors are kept */
    bool ahead;
    const rf_row_times *times;
    rf_taps taps; /* of the tapped plans: they all have the same */
};

static rf_status build_graph(void *self, const rf_plan_key *key, rf_graph **out) {
    rf_model_field *field = self;
    rf_graph *graph = *out = rf__graph_create(key->dtype);
    if (!graph) return rf__fail(RF_ENOMEM, "no memory for a graph");
    rf_model_inputs in = rf__model_declare(graph, &field->model->shape, key->rows, false);
    rf_taps taps = {0};
    if (key->layout == TAPPED) in.taps = &taps;
    rf__output(graph, "v", rf__model_velocity(graph, field->model->kind, field->model->config, &in));
    if (key->layout == TAPPED) field->taps = taps;
    return rf__graph_cut(graph, rf__told_names, key->layout == FRONT ? RF_HALF_FRONT : RF_HALF_REST);
}

static rf_plan_key key_of(const rf_model_field *field, int64_t bucket, int layout) {
    return (rf_plan_key){.rows = bucket, .layout = layout, .height = field->model->shape.height, .width = field->model->shape.width,
                         .dtype = field->dtype, .threads = rf__pool_size(field->pool)};
}

/* Nothing to do where the network makes nothing of what it is told before the picture comes in. */
static rf_status open_conditioning(rf_model_field *field) {
    const rf_plan_key key = key_of(field, 1, FRONT);
    rf_graph *graph = NULL;
    rf_status status = build_graph(field, &key, &graph);
    const bool any = status == RF_OK && rf__graph_cuts(graph) > 0;
    rf__graph_free(&graph);
    if (!any) return status;
    const rf_conditioning_opts opts = {.build = build_graph, .self = field, .weights = field->model->weights, .pool = field->pool, .key = key,
                                       .told = field->told_width, .rows = field->max_rows, .bytes = CONDITIONS_BYTES};
    return rf__conditioning_open(&field->conditioning, &opts);
}

rf_status rf__model_field_open(rf_model_field **out, rf_model *model, rf_dtype dtype, rf_pool *pool, int64_t max_rows) {
    *out = NULL;
    RF_TRY(rf__model_generates(model));
    rf_model_field *field = calloc(1, sizeof *field);
    if (!field) return rf__fail(RF_ENOMEM, "no memory for a field");
    const rf_model_shape *s = &model->shape;
    *field = (rf_model_field){.model = model, .pool = pool, .dtype = dtype, .max_rows = max_rows < 1 ? 1 : max_rows,
                              .scalars = rf__scalars_of(s), .told_width = RF_TOLD_EXTRA + s->extra};
    field->told = rf__alloc_array((size_t)(field->max_rows * field->told_width), sizeof *field->told);
    field->place = rf__alloc_array((size_t)field->max_rows, sizeof *field->place);
    rf_status status = field->told && field->place ? RF_OK : rf__fail(RF_ENOMEM, "no memory for a field");
    if (status == RF_OK) status = rf__plan_cache_create(&field->plans, build_graph, field, model->weights, NULL, PLANS_HELD);
    if (status == RF_OK) status = open_conditioning(field);
    if (status != RF_OK) rf__model_field_close(&field);
    *out = field;
    return status;
}

void rf__model_field_close(rf_model_field **field) {
    if (!field || !*field) return;
    rf__plan_cache_free(&(*field)->plans);
    rf__conditioning_close(&(*field)->conditioning);
    rf__free((*field)->told);
    rf__free((*field)->place);
    free(*field);
    *field = NULL;
}

static int64_t bucket_of(const rf_model_field *field, int64_t rows) {
    int64_t bucket = 1;
    while (bucket < rows) bucket *= 2;
    return bucket < field->max_rows ? bucket : field->max_rows;
}

/* The largest bucket below `wanted` whose plan is there; 0: none. */
static int64_t smaller_bucket(const rf_model_field *field, int64_t wanted) {
    int64_t bucket = 1, found = 0;
    for (; bucket < wanted; bucket *= 2) {
        rf_plan_key key = key_of(field, bucket, PLAIN);
        if (rf__plan_cache_holds(field->plans, &key)) found = bucket;
    }
    return found;
}

/* The bucket to use for now: the wanted one, or a smaller one that is there while the wanted one is being built. */
static int64_t bucket_for_now(rf_model_field *field, int64_t wanted) {
    rf_plan_key key = key_of(field, wanted, PLAIN);
    if (!field->ahead || rf__plan_cache_holds(field->plans, &key)) return wanted;
    int64_t smaller = smaller_bucket(field, wanted);
    if (!smaller) return wanted;
    rf__plan_cache_request(field->plans, &key);
    return rf__plan_cache_holds(field->plans, &key) ? wanted : smaller;
}

static rf_status exec_for(rf_model_field *field, int64_t bucket, int layout, rf_exec **exec) {
    rf_plan_key key = key_of(field, bucket, layout);
    return rf__plan_cache_get(field->plans, &key, exec);
}

rf_status rf__model_field_warm(rf_model_field *field, int64_t rows) {
    rf_exec *exec;
    if (field->conditioning) RF_TRY(rf__conditioning_warm(field->conditioning));
    return exec_for(field, bucket_of(field, rows), PLAIN, &exec);
}

rf_status rf__model_field_warm_all(rf_model_field *field) {
    int64_t rows = 1;
    for (; rows < field->max_rows; rows *= 2) RF_TRY(rf__model_field_warm(field, rows));
    return rf__model_field_warm(field, field->max_rows);
}

void rf__model_field_build_ahead(rf_model_field *field, bool on) {
    const rf_kernels *kernels = rf__kernels();
    field->ahead = on && kernels && kernels->conv.exact;
}

void rf__model_field_settle(rf_model_field *field) { rf__plan_cache_settle(field->plans); }

void rf__model_field_set_times(rf_model_field *field, const rf_row_times *times) { field->times = times; }

/* The extra input of a row: the caller's, or the window that the time lies in, or nothing. */
static void gather_extra(const rf_model *model, const rf_cond *cond, float t, float *out) {
    const rf_windows *windows = &model->windows;
    int width = model->shape.extra;
    if (cond->extra) memcpy(out, cond->extra, (size_t)width * sizeof(float));
    else if (windows->count && windows->count + 1 == width) rf__windows_features(windows, rf__windows_find(windows, (double)t), (double)t, out);
    else memset(out, 0, (size_t)width * sizeof(float));
}

/* Noise predictions to velocities, in place. */
static void to_velocity(const rf_windows *windows, int64_t rows, int64_t n, const float *x, const float *t, float *v) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = r * n; i < (r + 1) * n; i++) v[i] = (float)rf__window_velocity(windows, (double)t[r], (double)x[i], (double)v[i]);
}

/* What the network is told of `rows` rows beside the picture: [rows, told_width]. */
static void tell(const rf_model_field *field, int64_t rows, const float *t, const rf_cond *cond, float *told) {
    for (int64_t r = 0; r < rows; r++, told += field->told_width) {
        told[RF_TOLD_TIME] = t[r];
        memcpy(&told[RF_TOLD_LABEL], &cond[r].label, sizeof cond[r].label);
        told[RF_TOLD_GAP] = cond[r].gap;
        told[RF_TOLD_SCALE] = cond[r].scale;
        if (field->model->shape.extra) gather_extra(field->model, &cond[r], t[r], told + RF_TOLD_EXTRA);
    }
}

/* Rows [0, rows) of one piece into the plan's inputs, the last one repeated up to the bucket. */
static rf_status gather(rf_model_field *field, rf_exec *exec, int64_t bucket, int64_t rows, const float *x, const float *t,
                        const rf_cond *cond) {
    int64_t n = field->scalars;
    float *in_x = rf__exec_buffer(exec, "x"), *in_before = rf__exec_buffer(exec, "before");
    for (int64_t r = 0; r < bucket; r++) {
        int64_t from = r < rows ? r : rows - 1;
        memcpy(in_x + r * n, x + from * n, (size_t)n * sizeof *x);
        if (in_before) memcpy(in_before + r * n, cond[from].before, (size_t)n * sizeof *x);
    }
    tell(field, rows, t, cond, field->told);
    rf__told_write(exec, field->told, field->told_width, rows, bucket);
    if (!field->conditioning) return RF_OK;
    RF_TRY(rf__conditioning_find(field->conditioning, rows, field->told, field->place));
    rf__conditioning_write(field->conditioning, field->place, rows, bucket, exec);
    return RF_OK;
}

static float *tap_buffer(rf_exec *exec, int block, const char *what) {
    char name[32];
    snprintf(name, sizeof name, "tap.%d.%s", block, what);
    return rf__exec_buffer(exec, name);
}

static void spread3(const float from[3], int64_t width, float *to) {
    for (int64_t i = 0; i < 3 * width; i++) to[i] = from[i / width];
}

/* Every row of a tapped plan needs something finite in its inputs, also those that have no hook. */
static void gather_taps(const rf_model_field *field, rf_exec *exec, int64_t bucket, int64_t rows, const rf_cond *cond) {
    for (int block = 0; block < field->taps.count; block++) {
        int64_t tokens = field->taps.tokens[block], width = field->taps.width[block];
        float *given = tap_buffer(exec, block, "given"), *keep = tap_buffer(exec, block, "keep"), *mix = tap_buffer(exec, block, "mix");
        memset(given, 0, (size_t)(bucket * tokens * 3 * width) * sizeof *given);
        for (int64_t r = 0; r < bucket; r++) {
            const rf_hook *hook = cond[r < rows ? r : rows - 1].hook;
            float keeps[3] = {1, 1, 1}, mixes[3] = {0, 0, 0};
            if (hook && hook->before && r < rows) hook->before(hook->self, block, tokens, width, given + r * tokens * 3 * width, keeps, mixes);
            spread3(keeps, width, keep + r * 3 * width);
            spread3(mixes, width, mix + r * 3 * width);
        }
    }
}

static void hand_out_taps(const rf_model_field *field, rf_exec *exec, int64_t rows, const rf_cond *cond) {
    for (int block = 0; block < field->taps.count; block++) {
        int64_t tokens = field->taps.tokens[block], width = field->taps.width[block];
        const float *own = tap_buffer(exec, block, "own");
        for (int64_t r = 0; r < rows; r++)
            if (cond[r].hook && cond[r].hook->after) cond[r].hook->after(cond[r].hook->self, block, tokens, width, own + r * tokens * 3 * width);
    }
}

static bool any_hook(const rf_cond *cond, int64_t rows) {
    for (int64_t r = 0; r < rows; r++)
        if (cond[r].hook) return true;
    return false;
}

static rf_status check_labels(const rf_model_field *field, int64_t rows, const rf_cond *cond) {
    int classes = field->model->shape.classes;
    for (int64_t r = 0; classes && r < rows; r++)
        if (cond[r].label < 0 || cond[r].label > classes)
            return rf__fail(RF_EINVAL, "class label is %d, expected 0 .. %d (or %d for no class)", cond[r].label, classes - 1, classes);
    return RF_OK;
}

static rf_status check_known(const rf_model_field *field, int64_t rows, const rf_cond *cond) {
    if (field->model->shape.refines == RF_REFINES_NOTHING) return RF_OK;
    for (int64_t r = 0; r < rows; r++)
        if (!cond[r].before) return rf__fail(RF_EINVAL, "a refiner was asked without a velocity to refine");
    return RF_OK;
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    rf_model_field *field = self;
    RF_TRY(check_labels(field, rows, cond));
    RF_TRY(check_known(field, rows, cond));
    int layout = any_hook(cond, rows) ? TAPPED : PLAIN;
    int64_t wanted = bucket_of(field, rows), now = layout == PLAIN ? bucket_for_now(field, wanted) : wanted;
    for (int64_t done = 0; done < rows;) {
        int64_t bucket = now < wanted ? now : bucket_of(field, rows - done);
        int64_t piece = rows - done < bucket ? rows - done : bucket;
        rf_exec *exec;
        RF_TRY(exec_for(field, bucket, layout, &exec));
        RF_TRY(gather(field, exec, bucket, piece, x + done * field->scalars, t + done, cond + done));
        if (layout == TAPPED) gather_taps(field, exec, bucket, piece, cond + done);
        RF_TRY(rf__exec_run(exec, field->pool));
        if (layout == TAPPED) hand_out_taps(field, exec, piece, cond + done);
        memcpy(v + done * field->scalars, rf__exec_buffer(exec, "v"), (size_t)(piece * field->scalars) * sizeof *v);
        done += piece;
    }
    if (field->model->windows.noise) to_velocity(&field->model->windows, rows, field->scalars, x, t, v);
    return RF_OK;
}

static rf_status prepare(void *network, int64_t rows, const float *t, const rf_cond *cond) {
    rf_model_field *field = network;
    if (!field->conditioning) return RF_OK;
    RF_TRY(check_labels(field, rows, cond));
    float *told = rf__alloc_array((size_t)(rows * field->told_width), sizeof *told);
    if (!told) return rf__fail(RF_ENOMEM, "no memory for the conditions of %lld rows", (long long)rows);
    tell(field, rows, t, cond, told);
    rf_status status = rf__conditioning_ahead(field->conditioning, rows, told);
    rf__free(told);
    return status;
}

static int64_t computed_rows(void *network, int64_t rows) {
    const rf_model_field *field = network;
    return rows / field->max_rows * field->max_rows + (rows % field->max_rows ? bucket_of(field, rows % field->max_rows) : 0);
}

rf_field rf__model_field_view(rf_model_field *field) {
    int classes = field->model->shape.classes;
    const rf_refiner_facts *facts = &field->model->refiner;
    return (rf_field){.self = field, .scalars = field->scalars, .null_label = classes ? classes : -1, .velocity = velocity,
                      .network = field, .bucket = computed_rows, .prepare = prepare, .times = field->times,
                      .windows = field->model->windows.count ? &field->model->windows : NULL,
                      .gap_least = facts->gap_least, .gap_most = facts->gap_most, .scale_least = facts->scale_least,
                      .scale_most = facts->scale_most, .guided = field->model->shape.refines == RF_REFINES_GUIDED, .from_start = facts->from_start};
}

rf_plan_cache_stats rf__model_field_stats(const rf_model_field *field) { return rf__plan_cache_stats(field->plans); }

rf_conditioning_stats rf__model_field_conditioning(const rf_model_field *field) {
    return field->conditioning ? rf__conditioning_stats(field->conditioning) : (rf_conditioning_stats){0};
}
