/* layers.c - thin layers: parameters and one operation. */
#include "layers.h"

static const rf_init zero = {RF_INIT_ZERO, 0}, one = {RF_INIT_ONE, 0};

static int64_t last_axis(const rf_node *x) {
    rf_shape shape = rf__node_shape(x);
    return shape.dim[shape.rank - 1];
}

rf_node *rf__nn_linear(rf_graph *graph, const char *name, rf_node *x, int64_t out, rf_init init) {
    if (!x) return NULL;
    rf__scope_push(graph, "%s", name);
    rf_node *weight = rf__param(graph, "weight", rf__shape2(out, last_axis(x)), init);
    rf_node *y = rf__linear(graph, x, weight, rf__param(graph, "bias", rf__shape1(out), zero));
    rf__scope_pop(graph);
    return y;
}

rf_node *rf__nn_conv(rf_graph *graph, const char *name, rf_node *x, int64_t out, int kernel, int stride, rf_init init) {
    if (!x) return NULL;
    rf__scope_push(graph, "%s", name);
    rf_node *weight = rf__param(graph, "weight", rf__shape4(out, kernel, kernel, last_axis(x)), init);
    rf_node *y = rf__conv2d(graph, x, weight, rf__param(graph, "bias", rf__shape1(out), zero), stride, kernel / 2);
    rf__scope_pop(graph);
    return y;
}

rf_node *rf__nn_group_norm(rf_graph *graph, const char *name, rf_node *x, float eps) {
    if (!x) return NULL;
    int64_t channels = last_axis(x);
    int groups = channels / 4 < 32 ? (int)(channels / 4) : 32;
    while (groups > 1 && channels % groups) groups--; /* widths that are no multiple of 4 groups */
    rf__scope_push(graph, "%s", name);
    rf_node *y = rf__group_norm(graph, x, rf__param(graph, "weight", rf__shape1(channels), one),
                                rf__param(graph, "bias", rf__shape1(channels), zero), groups < 1 ? 1 : groups, eps);
    rf__scope_pop(graph);
    return y;
}

rf_node *rf__nn_layer_norm(rf_graph *graph, const char *name, rf_node *x, float eps) {
    if (!x) return NULL;
    int64_t channels = last_axis(x);
    rf__scope_push(graph, "%s", name);
    rf_node *y = rf__layer_norm(graph, x, rf__param(graph, "weight", rf__shape1(channels), one),
                                rf__param(graph, "bias", rf__shape1(channels), zero), eps);
    rf__scope_pop(graph);
    return y;
}

rf_node *rf__nn_label_table(rf_graph *graph, const char *name, rf_node *label, int64_t classes, int64_t width, rf_init init) {
    return label ? rf__embed(graph, rf__param(graph, name, rf__shape2(classes + 1, width), init), label) : NULL;
}
