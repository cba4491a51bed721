/* lower_shape.c - numbers that only move as kernel calls: parts, joins, patches, and pictures of other sizes. */
#include "lower_inside.h"

#include <string.h>

rf_status rf__lower_resample(rf_lowering *low) {
    const rf_node *node = low->node;
    bool up = node->op == RF_OP_UP2;
    const rf_node *small = up ? node->in[0] : node;
    STEP(up ? RF_K_up2 : RF_K_down2, batch_of(node), 1);
    step->args.up2 = (rf_resample_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)small->shape.dim[1],
                                        .w = (int)small->shape.dim[2], .channels = channels_of(node), .scale = node->attr.a};
    BIND(rf_resample_args, x, node->in[0]);
    BIND(rf_resample_args, y, (rf_node *)node);
    return RF_OK;
}

rf_status rf__lower_resize(rf_lowering *low) {
    const rf_node *node = low->node;
    bool backward = node->op == RF_OP_RESIZE_BWD;
    const rf_node *x = backward ? node : node->in[0], *y = backward ? node->in[0] : node;
    STEP(backward ? RF_K_resize_bwd : RF_K_resize, batch_of(node), 1);
    step->args.resize = (rf_resize_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)x->shape.dim[1],
                                         .w = (int)x->shape.dim[2], .channels = channels_of(x), .oh = (int)y->shape.dim[1],
                                         .ow = (int)y->shape.dim[2], .corner = node->attr.corner};
    rf__lower_bind(low, backward ? MEMBER(rf_resize_args, dy) : MEMBER(rf_resize_args, x), node->in[0], 0);
    rf__lower_bind(low, backward ? MEMBER(rf_resize_args, dx) : MEMBER(rf_resize_args, y), (rf_node *)node, 0);
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
    STEP(RF_K_copy, rows, grain);
    size_t element = rf__dtype_size(node->dtype);
    step->args.copy = (rf_copy_args){.dtype = node->dtype, .rows = rows, .cols = cols, .x_stride = x_stride, .y_stride = y_stride};
    rf__lower_bind(low, MEMBER(rf_copy_args, x), x, (size_t)x_begin * element);
    rf__lower_bind(low, MEMBER(rf_copy_args, y), (rf_node *)node, (size_t)y_begin * element);
    return RF_OK;
}

rf_status rf__lower_concat(rf_lowering *low) {
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

rf_status rf__lower_slice(rf_lowering *low) {
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

rf_status rf__lower_unslice(rf_lowering *low) {
    const rf_node *node = low->node, *dy = node->in[0];
    int axis = node->attr.axis;
    int64_t inner = inner_of(&node->shape, axis), cols = dy->shape.dim[axis] * inner, stride = node->shape.dim[axis] * inner;
    int64_t rows = count_of(node) / stride;
    RF_TRY(copy_step(low, NULL, 0, 0, stride, 0, rows, stride));
    low->plan->steps[low->step].fn = zero_rows;
    low->plan->steps[low->step].kernel = "zero";
    return copy_step(low, node->in[0], cols, 0, stride, node->attr.begin * inner, rows, cols);
}

rf_status rf__lower_patch(rf_lowering *low) {
    const rf_node *node = low->node, *image = node->attr.inverse ? node : node->in[0];
    STEP(RF_K_patch, batch_of(node), 1);
    step->args.patch = (rf_patch_args){.dtype = node->dtype, .batch = batch_of(node), .h = (int)image->shape.dim[1],
                                       .w = (int)image->shape.dim[2], .channels = channels_of(image), .patch = node->attr.patch,
                                       .channel_first = node->attr.channel_first, .inverse = node->attr.inverse};
    BIND(rf_patch_args, x, node->in[0]);
    BIND(rf_patch_args, y, (rf_node *)node);
    return RF_OK;
}
