/* model_field.c - rows buckets are powers of two up to a maximum; spare rows of a bucket repeat the last one, and their answers
 * are dropped. A row's bytes do not depend on the bucket (the promise of kernels.h), so neither do the images. */
#include "model_field.h"

#include <stdlib.h>
#include <string.h>

#define PLANS_HELD 16

struct rf_model_field {
    rf_model *model;
    rf_pool *pool;
    rf_dtype dtype;
    int64_t max_rows, scalars;
    rf_plan_cache *plans;
};

static rf_status build_graph(void *self, const rf_plan_key *key, rf_graph **out) {
    rf_model_field *field = self;
    rf_graph *graph = *out = rf__graph_create(key->dtype);
    if (!graph) return rf__fail(RF_ENOMEM, "no memory for a graph");
    rf_model_inputs in = rf__model_declare(graph, &field->model->shape, key->rows, false);
    rf__output(graph, "v", field->model->kind->build(graph, field->model->config, &in));
    return rf__graph_status(graph);
}

rf_status rf__model_field_open(rf_model_field **out, rf_model *model, rf_dtype dtype, rf_pool *pool, int64_t max_rows) {
    *out = NULL;
    if (model->kind->classifies)
        return rf__fail(RF_EUNSUPPORTED, "%s is a %s, which judges pictures, expected a network that generates them",
                        model->path ? model->path : "the model", model->kind->name);
    rf_model_field *field = calloc(1, sizeof *field);
    if (!field) return rf__fail(RF_ENOMEM, "no memory for a field");
    const rf_model_shape *s = &model->shape;
    *field = (rf_model_field){.model = model, .pool = pool, .dtype = dtype, .max_rows = max_rows < 1 ? 1 : max_rows,
                              .scalars = (int64_t)s->height * s->width * s->channels};
    rf_status status = rf__plan_cache_create(&field->plans, build_graph, field, model->weights, NULL, PLANS_HELD);
    if (status == RF_OK) status = rf__weights_refresh(model->weights, pool);
    if (status != RF_OK) rf__model_field_close(&field);
    *out = field;
    return status;
}

void rf__model_field_close(rf_model_field **field) {
    if (!field || !*field) return;
    rf__plan_cache_free(&(*field)->plans);
    free(*field);
    *field = NULL;
}

static int64_t bucket_of(const rf_model_field *field, int64_t rows) {
    int64_t bucket = 1;
    while (bucket < rows) bucket *= 2;
    return bucket < field->max_rows ? bucket : field->max_rows;
}

static rf_status exec_for(rf_model_field *field, int64_t bucket, rf_exec **exec) {
    rf_plan_key key = {.rows = bucket, .height = field->model->shape.height, .width = field->model->shape.width,
                       .dtype = field->dtype, .threads = rf__pool_size(field->pool)};
    return rf__plan_cache_get(field->plans, &key, exec);
}

rf_status rf__model_field_warm(rf_model_field *field, int64_t rows) {
    rf_exec *exec;
    return exec_for(field, bucket_of(field, rows), &exec);
}

/* Rows [0, rows) of one piece into the plan's inputs, the last one repeated up to the bucket. */
static void gather(rf_model_field *field, rf_exec *exec, int64_t bucket, int64_t rows, const float *x, const float *t,
                   const rf_cond *cond) {
    int64_t n = field->scalars, width = field->model->shape.extra;
    float *in_x = rf__exec_buffer(exec, "x"), *in_t = rf__exec_buffer(exec, "t"), *in_extra = rf__exec_buffer(exec, "extra");
    int32_t *in_label = rf__exec_buffer(exec, "label");
    for (int64_t r = 0; r < bucket; r++) {
        int64_t from = r < rows ? r : rows - 1;
        memcpy(in_x + r * n, x + from * n, (size_t)n * sizeof *x);
        in_t[r] = t[from];
        if (in_label) in_label[r] = cond[from].label;
        if (in_extra && cond[from].extra) memcpy(in_extra + r * width, cond[from].extra, (size_t)width * sizeof(float));
        else if (in_extra) memset(in_extra + r * width, 0, (size_t)width * sizeof(float));
    }
}

static rf_status check_labels(const rf_model_field *field, int64_t rows, const rf_cond *cond) {
    int classes = field->model->shape.classes;
    for (int64_t r = 0; classes && r < rows; r++)
        if (cond[r].label < 0 || cond[r].label > classes)
            return rf__fail(RF_EINVAL, "class label is %d, expected 0 .. %d (or %d for no class)", cond[r].label, classes - 1, classes);
    return RF_OK;
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    rf_model_field *field = self;
    RF_TRY(check_labels(field, rows, cond));
    for (int64_t done = 0; done < rows;) {
        int64_t piece = rows - done < field->max_rows ? rows - done : field->max_rows, bucket = bucket_of(field, piece);
        rf_exec *exec;
        RF_TRY(exec_for(field, bucket, &exec));
        gather(field, exec, bucket, piece, x + done * field->scalars, t + done, cond + done);
        RF_TRY(rf__exec_run(exec, field->pool));
        memcpy(v + done * field->scalars, rf__exec_buffer(exec, "v"), (size_t)(piece * field->scalars) * sizeof *v);
        done += piece;
    }
    return RF_OK;
}

rf_field rf__model_field_view(rf_model_field *field) {
    int classes = field->model->shape.classes;
    return (rf_field){.self = field, .scalars = field->scalars, .null_label = classes ? classes : -1, .velocity = velocity};
}

rf_plan_cache_stats rf__model_field_stats(const rf_model_field *field) { return rf__plan_cache_stats(field->plans); }
