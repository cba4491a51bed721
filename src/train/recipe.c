/* recipe.c - read, check, write and compare recipes. */
#include "recipe.h"

#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../io/yaml.h"
#include "recipe_fields.h"
#include "resolutions.h"

enum { SECTIONS = 10 };

typedef struct section {
    const char *name, *help;
    const rf_field_desc *table;
    void *config;
    bool required, weighs; /* weighs: the weights depend on it, so a run that goes on must have the same */
    bool idle;             /* this recipe has no use for it: left out when the recipe is written */
} section;

/* The sections of a recipe; the model's table is that of its kind (NULL while the kind is unknown). */
static void sections_of(rf_recipe *recipe, section out[SECTIONS]) {
    bool refines = recipe->coupling && recipe->coupling->refines;
    const rf_field_desc *model = recipe->kind ? recipe->kind->fields : NULL;
    const section all[SECTIONS] = {
        {"model", "the network", model, recipe->model, .required = true, .weighs = true},
        {"data", "what it learns", rf__data_fields, &recipe->data, .required = true, .weighs = true},
        {"train", "how it learns", rf__train_fields, &recipe->train, .required = true, .weighs = true},
        {"teacher", "who makes pairs while training", rf__teacher_fields, &recipe->teacher, .weighs = true},
        {"windows", "PeRFlow", rf__windows_fields, &recipe->windows, .weighs = true},
        {"anneal", "SlimFlow", rf__anneal_fields, &recipe->anneal, .weighs = true},
        {"refiner", "FlowTurbo", rf__refine_fields, &recipe->refine, .weighs = true, .idle = !refines},
        {"adversary", "CAF's last stage", rf__adversary_fields, &recipe->adversary, .weighs = true, .idle = !recipe->adversary.features[0]},
        {"sample", "grids drawn on the way, from the EMA", rf__sample_fields, &recipe->sample},
        {"evaluate", "numbers printed at the end", rf__evaluate_fields, &recipe->evaluate},
    };
    memcpy(out, all, sizeof all);
}

/* "model, data ... or evaluate" */
static const char *names_of(const section all[SECTIONS], char out[256]) {
    size_t used = 0;
    for (int i = 0; i < SECTIONS; i++)
        used += (size_t)snprintf(out + used, 256 - used, "%s%s", i == 0 ? "" : i == SECTIONS - 1 ? " or " : ", ", all[i].name);
    return out;
}

/* "FILE:LINE" of a value, or FILE. */
static const char *place(const json_t *value, const char *where, char buffer[512]) {
    int line = rf__yaml_line(value);
    if (line > 0) snprintf(buffer, 512, "%s:%d", where, line);
    else snprintf(buffer, 512, "%s", where);
    return buffer;
}

/* model.kind says which settings the section has; *settings: the section without it, values (and their lines) shared. */
static rf_status read_kind(rf_recipe *recipe, json_t *model, const char *where, json_t **settings) {
    char at[512];
    const json_t *kind = json_object_get(model, "kind");
    if (!json_is_string(kind)) return rf__fail(RF_EFORMAT, "%s: model.kind is missing, expected the name of a network", place(model, where, at));
    recipe->kind = rf__model_kind_find(json_string_value(kind));
    if (!recipe->kind) return rf__fail_in(RF_ENOTFOUND, "%s: ", place(kind, where, at));
    recipe->model = rf__alloc(recipe->kind->config_size);
    *settings = json_copy(model);
    if (!recipe->model || !*settings) return rf__fail(RF_ENOMEM, "%s: no memory for the settings of the network", where);
    json_object_del(*settings, "kind");
    return RF_OK;
}

static rf_status check_sections(const section all[SECTIONS], json_t *object, const char *where) {
    const char *key;
    json_t *value;
    char at[512], names[256];
    json_object_foreach(object, key, value) {
        bool known = false;
        for (int i = 0; i < SECTIONS; i++) known = known || strcmp(key, all[i].name) == 0;
        if (!known)
            return rf__fail(RF_EFORMAT, "%s: %.60s is not a section of a recipe, expected %s", place(value, where, at), key, names_of(all, names));
        if (!json_is_object(value)) return rf__fail(RF_EFORMAT, "%s: %s is not a section, expected keys below it", place(value, where, at), key);
    }
    for (int i = 0; i < SECTIONS; i++)
        if (all[i].required && !json_object_get(object, all[i].name))
            return rf__fail(RF_EFORMAT, "%s: has no section %s (%s)", where, all[i].name, all[i].help);
    return RF_OK;
}

static rf_status read_sections(rf_recipe *recipe, json_t *object, const char *where) {
    section all[SECTIONS];
    sections_of(recipe, all);
    if (!json_is_object(object)) return rf__fail(RF_EFORMAT, "%s: is not a recipe, expected the sections model, data, train", where);
    RF_TRY(check_sections(all, object, where));
    json_t *settings = NULL;
    rf_status status = read_kind(recipe, json_object_get(object, "model"), where, &settings);
    sections_of(recipe, all);
    for (int i = 0; i < SECTIONS && status == RF_OK; i++) {
        const json_t *part = i == 0 ? settings : json_object_get(object, all[i].name);
        if (part) status = rf__fields_read(all[i].table, all[i].config, part, where);
        else status = rf__fields_defaults(all[i].table, all[i].config);
    }
    json_decref(settings);
    return status;
}

/* "train.steps=100" */
static rf_status apply_override(rf_recipe *recipe, const char *text) {
    section all[SECTIONS];
    sections_of(recipe, all);
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    if (!dot || !equals || dot > equals) return rf__fail(RF_EFORMAT, "\"%s\" is not an override, expected SECTION.KEY=VALUE", text);
    for (int i = 0; i < SECTIONS; i++) {
        if (strlen(all[i].name) != (size_t)(dot - text) || strncmp(text, all[i].name, (size_t)(dot - text)) != 0) continue;
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
        return rf__fields_set(all[i].table, all[i].config, key, equals + 1, text);
    }
    char names[256];
    return rf__fail(RF_EFORMAT, "\"%s\": no section of that name, expected %s", text, names_of(all, names));
}

/* What the sections teacher, windows and anneal say, against what the coupling needs. */
static rf_status check_methods(const rf_recipe *recipe, const rf_model_shape *shape, const char *where) {
    const char *coupling = recipe->train.coupling;
    int needs = recipe->coupling->online, count = (int)recipe->windows.count, extra = count && recipe->windows.id ? count + 1 : 0;
    if ((needs & RF_ONLINE_TEACHER) && !recipe->teacher.model[0])
        return rf__fail(RF_EFORMAT, "%s: teacher.model is empty, expected a checkpoint (or exact) for train.coupling %s", where, coupling);
    if (!(needs & RF_ONLINE_TEACHER) && recipe->teacher.model[0])
        return rf__fail(RF_EFORMAT, "%s: teacher.model is %s, expected nothing with train.coupling %s, which asks no teacher", where,
                        recipe->teacher.model, coupling);
    if (!(needs & RF_ONLINE_WINDOWS) != (count == 0))
        return rf__fail(RF_EFORMAT, "%s: windows.count is %d, expected %s with train.coupling %s", where, count,
                        needs & RF_ONLINE_WINDOWS ? "at least 1" : "0", coupling);
    if (shape->extra != extra && (count || shape->extra))
        return rf__fail(RF_EFORMAT, "%s: model.extra is %d, expected %d: %s", where, shape->extra, extra,
                        extra ? "one for each window and the part of it that is done (windows.id: false asks for 0)" : "nothing of this recipe fills it");
    if (count && !recipe->path->straight)
        return rf__fail(RF_EFORMAT, "%s: train.path is %s, expected linear with windows", where, recipe->path->is.name);
    if (recipe->teacher.cfg != 1 && shape->classes == 0)
        return rf__fail(RF_EFORMAT, "%s: teacher.cfg is %g, expected 1 for a network without classes", where, recipe->teacher.cfg);
    return RF_OK;
}

static rf_status check_loss(const rf_recipe *recipe, const rf_model_shape *shape, const char *where) {
    const rf_train_config *t = &recipe->train;
    if (recipe->target->pictures && shape->flat)
        return rf__fail(RF_EFORMAT, "%s: train.target is %s, expected one that makes sense for points", where, t->target);
    if (!t->premetric[0]) return RF_OK;
    if (shape->flat || recipe->metric->labels || recipe->coupling->refines)
        return rf__fail(RF_EFORMAT, "%s: train.premetric is %s, expected nothing for a network that makes no pictures", where, t->premetric);
    if (!recipe->path->reach)
        return rf__fail(RF_EFORMAT, "%s: train.premetric is %s, expected nothing with train.path %s", where, t->premetric, t->path);
    if (recipe->windows.count && recipe->windows.predicts != RF_WINDOW_VELOCITY) /* what is predicted says nothing of x1 by itself */
        return rf__fail(RF_EFORMAT, "%s: train.premetric is %s, expected nothing with windows that predict noise (windows.predicts)", where, t->premetric);
    return RF_OK;
}

static rf_status check_adversary(const rf_recipe *recipe, const rf_model_shape *shape, const char *where) {
    const rf_adversary_config *a = &recipe->adversary;
    if (!a->features[0]) return RF_OK;
    if (shape->flat || recipe->metric->labels || recipe->coupling->refines || shape->extra)
        return rf__fail(RF_EFORMAT, "%s: adversary.features is %s, expected nothing for a network that makes no pictures in one step", where, a->features);
    if (!recipe->path->reach || recipe->path->reach(0, recipe->train.path_shape) <= 0)
        return rf__fail(RF_EFORMAT, "%s: adversary.features is %s, expected nothing with train.path %s, which predicts no data at t = 0", where,
                        a->features, recipe->train.path);
    if (recipe->windows.count && recipe->windows.predicts != RF_WINDOW_VELOCITY)
        return rf__fail(RF_EFORMAT, "%s: adversary.features is %s, expected nothing with windows that predict noise (windows.predicts)", where, a->features);
    if (!a->file[0] || !a->data[0])
        return rf__fail(RF_EFORMAT, "%s: adversary.%s is empty, expected %s", where, a->file[0] ? "data" : "file", a->file[0] ? "a data set" : "the weights of its features");
    if (recipe->train.time_eps > 0)
        return rf__fail(RF_EFORMAT, "%s: train.time_eps is %g, expected 0 with an adversary: it looks at rows at t = 0 alone", where, recipe->train.time_eps);
    if (!recipe->time->discrete)
        return rf__fail(RF_EFORMAT, "%s: train.time is %s, expected nodes with an adversary: it looks at rows at t = 0 alone", where, recipe->train.time);
    return RF_OK;
}

/* The grids of pictures that the run draws on its way. */
static rf_status check_sample(const rf_recipe *recipe, const rf_model_shape *shape, const char *where) {
    const rf_sample_config *sample = &recipe->sample;
    const int64_t windows = recipe->windows.count;
    if (shape->flat || shape->refines || recipe->kind->classifies) return RF_OK;
    const rf_solver *solver = rf__solver_find(sample->solver);
    if (!solver) return rf__fail_in(RF_ENOTFOUND, "%s: sample.solver: ", where);
    if (solver->corrects || solver->blocks)
        return rf__fail(RF_EFORMAT, "%s: sample.solver is %s, expected one that needs nothing but the network", where, sample->solver);
    if (windows && solver->adaptive)
        return rf__fail(RF_EFORMAT, "%s: sample.solver is %s, expected one that stops where windows end", where, sample->solver);
    if (sample->steps < windows)
        return rf__fail(RF_EFORMAT, "%s: sample.steps is %lld, expected at least the %lld of windows.count", where, (long long)sample->steps, (long long)windows);
    return RF_OK;
}

static rf_status check_path(const rf_recipe *recipe, const rf_model_shape *shape, const char *where) {
    const rf_train_config *t = &recipe->train;
    if (recipe->coupling->refines ? recipe->path->informed : (shape->refines == RF_REFINES_PLAIN) != recipe->path->informed || shape->refines > RF_REFINES_PLAIN)
        return rf__fail(RF_EFORMAT, "%s: model.refines is %s, expected %s for train.path %s", where, rf__refines_names[shape->refines],
                        recipe->path->informed ? "plain" : "nothing", t->path);
    if (recipe->path->informed != (t->initial[0] != 0))
        return rf__fail(RF_EFORMAT, "%s: train.initial is \"%s\", expected %s for train.path %s", where, t->initial,
                        recipe->path->informed ? "the checkpoint of the first velocity" : "nothing", t->path);
    return RF_OK;
}

/* Names to table entries, and what one key alone cannot check. */
static rf_status resolve(rf_recipe *recipe, const char *where) {
    const rf_train_config *t = &recipe->train;
    const struct { const rf_plugin *const *table; const char *key, *name; const void **out; } names[] = {
        {rf__couplings(), "train.coupling", t->coupling, (const void **)&recipe->coupling},
        {rf__time_laws(), "train.time", t->time, (const void **)&recipe->time},
        {rf__paths(), "train.path", t->path, (const void **)&recipe->path},
        {rf__targets(), "train.target", t->target, (const void **)&recipe->target},
        {rf__metrics(), "train.loss", t->loss, (const void **)&recipe->metric},
        {rf__loss_weights(), "train.weight", t->weight, (const void **)&recipe->weight},
        {rf__anneal_schedules(), "anneal.schedule", recipe->anneal.schedule, (const void **)&recipe->annealing},
        {rf__loss_weights(), "train.premetric_weight", t->premetric_weight, (const void **)&recipe->look},
        {rf__lr_schedules(), "train.schedule", t->schedule, (const void **)&recipe->optim.schedule},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(*names[i].out = rf__plugin_find(names[i].table, names[i].key, names[i].name))) return rf__fail_in(RF_ENOTFOUND, "%s: ", where);
    if (t->batch % t->micro_batch != 0)
        return rf__fail(RF_EFORMAT, "%s: train.batch is %lld, expected a multiple of train.micro_batch (%lld)", where, (long long)t->batch,
                        (long long)t->micro_batch);
    recipe->optim = (rf_optim_config){.lr = t->lr, .beta1 = t->beta1, .beta2 = t->beta2, .eps = t->eps, .weight_decay = t->weight_decay,
                                      .clip = t->clip, .ema = t->ema, .warmup = t->warmup, .steps = t->steps,
                                      .schedule = recipe->optim.schedule};
    if (recipe->kind->check && recipe->kind->check(recipe->model) != RF_OK) return rf__fail_in(RF_EFORMAT, "%s: model: ", where);
    rf_model_shape shape = recipe->kind->shape(recipe->model);
    if (recipe->metric->labels != recipe->kind->classifies)
        return rf__fail(RF_EFORMAT, "%s: train.loss is %s, expected one that compares %s for a model of kind %s (cross_entropy %s)", where,
                        t->loss, recipe->kind->classifies ? "classes" : "velocities", recipe->kind->name,
                        recipe->kind->classifies ? "does" : "does not");
    if (!recipe->path->informed && recipe->coupling->refines != (shape.refines != RF_REFINES_NOTHING))
        return rf__fail(RF_EFORMAT, "%s: train.coupling is %s, expected one %s (model.refines is %s)", where, t->coupling,
                        shape.refines ? "for refiners" : "that is not for refiners", rf__refines_names[shape.refines]);
    if (recipe->path->still && !recipe->metric->labels)
        return rf__fail(RF_EFORMAT, "%s: train.path is %s, expected one that goes from noise to data for train.loss %s", where, t->path, t->loss);
    RF_TRY(check_methods(recipe, &shape, where));
    RF_TRY(check_loss(recipe, &shape, where));
    RF_TRY(check_adversary(recipe, &shape, where));
    RF_TRY(check_path(recipe, &shape, where));
    RF_TRY(check_sample(recipe, &shape, where));
    RF_TRY(rf__resolutions_check(recipe, where));
    if (t->label_drop > 0 && recipe->metric->labels)
        return rf__fail(RF_EFORMAT, "%s: train.label_drop is %g, expected 0 where the label is what is learned", where, t->label_drop);
    if (recipe->evaluate.accuracy[0] && !recipe->kind->classifies)
        return rf__fail(RF_EFORMAT, "%s: evaluate.accuracy is %s, expected nothing for a model of kind %s", where, recipe->evaluate.accuracy,
                        recipe->kind->name);
    if (t->label_drop > 0 && shape.classes == 0)
        return rf__fail(RF_EFORMAT, "%s: train.label_drop is %g, expected 0 for a network without classes", where, t->label_drop);
    return RF_OK;
}

static rf_status parse(rf_recipe **out, json_t *object, const char *where, int count, char *const *overrides) {
    rf_recipe *recipe = *out = rf__alloc(sizeof *recipe);
    if (!recipe) return rf__fail(RF_ENOMEM, "%s: no memory for the recipe", where);
    rf_status status = read_sections(recipe, object, where);
    for (int i = 0; i < count && status == RF_OK; i++) status = apply_override(recipe, overrides[i]);
    if (status == RF_OK) status = resolve(recipe, where);
    const char *slash = strrchr(where, '/'), *name = slash ? slash + 1 : where;
    if (status == RF_OK && !(recipe->name = strndup(name, strcspn(name, ".")))) status = rf__fail(RF_ENOMEM, "%s: no memory", where);
    if (status != RF_OK) rf__recipe_free(out);
    return status;
}

rf_status rf__recipe_open(rf_recipe **out, const char *path, int count, char *const *overrides) {
    *out = NULL;
    json_t *object = NULL;
    RF_TRY(rf__yaml_read(&object, path));
    rf_status status = parse(out, object, path, count, overrides);
    rf__yaml_free(&object);
    return status;
}

rf_status rf__recipe_parse(rf_recipe **out, json_t *object, const char *where) {
    *out = NULL;
    return parse(out, object, where, 0, NULL);
}

void rf__recipe_free(rf_recipe **recipe) {
    if (!*recipe) return;
    free((*recipe)->name);
    rf__free((*recipe)->model);
    rf__free(*recipe);
    *recipe = NULL;
}

json_t *rf__recipe_json(const rf_recipe *recipe) {
    section all[SECTIONS];
    sections_of((rf_recipe *)recipe, all);
    json_t *object = json_object();
    for (int i = 0; i < SECTIONS; i++) {
        if (all[i].idle) continue;
        json_t *part = rf__fields_write(all[i].table, all[i].config);
        if (i == 0) json_object_set_new(part, "kind", json_string(recipe->kind->name));
        json_object_set_new(object, all[i].name, part);
    }
    return object;
}

/* ---- comparing ---- */

static bool may_differ(const char *part, const char *key, bool endless) {
    static const char *const free_keys[] = {"data.path", "train.log_every", "train.checkpoint_every", "train.sample_every", "train.save_dtype", NULL};
    char full[256];
    snprintf(full, sizeof full, "%s.%s", part, key);
    for (int i = 0; free_keys[i]; i++)
        if (strcmp(full, free_keys[i]) == 0) return true;
    return endless && strcmp(full, "train.steps") == 0;
}

/* What every key is when nobody says anything: a recipe written before a key was added meant its default. */
static json_t *presets_json(const rf_recipe *recipe) {
    section all[SECTIONS];
    rf_recipe preset = *recipe;
    preset.model = rf__alloc(recipe->kind->config_size);
    if (!preset.model) return NULL;
    sections_of(&preset, all);
    rf_status status = RF_OK;
    for (int i = 0; i < SECTIONS && status == RF_OK; i++) status = rf__fields_defaults(all[i].table, all[i].config);
    json_t *object = status == RF_OK ? rf__recipe_json(&preset) : NULL;
    rf__free(preset.model);
    return object;
}

static rf_status same_section(const char *part, const json_t *ours, const json_t *theirs, const json_t *presets, bool endless) {
    const char *key;
    json_t *value;
    if (!ours && theirs) return rf__fail(RF_EMISMATCH, "was made with a section %s, the recipe has none", part);
    json_object_foreach((json_t *)ours, key, value) {
        const json_t *said = json_object_get(theirs, key), *other = said ? said : json_object_get(presets, key);
        if (may_differ(part, key, endless) || (other && json_equal(value, other))) continue;
        char *mine = json_dumps(value, JSON_ENCODE_ANY), *yours = said ? json_dumps(said, JSON_ENCODE_ANY) : NULL;
        rf__fail(RF_EMISMATCH, "was made with %s.%s %s, the recipe has %s", part, key, yours ? yours : "missing", mine ? mine : "?");
        free(mine);
        free(yours);
        return RF_EMISMATCH;
    }
    return RF_OK;
}

rf_status rf__recipe_same(const rf_recipe *recipe, const json_t *theirs) {
    section all[SECTIONS];
    sections_of((rf_recipe *)recipe, all);
    json_t *ours = rf__recipe_json(recipe), *presets = presets_json(recipe);
    bool endless = recipe->optim.schedule->endless;
    rf_status status = ours && presets ? RF_OK : rf__fail(RF_ENOMEM, "no memory to compare recipes");
    for (int i = 0; i < SECTIONS && status == RF_OK; i++) {
        const char *name = all[i].name;
        if (all[i].weighs) status = same_section(name, json_object_get(ours, name), json_object_get(theirs, name), json_object_get(presets, name), endless);
    }
    json_decref(ours);
    json_decref(presets);
    return status;
}
