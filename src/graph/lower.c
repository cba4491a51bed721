/* lower.c - one node becomes one kernel call (rarely two): sizes into the arguments, pointers as fix-ups. */
#include "plan_inside.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER(type, name) (uint16_t) offsetof(type, name)

typedef struct lowering {
    rf_plan *plan;
    const rf_graph *graph;
    const rf_layout *layout;
    const rf_node *node;
    int step; /* index of the newest step */
} lowering;

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
static rf_step *step_new(lowering *low, rf_kernel_id id, int64_t units, int64_t grain) {
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

/* Store the address of `node`'s memory (plus `extra` bytes) into a pointer of the newest step. */
static void bind(lowering *low, uint16_t member, rf_node *node, size_t extra) {
    rf_plan *plan = low->plan;
    node = rf__node_storage(node);
    if (!node) return;
    if (node->op == RF_OP_PARAM) {
        int index = rf__weights_find(plan->weights, low->graph->params[node->param].name);
        char *data = (char *)rf__weights_data(plan->weights, index) + extra;
        memcpy((char *)&plan->steps[low->step].args + member, &data, sizeof data);
        return;
    }
    int block = low->layout->block_of[node->id];
    if (block < 0) return; /* an output nobody reads (statistics in inference): stays NULL */
    if (grow((void **)&plan->fixups, plan->fixup_count, &plan->fixup_room, sizeof *plan->fixups))
        plan->fixups[plan->fixup_count++] = (rf_fixup){low->step, member, RF_IN_ARENA, low->layout->blocks[block].offset + extra};
}

static void bind_grad(lowering *low, uint16_t member, int param) {
    rf_plan *plan = low->plan;
    if (param < 0) return;
    int index = rf__weights_find(plan->weights, low->graph->params[param].name);
    size_t offset = (size_t)rf__weights_offset(plan->weights, index) * sizeof(float);
    if (grow((void **)&plan->fixups, plan->fixup_count, &plan->fixup_room, sizeof *plan->fixups))
        plan->fixups[plan->fixup_count++] = (rf_fixup){low->step, member, RF_IN_GRADS, offset};
}

#define BIND(type, name, node) bind(low, MEMBER(type, name), node, 0)

static int64_t count_of(const rf_node *node) { return rf__shape_count(&node->shape); }
static int64_t batch_of(const rf_node *node) { return node->shape.dim[0]; }
static int channels_of(const rf_node *node) { return (int)rf__shape_last(&node->shape); }
static int rows_of(const rf_node *node) { return (int)rf__shape_rows(&node->shape); }

/* ---- dense ---- */

/* Height and width of an activation; tokens and vectors are one line of pixels. */
static void pixels(const rf_node *node, int *h, int *w) {
    bool image = node->shape.rank == 4;
    *h = image ? (int)node->shape.dim[1] : 1;
    *w = image ? (int)node->shape.dim[2] : rows_of(node);
}

/* A 4-D activation under a 2-D weight, or a 2-D.. activation: the same line of pixels on both sides. */
static void conv_sizes(const rf_node *node, const rf_node *x, const rf_node *weight, rf_conv_args *a) {
    pixels(x, &a->h, &a->w);
    pixels(node, &a->oh, &a->ow);
    bool image = weight->shape.rank == 4;
    a->batch = batch_of(x);
    a->cin = channels_of(x);
    a->cout = channels_of(node);
    a->kh = image ? (int)weight->shape.dim[1] : 1;
    a->kw = image ? (int)weight->shape.dim[2] : 1;
    a->stride = node->attr.stride;
    a->pad = node->attr.pad;
    a->dilate = node->attr.dilate;
}

static rf_status lower_conv(lowering *low) {
    const rf_node *node = low->node;
    rf_node *x = node->in[RF_CONV_X], *weight = node->in[RF_CONV_WEIGHT];
    rf_conv_args args = {.dtype = x->dtype, .y_dtype = node->dtype, .scale = node->attr.a, .residual_scale = node->attr.b,
                         .act = node->attr.act, .rows_stride = channels_of(node), .gate_stride = channels_of(node)};
    conv_sizes(node, x, weight, &args);
    size_t bytes = 0;
    int index = rf__weights_find(low->plan->weights, low->graph->params[weight->param].name);
    args.packed = rf__weights_packed(low->plan->weights, &low->plan->kernels, index, node->attr.transposed, x->dtype, &bytes);
    if (!args.packed) return rf__fail(RF_ENOMEM, "no memory to pack %s", weight->name);
    low->plan->stats.packed_bytes += bytes;
    const rf_conv_provider *provider = &low->plan->kernels.conv;
    if (provider->conv_prepare) RF_TRY(provider->conv_prepare(&args));
    rf_step *step = step_new(low, RF_K_conv, provider->conv_units(&args), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.conv = args;
    step->scratch = provider->conv_scratch ? provider->conv_scratch(&args) : 0;
    step->gflop = 2e-9 * (double)(args.batch * args.oh * args.ow) * args.cout * args.cin * args.kh * args.kw /
                  ((double)args.dilate * args.dilate);
    step->dense = node->attr.transposed ? 2 : 1;
    BIND(rf_conv_args, x, x);
    BIND(rf_conv_args, bias, node->in[RF_CONV_BIAS]);
    BIND(rf_conv_args, rows, node->in[RF_CONV_ROWS]);
    BIND(rf_conv_args, gate, node->in[RF_CONV_GATE]);
    BIND(rf_conv_args, residual, node->in[RF_CONV_RESIDUAL]);
    BIND(rf_conv_args, y, (rf_node *)node);
    return RF_OK;
}

static void dw_args(const rf_node *node, rf_conv_dw_args *a) {
    const rf_node *x = node->in[0], *dy = node->in[1];
    bool image = node->shape.rank == 4;
    *a = (rf_conv_dw_args){.dtype = x->dtype, .batch = batch_of(x), .cin = channels_of(x), .cout = channels_of(dy),
                           .kh = image ? (int)node->shape.dim[1] : 1, .kw = image ? (int)node->shape.dim[2] : 1,
                           .stride = node->attr.stride, .pad = node->attr.pad};
    pixels(x, &a->h, &a->w);
    pixels(dy, &a->oh, &a->ow);
}

size_t rf__lower_work(const rf_plan *plan, const rf_node *node) {
    if (node->op != RF_OP_CONV_DW) return 0;
    rf_conv_dw_args args;
    dw_args(node, &args);
    return plan->kernels.conv.dw_shared ? plan->kernels.conv.dw_shared(&args) : 0;
}

static void bind_dw(lowering *low) {
    const rf_node *node = low->node;
    int shared = low->layout->shared_of[node->id];
    BIND(rf_conv_dw_args, x, node->in[0]);
    BIND(rf_conv_dw_args, dy, node->in[1]);
    bind_grad(low, MEMBER(rf_conv_dw_args, dw), node->param);
    bind_grad(low, MEMBER(rf_conv_dw_args, dbias), node->param2);
    rf_plan *plan = low->plan;
    if (shared >= 0 && grow((void **)&plan->fixups, plan->fixup_count, &plan->fixup_room, sizeof *plan->fixups))
        plan->fixups[plan->fixup_count++] =
            (rf_fixup){low->step, MEMBER(rf_conv_dw_args, shared), RF_IN_ARENA, low->layout->blocks[shared].offset};
}

static rf_status lower_conv_dw(lowering *low) {
    const rf_conv_provider *provider = &low->plan->kernels.conv;
    rf_conv_dw_args args;
    dw_args(low->node, &args);
    if (provider->dw_state_prepare) RF_TRY(provider->dw_state_prepare(&args));
    if (provider->dw_prepare && low->layout->shared_of[low->node->id] >= 0) {
        rf_step *prepare = step_new(low, RF_K_conv_dw, provider->dw_prepare_units(&args), 1);
        if (!prepare) return rf__fail(RF_ENOMEM, "no memory for a plan step");
        prepare->fn = provider->dw_prepare;
        prepare->kernel = "conv_dw prepare";
        prepare->args.conv_dw = args;
        bind_dw(low);
    }
    rf_step *step = step_new(low, RF_K_conv_dw, provider->dw_units(&args), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.conv_dw = args;
    step->scratch = provider->dw_scratch ? provider->dw_scratch(&args) : 0;
    step->gflop = 2e-9 * (double)(args.batch * args.oh * args.ow) * args.cout * args.cin * args.kh * args.kw;
    step->dense = 3;
    bind_dw(low);
    return RF_OK;
}

static rf_status lower_attention(lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_ATTENTION_BWD;
    rf_node *q = node->in[0], *k = node->in[1], *v = node->in[2], *y = backward ? node->in[3] : (rf_node *)node;
    int64_t width = channels_of(y);
    size_t element = rf__dtype_size(q->dtype);
    rf_attention_args args = {.dtype = q->dtype, .batch = batch_of(y), .tq = rows_of(y), .tk = k ? rows_of(k) : rows_of(y),
                              .heads = node->attr.heads, .dim = (int)(width / node->attr.heads), .y_stride = width};
    args.q_stride = args.k_stride = args.v_stride = k ? width : 3 * width;
    args.scale = 1.0f / __builtin_sqrtf((float)args.dim);
    rf_step *step = step_new(low, backward ? RF_K_attention_bwd : RF_K_attention, args.batch * args.heads, 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.attention = args;
    step->scratch = low->plan->kernels.attention_scratch(&args, backward);
    step->gflop = 4e-9 * (double)(args.batch * args.heads) * args.tq * args.tk * args.dim * (backward ? 2.5 : 1);
    size_t third = (size_t)width * element;
    bind(low, MEMBER(rf_attention_args, q), q, 0);
    bind(low, MEMBER(rf_attention_args, k), k ? k : q, k ? 0 : third);
    bind(low, MEMBER(rf_attention_args, v), k ? v : q, k ? 0 : 2 * third);
    BIND(rf_attention_args, y, y);
    if (!backward) {
        if (node->aux[0]) BIND(rf_attention_args, lse, node->aux[0]);
        return RF_OK;
    }
    rf_node *dq = (rf_node *)node;
    BIND(rf_attention_args, lse, node->in[4]);
    BIND(rf_attention_args, dy, node->in[5]);
    bind(low, MEMBER(rf_attention_args, dq), dq, 0);
    bind(low, MEMBER(rf_attention_args, dk), k ? node->aux[0] : dq, k ? 0 : third);
    bind(low, MEMBER(rf_attention_args, dv), k ? node->aux[1] : dq, k ? 0 : 2 * third);
    return RF_OK;
}

/* ---- everything else: small tables of sizes ---- */

#define STEP(id, units, grain)                                                                                        \
    rf_step *step = step_new(low, RF_K_##id, units, grain);                                                           \
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step")

static rf_status lower_group_norm(lowering *low) {
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

static rf_status lower_layer_norm(lowering *low) {
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

static rf_status lower_map(lowering *low) {
    const rf_node *node = low->node;
    static const rf_kernel_id ids[RF_OPS] = {[RF_OP_ACT] = RF_K_act, [RF_OP_ACT_BWD] = RF_K_act_bwd, [RF_OP_AXPBY] = RF_K_axpby,
                                             [RF_OP_MUL] = RF_K_mul, [RF_OP_CAST] = RF_K_cast, [RF_OP_ACCUMULATE] = RF_K_axpby};
    rf_step *step = step_new(low, ids[node->op], count_of(node), MAP_GRAIN);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.act = (rf_map_args){.dtype = node->in[0]->dtype, .y_dtype = node->dtype, .act = node->attr.act,
                                   .a = node->attr.a, .b = node->attr.b};
    BIND(rf_map_args, x, node->in[0]);
    if (node->op == RF_OP_ACCUMULATE) {
        step->args.act.a = step->args.act.b = 1;
        bind_grad(low, MEMBER(rf_map_args, z), node->param);
        bind_grad(low, MEMBER(rf_map_args, y), node->param);
        return RF_OK;
    }
    BIND(rf_map_args, z, node->in[1]);
    BIND(rf_map_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_row_affine(lowering *low) {
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

static rf_status lower_row_reduce(lowering *low) {
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

static rf_status lower_rows(lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    rf_kernel_id id = node->op == RF_OP_SCALE_ROWS ? RF_K_scale_rows : node->op == RF_OP_SUM ? RF_K_sum : RF_K_dot_rows;
    bool one = node->op == RF_OP_SUM || (node->op == RF_OP_SCALE_ROWS && node->attr.broadcast);
    int64_t batch = one ? 1 : batch_of(x);
    rf_step *step = step_new(low, id, batch, 1);
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

static rf_status lower_resample(lowering *low) {
    const rf_node *node = low->node;
    bool up = node->op == RF_OP_UP2;
    const rf_node *small = up ? node->in[0] : node;
    rf_step *step = step_new(low, up ? RF_K_up2 : RF_K_down2, batch_of(node), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.up2 = (rf_resample_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)small->shape.dim[1],
                                        .w = (int)small->shape.dim[2], .channels = channels_of(node), .scale = node->attr.a};
    BIND(rf_resample_args, x, node->in[0]);
    BIND(rf_resample_args, y, (rf_node *)node);
    return RF_OK;
}

/* Elements in one index of `axis`. */
static int64_t inner_of(const rf_shape *shape, int axis) {
    int64_t inner = 1;
    for (int i = axis + 1; i < shape->rank; i++) inner *= shape->dim[i];
    return inner;
}

/* Copy [rows, cols] between the node and one of its inputs, each with its own stride and start. */
static rf_status copy_step(lowering *low, rf_node *x, int64_t x_stride, int64_t x_begin, int64_t y_stride, int64_t y_begin,
                           int64_t rows, int64_t cols) {
    const rf_node *node = low->node;
    int64_t grain = 65536 / (cols + 1) + 1;
    STEP(copy, rows, grain);
    size_t element = rf__dtype_size(node->dtype);
    step->args.copy = (rf_copy_args){.dtype = node->dtype, .rows = rows, .cols = cols, .x_stride = x_stride, .y_stride = y_stride};
    bind(low, MEMBER(rf_copy_args, x), x, (size_t)x_begin * element);
    bind(low, MEMBER(rf_copy_args, y), (rf_node *)node, (size_t)y_begin * element);
    return RF_OK;
}

static rf_status lower_concat(lowering *low) {
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

static rf_status lower_slice(lowering *low) {
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

static rf_status lower_unslice(lowering *low) {
    const rf_node *node = low->node, *dy = node->in[0];
    int axis = node->attr.axis;
    int64_t inner = inner_of(&node->shape, axis), cols = dy->shape.dim[axis] * inner, stride = node->shape.dim[axis] * inner;
    int64_t rows = count_of(node) / stride;
    RF_TRY(copy_step(low, NULL, 0, 0, stride, 0, rows, stride));
    low->plan->steps[low->step].fn = zero_rows;
    low->plan->steps[low->step].kernel = "zero";
    return copy_step(low, node->in[0], cols, 0, stride, node->attr.begin * inner, rows, cols);
}

static rf_status lower_patch(lowering *low) {
    const rf_node *node = low->node, *image = node->attr.inverse ? node : node->in[0];
    STEP(patch, batch_of(node), 1);
    step->args.patch = (rf_patch_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)image->shape.dim[1],
                                       .w = (int)image->shape.dim[2], .channels = channels_of(image), .patch = node->attr.patch,
                                       .channel_first = node->attr.channel_first, .inverse = node->attr.inverse};
    BIND(rf_patch_args, x, node->in[0]);
    BIND(rf_patch_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_embed(lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_EMBED_DW;
    rf_node *index = node->in[backward ? 0 : 1];
    const rf_shape *table = backward ? &node->shape : &node->in[0]->shape;
    rf_step *step = step_new(low, backward ? RF_K_embed_bwd : RF_K_embed, backward ? 1 : count_of(index), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.embed = (rf_embed_args){.batch = count_of(index), .entries = table->dim[0], .channels = (int)table->dim[1]};
    BIND(rf_embed_args, index, index);
    if (backward) {
        BIND(rf_embed_args, dy, node->in[1]);
        bind_grad(low, MEMBER(rf_embed_args, dtable), node->param);
    } else {
        BIND(rf_embed_args, table, node->in[0]);
        BIND(rf_embed_args, y, (rf_node *)node);
    }
    return RF_OK;
}

static rf_status lower_time(lowering *low) {
    const rf_node *node = low->node;
    STEP(time_features, batch_of(node), 1);
    step->args.time_features = (rf_time_args){.batch = batch_of(node), .channels = channels_of(node), .scale = node->attr.a,
                                              .max_period = node->attr.max_period, .shift = node->attr.shift,
                                              .sin_first = node->attr.sin_first};
    BIND(rf_time_args, t, node->in[0]);
    BIND(rf_time_args, y, (rf_node *)node);
    return RF_OK;
}

static rf_status lower_dropout(lowering *low) {
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

static rf_status lower_pool(lowering *low) {
    const rf_node *node = low->node, *x = node->in[0];
    bool backward = node->op == RF_OP_POOL_BWD;
    const rf_node *small = backward ? node->in[1] : node;
    rf_step *step = step_new(low, backward ? RF_K_pool_bwd : RF_K_pool, batch_of(x), 1);
    if (!step) return rf__fail(RF_ENOMEM, "no memory for a plan step");
    step->args.pool = (rf_pool_args){.dtype = x->dtype, .batch = batch_of(x), .h = (int)x->shape.dim[1], .w = (int)x->shape.dim[2],
                                     .channels = channels_of(x), .oh = (int)small->shape.dim[1], .ow = (int)small->shape.dim[2],
                                     .size = node->attr.kernel, .stride = node->attr.stride, .pad = node->attr.pad,
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

static rf_status lower_xent(lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_XENT_BWD;
    rf_step *step = step_new(low, backward ? RF_K_xent_bwd : RF_K_xent, batch_of(node->in[0]), 1);
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

static rf_status (*const lower_table[RF_OPS])(lowering *) = {
    [RF_OP_CONV] = lower_conv,
    [RF_OP_CONV_DW] = lower_conv_dw,
    [RF_OP_ATTENTION] = lower_attention,
    [RF_OP_ATTENTION_BWD] = lower_attention,
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
    [RF_OP_CONCAT] = lower_concat,
    [RF_OP_SLICE] = lower_slice,
    [RF_OP_UNSLICE] = lower_unslice,
    [RF_OP_PATCH] = lower_patch,
    [RF_OP_EMBED] = lower_embed,
    [RF_OP_EMBED_DW] = lower_embed,
    [RF_OP_TIME_FEATURES] = lower_time,
    [RF_OP_DROPOUT] = lower_dropout,
    [RF_OP_POOL] = lower_pool,
    [RF_OP_POOL_BWD] = lower_pool,
    [RF_OP_XENT] = lower_xent,
    [RF_OP_XENT_BWD] = lower_xent,
};

rf_status rf__lower_node(rf_plan *plan, const rf_graph *graph, const rf_layout *layout, rf_node *node) {
    lowering low = {plan, graph, layout, node, -1};
    return lower_table[node->op] ? lower_table[node->op](&low) : RF_OK; /* leaves and views have no step */
}
