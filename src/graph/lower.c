/* lower.c - one node becomes one kernel call (rarely two): sizes into the arguments, pointers as fix-ups. */
#include "lower_inside.h"

#include <stdlib.h>
#include <string.h>

static bool grow(void **array, int used, int *room, size_t size) {
    if (used < *room) return true;
    int wanted = *room ? 2 * *room : 128;
    void *bigger = realloc(*array, (size_t)wanted * size);
    if (!bigger) return false;
    *array = bigger;
    *room = wanted;
    return true;
}

rf_step *rf__lower_step(rf_lowering *low, rf_kernel_id id, int64_t units, int64_t grain) {
    rf_plan *plan = low->plan;
    static const char *const names[] = {
#define X(name, type) #name,
        RF_KERNEL_LIST(X)
#undef X
    };
    if (!grow((void **)&plan->steps, plan->step_count, &plan->step_room, sizeof *plan->steps)) return NULL;
    rf_step *step = &plan->steps[low->step = plan->step_count++];
    *step = (rf_step){.fn = plan->kernels.fn[id], .units = units, .grain = grain, .kernel = names[id]};
    char shape[64];
    snprintf(step->what, sizeof step->what, "%.40s [%s]", low->node->name, rf__shape_text(&low->node->shape, shape));
    return step;
}

/* A fix-up that finds no memory fails the plan (rf__lower_node looks). */
static void add_fixup(rf_lowering *low, uint16_t member, rf_where where, size_t offset) {
    rf_plan *plan = low->plan;
    if (grow((void **)&plan->fixups, plan->fixup_count, &plan->fixup_room, sizeof *plan->fixups))
        plan->fixups[plan->fixup_count++] = (rf_fixup){low->step, member, where, offset};
    else low->failed = true;
}

void rf__lower_bind(rf_lowering *low, uint16_t member, rf_node *node, size_t extra) {
    rf_plan *plan = low->plan;
    node = rf__node_storage(node);
    if (!node) return;
    if (node->op == RF_OP_PARAM) {
        int index;
        rf_weights *owner = rf__weights_owner(plan->weights, low->graph->params[node->param].name, &index);
        char *data = (char *)rf__weights_data(owner, index) + extra;
        memcpy((char *)&plan->steps[low->step].args + member, &data, sizeof data);
        return;
    }
    int block = low->layout->block_of[node->id];
    if (block < 0) return; /* an output nobody reads (statistics in inference): stays NULL */
    add_fixup(low, member, RF_IN_ARENA, low->layout->blocks[block].offset + extra);
}

void rf__lower_bind_grad(rf_lowering *low, uint16_t member, int param) {
    rf_plan *plan = low->plan;
    if (param < 0) return;
    int index = rf__weights_find(plan->weights, low->graph->params[param].name);
    add_fixup(low, member, RF_IN_GRADS, (size_t)rf__weights_offset(plan->weights, index) * sizeof(float));
}

void rf__lower_bind_work(rf_lowering *low, uint16_t member, size_t extra) {
    int shared = low->layout->shared_of[low->node->id];
    if (shared >= 0) add_fixup(low, member, RF_IN_ARENA, low->layout->blocks[shared].offset + extra);
}

/* ---- operations: small tables of sizes ---- */

static rf_status lower_group_norm(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    bool backward = node->op == RF_OP_GROUP_NORM_BWD;
    STEP(RF_K_group_norm, batch_of(x), 1);
    if (backward) step->fn = low->plan->kernels.fn[RF_K_group_norm_bwd], step->kernel = "group_norm_bwd";
    step->args.group_norm = (rf_group_norm_args){.dtype = x->dtype, .batch = batch_of(x), .pixels = rows_of(x),
                                                 .channels = channels_of(x), .groups = node->attr.groups, .eps = node->attr.eps,
                                                 .act = node->attr.act};
    BIND(rf_group_norm_args, x, node->in[0]);
    BIND(rf_group_norm_args, gamma, node->in[1]);
    BIND(rf_group_norm_args, beta, node->in[2]);
    if (!backward) {
        BIND(rf_group_norm_args, y, (rf_node *)node);
        BIND(rf_group_norm_args, stats, node->aux[0]);
        return RF_OK;
    }
    BIND(rf_group_norm_args, stats, node->in[3]);
    BIND(rf_group_norm_args, dy, node->in[4]);
    BIND(rf_group_norm_args, dx, (rf_node *)node);
    BIND(rf_group_norm_args, partial, node->aux[0]);
    return RF_OK;
}

static rf_status lower_layer_norm(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    bool backward = node->op == RF_OP_LAYER_NORM_BWD;
    STEP(RF_K_layer_norm, batch_of(x), 1);
    if (backward) step->fn = low->plan->kernels.fn[RF_K_layer_norm_bwd], step->kernel = "layer_norm_bwd";
    int64_t stride = node->attr.broadcast ? 0 : channels_of(x);
    step->args.layer_norm = (rf_layer_norm_args){.dtype = x->dtype, .batch = batch_of(x), .tokens = rows_of(x),
                                                 .channels = channels_of(x), .eps = node->attr.eps,
                                                 .one_plus = node->attr.one_plus, .mul_stride = stride, .shift_stride = stride};
    BIND(rf_layer_norm_args, x, node->in[0]);
    BIND(rf_layer_norm_args, mul, node->in[1]);
    BIND(rf_layer_norm_args, shift, node->in[2]);
    if (!backward) {
        BIND(rf_layer_norm_args, y, (rf_node *)node);
        BIND(rf_layer_norm_args, stats, node->aux[0]);
        return RF_OK;
    }
    BIND(rf_layer_norm_args, stats, node->in[3]);
    BIND(rf_layer_norm_args, dy, node->in[4]);
    BIND(rf_layer_norm_args, dx, (rf_node *)node);
    BIND(rf_layer_norm_args, partial, node->aux[0]);
    return RF_OK;
}

#define MAP_GRAIN 16384

static rf_status lower_map(rf_lowering *low) {
    const rf_node *node = low->node;
    static const rf_kernel_id ids[RF_OPS] = {[RF_OP_ACT] = RF_K_act, [RF_OP_ACT_BWD] = RF_K_act_bwd, [RF_OP_AXPBY] = RF_K_axpby,
                                             [RF_OP_MUL] = RF_K_mul, [RF_OP_CAST] = RF_K_cast, [RF_OP_ACCUMULATE] = RF_K_axpby};
    STEP(ids[node->op], count_of(node), MAP_GRAIN);
    step->args.act = (rf_map_args){.dtype = node->in[0]->dtype, .y_dtype = node->dtype, .act = node->attr.act,
                                   .a = node->attr.a, .b = node->attr.b};
    BIND(rf_map_args, x, node->in[0]);
    if (node->op == RF_OP_ACCUMULATE) {
        step->args.act.a = step->args.act.b = 1;
        rf__lower_bind_grad(low, MEMBER(rf_map_args, z), node->param);
        rf__lower_bind_grad(low, MEMBER(rf_map_args, y), node->param);
        return RF_OK;
    }
    BIND(rf_map_args, z, node->in[1]);
    BIND(rf_map_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_row_affine(rf_lowering *low) {
    const rf_node *node = low->node;
    STEP(RF_K_row_affine, batch_of(node), 1);
    int64_t stride = node->attr.broadcast ? 0 : channels_of(node);
    step->args.row_affine = (rf_row_affine_args){.dtype = node->dtype, .batch = batch_of(node), .rows = rows_of(node),
                                                 .channels = channels_of(node), .one_plus = node->attr.one_plus,
                                                 .gate_stride = stride, .shift_stride = stride};
    BIND(rf_row_affine_args, x, node->in[0]);
    BIND(rf_row_affine_args, gate, node->in[1]);
    BIND(rf_row_affine_args, shift, node->in[2]);
    BIND(rf_row_affine_args, residual, node->in[3]);
    BIND(rf_row_affine_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_row_reduce(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    int64_t batch = batch_of(node), channels = channels_of(node);
    STEP(RF_K_row_reduce, batch, 1);
    step->args.row_reduce = (rf_row_reduce_args){.dtype = x->dtype, .batch = batch, .rows = count_of(x) / (batch * channels),
                                                 .channels = (int)channels, .a = node->attr.a, .y_stride = channels};
    BIND(rf_row_reduce_args, x, node->in[0]);
    BIND(rf_row_reduce_args, z, node->in[1]);
    BIND(rf_row_reduce_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_rows(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    rf_kernel_id id = node->op == RF_OP_SCALE_ROWS ? RF_K_scale_rows : node->op == RF_OP_SUM ? RF_K_sum : RF_K_dot_rows;
    bool one = node->op == RF_OP_SUM || (node->op == RF_OP_SCALE_ROWS && node->attr.broadcast);
    int64_t batch = one ? 1 : batch_of(x);
    STEP(id, batch, 1);
    step->args.sum = (rf_rows_args){.dtype = x->dtype, .batch = batch, .n = count_of(x) / batch, .a = node->attr.a};
    BIND(rf_rows_args, x, node->in[0]);
    if (node->op == RF_OP_SCALE_ROWS) {
        BIND(rf_rows_args, s, node->in[1]);
        BIND(rf_rows_args, y, (rf_node *)node);
    } else {
        BIND(rf_rows_args, z, node->in[1]);
        BIND(rf_rows_args, out, (rf_node *)node);
    }
    return RF_OK;
}

static rf_status lower_unit_norm(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_UNIT_NORM_BWD;
    int64_t rows = count_of(node) / channels_of(node), grain = 65536 / channels_of(node) + 1;
    STEP(backward ? RF_K_unit_norm_bwd : RF_K_unit_norm, rows, grain);
    step->args.unit_norm = (rf_unit_norm_args){.dtype = node->dtype, .channels = channels_of(node), .eps = node->attr.eps};
    BIND(rf_unit_norm_args, x, node->in[0]);
    if (backward) BIND(rf_unit_norm_args, dy, node->in[1]);
    rf__lower_bind(low, backward ? MEMBER(rf_unit_norm_args, dx) : MEMBER(rf_unit_norm_args, y), (rf_node *)node, 0);
    return RF_OK;
}

static rf_status lower_embed(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_EMBED_DW;
    rf_node *index = node->in[backward ? 0 : 1];
    const rf_shape *table = backward ? &node->shape : &node->in[0]->shape;
    STEP(backward ? RF_K_embed_bwd : RF_K_embed, backward ? 1 : count_of(index), 1);
    step->args.embed = (rf_embed_args){.batch = count_of(index), .entries = table->dim[0], .channels = (int)table->dim[1]};
    BIND(rf_embed_args, index, index);
    if (backward) {
        BIND(rf_embed_args, dy, node->in[1]);
        rf__lower_bind_grad(low, MEMBER(rf_embed_args, dtable), node->param);
    } else {
        BIND(rf_embed_args, table, node->in[0]);
        BIND(rf_embed_args, y, (rf_node *)node);
    }
    return RF_OK;
}

static rf_status lower_time(rf_lowering *low) {
    const rf_node *node = low->node;
    STEP(RF_K_time_features, batch_of(node), 1);
    step->args.time_features = (rf_time_args){.batch = batch_of(node), .channels = channels_of(node), .scale = node->attr.a,
                                              .max_period = node->attr.max_period, .shift = node->attr.shift,
                                              .sin_first = node->attr.sin_first};
    BIND(rf_time_args, t, node->in[0]);
    BIND(rf_time_args, frequency, node->in[1]);
    BIND(rf_time_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_time_map(rf_lowering *low) {
    const rf_node *node = low->node;
    STEP(RF_K_time_map, batch_of(node), 1);
    step->args.time_map = (rf_time_map_args){.batch = batch_of(node), .of = node->attr.of};
    memcpy(step->args.time_map.with, node->attr.with, sizeof node->attr.with);
    BIND(rf_time_map_args, t, node->in[0]);
    BIND(rf_time_map_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_dropout(rf_lowering *low) {
    const rf_node *node = low->node;
    STEP(RF_K_dropout, batch_of(node), 1);
    step->args.dropout = (rf_dropout_args){.dtype = node->dtype, .batch = batch_of(node), .n = count_of(node) / batch_of(node),
                                           .p = node->attr.a, .layer = node->attr.layer};
    BIND(rf_dropout_args, x, node->in[0]);
    BIND(rf_dropout_args, key, node->in[1]);
    BIND(rf_dropout_args, seed, node->in[2]);
    BIND(rf_dropout_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_pool(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    bool backward = node->op == RF_OP_POOL_BWD;
    const rf_node *small = backward ? node->in[1] : node;
    STEP(backward ? RF_K_pool_bwd : RF_K_pool, batch_of(x), 1);
    step->args.pool = (rf_pool_args){.dtype = x->dtype, .batch = batch_of(x), .h = (int)x->shape.dim[1], .w = (int)x->shape.dim[2],
                                     .channels = channels_of(x), .oh = (int)small->shape.dim[1], .ow = (int)small->shape.dim[2],
                                     .size = node->attr.kernel, .stride = node->attr.stride, .pad = node->attr.pad_h,
                                     .max = node->attr.max, .count_pad = node->attr.count_pad};
    BIND(rf_pool_args, x, node->in[0]);
    if (backward) {
        BIND(rf_pool_args, dy, node->in[1]);
        BIND(rf_pool_args, dx, (rf_node *)node);
    } else {
        BIND(rf_pool_args, y, (rf_node *)node);
    }
    return RF_OK;
}

static rf_status lower_xent(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_XENT_BWD;
    STEP(backward ? RF_K_xent_bwd : RF_K_xent, batch_of(node->in[0]), 1);
    step->args.xent = (rf_xent_args){.batch = batch_of(node->in[0]), .classes = channels_of(node->in[0])};
    BIND(rf_xent_args, x, node->in[0]);
    BIND(rf_xent_args, label, node->in[1]);
    if (backward) {
        BIND(rf_xent_args, dloss, node->in[2]);
        BIND(rf_xent_args, dx, (rf_node *)node);
    } else {
        BIND(rf_xent_args, loss, (rf_node *)node);
    }
    return RF_OK;
}

static rf_status (*const lower_table[RF_OPS])(rf_lowering *) = {
    [RF_OP_CONV] = rf__lower_conv,
    [RF_OP_CONV_DW] = rf__lower_conv_dw,
    [RF_OP_ATTENTION] = rf__lower_attention,
    [RF_OP_ATTENTION_BWD] = rf__lower_attention,
    [RF_OP_GROUP_NORM] = lower_group_norm,
    [RF_OP_GROUP_NORM_BWD] = lower_group_norm,
    [RF_OP_LAYER_NORM] = lower_layer_norm,
    [RF_OP_LAYER_NORM_BWD] = lower_layer_norm,
    [RF_OP_ACT] = lower_map,
    [RF_OP_ACT_BWD] = lower_map,
    [RF_OP_AXPBY] = lower_map,
    [RF_OP_MUL] = lower_map,
    [RF_OP_CAST] = lower_map,
    [RF_OP_ACCUMULATE] = lower_map,
    [RF_OP_ROW_AFFINE] = lower_row_affine,
    [RF_OP_ROW_REDUCE] = lower_row_reduce,
    [RF_OP_SCALE_ROWS] = lower_rows,
    [RF_OP_DOT_ROWS] = lower_rows,
    [RF_OP_SUM] = lower_rows,
    [RF_OP_UP2] = rf__lower_resample,
    [RF_OP_DOWN2] = rf__lower_resample,
    [RF_OP_RESIZE] = rf__lower_resize,
    [RF_OP_RESIZE_BWD] = rf__lower_resize,
    [RF_OP_UNIT_NORM] = lower_unit_norm,
    [RF_OP_UNIT_NORM_BWD] = lower_unit_norm,
    [RF_OP_CONCAT] = rf__lower_concat,
    [RF_OP_SLICE] = rf__lower_slice,
    [RF_OP_UNSLICE] = rf__lower_unslice,
    [RF_OP_PATCH] = rf__lower_patch,
    [RF_OP_EMBED] = lower_embed,
    [RF_OP_EMBED_DW] = lower_embed,
    [RF_OP_TIME_FEATURES] = lower_time,
    [RF_OP_TIME_MAP] = lower_time_map,
    [RF_OP_DROPOUT] = lower_dropout,
    [RF_OP_POOL] = lower_pool,
    [RF_OP_POOL_BWD] = lower_pool,
    [RF_OP_XENT] = lower_xent,
    [RF_OP_XENT_BWD] = lower_xent,
};

rf_status rf__lower_node(rf_plan *plan, const rf_graph *graph, const rf_layout *layout, rf_node *node) {
    rf_lowering low = {plan, graph, layout, node, -1, false};
    if (!lower_table[node->op]) return RF_OK; /* leaves and views have no step */
    RF_TRY(lower_table[node->op](&low));
    return low.failed ? rf__fail(RF_ENOMEM, "no memory for a plan of %d steps", plan->step_count) : RF_OK;
}
