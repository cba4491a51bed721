/* model.c - the registry, and a model made from its settings. */
#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

extern const rf_model_kind rf__model_mlp, rf__model_unet, rf__model_dit, rf__model_classifier, rf__model_mnist_vit, rf__model_mnist_unet;

const rf_model_kind *const *rf__model_kinds(void) {
    static const rf_model_kind *const kinds[] = {&rf__model_mlp, &rf__model_unet, &rf__model_dit, &rf__model_classifier, &rf__model_mnist_vit,
                                                 &rf__model_mnist_unet, NULL};
    return kinds;
}

const rf_model_kind *rf__model_kind_find(const char *name) {
    char list[256] = "";
    for (const rf_model_kind *const *kind = rf__model_kinds(); *kind; kind++) {
        if (!strcmp((*kind)->name, name)) return *kind;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", (*kind)->name);
    }
    rf__fail(RF_ENOTFOUND, "model kind is \"%.60s\", expected one of %s", name, list);
    return NULL;
}

const char *const rf__refines_names[] = {"nothing", "plain", "gap", "guided", NULL};

rf_model_inputs rf__model_declare(rf_graph *graph, const rf_model_shape *shape, int64_t batch, bool training) {
    rf_model_inputs in = {0};
    rf_shape x = shape->flat ? rf__shape2(batch, shape->channels) : rf__shape4(batch, shape->height, shape->width, shape->channels);
    in.x = rf__input(graph, "x", RF_F32, x);
    in.t = rf__input(graph, "t", RF_F32, rf__shape1(batch));
    if (shape->classes) in.label = rf__input(graph, "label", RF_I32, rf__shape1(batch));
    if (shape->extra) in.extra = rf__input(graph, "extra", RF_F32, rf__shape2(batch, shape->extra));
    if (shape->refines != RF_REFINES_NOTHING) in.before = rf__input(graph, "before", RF_F32, x);
    if (shape->refines >= RF_REFINES_GAP) in.gap = rf__input(graph, "gap", RF_F32, rf__shape1(batch));
    if (shape->refines >= RF_REFINES_GUIDED) in.scale = rf__input(graph, "scale", RF_F32, rf__shape1(batch));
    if (training) {
        in.drop_key = rf__input(graph, "drop_key", RF_I32, rf__shape2(batch, 2));
        in.drop_seed = rf__input(graph, "drop_seed", RF_I32, rf__shape1(2));
    }
    return in;
}

rf_node *rf__model_velocity(rf_graph *graph, const rf_model_kind *kind, const void *config, const rf_model_inputs *in) {
    const rf_model_shape shape = kind->shape(config);
    rf_model_inputs asked = *in;
    if (in->before) return rf__add(graph, kind->build(graph, config, in), in->before);
    rf__form_ask(graph, &shape.form, &asked.x, &asked.t);
    return rf__form_velocity(graph, &shape.form, kind->build(graph, config, &asked), in->x, in->t);
}

rf_status rf__model_graph(rf_graph **out, const rf_model *model, int64_t rows, rf_dtype dtype) {
    rf_graph *g = *out = rf__graph_create(dtype);
    if (!g) return rf__fail(RF_ENOMEM, "no memory for a graph");
    const rf_model_inputs in = rf__model_declare(g, &model->shape, rows, false);
    rf__output(g, "v", rf__model_velocity(g, model->kind, model->config, &in));
    rf_status status = rf__graph_status(g);
    if (status != RF_OK) rf__graph_free(out);
    return status;
}

rf_status rf__model_check_refiner(const rf_model *refiner, const rf_model *predictor) {
    const rf_model_shape *r = &refiner->shape, *p = &predictor->shape;
    const char *path = refiner->path ? refiner->path : "refiner", *other = predictor->path ? predictor->path : "the model";
    if (r->refines == RF_REFINES_NOTHING)
        return rf__fail(RF_EMISMATCH, "%s finds velocities itself, expected a refiner (a model whose setting `refines` is not nothing)", path);
    if (r->height != p->height || r->width != p->width || r->channels != p->channels || r->classes != p->classes)
        return rf__fail(RF_EMISMATCH, "%s is %dx%dx%d with %d classes, %s is %dx%dx%d with %d", path, r->height, r->width, r->channels, r->classes,
                        other, p->height, p->width, p->channels, p->classes);
    if (strcmp(refiner->refiner.predictor, predictor->sha256) == 0) return RF_OK;
    return rf__fail(RF_EMISMATCH, "%s was trained for the predictor %.12s, and %s is %.12s", path, refiner->refiner.predictor, other,
                    predictor->sha256);
}

rf_status rf__model_new(rf_model **out, const rf_model_kind *kind, const void *config, const rf_safetensors *file) {
    *out = NULL;
    if (kind->check) RF_TRY(kind->check(config));
    const rf_model_shape shape = kind->shape(config);
    if (shape.refines && shape.form.form != RF_FORM_VELOCITY)
        return rf__fail(RF_EINVAL, "form is %s, expected velocity of a network that refines one", rf__form_names[shape.form.form]);
    rf_model *model = calloc(1, sizeof *model);
    rf_graph *graph = rf__graph_create(RF_F32);
    if (model) model->config = malloc(kind->config_size);
    rf_status status = RF_OK;
    if (!model || !graph || !model->config) {
        status = rf__fail(RF_ENOMEM, "no memory for a model");
    } else {
        model->kind = kind;
        memcpy(model->config, config, kind->config_size);
        model->shape = shape;
        rf_model_inputs in = rf__model_declare(graph, &model->shape, 1, false);
        kind->build(graph, model->config, &in);
        status = rf__graph_status(graph);
        if (status == RF_OK && file) status = rf__model_file_fits(graph, file);
        if (status == RF_OK) status = rf__weights_create(&model->weights, graph);
    }
    rf__graph_free(&graph);
    if (status != RF_OK) rf__model_free(&model);
    *out = model;
    return status;
}

rf_status rf__model_create(rf_model **out, const rf_model_kind *kind, const void *config, uint64_t seed) {
    RF_TRY(rf__model_new(out, kind, config, NULL));
    rf__weights_init((*out)->weights, seed);
    return RF_OK;
}

void rf__model_free(rf_model **model_pointer) {
    rf_model *model = model_pointer ? *model_pointer : NULL;
    if (!model) return;
    rf__weights_free(&model->weights);
    free(model->config);
    free(model->metadata_json);
    free(model->path);
    free(model->delta_path);
    free(model);
    *model_pointer = NULL;
}

rf_status rf__model_generates(const rf_model *model) {
    if (!model->kind->classifies) return RF_OK;
    return rf__fail(RF_EUNSUPPORTED, "%s is a %s, which judges pictures, expected a network that generates them", model->path ? model->path : "the model",
                    model->kind->name);
}

rf_status rf__model_at(rf_model *out, const rf_model *model, int height, int width) {
    const char *path = model->path ? model->path : "the model";
    *out = (rf_model){0};
    if (!model->kind->resize)
        return rf__fail(RF_EUNSUPPORTED, "%s is a %s for pictures of %dx%d, whose weights fit no other size", path, model->kind->name,
                        model->shape.width, model->shape.height);
    void *config = malloc(model->kind->config_size);
    if (!config) return rf__fail(RF_ENOMEM, "no memory for settings");
    memcpy(config, model->config, model->kind->config_size);
    rf_status status = model->kind->resize(config, height, width);
    if (status == RF_OK && model->kind->check) status = model->kind->check(config);
    if (status != RF_OK) {
        free(config);
        return rf__fail_in(status, "%s at %dx%d: ", path, width, height);
    }
    *out = *model;
    out->config = config;
    out->shape = model->kind->shape(config);
    return RF_OK;
}

void rf__model_at_fini(rf_model *resized) {
    free(resized->config);
    *resized = (rf_model){0};
}

int64_t rf__model_parameters(const rf_model *model) {
    int64_t count = 0;
    for (int i = 0; i < rf__weights_count(model->weights); i++) {
        const rf_param *param = rf__weights_param(model->weights, i);
        if (param->trained) count += rf__shape_count(&param->shape);
    }
    return count;
}

int64_t rf__model_tokens(const rf_model *model) {
    json_t *config = rf__fields_write(model->kind->fields, model->config);
    const json_t *patch = json_object_get(config, "patch");
    int64_t side = json_is_integer(patch) ? json_integer_value(patch) : 2;
    json_decref(config);
    int64_t rows = (model->shape.height + side - 1) / side, columns = (model->shape.width + side - 1) / side;
    return rows * columns;
}
