/* eval_run.c - from what the measures need to the numbers. */
#include <string.h>

#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/rng.h"
#include "../io/image.h"
#include "../io/sha256.h"
#include "../models/model_field.h"
#include "../train/source.h"
#include "eval.h"

enum { ENDLESS_ROWS = 10000, STREAM_FLOW_PAIR = 80 /* which row of the data is the end of a flow */ };
enum { NEED_FEATURES = RF_NEED_FEATURES | RF_NEED_KEPT | RF_NEED_LOGITS | RF_NEED_LABELS };

/* ---- what is needed, and can it be had? ---- */

static rf_picture_shape shape_of(const rf_eval_source *s) { return (rf_picture_shape){s->shape.height, s->shape.width, s->shape.channels}; }

static rf_status check_measure(const rf_eval *eval, const rf_measure *m) {
    const rf_eval_source *made = &eval->source[RF_EVAL_MADE], *reference = &eval->source[RF_EVAL_REFERENCE];
    unsigned rows = RF_NEED_KEPT | RF_NEED_PAIRS | RF_NEED_POINTS | RF_NEED_FLOW;
    if (m->needs & NEED_FEATURES && !eval->features)
        return rf__fail(RF_EINVAL, "--extractor is not given, and measure %s looks at features of pictures", m->name);
    if (m->needs & RF_NEED_LPIPS && !eval->perceptual) return rf__fail(RF_EINVAL, "--lpips is not given, and measure %s needs its network", m->name);
    if (m->needs & (RF_NEED_BOTH | RF_NEED_FLOW) && !reference->kind)
        return rf__fail(RF_EINVAL, "measure %s compares two sources, expected a second one", m->name);
    if (m->needs & RF_NEED_FLOW && !eval->model)
        return rf__fail(RF_EINVAL, "measure %s judges a velocity field, expected --model", m->name);
    if ((m->needs & (rows | RF_NEED_LOGITS) && made->mean) || (m->needs & rows && reference->mean))
        return rf__fail(RF_EINVAL, "measure %s looks at pictures, and one side is only mu and sigma", m->name);
    if (m->needs & (RF_NEED_PAIRS | RF_NEED_FLOW) && !reference->kind->read)
        return rf__fail(RF_EINVAL, "measure %s looks up rows of the reference, expected files or a data set (strait generate writes a folder)", m->name);
    if (m->needs & RF_NEED_LOGITS && rf__features_describe(eval->features).classes == 0)
        return rf__fail(RF_EINVAL, "measure %s needs class scores, and extractor %s gives none", m->name, rf__features_describe(eval->features).name);
    if (m->needs & RF_NEED_LABELS && made->shape.classes && made->shape.classes != rf__features_describe(eval->features).classes)
        return rf__fail(RF_EINVAL, "measure %s needs an extractor that tells the source's %d classes apart, and %s knows %d", m->name, made->shape.classes,
                        rf__features_describe(eval->features).name, rf__features_describe(eval->features).classes);
    return RF_OK;
}

static rf_status check_features(const rf_eval *eval, const rf_eval_source *s) {
    rf_features_info info = rf__features_describe(eval->features);
    const char *of = json_string_value(json_object_get(json_object_get(json_object_get(s->protocol, "of"), "extractor"), "sha256"));
    if (!s->mean) return rf__features_check(eval->features, shape_of(s));
    if (of && strcmp(of, info.sha256) != 0)
        return rf__fail(RF_EMISMATCH, "the statistics were made with weights %.10s, extractor %s has %.10s", of, info.name, info.sha256);
    if (s->features == info.feature_width) return RF_OK;
    return rf__fail(RF_EMISMATCH, "the statistics are of %lld features, extractor %s has %d", (long long)s->features, info.name, info.feature_width);
}

/* Noise looks like the other side. */
static rf_status settle_shapes(rf_eval *eval) {
    rf_eval_source *a = &eval->source[0], *b = &eval->source[1];
    for (int side = 0; side < 2; side++) {
        rf_eval_source *s = &eval->source[side], *other = &eval->source[1 - side];
        if (!s->kind || s->mean || s->shape.height) continue;
        if (other->kind && other->shape.height) s->shape = (rf_model_shape){other->shape.height, other->shape.width, other->shape.channels, .flat = other->shape.flat};
        else if (eval->features) {
            rf_features_info info = rf__features_describe(eval->features);
            s->shape = (rf_model_shape){info.height, info.width, info.channels};
        } else return rf__fail(RF_EINVAL, "noise takes the size of the other source, and there is none");
    }
    bool alike = a->shape.height == b->shape.height && a->shape.width == b->shape.width && a->shape.channels == b->shape.channels;
    if (eval->needs & (RF_NEED_PAIRS | RF_NEED_POINTS | RF_NEED_FLOW) && !alike)
        return rf__fail(RF_EMISMATCH, "the first source has %dx%dx%d (height, width, channels), the second %dx%dx%d, expected the same", a->shape.height,
                        a->shape.width, a->shape.channels, b->shape.height, b->shape.width, b->shape.channels);
    for (int side = 0; side < 2 && (eval->needs & NEED_FEATURES || eval->statistics); side++)
        if (eval->source[side].kind) RF_TRY(check_features(eval, &eval->source[side]));
    return RF_OK;
}

static rf_status settle_counts(rf_eval *eval) {
    for (int side = 0; side < 2; side++) {
        const rf_eval_source *s = &eval->source[side];
        int64_t wanted = eval->wanted[side];
        if (!s->kind || s->mean) continue;
        if (s->count && wanted > s->count)
            return rf__fail(RF_EINVAL, "%s is %lld, and the %s has %lld pictures", side ? "--reference-count" : "-n", (long long)wanted, s->kind->name,
                            (long long)s->count);
        int64_t all = s->count ? s->count : side && eval->count[0] ? eval->count[0] : ENDLESS_ROWS;
        eval->count[side] = wanted ? wanted : all;
    }
    if (eval->needs & RF_NEED_PAIRS && eval->count[0] > eval->count[1])
        return rf__fail(RF_EINVAL, "pairs need a partner for each of the %lld pictures, and the second source has %lld (-n takes fewer)",
                        (long long)eval->count[0], (long long)eval->count[1]);
    return RF_OK;
}

rf_status rf__eval_plan(rf_eval *eval) {
    eval->needs = 0;
    for (int i = 0; i < eval->measures; i++) {
        RF_TRY(check_measure(eval, eval->measure[i]));
        eval->needs |= eval->measure[i]->needs;
    }
    if (eval->statistics && (!eval->features || eval->source[0].mean))
        return rf__fail(RF_EINVAL, "--save-stats looks at features of pictures, expected pictures and --extractor");
    RF_TRY(settle_shapes(eval));
    return settle_counts(eval);
}

/* ---- collecting ---- */

typedef struct collector {
    rf_eval *eval;
    int side;
    rf_progress *progress; /* NULL: the source shows its own */
} collector;

/* Names the rows themselves: two reports with equal digests judged the same pictures, wherever they came from. A chain over batches of
 * RF_EVAL_ROWS, of 8-bit levels for pictures and of the numbers for points. */
static rf_status digest(rf_eval *eval, int side, int64_t rows, const float *x) {
    const rf_eval_source *s = &eval->source[side];
    size_t count = (size_t)(rows * rf__eval_source_scalars(s)), each = s->shape.flat ? sizeof *x : 1, before = strlen(eval->digest[side]);
    uint8_t *bytes = rf__alloc(before + count * each);
    if (!bytes) return rf__fail(RF_ENOMEM, "no memory for %lld pictures", (long long)rows);
    memcpy(bytes, eval->digest[side], before);
    if (s->shape.flat) memcpy(bytes + before, x, count * each);
    for (size_t i = 0; i < count && !s->shape.flat; i++) bytes[before + i] = rf__pixel_from_f32(x[i]);
    rf__sha256_bytes(bytes, before + count * each, eval->digest[side]);
    rf__free(bytes);
    return RF_OK;
}

static rf_status look(rf_eval *eval, int side, const rf_eval_batch *batch) {
    double start = rf__now();
    RF_TRY(rf__features_judge(eval->features, shape_of(&eval->source[side]), batch->x, batch->count, batch->labels, &eval->set[side]));
    eval->feature_seconds += rf__now() - start;
    eval->feature_rows += batch->count;
    return RF_OK;
}

static rf_status perceive(rf_eval *eval, const rf_eval_batch *batch) {
    const rf_model_shape *s = &eval->source[0].shape;
    float distance[RF_EVAL_ROWS];
    RF_TRY(rf__perceptual_run(eval->perceptual, batch->count, s->height, s->width, s->channels, batch->x, eval->partners, distance));
    for (int64_t r = 0; r < batch->count; r++) eval->paired.perceptual += (double)distance[r];
    eval->paired.perceived += batch->count;
    return RF_OK;
}

static rf_status pair_up(rf_eval *eval, const rf_eval_batch *batch) {
    const rf_model_shape *s = &eval->source[0].shape;
    int64_t scalars = rf__eval_source_scalars(&eval->source[0]);
    int32_t labels[RF_EVAL_ROWS];
    RF_TRY(eval->source[1].kind->read(&eval->source[1], batch->first, batch->count, eval->partners, labels));
    if (!eval->walked[1]) RF_TRY(digest(eval, 1, batch->count, eval->partners));
    for (int64_t r = 0; r < batch->count; r++)
        RF_TRY(rf__paired_add(&eval->paired, batch->x + r * scalars, eval->partners + r * scalars, s->height, s->width, s->channels));
    return eval->needs & RF_NEED_LPIPS ? perceive(eval, batch) : RF_OK;
}

static rf_status collect(void *user, const rf_eval_batch *batch) {
    collector *c = user;
    rf_eval *eval = c->eval;
    RF_TRY(digest(eval, c->side, batch->count, batch->x));
    if (eval->set[c->side].moments.width) RF_TRY(look(eval, c->side, batch));
    if (eval->points[c->side].room) RF_TRY(rf__kept_add(&eval->points[c->side], batch->count, batch->x));
    if (c->side == RF_EVAL_MADE && eval->partners) RF_TRY(pair_up(eval, batch));
    if (c->progress) rf__progress_update(c->progress, batch->first + batch->count, NULL);
    return RF_OK;
}

/* What a side has to give: rows of features, rows of points, pairs. */
static rf_status prepare(rf_eval *eval, int side) {
    const rf_eval_source *s = &eval->source[side];
    bool both = eval->needs & (RF_NEED_FEATURES | RF_NEED_KEPT);
    bool features = side == RF_EVAL_MADE ? (eval->needs & NEED_FEATURES) || eval->statistics : both;
    if (features) {
        rf_features_info info = rf__features_describe(eval->features);
        int64_t keep = eval->needs & RF_NEED_KEPT ? eval->keep : 0;
        RF_TRY(rf__sample_set_init(&eval->set[side], s->mean ? 1 : eval->count[side], info.feature_width, info.classes, s->mean ? 0 : keep));
        if (s->mean) rf__moments_set(&eval->set[side].moments, s->mean, s->covariance);
    }
    if (eval->needs & RF_NEED_POINTS) {
        /* as many of each side: what some of the distances ask for */
        int64_t fewer = eval->count[0] < eval->count[1] ? eval->count[0] : eval->count[1];
        RF_TRY(rf__kept_init(&eval->points[side], eval->count[side], rf__eval_source_scalars(s), fewer < eval->keep ? fewer : eval->keep));
    }
    if (side == RF_EVAL_MADE && eval->needs & RF_NEED_PAIRS) {
        eval->partners = rf__alloc_array(RF_EVAL_ROWS, (size_t)rf__eval_source_scalars(s) * sizeof *eval->partners);
        if (!eval->partners) return rf__fail(RF_ENOMEM, "no memory for %d pictures", RF_EVAL_ROWS);
    }
    return RF_OK;
}

static rf_status collect_side(rf_eval *eval, int side) {
    rf_eval_source *s = &eval->source[side];
    if (!s->kind) return RF_OK;
    RF_TRY(prepare(eval, side));
    bool idle = !eval->set[side].moments.width && !eval->points[side].room && !(side == RF_EVAL_MADE && eval->partners);
    if (s->mean || idle) return RF_OK;
    eval->walked[side] = true;
    rf_progress progress;
    bool ours = s->kind->walk == NULL;
    if (ours) rf__progress_start(&progress, side ? "reference" : "judged", eval->count[side], 0);
    rf_status status = rf__eval_source_walk(s, eval->count[side], collect, &(collector){eval, side, ours ? &progress : NULL});
    if (ours && status == RF_OK) rf__progress_finish(&progress, NULL);
    return status;
}

/* ---- a flow and its coupling: noise of the seeds, rows of the reference picked by chance ---- */

typedef struct flow_memory {
    float *x0, *x1;
    rf_cond *cond;
} flow_memory;

static rf_status draw_coupling(const rf_eval *eval, const rf_field *field, const flow_memory *m) {
    rf_eval_source *data = (rf_eval_source *)&eval->source[RF_EVAL_REFERENCE];
    int64_t n = field->scalars;
    for (int64_t k = 0; k < eval->flow_samples; k++) {
        int32_t label = -1;
        uint64_t rows = (uint64_t)eval->count[RF_EVAL_REFERENCE];
        int64_t pick = data->count ? (int64_t)rf__rng_below(eval->opts.seed, STREAM_FLOW_PAIR, (uint64_t)k, rows) : k;
        rf__rng_normal_sample(eval->opts.seed + (uint64_t)k, RF_STREAM_NOISE, 0, n, m->x0 + k * n);
        RF_TRY(data->kind->read(data, pick, 1, m->x1 + k * n, &label));
        bool known = label >= 0 && label < eval->model->shape.classes;
        m->cond[k] = (rf_cond){.label = known ? label : field->null_label};
    }
    return RF_OK;
}

static rf_status make_flow(const rf_eval *eval, rf_model_field **network, rf_field *field, flow_memory *m) {
    if (!(eval->needs & RF_NEED_FLOW)) return RF_OK;
    RF_TRY(rf__model_field_open(network, eval->model, eval->dtype, eval->pool, 256));
    *field = rf__model_field_view(*network);
    size_t count = (size_t)eval->flow_samples, row = (size_t)field->scalars * sizeof(float);
    m->x0 = rf__alloc_array(count, row);
    m->x1 = rf__alloc_array(count, row);
    m->cond = rf__alloc_array(count, sizeof *m->cond);
    if (!m->x0 || !m->x1 || !m->cond) return rf__fail(RF_ENOMEM, "no memory for %lld samples of a coupling", (long long)eval->flow_samples);
    return draw_coupling(eval, field, m);
}

/* ---- numbers ---- */

static rf_status measure_all(rf_eval *eval, const rf_evidence *evidence) {
    rf_progress progress;
    rf__progress_start(&progress, "measures", eval->measures, 0);
    for (int i = 0; i < eval->measures; i++) {
        rf_measure_values values;
        rf__progress_update(&progress, i, eval->measure[i]->name);
        RF_TRY(rf__measure(eval->measure[i], evidence, &eval->opts, &values));
        for (int k = 0; k < values.count; k++) eval->value[eval->values++] = values.at[k];
    }
    rf__progress_update(&progress, eval->measures, NULL);
    if (eval->measures) rf__progress_finish(&progress, NULL);
    return RF_OK;
}

/* Our own combinations of backbone and heads do not begin with the published name. */
static const char *perceptual_key(const rf_eval *eval) {
    if (!eval->perceptual) return NULL;
    return strncmp(rf__perceptual_entry(eval->perceptual)->name, "lpips", 5) == 0 ? "lpips" : "perceptual_distance";
}

static rf_status judge(rf_eval *eval) {
    rf_model_field *network = NULL;
    rf_field field, exact;
    flow_memory m = {0};
    rf_exact_source toy = {rf__eval_source_toy(&eval->source[RF_EVAL_REFERENCE]), eval->pool};
    rf_status status = make_flow(eval, &network, &field, &m);
    if (status == RF_OK) {
        bool known = toy.source && toy.source->kind->velocity && rf__source_exact_field(&exact, &toy) == RF_OK;
        const rf_flow_case flow = {&field, known ? &exact : NULL, m.x0, m.x1, m.cond, eval->flow_samples};
        const rf_evidence evidence = {.made = eval->set[0].moments.width ? &eval->set[0] : NULL,
                                      .reference = eval->set[1].moments.width ? &eval->set[1] : NULL,
                                      .paired = &eval->paired,
                                      .perceptual = perceptual_key(eval),
                                      .points = {&eval->points[0], &eval->points[1]},
                                      .flow = network ? &flow : NULL};
        status = measure_all(eval, &evidence);
    }
    rf__model_field_close(&network);
    rf__free(m.x0);
    rf__free(m.x1);
    rf__free(m.cond);
    return status;
}

rf_status rf__eval_run(rf_eval *eval) {
    double start = rf__now();
    /* The reference first: it fails early when a file is broken, and sampling may take hours. */
    RF_TRY(collect_side(eval, RF_EVAL_REFERENCE));
    RF_TRY(collect_side(eval, RF_EVAL_MADE));
    rf_status status = judge(eval);
    eval->seconds = rf__now() - start;
    return status;
}

void rf__eval_fini(rf_eval *eval) {
    for (int side = 0; side < 2; side++) {
        rf__eval_source_close(&eval->source[side]);
        rf__sample_set_fini(&eval->set[side]);
        rf__kept_fini(&eval->points[side]);
    }
    rf__free(eval->partners);
    rf__features_close(&eval->features);
    rf__perceptual_close(&eval->perceptual);
}
