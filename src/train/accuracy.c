/* accuracy.c - see accuracy.h. */
#include "accuracy.h"

#include "../base/memory.h"
#include "../eval/sample_set.h"
#include "../graph/plan.h"
#include "../io/dataset.h"

enum { ROWS = 100 };

static rf_status count_right(rf_exec *exec, const rf_dataset *set, rf_pool *pool, int64_t *right) {
    int64_t scalars = (int64_t)set->height * set->width * set->channels;
    for (int64_t first = 0; first < set->count; first += ROWS) {
        int64_t rows = set->count - first < ROWS ? set->count - first : ROWS;
        float *x = rf__exec_buffer(exec, "x");
        for (int64_t r = 0; r < ROWS; r++) rf__dataset_image(set, first + (r < rows ? r : 0), false, x + r * scalars);
        RF_TRY(rf__exec_run(exec, pool));
        const float *logits = rf__exec_buffer(exec, "logits");
        for (int64_t r = 0; r < rows; r++) *right += rf__class_named(logits + r * set->classes, set->classes) == set->labels[first + r];
    }
    return RF_OK;
}

static rf_status judge(rf_model *model, const rf_dataset *set, rf_pool *pool, int64_t *right) {
    rf_graph *graph = rf__graph_create(RF_F32);
    if (!graph) return rf__fail(RF_ENOMEM, "accuracy: no memory for the graph");
    rf_plan *plan = NULL;
    rf_exec *exec = NULL;
    rf_model_inputs in = rf__model_declare(graph, &model->shape, ROWS, false);
    rf__output(graph, "logits", model->kind->build(graph, model->config, &in));
    rf_status status = rf__graph_status(graph);
    if (status == RF_OK) status = rf__plan_build(&plan, graph, model->weights, rf__kernels());
    if (status == RF_OK) status = rf__exec_create(&exec, plan, rf__pool_size(pool));
    if (status == RF_OK) status = count_right(exec, set, pool, right);
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__graph_free(&graph);
    return status;
}

rf_status rf__train_accuracy(rf_model *model, const rf_data_config *data, const char *split, rf_pool *pool, double *out) {
    const rf_dataset_spec spec = {.name = data->name, .path = data->path, .split = split};
    rf_dataset *set = NULL;
    int64_t right = 0;
    RF_TRY(rf__dataset_open(&set, &spec));
    const rf_model_shape *s = &model->shape;
    rf_status status = RF_OK;
    if (!set->labels || set->classes != s->classes || set->height != s->height || set->width != s->width || set->channels != s->channels)
        status = rf__fail(RF_EMISMATCH, "evaluate.accuracy: the %s split of %s is %dx%dx%d with %d classes, the network takes %dx%dx%d with %d",
                          split, data->name, set->height, set->width, set->channels, set->labels ? set->classes : 0, s->height, s->width,
                          s->channels, s->classes);
    if (status == RF_OK) status = judge(model, set, pool, &right);
    if (status == RF_OK) *out = (double)right / (double)set->count;
    rf__dataset_free(&set);
    return status;
}
