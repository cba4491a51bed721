/* memory_need.c - see memory_need.h. Without this a student that is too large ends by the system's killer, minutes later and without a word. */
#include "memory_need.h"

#include "../base/memory.h"

rf_status rf__recipe_parameters(const rf_recipe *recipe, int64_t *count) {
    *count = 0;
    rf_graph *graph = rf__graph_create(RF_F32);
    if (!graph) return rf__fail(RF_ENOMEM, "training: no memory for a graph");
    rf_model_shape shape = recipe->kind->shape(recipe->model);
    rf_model_inputs in = rf__model_declare(graph, &shape, 1, false);
    rf__model_velocity(graph, recipe->kind, recipe->model, &in);
    rf_status status = rf__graph_status(graph);
    for (int i = 0; i < rf__graph_param_count(graph) && status == RF_OK; i++) *count += rf__shape_count(&rf__graph_param(graph, i)->shape);
    rf__graph_free(&graph);
    return status;
}

static double gib(double bytes) { return bytes / (1 << 30); }

rf_status rf__need_of_weights(const rf_recipe *recipe) {
    int64_t count = 0, lanes = recipe->train.lanes, micros = recipe->train.batch / recipe->train.micro_batch;
    RF_TRY(rf__recipe_parameters(recipe, &count));
    if (lanes > micros) lanes = micros;
    double need = 4.0 * (double)count * (double)(5 + lanes), there = (double)rf__memory_available();
    if (there == 0 || need <= there) return RF_OK;
    return rf__fail(RF_ENOMEM, "the network has %.2f M parameters, and training it with %lld lanes takes %.3g GiB for weights, EMA, moments and gradients; "
                    "%.3g GiB are there (fewer train.lanes take less)", (double)count / 1e6, (long long)lanes, gib(need), gib(there));
}

rf_status rf__need_of_plan(const rf_recipe *recipe, const rf_plan *plan, int workers) {
    double need = (double)rf__plan_stats(plan).arena_bytes * workers, there = (double)rf__memory_available();
    if (there == 0 || need <= there) return RF_OK;
    return rf__fail(RF_ENOMEM, "a micro-batch of %lld takes %.3g GiB on %d threads, %.3g GiB are there (a smaller train.micro_batch takes less)",
                    (long long)recipe->train.micro_batch, gib(need), workers, gib(there));
}
