/* refine.c - see refine.h. The ways to make examples are a table of functions that fill a range of the pool. */
#include "refine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "../models/model_field.h"
#include "couplings.h"

#define R(member) offsetof(rf_refine_config, member)
const rf_field_desc rf__refine_fields[] = {
    {"teacher", RF_FIELD_STRING, R(teacher), "", 0, 0, NULL, "checkpoint of the predictor that the refiner belongs to"},
    {"examples", RF_FIELD_INT, R(examples), "4096", 1, 1e7, NULL, "examples asked of the teacher at a time; they are kept in memory"},
    {"every", RF_FIELD_INT, R(every), "256", 1, 1e9, NULL, "steps they serve before new ones are asked for"},
    {"gap_least", RF_FIELD_FLOAT, R(gap_least), "0.04", 0, 1, NULL, "shortest time between the known velocity and the wanted one"},
    {"gap_most", RF_FIELD_FLOAT, R(gap_most), "0.125", 1e-3, 1, NULL, "longest one; steps of the sampler must lie between them"},
    {"scale_least", RF_FIELD_FLOAT, R(scale_least), "1", -100, 100, NULL, "guidance scales of a refiner that is told them"},
    {"scale_most", RF_FIELD_FLOAT, R(scale_most), "2.5", -100, 100, NULL, "(a quarter of the examples has scale 1)"},
    {NULL}};

enum { TEACHER_ROWS = 64, DRAWS = 8 /* numbers an example may draw */, WALKERS = 32 };
enum { STREAM_DRAWS = 80, STREAM_WALKS, STREAM_PICK }; /* of random numbers, its own: an example's draws, walks' noise, which example a row takes */

struct rf_refine {
    rf_refine_setup setup;
    rf_model *teacher;
    rf_model_field *network;
    rf_field field;
    int64_t scalars, count, held; /* examples of a pool; number of the pool at hand, -1: none */
    float *x, *before, *target;   /* [count, scalars] */
    float *t, *gap, *scale;       /* [count] */
    int32_t *label;               /* [count], the null class for none */
    /* room for calls: rows twice (with and without class) */
    float *ask_x, *ask_v, *ask_t; /* [2 count] */
    rf_cond *ask_cond;
};

/* ---- asking the teacher ---- */

/* v [rows, scalars] at (x, t), guided by scale[r]; rows <= count. */
static rf_status ask(rf_refine *refine, int64_t rows, const float *x, const float *t, const int32_t *label, const float *scale, float *v) {
    int64_t n = refine->scalars, asked = 0;
    int null_label = refine->field.null_label;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t r = 0; r < rows; r++) {
            if (pass == 1 && scale[r] == 1) continue;
            memcpy(refine->ask_x + asked * n, x + r * n, (size_t)n * sizeof *x);
            refine->ask_t[asked] = t[r];
            refine->ask_cond[asked++] = (rf_cond){.label = pass || null_label < 0 ? null_label : label[r]};
        }
    RF_TRY(refine->field.velocity(refine->field.self, asked, refine->ask_x, refine->ask_t, refine->ask_cond, refine->ask_v));
    memcpy(v, refine->ask_v, (size_t)(rows * n) * sizeof *v);
    for (int64_t r = 0, second = rows; r < rows; r++) {
        if (scale[r] == 1) continue;
        const float *u = refine->ask_v + second++ * n;
        for (int64_t i = 0; i < n; i++) v[r * n + i] = u[i] + scale[r] * (v[r * n + i] - u[i]);
    }
    return RF_OK;
}

static void draws(uint64_t seed, uint64_t sample, float u[DRAWS]) { rf__rng_uniform(seed, STREAM_DRAWS, sample * DRAWS, DRAWS, u); }

/* A quarter is not guided; a dropped class has nothing to be guided by. */
static float scale_of(const rf_refine *refine, float u, bool dropped) {
    const rf_refine_config *c = refine->setup.config;
    if (refine->setup.shape.refines != RF_REFINES_GUIDED || dropped || u < 0.25f) return 1;
    return (float)(c->scale_least + (c->scale_most - c->scale_least) * ((double)u - 0.25) / 0.75);
}

static bool dropped(const rf_refine *refine, float u) { return (double)u < refine->setup.label_drop; }

/* ---- the ways ---- */

/* x_t of noise and data, label of data; u: the example's draws. */
static rf_status point(rf_refine *refine, uint64_t seed, uint64_t sample, int64_t r, float t) {
    const rf_source *data = refine->setup.data;
    int64_t n = refine->scalars;
    float *noise = refine->before + r * n, *x1 = refine->target + r * n, *x = refine->x + r * n; /* filled for good later */
    rf__rng_normal_sample(seed, RF_STREAM_NOISE, sample, n, noise);
    refine->label[r] = refine->field.null_label;
    RF_TRY(data->kind->draw(data, seed, sample, x1, &refine->label[r]));
    rf__coupling_flip(&(rf_coupling_args){.data = data, .flip = refine->setup.flip}, seed, sample, x1);
    for (int64_t i = 0; i < n; i++) x[i] = (1 - t) * noise[i] + t * x1[i];
    return RF_OK;
}

/* From x_t with the velocity there to x_t + gap v, where the next one is asked; t becomes t + gap. */
static rf_status step_on(rf_refine *refine, const int32_t *label_before) {
    int64_t n = refine->scalars;
    RF_TRY(ask(refine, refine->count, refine->x, refine->t, label_before, refine->scale, refine->before));
    for (int64_t r = 0; r < refine->count; r++) {
        for (int64_t i = r * n; i < (r + 1) * n; i++) refine->x[i] += refine->gap[r] * refine->before[i];
        refine->t[r] += refine->gap[r];
    }
    return ask(refine, refine->count, refine->x, refine->t, refine->label, refine->scale, refine->target);
}

/* Section 2: t over the whole of [0, 1] although t + gap then leaves it, one gap a batch, the known velocity always with its class. */
static rf_status fill_published(rf_refine *refine, uint64_t seed, uint64_t first) {
    const rf_refine_setup *s = &refine->setup;
    int32_t *labels = rf__alloc_array((size_t)refine->count, sizeof *labels);
    if (!labels) return rf__fail(RF_ENOMEM, "training: no memory for %lld labels", (long long)refine->count);
    rf_status status = RF_OK;
    for (int64_t r = 0; r < refine->count && status == RF_OK; r++) {
        float u[DRAWS], g[DRAWS];
        uint64_t sample = first + (uint64_t)r;
        draws(seed, sample, u);
        draws(seed, first + (uint64_t)(r - r % s->batch), g);
        refine->gap[r] = (float)(s->config->gap_most * (1 - (double)g[1])); /* (0, most] */
        refine->t[r] = (float)rf__time_at(s->time, s->time_shape, 0, (double)u[0]);
        refine->scale[r] = 1;
        status = point(refine, seed, sample, r, refine->t[r]);
        labels[r] = refine->label[r];
        if (dropped(refine, u[2])) refine->label[r] = refine->field.null_label;
    }
    if (status == RF_OK) status = step_on(refine, labels);
    rf__free(labels);
    return status;
}

/* Section 8: a gap for each example, never past the data, both velocities under the same condition and guidance. */
static rf_status fill_simulated(rf_refine *refine, uint64_t seed, uint64_t first) {
    const rf_refine_setup *s = &refine->setup;
    for (int64_t r = 0; r < refine->count; r++) {
        float u[DRAWS];
        uint64_t sample = first + (uint64_t)r;
        draws(seed, sample, u);
        double gap = s->config->gap_least + (s->config->gap_most - s->config->gap_least) * (double)u[1];
        refine->gap[r] = (float)gap;
        refine->t[r] = (float)((1 - gap) * rf__time_at(s->time, s->time_shape, 0, (double)u[0]));
        RF_TRY(point(refine, seed, sample, r, refine->t[r]));
        bool drop = dropped(refine, u[2]);
        if (drop) refine->label[r] = refine->field.null_label;
        refine->scale[r] = scale_of(refine, u[3], drop);
    }
    return step_on(refine, refine->label);
}

/* Walks of the pseudo corrector from noise, some at a time; every answer but a walk's first is an example. */
typedef struct walker {
    int steps, position; /* position -1: the velocity at the start is still to be asked */
    int32_t label;
    float scale;
} walker;

static walker new_walker(const rf_refine *refine, uint64_t seed, uint64_t sample, float *x) {
    const rf_refine_config *c = refine->setup.config;
    float u[DRAWS];
    draws(seed, sample, u);
    int least = (int)ceil(1 / c->gap_most - 1e-9), most = c->gap_least > 0 ? (int)floor(1 / c->gap_least + 1e-9) : 4 * least;
    if (most < least) most = least;
    walker w = {.steps = least + (int)((double)u[1] * (most - least + 1)), .position = -1, .label = refine->field.null_label};
    bool drop = dropped(refine, u[2]);
    if (refine->setup.shape.classes && !drop) w.label = (int32_t)((double)u[4] * refine->setup.shape.classes);
    w.scale = scale_of(refine, u[3], drop);
    rf__rng_normal_sample(seed, STREAM_WALKS, sample, refine->scalars, x);
    return w;
}

static rf_status fill_walked(rf_refine *refine, uint64_t seed, uint64_t first) {
    int64_t n = refine->scalars, made = 0;
    uint64_t next = first;
    size_t room = (size_t)(WALKERS * n);
    walker walk[WALKERS];
    float t[WALKERS], scale[WALKERS], *x = rf__alloc_array(4 * room, sizeof *x), *d = x + room, *at = d + room, *v = at + room;
    int32_t label[WALKERS];
    rf_status status = x ? RF_OK : rf__fail(RF_ENOMEM, "training: no memory for %d walks", WALKERS);
    for (int k = 0; k < WALKERS && status == RF_OK; k++) walk[k] = new_walker(refine, seed, next++, x + k * n);
    while (made < refine->count && status == RF_OK) {
        for (int k = 0; k < WALKERS; k++) {
            float h = walk[k].position < 0 ? 0 : 1 / (float)walk[k].steps;
            t[k] = (float)((walk[k].position + 1) / (double)walk[k].steps);
            label[k] = walk[k].label, scale[k] = walk[k].scale;
            for (int64_t i = k * n; i < (k + 1) * n; i++) at[i] = walk[k].position < 0 ? x[i] : x[i] + h * d[i];
        }
        status = ask(refine, WALKERS, at, t, label, scale, v);
        for (int k = 0; k < WALKERS && status == RF_OK; k++) {
            float h = 1 / (float)walk[k].steps;
            if (walk[k].position >= 0) {
                if (made < refine->count) {
                    memcpy(refine->x + made * n, at + k * n, (size_t)n * sizeof *x);
                    memcpy(refine->before + made * n, d + k * n, (size_t)n * sizeof *x);
                    memcpy(refine->target + made * n, v + k * n, (size_t)n * sizeof *x);
                    refine->t[made] = t[k], refine->gap[made] = h, refine->scale[made] = scale[k], refine->label[made] = label[k];
                    made++;
                }
                for (int64_t i = k * n; i < (k + 1) * n; i++) x[i] += 0.5f * h * (d[i] + v[i]);
            }
            memcpy(d + k * n, v + k * n, (size_t)n * sizeof *x);
            if (++walk[k].position == walk[k].steps) walk[k] = new_walker(refine, seed, next++, x + k * n);
        }
    }
    rf__free(x);
    return status;
}

/* ---- the coupling ---- */

static rf_status check_config(const rf_refine_config *c, int64_t batch) {
    if (!c->teacher[0]) return rf__fail(RF_EINVAL, "refiner.teacher is empty, expected the checkpoint of the predictor");
    if (c->gap_least >= c->gap_most)
        return rf__fail(RF_EINVAL, "refiner.gap_least is %g, expected less than gap_most, which is %g", c->gap_least, c->gap_most);
    if (c->scale_least > c->scale_most)
        return rf__fail(RF_EINVAL, "refiner.scale_least is %g, expected at most scale_most, which is %g", c->scale_least, c->scale_most);
    if (c->examples % batch)
        return rf__fail(RF_EINVAL, "refiner.examples is %lld, expected a multiple of train.batch (%lld)", (long long)c->examples, (long long)batch);
    return RF_OK;
}

static rf_status open_predictor(rf_refine *refine) {
    const rf_refine_setup *setup = &refine->setup;
    const char *path = setup->config->teacher;
    RF_TRY(rf__model_open(&refine->teacher, path));
    const rf_model_shape *a = &setup->shape, *b = &refine->teacher->shape;
    if (a->height != b->height || a->width != b->width || a->channels != b->channels || a->classes != b->classes || b->refines)
        return rf__fail(RF_EMISMATCH, "refiner.teacher: %s is %dx%dx%d with %d classes, the refiner %dx%dx%d with %d", path, b->height, b->width,
                        b->channels, b->classes, a->height, a->width, a->channels, a->classes);
    RF_TRY(rf__model_field_open(&refine->network, refine->teacher, setup->dtype, setup->pool, TEACHER_ROWS));
    refine->field = rf__model_field_view(refine->network);
    refine->scalars = refine->field.scalars;
    return RF_OK;
}

static rf_status allocate(rf_refine *refine) {
    size_t rows = (size_t)refine->count, n = (size_t)refine->scalars, asked = 2 * (rows > WALKERS ? rows : WALKERS);
    refine->x = rf__alloc_array(rows * n, sizeof(float));
    refine->before = rf__alloc_array(rows * n, sizeof(float));
    refine->target = rf__alloc_array(rows * n, sizeof(float));
    refine->t = rf__alloc_array(3 * rows, sizeof(float));
    refine->label = rf__alloc_array(rows, sizeof *refine->label);
    refine->ask_x = rf__alloc_array(asked * n, sizeof(float));
    refine->ask_v = rf__alloc_array(asked * n, sizeof(float));
    refine->ask_t = rf__alloc_array(asked, sizeof(float));
    refine->ask_cond = rf__alloc_array(asked, sizeof *refine->ask_cond);
    if (!refine->x || !refine->before || !refine->target || !refine->t || !refine->label || !refine->ask_x || !refine->ask_v || !refine->ask_t || !refine->ask_cond)
        return rf__fail(RF_ENOMEM, "training: no memory for %lld examples (refiner.examples)", (long long)refine->count);
    refine->gap = refine->t + refine->count;
    refine->scale = refine->gap + refine->count;
    return RF_OK;
}

static rf_status open_refine(const rf_refine_way *how, rf_refine **out, const rf_refine_setup *setup, rf_refiner_facts *facts) {
    const rf_refine_config *c = setup->config;
    *out = NULL;
    RF_TRY(check_config(c, setup->batch));
    if (setup->flip && !how->of_data)
        return rf__fail(RF_EINVAL, "data.flip is true with train.coupling %s, expected false: its examples are the teacher's walks, not pictures", how->is.is.name);
    rf_refine *refine = *out = rf__alloc(sizeof *refine);
    if (!refine) return rf__fail(RF_ENOMEM, "training: no memory");
    refine->setup = *setup;
    refine->held = -1;
    refine->count = c->examples;
    RF_TRY(open_predictor(refine));
    *facts = (rf_refiner_facts){.gap_least = c->gap_least, .gap_most = c->gap_most, .scale_least = how->guides ? fmin(1, c->scale_least) : 1,
                                .scale_most = how->guides ? fmax(1, c->scale_most) : 1};
    memcpy(facts->predictor, refine->teacher->sha256, sizeof facts->predictor);
    return allocate(refine);
}

static void close_refine(rf_refine **refine) {
    rf_refine *dead = *refine;
    if (!dead) return;
    rf__model_field_close(&dead->network);
    rf__model_free(&dead->teacher);
    void *blocks[] = {dead->x, dead->before, dead->target, dead->t, dead->label, dead->ask_x, dead->ask_v, dead->ask_t, dead->ask_cond};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) rf__free(blocks[i]);
    rf__free(dead);
    *refine = NULL;
}

static rf_status make(const rf_coupling *coupling, rf_refine *refine, uint64_t seed, int64_t step) {
    const rf_refine_way *how = (const rf_refine_way *)coupling;
    int64_t wanted = step / refine->setup.config->every;
    if (wanted == refine->held) return RF_OK;
    refine->held = -1;
    /* Walks draw at most as many starts as examples, and the next pool's begin behind them. */
    RF_TRY(how->fill(refine, seed, (uint64_t)wanted * (uint64_t)(refine->count + WALKERS)));
    refine->held = wanted;
    return RF_OK;
}

/* Which example row r of the run is. */
static int64_t pick(const rf_refine_way *how, const rf_refine *refine, uint64_t seed, uint64_t sample) {
    uint64_t batch = (uint64_t)refine->setup.batch, count = (uint64_t)refine->count;
    if (!how->grouped) return (int64_t)rf__rng_below(seed, STREAM_PICK, sample, count);
    uint64_t group = rf__rng_below(seed, STREAM_PICK, sample / batch, count / batch);
    return (int64_t)(group * batch + sample % batch);
}

static rf_status draw_from(const rf_refine_way *how, const rf_coupling_args *args, rf_batch *batch) {
    const rf_refine *refine = args->refine;
    int64_t n = refine->scalars;
    for (int64_t r = 0; r < batch->rows; r++) {
        int64_t k = pick(how, refine, batch->seed, batch->first + (uint64_t)r);
        memcpy(batch->xt + r * n, refine->x + k * n, (size_t)n * sizeof(float));
        memcpy(batch->before + r * n, refine->before + k * n, (size_t)n * sizeof(float));
        memcpy(batch->target + r * n, refine->target + k * n, (size_t)n * sizeof(float));
        batch->t[r] = refine->t[k];
        if (batch->gap) batch->gap[r] = refine->gap[k];
        if (batch->scale) batch->scale[r] = refine->scale[k];
        if (batch->label) batch->label[r] = refine->label[k];
    }
    return RF_OK;
}

#define WAY(which, NAME, SOURCE, HELP, ...)                                                                                                       \
    static rf_status draw_##which(const rf_coupling_args *args, rf_batch *batch);                                                               \
    static rf_status open_##which(rf_refine **out, const rf_refine_setup *setup, rf_refiner_facts *facts);                                      \
    const rf_refine_way rf__refine_##which = {.is = {.is = {NAME, SOURCE, HELP}, .refines = true, .draw = draw_##which, .open = open_##which,   \
                                     .close = close_refine, .make = make},                                                                      \
                              .fill = fill_##which, __VA_ARGS__};                                                                                \
    static rf_status draw_##which(const rf_coupling_args *args, rf_batch *batch) { return draw_from(&rf__refine_##which, args, batch); }         \
    static rf_status open_##which(rf_refine **out, const rf_refine_setup *setup, rf_refiner_facts *facts) {                                     \
        return open_refine(&rf__refine_##which, out, setup, facts);                                                                             \
    }

WAY(published, "refine_published", "Zhao et al. 2024 (FlowTurbo), arXiv 2409.18128",
    "for refiners: noise with data, one step of the teacher; a gap a batch, any t, as the published code", .grouped = true, .of_data = true)
WAY(simulated, "refine_simulated", "FlowTurbo's, with a gap a sample and t + gap at most 1",
    "for refiners: noise with data, one guided step of the teacher", .guides = true, .of_data = true)
WAY(walked, "refine_walked", "FlowTurbo's, on the sampler's own walks", "for refiners: walks of the teacher from noise; every answer is an example",
    .guides = true)
