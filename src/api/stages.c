/* stages.c - see stages.h. */
#include "stages.h"

#include <string.h>

#include "../base/memory.h"
#include "../flow/schedule.h"
#include "../io/yaml.h"
#include "../models/model_field.h"

/* What the file says of one stage. */
typedef struct stage_config {
    char model[RF_FIELD_STRING_MAX], refiner[RF_FIELD_STRING_MAX], blocks[RF_FIELD_STRING_MAX], upsampler[RF_FIELD_STRING_MAX],
        noise[RF_FIELD_STRING_MAX], sha256[RF_FIELD_STRING_MAX], refiner_sha256[RF_FIELD_STRING_MAX];
    int64_t resolution;
    double from, to;
} stage_config;

#define S(member) offsetof(stage_config, member)
static const rf_field_desc fields[] = {
    {"model", RF_FIELD_STRING, S(model), "", 0, 0, NULL, "checkpoint; empty: the command's model"},
    {"resolution", RF_FIELD_INT, S(resolution), "0", 0, 65536, NULL, "side of its pictures; 0: the model's own"},
    {"from", RF_FIELD_FLOAT, S(from), "0", 0, 1, NULL, "t at which it begins: 0 for the first stage, re-noised to here for the others"},
    {"to", RF_FIELD_FLOAT, S(to), "1", 0, 1, NULL, "t at which it ends; at least the next one's from"},
    {"blocks", RF_FIELD_STRING, S(blocks), NULL, 0, 0, NULL, "its steps, as --blocks; they are equally long"},
    {"refiner", RF_FIELD_STRING, S(refiner), "", 0, 0, NULL, "refiner of its model; empty: with the command's model the command's"},
    {"upsampler", RF_FIELD_STRING, S(upsampler), "bicubic", 0, 0, NULL, "bicubic, bilinear or nearest"},
    {"noise", RF_FIELD_STRING, S(noise), "fresh", 0, 0, NULL, "fresh, or estimated: what the stage before saw (of one size)"},
    {"sha256", RF_FIELD_STRING, S(sha256), "", 0, 0, NULL, "of the model; checked when given"},
    {"refiner_sha256", RF_FIELD_STRING, S(refiner_sha256), "", 0, 0, NULL, "of the refiner; checked when given"},
    {NULL}};

/* A network of this set's own. */
typedef struct engine {
    rf_model *model, *refiner; /* opened by us, or NULL */
    rf_model resized;          /* the command's model at another size; weights borrowed */
    rf_model_field *network, *small;
    rf_field field, light;     /* light: a refiner's, when there is one */
    bool refines;
    rf_extent extent;
} engine;

struct rf_stage_set {
    int count;
    stage_config config[RF_MAX_STAGES_OF_A_WALK];
    engine engine[RF_MAX_STAGES_OF_A_WALK];
    rf_blocks blocks[RF_MAX_STAGES_OF_A_WALK];
    double *times[RF_MAX_STAGES_OF_A_WALK];
    rf_stage stage[RF_MAX_STAGES_OF_A_WALK]; /* [count - 1] used */
    json_t *json;
};

static rf_status check_hash(const rf_model *model, const char *wanted) {
    if (!wanted[0] || strcmp(model->sha256, wanted) == 0) return RF_OK;
    return rf__fail(RF_EMISMATCH, "%s: has SHA-256 %.16s.., expected %.16s..", model->path ? model->path : "the model", model->sha256, wanted);
}

static rf_status open_network(engine *e, const stage_config *c, rf_sampler *sampler) {
    const rf_model *main = rf__sampler_model(sampler);
    rf_model *model = NULL;
    if (c->model[0]) {
        RF_TRY(rf__model_open(&e->model, c->model));
        model = e->model;
        if (model->shape.classes != main->shape.classes || model->shape.channels != main->shape.channels)
            return rf__fail(RF_EMISMATCH, "%s has %d channels and %d classes, the command's model %d and %d", c->model, model->shape.channels,
                            model->shape.classes, main->shape.channels, main->shape.classes);
    }
    const rf_model *base = model ? model : main;
    RF_TRY(check_hash(base, c->sha256));
    int side = c->resolution ? (int)c->resolution : base->shape.height;
    bool other = side != base->shape.height;
    e->extent = (rf_extent){side, other ? side : base->shape.width, base->shape.channels};
    if (!other && !model) {
        e->field = *rf__sampler_field(sampler);
        return RF_OK;
    }
    if (other) {
        RF_TRY(rf__model_at(&e->resized, base, side, side));
        model = &e->resized;
    }
    if (model->shape.refines) return rf__fail(RF_EINVAL, "%s is a refiner, expected a predictor", c->model);
    RF_TRY(rf__model_field_open(&e->network, model, rf__sampler_dtype(sampler), rf__sampler_pool(sampler), rf__sampler_rows(sampler)));
    e->field = rf__model_field_view(e->network);
    return RF_OK;
}

static rf_status open_refiner(engine *e, const stage_config *c, rf_sampler *sampler) {
    const rf_field *command = rf__sampler_refiner_field(sampler);
    bool main = !e->network;
    if (!c->refiner[0]) {
        if (main && command) e->light = *command, e->refines = true;
        return RF_OK;
    }
    const rf_model *predictor = e->model ? e->model : rf__sampler_model(sampler);
    RF_TRY(rf__model_open(&e->refiner, c->refiner));
    RF_TRY(rf__model_check_refiner(e->refiner, predictor));
    RF_TRY(check_hash(e->refiner, c->refiner_sha256));
    RF_TRY(rf__model_field_open(&e->small, e->refiner, rf__sampler_dtype(sampler), rf__sampler_pool(sampler), rf__sampler_rows(sampler)));
    e->light = rf__model_field_view(e->small);
    e->refines = true;
    return RF_OK;
}

static rf_status make_grid(rf_stage_set *set, int k) {
    const stage_config *c = &set->config[k];
    RF_TRY(rf__blocks_parse(&set->blocks[k], c->blocks));
    int steps = rf__blocks_steps(&set->blocks[k]);
    if (steps > RF_MAX_STEPS) return rf__fail(RF_EINVAL, "blocks are %d steps, expected at most %d", steps, RF_MAX_STEPS);
    if (!(c->from < c->to)) return rf__fail(RF_EINVAL, "from is %g, expected less than to, which is %g", c->from, c->to);
    if (k == 0 && c->from != 0) return rf__fail(RF_EINVAL, "from is %g, expected 0 (noise): nobody walks before the first stage", c->from);
    set->times[k] = rf__alloc_array((size_t)steps + 1, sizeof **set->times);
    if (!set->times[k]) return rf__fail(RF_ENOMEM, "no memory for %d steps", steps);
    for (int i = 0; i <= steps; i++) set->times[k][i] = c->from + (c->to - c->from) * i / steps;
    set->times[k][steps] = c->to;
    return RF_OK;
}

static rf_status open_stage(rf_stage_set *set, int k, const json_t *object, const char *where, rf_sampler *sampler) {
    stage_config *c = &set->config[k];
    engine *e = &set->engine[k];
    RF_TRY(rf__fields_read(fields, c, object, where));
    RF_TRY(make_grid(set, k));
    RF_TRY(open_network(e, c, sampler));
    RF_TRY(open_refiner(e, c, sampler));
    rf_stage stage = {.field = &e->field, .refiner = e->refines ? &e->light : NULL, .blocks = &set->blocks[k], .times = set->times[k],
                      .steps = rf__blocks_steps(&set->blocks[k]), .to = e->extent, .from = k ? set->engine[k - 1].extent : e->extent,
                      .upsampler = rf__upsampler_find(c->upsampler), .renoise = rf__renoise_find(c->noise)};
    if (!stage.upsampler || !stage.renoise) return RF_EINVAL;
    if (k) set->stage[k - 1] = stage;
    return RF_OK;
}

static rf_status check_whole(const rf_stage_set *set, const rf_sampler *sampler) {
    const rf_model_shape *shape = &rf__sampler_model(sampler)->shape;
    const rf_extent *last = &set->engine[set->count - 1].extent;
    if (last->height != shape->height || last->width != shape->width)
        return rf__fail(RF_EMISMATCH, "the last stage makes %dx%d, expected the size of the command's model, %dx%d", last->width, last->height,
                        shape->width, shape->height);
    if (set->count == 1 && set->config[0].to != 1)
        return rf__fail(RF_EINVAL, "the only stage ends at t = %g, expected 1 (data)", set->config[0].to);
    rf_job_spec spec = {.cond = {.label = 0}};
    rf__stage_set_describe(set, &spec);
    return rf__job_check(&spec);
}

static rf_status remember(rf_stage_set *set, const rf_sampler *sampler) {
    set->json = json_array();
    for (int k = 0; k < set->count; k++) {
        const engine *e = &set->engine[k];
        json_t *one = rf__fields_write(fields, &set->config[k]);
        const rf_model *model = e->model ? e->model : rf__sampler_model(sampler);
        json_object_set_new(one, "sha256", json_string(model->sha256));
        if (e->refiner) json_object_set_new(one, "refiner_sha256", json_string(e->refiner->sha256));
        json_array_append_new(set->json, one);
    }
    return json_array_size(set->json) == (size_t)set->count ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the stages");
}

rf_status rf__stage_set_open(rf_stage_set **out, const json_t *list, const char *where, rf_sampler *sampler) {
    size_t index, count = json_array_size(list);
    const json_t *object;
    *out = NULL;
    if (!json_is_array(list) || count < 1 || count > RF_MAX_STAGES_OF_A_WALK)
        return rf__fail(RF_EFORMAT, "%s: stages is not a list of 1 .. %d stages", where, RF_MAX_STAGES_OF_A_WALK);
    rf_stage_set *set = rf__alloc(sizeof *set);
    if (!set) return rf__fail(RF_ENOMEM, "%s: no memory", where);
    set->count = (int)count;
    rf_status status = RF_OK;
    json_array_foreach(list, index, object) {
        status = open_stage(set, (int)index, object, where, sampler);
        if (status != RF_OK) {
            rf__fail_in(status, "%s: stage %zu: ", where, index + 1);
            break;
        }
    }
    if (status == RF_OK && (status = check_whole(set, sampler)) != RF_OK) rf__fail_in(status, "%s: ", where);
    if (status == RF_OK) status = remember(set, sampler);
    if (status != RF_OK) rf__stage_set_close(&set);
    *out = set;
    return status;
}

rf_status rf__stage_set_read(rf_stage_set **out, const char *path, rf_sampler *sampler) {
    json_t *tree = NULL;
    *out = NULL;
    RF_TRY(rf__yaml_read(&tree, path));
    rf_status status = RF_OK;
    const char *key;
    json_t *value;
    json_object_foreach(tree, key, value)
        if (strcmp(key, "stages")) status = rf__fail(RF_EFORMAT, "%s: %.60s is not a key, expected stages", path, key);
    if (status == RF_OK) status = rf__stage_set_open(out, json_object_get(tree, "stages"), path, sampler);
    rf__yaml_free(&tree);
    return status;
}

void rf__stage_set_close(rf_stage_set **set) {
    rf_stage_set *dead = *set;
    if (!dead) return;
    for (int k = 0; k < dead->count; k++) {
        engine *e = &dead->engine[k];
        rf__model_field_close(&e->network);
        rf__model_field_close(&e->small);
        rf__model_at_fini(&e->resized);
        rf__model_free(&e->model);
        rf__model_free(&e->refiner);
        rf__free(dead->times[k]);
    }
    json_decref(dead->json);
    rf__free(dead);
    *set = NULL;
}

void rf__stage_set_describe(const rf_stage_set *set, rf_job_spec *spec) {
    spec->field = &set->engine[0].field;
    spec->refiner = set->engine[0].refines ? &set->engine[0].light : NULL;
    spec->solver = rf__solver_find("blocks");
    spec->solver_options = NULL;
    spec->blocks = &set->blocks[0];
    spec->times = set->times[0];
    spec->steps = rf__blocks_steps(&set->blocks[0]);
    spec->stages = set->stage;
    spec->stage_count = set->count - 1;
}

int64_t rf__stage_set_answers(const rf_stage_set *set) {
    const rf_blocks *first = &set->blocks[0];
    return rf__solver_calls(rf__solver_find("blocks"), first, rf__blocks_steps(first)) + (set->count > 1 && set->config[0].to < 1) + rf__stages_calls(set->stage, 0, set->count - 1);
}

const json_t *rf__stage_set_json(const rf_stage_set *set) { return set->json; }
