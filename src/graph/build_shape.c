/* build_shape.c - builders that move or resample data, and those that look something up. */
#include "node.h"

#include <math.h>
#include <string.h>

static rf_node *derive(rf_graph *graph, rf_op op, rf_node *x, rf_shape shape) {
    if (!x) return NULL;
    rf_node *node = rf__node_new(graph, op, x->dtype, shape);
    if (!node) return NULL;
    node->in[0] = x;
    node->needs_grad = x->needs_grad;
    return node;
}

rf_node *rf__reshape(rf_graph *graph, rf_node *x, rf_shape shape) {
    if (!x) return NULL;
    char a[64], b[64];
    if (rf__shape_count(&shape) != rf__shape_count(&x->shape))
        return rf__graph_fail(graph, RF_EMISMATCH, "reshape: %s does not hold %s", rf__shape_text(&shape, a),
                              rf__shape_text(&x->shape, b));
    return derive(graph, RF_OP_RESHAPE, x, shape); /* keeps its dtype: rank rules choose at the next operation */
}

static rf_node *concat_axis(rf_graph *graph, rf_node *a, rf_node *b, int axis) {
    if (!a || !b) return NULL;
    rf_shape shape = a->shape;
    bool fits = a->shape.rank == b->shape.rank;
    for (int i = 0; fits && i < shape.rank; i++) fits = i == axis || a->shape.dim[i] == b->shape.dim[i];
    char x[64], z[64];
    if (!fits)
        return rf__graph_fail(graph, RF_EMISMATCH, "concat: %s and %s", rf__shape_text(&a->shape, x), rf__shape_text(&b->shape, z));
    if (a->dtype != b->dtype) a = rf__to_f32(graph, a), b = rf__to_f32(graph, b);
    shape.dim[axis] += b->shape.dim[axis];
    rf_node *node = derive(graph, RF_OP_CONCAT, a, shape);
    if (!node) return NULL;
    node->in[1] = b;
    node->attr.axis = axis;
    node->needs_grad = a->needs_grad || b->needs_grad;
    return node;
}

static rf_node *slice_axis(rf_graph *graph, rf_node *x, int axis, int64_t begin, int64_t count) {
    if (!x) return NULL;
    if (begin < 0 || count < 1 || begin + count > x->shape.dim[axis])
        return rf__graph_fail(graph, RF_EMISMATCH, "slice: [%lld, %lld) of an axis of %lld", (long long)begin,
                              (long long)(begin + count), (long long)x->shape.dim[axis]);
    if (count == x->shape.dim[axis]) return x;
    rf_shape shape = x->shape;
    shape.dim[axis] = count;
    rf_node *node = derive(graph, RF_OP_SLICE, x, shape);
    if (node) node->attr.axis = axis, node->attr.begin = begin;
    return node;
}

rf_node *rf__concat(rf_graph *graph, rf_node *a, rf_node *b) { return a ? concat_axis(graph, a, b, a->shape.rank - 1) : NULL; }
rf_node *rf__concat_tokens(rf_graph *graph, rf_node *a, rf_node *b) { return concat_axis(graph, a, b, 1); }
rf_node *rf__slice(rf_graph *graph, rf_node *x, int64_t begin, int64_t count) {
    return x ? slice_axis(graph, x, x->shape.rank - 1, begin, count) : NULL;
}
rf_node *rf__pad_channels(rf_graph *graph, rf_node *x, int64_t before, int64_t after) {
    if (!x) return NULL;
    if (before < 0 || after < 0)
        return rf__graph_fail(graph, RF_EINVAL, "pad_channels: %lld before, %lld after", (long long)before, (long long)after);
    if (before + after == 0) return x;
    rf_shape shape = x->shape;
    shape.dim[shape.rank - 1] += before + after;
    rf_node *node = derive(graph, RF_OP_UNSLICE, x, shape);
    if (node) node->attr.axis = shape.rank - 1, node->attr.begin = before;
    return node;
}

rf_node *rf__slice_tokens(rf_graph *graph, rf_node *x, int64_t begin, int64_t count) {
    return slice_axis(graph, x, 1, begin, count);
}

rf_node *rf__up2(rf_graph *graph, rf_node *x) {
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    rf_node *node = derive(graph, RF_OP_UP2, x, rf__shape4(d[0], 2 * d[1], 2 * d[2], d[3]));
    if (node) node->attr.a = 1;
    return node;
}

rf_node *rf__down2(rf_graph *graph, rf_node *x) {
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    if (x->shape.rank != 4 || d[1] % 2 || d[2] % 2)
        return rf__graph_fail(graph, RF_EMISMATCH, "down2: %lldx%lld pixels cannot be halved", (long long)d[1], (long long)d[2]);
    rf_node *node = derive(graph, RF_OP_DOWN2, x, rf__shape4(d[0], d[1] / 2, d[2] / 2, d[3]));
    if (node) node->attr.a = 0.25f;
    return node;
}

rf_node *rf__resize(rf_graph *graph, rf_node *x, int oh, int ow, bool corner) {
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    char a[64];
    if (x->shape.rank != 4 || oh < 1 || ow < 1)
        return rf__graph_fail(graph, RF_EMISMATCH, "resize: %s to %dx%d pixels", rf__shape_text(&x->shape, a), oh, ow);
    if (d[1] == oh && d[2] == ow) return x; /* both laws then read the pixel itself */
    rf_node *node = derive(graph, RF_OP_RESIZE, x, rf__shape4(d[0], oh, ow, d[3]));
    if (node) node->attr.corner = corner;
    return node;
}

rf_node *rf__patchify(rf_graph *graph, rf_node *x, int patch, bool channel_first) {
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    if (x->shape.rank != 4 || patch < 1 || d[1] % patch || d[2] % patch)
        return rf__graph_fail(graph, RF_EMISMATCH, "patchify: %lldx%lld pixels do not divide into patches of %d", (long long)d[1],
                              (long long)d[2], patch);
    rf_node *node = derive(graph, RF_OP_PATCH, x,
                           rf__shape3(d[0], (d[1] / patch) * (d[2] / patch), d[3] * patch * patch));
    if (node) node->attr.patch = patch, node->attr.channel_first = channel_first;
    return node;
}

rf_node *rf__unpatchify(rf_graph *graph, rf_node *x, int h, int w, int patch, bool channel_first) {
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    if (x->shape.rank != 3 || patch < 1 || h % patch || w % patch || d[1] != (int64_t)(h / patch) * (w / patch) ||
        d[2] % (patch * patch))
        return rf__graph_fail(graph, RF_EMISMATCH, "unpatchify: %lld tokens of %lld do not make %dx%d pixels", (long long)d[1],
                              (long long)d[2], h, w);
    rf_node *node = derive(graph, RF_OP_PATCH, x, rf__shape4(d[0], h, w, d[2] / (patch * patch)));
    if (node) node->attr.patch = patch, node->attr.channel_first = channel_first, node->attr.inverse = true;
    return node;
}

/* Windows along an axis; one that does not fit counts with `ceil` when it begins inside the image. */
static int64_t windows(int64_t in, int size, int stride, int pad, bool ceil) {
    int64_t spare = in + 2 * pad - size, count = spare / stride + 1;
    return ceil && spare % stride && count * stride < in + pad ? count + 1 : count;
}

static rf_node *pool(rf_graph *graph, rf_node *x, int size, int stride, int pad, bool ceil) {
    if (!x) return NULL;
    const int64_t *d = x->shape.dim;
    if (x->shape.rank != 4 || size < 1 || stride < 1 || pad < 0 || d[1] + 2 * pad < size || d[2] + 2 * pad < size)
        return rf__graph_fail(graph, RF_EMISMATCH, "pool: window %d, stride %d, pad %d on %lldx%lld pixels", size, stride, pad,
                              (long long)d[1], (long long)d[2]);
    rf_node *node = derive(graph, RF_OP_POOL, x,
                           rf__shape4(d[0], windows(d[1], size, stride, pad, ceil), windows(d[2], size, stride, pad, ceil), d[3]));
    if (!node) return NULL;
    node->attr.kernel = size;
    node->attr.stride = stride;
    node->attr.pad_h = node->attr.pad_w = pad;
    return node;
}

rf_node *rf__max_pool(rf_graph *graph, rf_node *x, int size, int stride, int pad, bool ceil) {
    rf_node *node = pool(graph, x, size, stride, pad, ceil);
    if (node) node->attr.max = true;
    return node;
}
rf_node *rf__avg_pool(rf_graph *graph, rf_node *x, int size, int stride, int pad, bool count_pad) {
    rf_node *node = pool(graph, x, size, stride, pad, false);
    if (node) node->attr.count_pad = count_pad;
    return node;
}

/* ---- look-ups ---- */

rf_node *rf__embed(rf_graph *graph, rf_node *table, rf_node *index) {
    if (!table || !index) return NULL;
    if (table->op != RF_OP_PARAM || table->shape.rank != 2 || index->dtype != RF_I32)
        return rf__graph_fail(graph, RF_EINVAL, "embed: expected a parameter [entries, channels] and i32 indices");
    rf_node *node = rf__node_new(graph, RF_OP_EMBED, RF_F32, rf__shape2(rf__shape_count(&index->shape), table->shape.dim[1]));
    if (!node) return NULL;
    node->in[0] = table;
    node->in[1] = index;
    node->name = table->name;
    node->needs_grad = table->needs_grad;
    return node;
}

rf_node *rf__time_features(rf_graph *graph, rf_node *t, int channels, float scale, float max_period, float shift, bool sin_first) {
    if (!t) return NULL;
    if (channels < 2 || channels % 2 || (float)(channels / 2) <= shift)
        return rf__graph_fail(graph, RF_EINVAL, "time_features: %d channels, expected an even number above %g", channels,
                              2.0 * (double)shift);
    rf_node *node = rf__node_new(graph, RF_OP_TIME_FEATURES, RF_F32, rf__shape2(rf__shape_count(&t->shape), channels));
    if (!node) return NULL;
    node->in[0] = t;
    node->attr.a = scale;
    node->attr.max_period = max_period;
    node->attr.shift = shift;
    node->attr.sin_first = sin_first;
    return node;
}

rf_node *rf__time_waves(rf_graph *graph, rf_node *t, rf_node *frequency, float scale, bool sin_first) {
    if (!t || !frequency) return NULL;
    if (frequency->dtype != RF_F32) return rf__graph_fail(graph, RF_EINVAL, "time_waves: expected frequencies in f32");
    rf_shape shape = rf__shape2(rf__shape_count(&t->shape), 2 * rf__shape_count(&frequency->shape));
    rf_node *node = rf__node_new(graph, RF_OP_TIME_FEATURES, RF_F32, shape);
    if (!node) return NULL;
    node->in[0] = t;
    node->in[1] = frequency;
    node->attr.a = scale;
    node->attr.sin_first = sin_first;
    return node;
}

rf_node *rf__time_map(rf_graph *graph, rf_node *t, rf_time_map of, const float with[5]) {
    if (!t) return NULL;
    rf_node *node = rf__node_new(graph, RF_OP_TIME_MAP, RF_F32, rf__shape1(rf__shape_count(&t->shape)));
    if (!node) return NULL;
    node->in[0] = t;
    node->attr.of = of;
    memcpy(node->attr.with, with, sizeof node->attr.with);
    return node;
}

static double ratio(double t, const float *with) {
    return ((double)with[0] + (double)with[1] * t) / fmax((double)with[2] + (double)with[3] * t, (double)with[4]);
}

rf_node *rf__time_ratio(rf_graph *graph, rf_node *t, float a, float b, float c, float d, float least) {
    if (!(least > 0)) return rf__graph_fail(graph, RF_EINVAL, "time_ratio: least is %g, expected a number above 0", (double)least);
    return rf__time_map(graph, t, ratio, (float[5]){a, b, c, d, least});
}
