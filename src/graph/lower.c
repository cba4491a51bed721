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

/* A new step for kernel `id`. The pointer is good until the next call. */
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

/* Store the address of `node`'s memory (plus `extra` bytes) into a pointer of the newest step. */
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

/* ---- everything else: small tables of sizes ---- */

#define STEP(id, units, grain)                                                                                        \
    rf_step *step = rf__lower_step(low, RF_K_##id, units, grain);                                                           \
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step")

static rf_status lower_group_norm(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    bool backward = node->op == RF_OP_GROUP_NORM_BWD;
    STEP(group_norm, batch_of(x), 1);
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
    STEP(layer_norm, batch_of(x), 1);
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
    rf_step *step = rf__lower_step(low, ids[node->op], count_of(node), MAP_GRAIN);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
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
    STEP(row_affine, batch_of(node), 1);
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
    STEP(row_reduce, batch, 1);
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
    rf_step *step = rf__lower_step(low, id, batch, 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
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

static rf_status lower_resample(rf_lowering *low) {
    const rf_node *node = low->node;
    bool up = node->op == RF_OP_UP2;
    const rf_node *small = up ? node->in[0] : node;
    rf_step *step = rf__lower_step(low, up ? RF_K_up2 : RF_K_down2, batch_of(node), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.up2 = (rf_resample_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)small->shape.dim[1],
                                        .w = (int)small->shape.dim[2], .channels = channels_of(node), .scale = node->attr.a};
    BIND(rf_resample_args, x, node->in[0]);
    BIND(rf_resample_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_resize(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_RESIZE_BWD;
    const rf_node *x = backward ? node : node->in[0], *y = backward ? node->in[0] : node;
    rf_step *step = rf__lower_step(low, backward ? RF_K_resize_bwd : RF_K_resize, batch_of(node), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.resize = (rf_resize_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)x->shape.dim[1],
                                         .w = (int)x->shape.dim[2], .channels = channels_of(x), .oh = (int)y->shape.dim[1],
                                         .ow = (int)y->shape.dim[2], .corner = node->attr.corner};
    rf__lower_bind(low, backward ? MEMBER(rf_resize_args, dy) : MEMBER(rf_resize_args, x), node->in[0], 0);
    rf__lower_bind(low, backward ? MEMBER(rf_resize_args, dx) : MEMBER(rf_resize_args, y), (rf_node *)node, 0);
    return RF_OK;
}

static rf_status lower_unit_norm(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_UNIT_NORM_BWD;
    int64_t rows = count_of(node) / channels_of(node), grain = 65536 / channels_of(node) + 1;
    rf_step *step = rf__lower_step(low, backward ? RF_K_unit_norm_bwd : RF_K_unit_norm, rows, grain);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.unit_norm = (rf_unit_norm_args){.dtype = node->dtype, .channels = channels_of(node), .eps = node->attr.eps};
    BIND(rf_unit_norm_args, x, node->in[0]);
    if (backward) BIND(rf_unit_norm_args, dy, node->in[1]);
    rf__lower_bind(low, backward ? MEMBER(rf_unit_norm_args, dx) : MEMBER(rf_unit_norm_args, y), (rf_node *)node, 0);
    return RF_OK;
}

/* Elements in one index of `axis`. */
static int64_t inner_of(const rf_shape *shape, int axis) {
    int64_t inner = 1;
    for (int i = axis + 1; i < shape->rank; i++) inner *= shape->dim[i];
    return inner;
}

/* Copy [rows, cols] between the node and one of its inputs, each with its own stride and start. */
static rf_status copy_step(rf_lowering *low, rf_node *x, int64_t x_stride, int64_t x_begin, int64_t y_stride, int64_t y_begin,
                           int64_t rows, int64_t cols) {
    const rf_node *node = low->node;
    int64_t grain = 65536 / (cols + 1) + 1;
    STEP(copy, rows, grain);
    size_t element = rf__dtype_size(node->dtype);
    step->args.copy = (rf_copy_args){.dtype = node->dtype, .rows = rows, .cols = cols, .x_stride = x_stride, .y_stride = y_stride};
    rf__lower_bind(low, MEMBER(rf_copy_args, x), x, (size_t)x_begin * element);
    rf__lower_bind(low, MEMBER(rf_copy_args, y), (rf_node *)node, (size_t)y_begin * element);
    return RF_OK;
}

static rf_status lower_concat(rf_lowering *low) {
    const rf_node *node = low->node;
    int axis = node->attr.axis;
    int64_t inner = inner_of(&node->shape, axis), stride = node->shape.dim[axis] * inner, rows = count_of(node) / stride;
    int64_t begin = 0;
    for (int i = 0; i < 2; i++) {
        int64_t cols = node->in[i]->shape.dim[axis] * inner;
        RF_TRY(copy_step(low, node->in[i], cols, 0, stride, begin, rows, cols));
        begin += cols;
    }
    return RF_OK;
}

static rf_status lower_slice(rf_lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    int axis = node->attr.axis;
    int64_t inner = inner_of(&node->shape, axis), cols = node->shape.dim[axis] * inner;
    return copy_step(low, node->in[0], x->shape.dim[axis] * inner, node->attr.begin * inner, cols, 0, count_of(node) / cols, cols);
}

/* Zeros, then the slice. (0 * x would keep NaN of old memory: a fill of its own.) */
static void zero_rows(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_copy_args *a = args;
    size_t row = (size_t)a->y_stride * rf__dtype_size(a->dtype);
    (void)scratch;
    memset((char *)a->y + (size_t)begin * row, 0, (size_t)(end - begin) * row);
}

static rf_status lower_unslice(rf_lowering *low) {
    const rf_node *node = low->node, *dy = node->in[0];
    int axis = node->attr.axis;
    int64_t inner = inner_of(&node->shape, axis), cols = dy->shape.dim[axis] * inner, stride = node->shape.dim[axis] * inner;
    int64_t rows = count_of(node) / stride;
    RF_TRY(copy_step(low, NULL, 0, 0, stride, 0, rows, stride));
    low->plan->steps[low->step].fn = zero_rows;
    low->plan->steps[low->step].kernel = "zero";
    return copy_step(low, node->in[0], cols, 0, stride, node->attr.begin * inner, rows, cols);
}

static rf_status lower_patch(rf_lowering *low) {
    const rf_node *node = low->node, *image = node->attr.inverse ? node : node->in[0];
    STEP(patch, batch_of(node), 1);
    step->args.patch = (rf_patch_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)image->shape.dim[1],
                                       .w = (int)image->shape.dim[2], .channels = channels_of(image), .patch = node->attr.patch,
                                       .channel_first = node->attr.channel_first, .inverse = node->attr.inverse};
    BIND(rf_patch_args, x, node->in[0]);
    BIND(rf_patch_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_embed(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_EMBED_DW;
    rf_node *index = node->in[backward ? 0 : 1];
    const rf_shape *table = backward ? &node->shape : &node->in[0]->shape;
    rf_step *step = rf__lower_step(low, backward ? RF_K_embed_bwd : RF_K_embed, backward ? 1 : count_of(index), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
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
    STEP(time_features, batch_of(node), 1);
    step->args.time_features = (rf_time_args){.batch = batch_of(node), .channels = channels_of(node), .scale = node->attr.a,
                                              .max_period = node->attr.max_period, .shift = node->attr.shift,
                                              .sin_first = node->attr.sin_first};
    BIND(rf_time_args, t, node->in[0]);
    BIND(rf_time_args, frequency, node->in[1]);
    BIND(rf_time_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_time_ratio(rf_lowering *low) {
    const rf_node *node = low->node;
    STEP(time_ratio, batch_of(node), 1);
    step->args.time_ratio = (rf_time_ratio_args){.batch = batch_of(node), .a = node->attr.a, .b = node->attr.b, .c = node->attr.c,
                                                 .d = node->attr.d, .least = node->attr.eps};
    BIND(rf_time_ratio_args, t, node->in[0]);
    BIND(rf_time_ratio_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_dropout(rf_lowering *low) {
    const rf_node *node = low->node;
    STEP(dropout, batch_of(node), 1);
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
    rf_step *step = rf__lower_step(low, backward ? RF_K_pool_bwd : RF_K_pool, batch_of(x), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
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
    rf_step *step = rf__lower_step(low, backward ? RF_K_xent_bwd : RF_K_xent, batch_of(node->in[0]), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
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
    [RF_OP_UP2] = lower_resample,
    [RF_OP_DOWN2] = lower_resample,
    [RF_OP_RESIZE] = lower_resize,
    [RF_OP_RESIZE_BWD] = lower_resize,
    [RF_OP_UNIT_NORM] = lower_unit_norm,
    [RF_OP_UNIT_NORM_BWD] = lower_unit_norm,
    [RF_OP_CONCAT] = lower_concat,
    [RF_OP_SLICE] = lower_slice,
    [RF_OP_UNSLICE] = lower_unslice,
    [RF_OP_PATCH] = lower_patch,
    [RF_OP_EMBED] = lower_embed,
    [RF_OP_EMBED_DW] = lower_embed,
    [RF_OP_TIME_FEATURES] = lower_time,
    [RF_OP_TIME_RATIO] = lower_time_ratio,
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
