/* lanes.c - see lanes.h. */
#include "lanes.h"

#include <string.h>

#include "../base/memory.h"
#include "../base/progress.h"
#include "initial.h"

/* The plan's own buffer, or the next part of the worker's scratch where the graph does not use this input. */
static float *buffer_or(rf_exec *exec, const char *name, float *scratch) {
    float *own = rf__exec_buffer(exec, name);
    return own ? own : scratch;
}

static rf_status worker_init(rf_lanes *lanes, int index, const rf_plan *plan, const rf_plan *initial) {
    RF_TRY(rf__exec_create(&lanes->exec[index], plan, 1));
    if (initial) RF_TRY(rf__exec_create(&lanes->initial[index], initial, 1));
    rf_exec *exec = lanes->exec[index];
    rf_batch *b = &lanes->worker[index];
    int64_t rows = lanes->micro_batch, scalars = rows * lanes->scalars;
    float *scratch = lanes->scratch[index] = rf__alloc_array((size_t)(4 * scalars + 3 * rows), sizeof(float));
    if (!scratch) return rf__fail(RF_ENOMEM, "training: no memory for a micro-batch of %lld rows", (long long)rows);
    *b = (rf_batch){.rows = rows, .scalars = lanes->scalars, .seed = lanes->seed, .x0 = scratch};
    b->x1 = buffer_or(exec, "x1", scratch + scalars);
    b->target = buffer_or(exec, "target", scratch + 2 * scalars);
    b->t = buffer_or(exec, "t", scratch + 3 * scalars);
    b->reach = buffer_or(exec, "reach", scratch + 3 * scalars + rows);
    b->look = buffer_or(exec, "look", scratch + 3 * scalars + 2 * rows);
    b->xt = rf__exec_buffer(exec, "x");
    b->weight = rf__exec_buffer(exec, "row_weight");
    b->extra = rf__exec_buffer(exec, "extra");
    b->before = rf__exec_buffer(exec, "before");
    if (!b->before && initial) b->before = scratch + 3 * scalars + 3 * rows; /* the path reads it where the graph does not */
    b->gap = rf__exec_buffer(exec, "gap");
    b->scale = rf__exec_buffer(exec, "scale");
    b->label = rf__exec_buffer(exec, "label");
    b->drop_key = rf__exec_buffer(exec, "drop_key");
    if (!b->xt || !b->weight || !rf__exec_buffer(exec, "loss_rows"))
        return rf__fail(RF_EINVAL, "training plan: has no x, row_weight or loss_rows, expected all of them");
    return RF_OK;
}

rf_status rf__lanes_init(rf_lanes *lanes, const rf_plan *plan, const rf_plan *initial, int64_t trained, const rf_model_shape *shape,
                         const rf_batch_plan *fill, int64_t micro_batch, int lane_count, uint64_t seed, rf_pool *pool) {
    if (fill->batch % micro_batch != 0)
        return rf__fail(RF_EINVAL, "train.batch is %lld, expected a multiple of train.micro_batch (%lld)", (long long)fill->batch,
                        (long long)micro_batch);
    int64_t micros = fill->batch / micro_batch;
    if (lane_count > micros) lane_count = (int)micros; /* a lane without work would only cost memory */
    *lanes = (rf_lanes){.pool = pool, .fill = fill, .batch = fill->batch, .micro_batch = micro_batch, .lanes = lane_count,
                        .scalars = rf__scalars_of(shape), .seed = seed};
    /* Workers are numbered by the pool, so each of its threads has a slot even when there are fewer lanes. */
    lanes->workers = rf__pool_size(pool);
    lanes->grads = rf__alloc_array((size_t)lane_count, sizeof *lanes->grads);
    lanes->exec = rf__alloc_array((size_t)lanes->workers, sizeof *lanes->exec);
    lanes->initial = rf__alloc_array((size_t)lanes->workers, sizeof *lanes->initial);
    lanes->worker = rf__alloc_array((size_t)lanes->workers, sizeof *lanes->worker);
    lanes->scratch = rf__alloc_array((size_t)lanes->workers, sizeof *lanes->scratch);
    lanes->seconds = rf__alloc_array((size_t)lanes->workers, sizeof *lanes->seconds);
    lanes->loss = rf__alloc_array((size_t)lanes->batch, sizeof(float));
    lanes->t = rf__alloc_array((size_t)lanes->batch, sizeof(float));
    lanes->status = rf__alloc_array((size_t)lane_count, sizeof *lanes->status);
    lanes->error = rf__alloc_array((size_t)lane_count, sizeof *lanes->error);
    rf_status status = RF_OK;
    if (!lanes->grads || !lanes->exec || !lanes->initial || !lanes->worker || !lanes->scratch || !lanes->seconds || !lanes->loss || !lanes->t || !lanes->status || !lanes->error)
        status = rf__fail(RF_ENOMEM, "training: no memory for %d lanes", lane_count);
    for (int i = 0; i < lane_count && status == RF_OK; i++)
        if (!(lanes->grads[i] = rf__alloc_array((size_t)trained, sizeof(float))))
            status = rf__fail(RF_ENOMEM, "training: no memory for the gradients of lane %d (%lld weights); train.lanes sets how many", i,
                              (long long)trained);
    for (int i = 0; i < lanes->workers && status == RF_OK; i++) status = worker_init(lanes, i, plan, initial);
    if (status != RF_OK) rf__lanes_fini(lanes);
    return status;
}

void rf__lanes_fini(rf_lanes *lanes) {
    for (int i = 0; lanes->grads && i < lanes->lanes; i++) rf__free(lanes->grads[i]);
    for (int i = 0; lanes->exec && i < lanes->workers; i++) rf__exec_free(&lanes->exec[i]);
    for (int i = 0; lanes->initial && i < lanes->workers; i++) rf__exec_free(&lanes->initial[i]);
    for (int i = 0; lanes->scratch && i < lanes->workers; i++) rf__free(lanes->scratch[i]);
    rf__free(lanes->grads);
    rf__free(lanes->exec);
    rf__free(lanes->initial);
    rf__free(lanes->worker);
    rf__free(lanes->scratch);
    rf__free(lanes->seconds);
    rf__free(lanes->loss);
    rf__free(lanes->t);
    rf__free(lanes->status);
    rf__free(lanes->error);
    *lanes = (rf_lanes){0};
}

/* Fill micro-batch j and add its gradients to what the exec is bound to. */
static rf_status run_micro(rf_lanes *lanes, int64_t micro, int worker) {
    rf_batch *b = &lanes->worker[worker];
    rf_exec *exec = lanes->exec[worker];
    int64_t row = micro * lanes->micro_batch;
    b->first = lanes->step * (uint64_t)lanes->batch + (uint64_t)row;
    double start = rf__now();
    RF_TRY(rf__batch_pairs(lanes->fill, b));
    if (lanes->initial[worker]) RF_TRY(rf__initial_ask(lanes->initial[worker], b->rows, b->scalars, b->x0, b->label, b->before));
    rf__batch_points(lanes->fill, b);
    int32_t *drop_seed = rf__exec_buffer(exec, "drop_seed"); /* every run, as all inputs are filled */
    if (drop_seed) drop_seed[0] = (int32_t)(uint32_t)lanes->seed, drop_seed[1] = (int32_t)(uint32_t)(lanes->seed >> 32);
    if (lanes->guest.fill) RF_TRY(lanes->guest.fill(lanes->guest.self, exec, b, worker));
    double filled = rf__now();
    memcpy(lanes->t + row, b->t, (size_t)b->rows * sizeof(float));
    RF_TRY(rf__exec_run(exec, NULL));
    memcpy(lanes->loss + row, rf__exec_buffer(exec, "loss_rows"), (size_t)b->rows * sizeof(float));
    if (lanes->guest.read) lanes->guest.read(lanes->guest.self, exec, b, row);
    lanes->seconds[worker].data += filled - start;
    lanes->seconds[worker].network += rf__now() - filled;
    return RF_OK;
}

static void run_lanes(void *arg, int64_t begin, int64_t end, int worker) {
    rf_lanes *lanes = arg;
    int64_t micros = lanes->batch / lanes->micro_batch;
    for (int64_t lane = begin; lane < end; lane++) {
        rf__exec_bind_grads(lanes->exec[worker], lanes->grads[lane]);
        rf_status status = RF_OK;
        for (int64_t j = lane; j < micros && status == RF_OK; j += lanes->lanes) status = run_micro(lanes, j, worker);
        lanes->status[lane] = status;
        if (status != RF_OK) snprintf(lanes->error[lane], sizeof lanes->error[lane], "%s", rf_last_error());
    }
}

rf_status rf__lanes_run(rf_lanes *lanes, uint64_t step) {
    lanes->step = step;
    memset(lanes->seconds, 0, (size_t)lanes->workers * sizeof *lanes->seconds);
    rf__pool_run(lanes->pool, lanes->lanes, 1, run_lanes, lanes);
    for (int i = 0; i < lanes->lanes; i++)
        if (lanes->status[i] != RF_OK) return rf__fail(lanes->status[i], "%s", lanes->error[i]);
    return RF_OK;
}

rf_lanes_seconds rf__lanes_seconds(const rf_lanes *lanes) {
    rf_lanes_seconds sum = {0};
    for (int i = 0; i < lanes->workers; i++) {
        sum.data += lanes->seconds[i].data;
        sum.network += lanes->seconds[i].network;
    }
    return sum;
}
