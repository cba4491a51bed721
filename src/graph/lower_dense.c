/* lower_dense.c - convolutions, linear layers, their weight gradients and attention as kernel calls. */
#include "lower_inside.h"

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
    a->pad_h = node->attr.pad_h;
    a->pad_w = node->attr.pad_w;
    a->dilate = node->attr.dilate;
}

/* ---- int8 ---- */
enum {
    LEAST_INT8 = 32,     /* channels on both sides: the first and last layers, which every rounding reaches undamped, stay bf16 */
    MOST_INT8 = 1 << 17, /* products of two bytes whose sum an int32 holds, with the 128 of the offset */
    QUANTISE_GRAIN = 64, /* pixels */
};

/* That are summed up for one number of the output. */
static int64_t products_of(const rf_node *node) {
    const rf_shape *weight = &node->in[RF_CONV_WEIGHT]->shape;
    return rf__shape_count(weight) / weight->dim[0];
}

/* Does the plan run this convolution in whole numbers? Vectors (embeddings, conditioning) stay as they are: one row each. */
static bool whole_numbers(const rf_plan *plan, const rf_node *node) {
    if (!plan->int8 || node->op != RF_OP_CONV) return false;
    const rf_node *x = node->in[RF_CONV_X];
    return x->dtype == RF_BF16 && x->shape.rank > 2 && !node->attr.transposed && node->attr.dilate <= 1 &&
           channels_of(x) >= LEAST_INT8 && channels_of(node) >= LEAST_INT8 && channels_of(x) % 4 == 0 && products_of(node) <= MOST_INT8;
}

/* The work area: bytes, then scales, then the pixels' peaks. */
typedef struct int8_work {
    size_t scale, peak, total;
} int8_work;

static int8_work int8_work_of(const rf_node *x) {
    size_t pixels = (size_t)(batch_of(x) * rows_of(x)), vector = (4 * pixels + 63) / 64 * 64;
    int8_work w = {.scale = (pixels * (size_t)channels_of(x) + 63) / 64 * 64};
    w.peak = w.scale + vector;
    w.total = w.peak + vector;
    return w;
}

static rf_status quantise_step(rf_lowering *low, rf_kernel_id id, const rf_quantise_args *args, rf_node *x) {
    const int8_work work = int8_work_of(x);
    STEP(id, args->pixels, QUANTISE_GRAIN);
    step->args.quantise = *args;
    BIND(rf_quantise_args, x, x);
    rf__lower_bind_work(low, MEMBER(rf_quantise_args, q), 0);
    rf__lower_bind_work(low, MEMBER(rf_quantise_args, scale), work.scale);
    if (args->group > 1) rf__lower_bind_work(low, MEMBER(rf_quantise_args, peak), work.peak);
    return RF_OK;
}

/* A scale a pixel where every output pixel reads just one, else a scale an image: never more than an image, whose bytes would
 * then depend on its neighbours in the batch. */
static rf_status quantise(rf_lowering *low, rf_node *x, rf_conv_args *a) {
    const bool one = a->kh == 1 && a->kw == 1 && a->stride == 1 && !a->pad_h && !a->pad_w;
    const rf_quantise_args args = {.pixels = batch_of(x) * rows_of(x), .group = one ? 1 : rows_of(x), .channels = channels_of(x)};
    a->x_group = one ? 1 : (int64_t)a->oh * a->ow;
    if (args.group > 1) RF_TRY(quantise_step(low, RF_K_peak, &args, x));
    return quantise_step(low, RF_K_quantise, &args, x);
}

static void bind_epilogue(rf_lowering *low) {
    const rf_node *node = low->node;
    BIND(rf_conv_args, bias, node->in[RF_CONV_BIAS]);
    BIND(rf_conv_args, rows, node->in[RF_CONV_ROWS]);
    BIND(rf_conv_args, gate, node->in[RF_CONV_GATE]);
    BIND(rf_conv_args, residual, node->in[RF_CONV_RESIDUAL]);
    BIND(rf_conv_args, y, (rf_node *)node);
}

rf_status rf__lower_conv(rf_lowering *low) {
    const rf_node *node = low->node;
    rf_node *x = node->in[RF_CONV_X], *weight = node->in[RF_CONV_WEIGHT];
    const bool int8 = whole_numbers(low->plan, node);
    rf_conv_args args = {.dtype = int8 ? RF_INT8 : x->dtype, .y_dtype = node->dtype, .scale = node->attr.a,
                         .residual_scale = node->attr.b, .act = node->attr.act, .rows_stride = channels_of(node),
                         .gate_stride = channels_of(node)};
    conv_sizes(node, x, weight, &args);
    size_t bytes = 0;
    int index;
    rf_weights *owner = rf__weights_owner(low->plan->weights, low->graph->params[weight->param].name, &index);
    const rf_conv_provider *provider = int8 ? &low->plan->kernels.conv_int8 : &low->plan->kernels.conv;
    args.packed = rf__weights_packed(owner, provider, index, node->attr.transposed, args.dtype, &bytes);
    if (!args.packed) return rf__fail(RF_ENOMEM, "no memory to pack %s", weight->name);
    low->plan->stats.packed_bytes += bytes;
    if (int8) RF_TRY(quantise(low, x, &args));
    if (provider->conv_prepare) RF_TRY(provider->conv_prepare(&args));
    STEP(RF_K_conv, provider->conv_units(&args), 1);
    if (int8) step->fn = provider->conv, step->kernel = "conv int8";
    step->args.conv = args;
    step->scratch = provider->conv_scratch ? provider->conv_scratch(&args) : 0;
    step->gflop = 2e-9 * (double)(args.batch * args.oh * args.ow) * args.cout * args.cin * args.kh * args.kw /
                  ((double)args.dilate * args.dilate);
    step->dense = node->attr.transposed ? 2 : 1;
    if (int8) {
        rf__lower_bind_work(low, MEMBER(rf_conv_args, x), 0);
        rf__lower_bind_work(low, MEMBER(rf_conv_args, x_scale), int8_work_of(x).scale);
    } else {
        BIND(rf_conv_args, x, x);
    }
    bind_epilogue(low);
    return RF_OK;
}

static void dw_args(const rf_node *node, rf_conv_dw_args *a) {
    const rf_node *x = node->in[0], *dy = node->in[1];
    bool image = node->shape.rank == 4;
    *a = (rf_conv_dw_args){.dtype = x->dtype, .batch = batch_of(x), .cin = channels_of(x), .cout = channels_of(dy),
                           .kh = image ? (int)node->shape.dim[1] : 1, .kw = image ? (int)node->shape.dim[2] : 1,
                           .stride = node->attr.stride, .pad_h = node->attr.pad_h,
                           .pad_w = node->attr.pad_w};
    pixels(x, &a->h, &a->w);
    pixels(dy, &a->oh, &a->ow);
}

size_t rf__lower_work(const rf_plan *plan, const rf_node *node) {
    if (whole_numbers(plan, node)) return int8_work_of(node->in[RF_CONV_X]).total;
    if (node->op != RF_OP_CONV_DW) return 0;
    rf_conv_dw_args args;
    dw_args(node, &args);
    return plan->kernels.conv.dw_shared ? plan->kernels.conv.dw_shared(&args) : 0;
}

static void bind_dw(rf_lowering *low) {
    const rf_node *node = low->node;
    BIND(rf_conv_dw_args, x, node->in[0]);
    BIND(rf_conv_dw_args, dy, node->in[1]);
    rf__lower_bind_grad(low, MEMBER(rf_conv_dw_args, dw), node->param);
    rf__lower_bind_grad(low, MEMBER(rf_conv_dw_args, dbias), node->param2);
    rf__lower_bind_work(low, MEMBER(rf_conv_dw_args, shared), 0);
}

rf_status rf__lower_conv_dw(rf_lowering *low) {
    const rf_conv_provider *provider = &low->plan->kernels.conv;
    rf_conv_dw_args args;
    dw_args(low->node, &args);
    if (provider->dw_state_prepare) RF_TRY(provider->dw_state_prepare(&args));
    if (provider->dw_prepare && low->layout->shared_of[low->node->id] >= 0) {
        rf_step *prepare = rf__lower_step(low, RF_K_conv_dw, provider->dw_prepare_units(&args), 1);
        if (!prepare) return rf__fail(RF_ENOMEM, "no memory for a plan step");
        prepare->fn = provider->dw_prepare;
        prepare->kernel = "conv_dw prepare";
        prepare->args.conv_dw = args;
        bind_dw(low);
    }
    STEP(RF_K_conv_dw, provider->dw_units(&args), 1);
    step->args.conv_dw = args;
    step->scratch = provider->dw_scratch ? provider->dw_scratch(&args) : 0;
    step->gflop = 2e-9 * (double)(args.batch * args.oh * args.ow) * args.cout * args.cin * args.kh * args.kw;
    step->dense = 3;
    bind_dw(low);
    return RF_OK;
}

rf_status rf__lower_attention(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_ATTENTION_BWD;
    rf_node *q = node->in[0], *k = node->in[1], *v = node->in[2], *y = backward ? node->in[3] : (rf_node *)node;
    int64_t width = channels_of(y);
    size_t element = rf__dtype_size(q->dtype);
    rf_attention_args args = {.dtype = q->dtype, .batch = batch_of(y), .tq = rows_of(y), .tk = k ? rows_of(k) : rows_of(y),
                              .heads = node->attr.heads, .dim = (int)(width / node->attr.heads), .y_stride = width};
    args.q_stride = args.k_stride = args.v_stride = k ? width : 3 * width;
    args.scale = 1.0f / __builtin_sqrtf((float)args.dim);
    STEP(backward ? RF_K_attention_bwd : RF_K_attention, args.batch * args.heads, 1);
    step->args.attention = args;
    step->scratch = low->plan->kernels.attention_scratch(&args, backward);
    step->gflop = 4e-9 * (double)(args.batch * args.heads) * args.tq * args.tk * args.dim * (backward ? 2.5 : 1);
    size_t third = (size_t)width * element;
    rf__lower_bind(low, MEMBER(rf_attention_args, q), q, 0);
    rf__lower_bind(low, MEMBER(rf_attention_args, k), k ? k : q, k ? 0 : third);
    rf__lower_bind(low, MEMBER(rf_attention_args, v), k ? v : q, k ? 0 : 2 * third);
    BIND(rf_attention_args, y, y);
    if (!backward) {
        if (node->aux[0]) BIND(rf_attention_args, lse, node->aux[0]);
        return RF_OK;
    }
    rf_node *dq = (rf_node *)node;
    BIND(rf_attention_args, lse, node->in[4]);
    BIND(rf_attention_args, dy, node->in[5]);
    rf__lower_bind(low, MEMBER(rf_attention_args, dq), dq, 0);
    rf__lower_bind(low, MEMBER(rf_attention_args, dk), k ? node->aux[0] : dq, k ? 0 : third);
    rf__lower_bind(low, MEMBER(rf_attention_args, dv), k ? node->aux[1] : dq, k ? 0 : 2 * third);
    return RF_OK;
}
