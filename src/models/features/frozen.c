/* frozen.c - see frozen.h. */
#include "frozen.h"

static const rf_init unset = {RF_INIT_ZERO, 0}; /* the file fills them */

static int64_t channels_of(const rf_node *x) {
    rf_shape shape = rf__node_shape(x);
    return shape.dim[shape.rank - 1];
}

rf_node *rf__frozen_conv_linear(rf_graph *graph, const char *name, rf_node *x, rf_frozen_conv c) {
    if (!x) return NULL;
    rf__scope_push(graph, "%s", name);
    rf_node *weight = rf__buffer(graph, "weight", rf__shape4(c.width, c.kh, c.kw, channels_of(x)), unset);
    rf_node *bias = rf__buffer(graph, "bias", rf__shape1(c.width), unset);
    rf_node *y = rf__conv2d_hw(graph, x, weight, bias, c.stride, c.pad_h, c.pad_w);
    rf__scope_pop(graph);
    return y;
}

rf_node *rf__frozen_conv(rf_graph *graph, const char *name, rf_node *x, rf_frozen_conv c) {
    return rf__relu(graph, rf__frozen_conv_linear(graph, name, x, c));
}

rf_node *rf__frozen_linear(rf_graph *graph, const char *name, rf_node *x, int64_t width, bool bias) {
    if (!x) return NULL;
    rf__scope_push(graph, "%s", name);
    rf_node *weight = rf__buffer(graph, "weight", rf__shape2(width, channels_of(x)), unset);
    rf_node *y = rf__linear(graph, x, weight, bias ? rf__buffer(graph, "bias", rf__shape1(width), unset) : NULL);
    rf__scope_pop(graph);
    return rf__to_f32(graph, y);
}

rf_node *rf__concat_all(rf_graph *graph, rf_node *const *parts, int count) {
    rf_node *all = parts[0];
    for (int i = 1; i < count; i++) all = rf__concat(graph, all, parts[i]);
    return all;
}
