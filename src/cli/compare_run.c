/* compare_run.c - rows to numbers: distance to data through the judge, distance to a fine reference solve of the same seeds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../eval/features.h"
#include "../io/dataset.h"
#include "../kernels/kernels.h"
#include "compare.h"
#include "eval_source.h"
#include "requests.h"

enum { SLAB = 64 /* images judged at a time */, KEPT = 5000 /* feature vectors of a set */, GROUP = 1000000 /* seeds between groups */ };

/* Fine solves of the same seeds and conditions, made when first needed. */
typedef struct reference {
    char *key; /* the conditions, as JSON */
    int group;
    float *images; /* [paired, scalars] */
} reference;

typedef struct judge {
    rf_compare *compare;
    rf_pool *pool;
    rf_features *features; /* NULL: no distance to data */
    rf_sample_set data;
    reference *references;
    int reference_count;
    rf_picture_shape shape; /* of what the model makes */
    int64_t scalars;
} judge;

/* One row and group at work. */
typedef struct session {
    judge *judge;
    rf_sample_set set;
    rf_paired paired;
    const float *reference; /* NULL: images go to `keep` instead of being judged */
    float *keep;
    float *slab;            /* [SLAB, scalars] */
    int32_t labels[SLAB];
    int64_t waiting;
    double judging; /* seconds */
} session;

/* ---- images ---- */

static rf_status flush(session *s) {
    rf_status status = RF_OK;
    if (s->judge->features && s->waiting) status = rf__features_judge(s->judge->features, s->judge->shape, s->slab, s->waiting, s->labels, &s->set);
    s->waiting = 0;
    return status;
}

static rf_status take(void *user, const rf_shot *shot) {
    session *s = user;
    const rf_model_shape *shape = &s->judge->compare->model->shape;
    int64_t n = s->judge->scalars;
    double start = rf__now();
    rf_status status = RF_OK;
    if (s->keep) {
        memcpy(s->keep + shot->k * n, shot->x, (size_t)n * sizeof(float));
    } else {
        if (shot->k < s->judge->compare->settings.paired)
            status = rf__paired_add(&s->paired, shot->x, s->reference + shot->k * n, shape->height, shape->width, shape->channels);
        memcpy(s->slab + s->waiting * n, shot->x, (size_t)n * sizeof *s->slab);
        rf__eval_quantise(s->slab + s->waiting * n, n); /* as a file would hold it: everybody's protocol judges files */
        s->labels[s->waiting++] = shot->label;
        if (status == RF_OK && s->waiting == SLAB) status = flush(s);
    }
    s->judging += rf__now() - start;
    return status;
}

/* ---- one solve ---- */

static void remove_keys(json_t *object, const char *const *keys) {
    for (; *keys; keys++) json_object_del(object, *keys);
}

/* A row says itself how it is solved. */
static void forget_how(const rf_arg *table, rf_sampling_flags *flags) {
    rf_arg how[RF_COMPARE_HOW + 1] = {{NULL}};
    for (int i = 0; rf__compare_how[i]; i++) how[i] = *rf__args_find(table, rf__compare_how[i]);
    rf__args_defaults(how, flags);
}

/* Orders of `count` images of a seed group; keys of ours that are no sampling flags are left out. */
static rf_status order_of(const rf_compare *compare, const rf_model *model, const json_t *wanted, int group, int64_t count, const char *where, rf_order *out) {
    json_t *flags = json_deep_copy(wanted);
    remove_keys(flags, rf__compare_own);
    rf_sampling_flags base = *compare->base;
    forget_how(compare->table, &base);
    base.seed = compare->base->seed + (int64_t)group * GROUP;
    base.count = count;
    rf_status status = rf__request_parse(flags, where, compare->table, &base, model, out);
    json_decref(flags);
    return status;
}

static rf_status solve(judge *j, const rf_compare_row *row, int group, int64_t count, session *s, rf_shoot_totals *totals) {
    rf_order order;
    rf_sampler *sampler;
    const rf_model *model;
    RF_TRY(rf__compare_engine(j->compare, row, &model, &sampler));
    RF_TRY(order_of(j->compare, model, row->wanted, group, count, row->label, &order));
    rf_status status = rf__sampler_warm_up_to(sampler, count * rf__guidance_max_rows(order.guide, &order.guidance)); /* not on the clock of whoever is first */
    int64_t built = rf__sampler_plans(sampler).builds;
    if (status == RF_OK) status = rf__shoot(sampler, &order, 1, take, s, totals);
    rf__debug("%s: %lld plans were built while the clock ran", row->label, (long long)(rf__sampler_plans(sampler).builds - built));
    rf__order_fini(&order);
    return status;
}

/* ---- the reference ---- */

/* What a reference depends on: every key but who solves, how finely and in which dtype. */
static json_t *conditions(const rf_compare *compare, const json_t *wanted) {
    json_t *out = json_deep_copy(wanted);
    remove_keys(out, rf__compare_how);
    remove_keys(out, rf__compare_own);
    json_object_set_new(out, "sampling_method", json_string(compare->settings.reference_solver));
    json_object_set_new(out, "steps", json_integer((json_int_t)compare->settings.reference_steps));
    return out;
}

static rf_status reference_for(judge *j, const rf_compare_row *row, int group, const float **out) {
    json_t *wanted = conditions(j->compare, row->wanted);
    char *key = json_dumps(wanted, JSON_SORT_KEYS | JSON_COMPACT);
    rf_status status = key ? RF_OK : rf__fail(RF_ENOMEM, "compare: no memory");
    *out = NULL;
    for (int i = 0; i < j->reference_count && status == RF_OK && !*out; i++)
        if (j->references[i].group == group && !strcmp(j->references[i].key, key)) *out = j->references[i].images;
    if (status == RF_OK && !*out) {
        reference *r = &j->references[j->reference_count++];
        int64_t count = j->compare->settings.paired;
        *r = (reference){.key = key, .group = group, .images = rf__alloc_array((size_t)(count * j->scalars), sizeof(float))};
        key = NULL;
        session s = {.judge = j, .keep = r->images};
        rf_shoot_totals totals;
        rf__info("reference: %s", r->key);
        const rf_compare_row fine = {.wanted = wanted, .label = "reference", .dtype = RF_F32};
        status = r->images ? solve(j, &fine, group, count, &s, &totals) : rf__fail(RF_ENOMEM, "compare: no memory for the reference");
        *out = r->images;
    }
    free(key);
    json_decref(wanted);
    return status;
}

/* ---- a row ---- */

static double value_of(const char *measure, const rf_sample_set *made, const rf_sample_set *data) {
    rf_measure_values values;
    rf_measure_opts opts = rf__measure_defaults();
    const rf_evidence evidence = {.made = made, .reference = data};
    opts.kid_subsets = 20;
    return rf__measure(rf__measure_find(measure), &evidence, &opts, &values) == RF_OK ? values.at[0].value : (double)NAN;
}

static void fill_result(rf_compare_result *out, const session *s, const rf_shoot_totals *totals) {
    double images = (double)totals->images, paired = (double)s->paired.count, differ = paired - (double)s->paired.equal;
    const rf_sample_set *data = &s->judge->data;
    bool judged = s->judge->features != NULL;
    *out = (rf_compare_result){
        .seconds = (totals->seconds - s->judging) / images,
        .nfe = (double)(totals->counters.nfe_full + totals->counters.nfe_refine) / images,
        .refined = (double)totals->counters.nfe_refine / images,
        .extrapolated = (double)totals->counters.extrapolated / images,
        .frechet = judged ? value_of("fd", &s->set, data) : (double)NAN,
        .kid = judged ? value_of("kid", &s->set, data) : (double)NAN,
        .accuracy = judged && s->set.labelled && rf__features_describe(s->judge->features).classes == s->judge->compare->model->shape.classes ? value_of("accuracy", &s->set, NULL) : (double)NAN,
        .mse = s->paired.mse / paired,
        .psnr = differ > 0 ? s->paired.psnr / differ : (double)INFINITY,
        .ssim = s->paired.similar ? s->paired.ssim / (double)s->paired.similar : (double)NAN,
    };
}

static rf_status run_row(judge *j, rf_compare_row *row, int group) {
    int64_t images = j->compare->settings.images;
    session s = {.judge = j, .slab = rf__alloc_array((size_t)(SLAB * j->scalars), sizeof(float))};
    rf_shoot_totals totals;
    rf_status status = s.slab ? RF_OK : rf__fail(RF_ENOMEM, "compare: no memory for %d images", SLAB);
    if (status == RF_OK) status = reference_for(j, row, group, &s.reference);
    if (status == RF_OK && j->features) {
        rf_features_info info = rf__features_describe(j->features);
        status = rf__sample_set_init(&s.set, images, info.feature_width, info.classes, KEPT);
    }
    if (status == RF_OK) status = solve(j, row, group, images, &s, &totals);
    if (status == RF_OK) status = flush(&s);
    if (status == RF_OK) fill_result(&row->result[group], &s, &totals);
    rf__sample_set_fini(&s.set);
    rf__free(s.slab);
    return status;
}

/* Everything that the numbers of a row depend on: the protocol (with the machine's threads and kernels, for the seconds), the data, the networks, the row,
 * what its policy's profile said when it was read (bandits begin their tables in it while they walk), the seeds. */
static rf_status key_of(const judge *j, const rf_compare_row *row, int group, json_t **out) {
    rf_compare *c = j->compare;
    rf_order order;
    rf_sampler *sampler;
    const rf_model *model;
    RF_TRY(rf__compare_engine(c, row, &model, &sampler));
    RF_TRY(order_of(c, model, row->wanted, group, 1, row->label, &order));
    const rf_model *refiner = rf__sampler_refiner(sampler);
    json_t *key = json_pack("{s:O, s:s, s:s, s:i, s:o}", "flags", row->wanted, "network", model->sha256, "refiner", refiner ? refiner->sha256 : "", "batch_size",
                            row->batch ? row->batch : c->batch, "order", rf__order_json(&order));
    json_object_set_new(key, "seed", json_integer((json_int_t)order.seed));
    json_object_set_new(key, "data_path", json_string(c->settings.data_path));
    if (order.profile) json_object_set_new(key, "profile_crc32", json_integer((json_int_t)order.profile->crc));
    json_object_update(key, c->protocol);
    json_object_del(key, "seeds"); /* more seed groups than before are welcome */
    rf__order_fini(&order);
    *out = key;
    return key ? RF_OK : rf__fail(RF_ENOMEM, "compare: no memory");
}

static rf_status run_or_recall(judge *j, rf_compare_row *row, int group) {
    json_t *key;
    RF_TRY(key_of(j, row, group, &key));
    bool known = rf__compare_recall(j->compare, key, &row->result[group]);
    rf_status status = known ? RF_OK : run_row(j, row, group);
    if (status == RF_OK && !known) status = rf__compare_keep(j->compare, key, &row->result[group]);
    json_decref(key);
    return status;
}

/* Euler and Heun with as many answers of the network as this row took: what a user could have had without any of it. */
static rf_status add_controls(rf_compare *compare, const rf_compare_row *row) {
    static const char *const machine[] = {"dtype", "batch_size", NULL}; /* their milliseconds are compared too */
    int64_t nfe = (int64_t)llround(row->result[0].nfe - row->result[0].refined); /* a refiner's call is a fraction of the network's */
    for (int per_step = 1; per_step <= 2; per_step++) {
        if (nfe < 1 || nfe % per_step) continue;
        json_t *wanted = conditions(compare, row->wanted);
        json_object_set_new(wanted, "sampling_method", json_string(per_step == 1 ? "euler" : "heun"));
        json_object_set_new(wanted, "steps", json_integer((json_int_t)(nfe / per_step)));
        for (int i = 0; machine[i]; i++)
            if (json_object_get(row->wanted, machine[i])) json_object_set(wanted, machine[i], json_object_get(row->wanted, machine[i]));
        RF_TRY(rf__compare_add(compare, wanted, true, "compare"));
    }
    return RF_OK;
}

/* ---- all of it ---- */

static rf_status judge_data(judge *j, const rf_dataset *set) {
    rf_features_info info = rf__features_describe(j->features);
    const rf_picture_shape shape = {set->height, set->width, set->channels};
    int64_t scalars = (int64_t)shape.height * shape.width * shape.channels;
    RF_TRY(rf__features_check(j->features, shape));
    RF_TRY(rf__sample_set_init(&j->data, set->count, info.feature_width, info.classes, KEPT));
    float *slab = rf__alloc_array((size_t)(SLAB * scalars), sizeof *slab);
    rf_status status = slab ? RF_OK : rf__fail(RF_ENOMEM, "compare: no memory for %d images", SLAB);
    for (int64_t first = 0; first < set->count && status == RF_OK; first += SLAB) {
        int64_t rows = set->count - first < SLAB ? set->count - first : SLAB;
        for (int64_t r = 0; r < rows; r++) rf__dataset_image(set, first + r, false, slab + r * scalars);
        status = rf__features_judge(j->features, shape, slab, rows, NULL, &j->data);
    }
    rf__free(slab);
    return status;
}

static rf_status open_judge(judge *j) {
    rf_compare *c = j->compare;
    const rf_compare_settings *settings = &c->settings;
    const rf_model_shape *shape = &c->model->shape;
    j->shape = (rf_picture_shape){shape->height, shape->width, shape->channels};
    j->scalars = rf__scalars_of(shape);
    j->references = rf__alloc_array((size_t)RF_COMPARE_ROWS * (size_t)settings->seeds, sizeof *j->references);
    j->pool = rf__pool_create(c->threads);
    if (!j->references || !j->pool) return rf__fail(RF_ENOMEM, "compare: no memory");
    const rf_kernels *kernels = rf__kernels();
    if (!kernels) return RF_ENOTFOUND;
    c->protocol = json_pack("{s:I, s:I, s:I, s:s, s:I, s:s, s:s, s:b}", "images", (json_int_t)settings->images, "paired", (json_int_t)settings->paired, "seeds",
                            (json_int_t)settings->seeds, "reference_solver", settings->reference_solver, "reference_steps",
                            (json_int_t)settings->reference_steps, "model_sha256", c->model->sha256, "version", RF_VERSION, "eight_bit", 1);
    json_object_update_new(c->protocol, json_pack("{s:i, s:s, s:s}", "threads", rf__pool_size(j->pool), "isa", kernels->isa, "provider", kernels->conv.name));
    if (!settings->data[0]) return RF_OK;
    rf_dataset *set = NULL;
    const rf_dataset_spec spec = {.name = settings->data, .path = settings->data_path, .split = settings->split, .limit = settings->data_limit};
    RF_TRY(rf__features_open(&j->features, settings->extractor, settings->weights, NULL, j->pool));
    RF_TRY(rf__features_check(j->features, j->shape));
    RF_TRY(rf__dataset_open(&set, &spec));
    rf_status status = judge_data(j, set);
    json_object_update_new(c->protocol, json_pack("{s:s, s:s, s:I, s:s, s:s}", "reference_data", settings->data, "reference_split", settings->split, "reference_count",
                                                  (json_int_t)set->count, "extractor", settings->extractor, "extractor_sha256",
                                                  rf__features_describe(j->features).sha256));
    rf__dataset_free(&set);
    return status;
}

static void close_judge(judge *j) {
    for (int i = 0; i < j->reference_count; i++) {
        free(j->references[i].key);
        rf__free(j->references[i].images);
    }
    rf__free(j->references);
    rf__sample_set_fini(&j->data);
    rf__features_close(&j->features);
    rf__pool_free(&j->pool);
}

/* A row that cannot be sampled must be known before an hour is spent on the others. */
static rf_status check_rows(rf_compare *compare) {
    for (int i = 0; i < compare->rows; i++) {
        rf_order order;
        rf_sampler *sampler;
        const rf_model *model;
        RF_TRY(rf__compare_engine(compare, &compare->row[i], &model, &sampler));
        if (rf__model_scalars(model) != rf__model_scalars(compare->model))
            return rf__fail(RF_EMISMATCH, "%s: pictures of %lld numbers, those of the compared model have %lld", compare->row[i].label,
                            (long long)rf__model_scalars(model), (long long)rf__model_scalars(compare->model));
        RF_TRY(order_of(compare, model, compare->row[i].wanted, 0, 1, compare->row[i].label, &order));
        rf_status status = rf__shoot_check(sampler, &order, 1);
        if (status != RF_OK) status = rf__fail_in(status, "%s: ", compare->row[i].label);
        rf__order_fini(&order);
        RF_TRY(status);
    }
    return RF_OK;
}

/* Rows of one group of seeds; the first group adds the controls. */
static rf_status run_group(judge *j, int group) {
    rf_compare *c = j->compare;
    for (int i = 0; i < c->rows; i++) { /* grows */
        rf__info("seeds %d of %lld, row %d of %d: %s", group + 1, (long long)c->settings.seeds, i + 1, c->rows, c->row[i].label);
        RF_TRY(run_or_recall(j, &c->row[i], group));
        if (group == 0 && !c->row[i].control && c->settings.controls && !c->settings.waterfall) RF_TRY(add_controls(c, &c->row[i]));
    }
    return RF_OK;
}

/* All rows of a group before the next group: a minute in which the machine is slow then falls on one group of several rows, where it shows as spread,
 * instead of on all groups of one row. */
rf_status rf__compare_run(rf_compare *compare) {
    RF_TRY(check_rows(compare));
    judge j = {.compare = compare};
    rf_status status = open_judge(&j);
    if (status == RF_OK) status = rf__compare_kept_open(compare, compare->resume);
    for (int group = 0; group < compare->settings.seeds && status == RF_OK; group++) status = run_group(&j, group);
    rf__compare_kept_close(compare);
    close_judge(&j);
    return status;
}
