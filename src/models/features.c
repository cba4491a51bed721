/* features.c - the table of feature networks, how a picture reaches them, and how their parameters are filled. */
#include "features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/table.h"

extern const rf_feature_net rf__feature_resnet20, rf__feature_resnet56, rf__feature_squeezenet, rf__feature_squeezenet_caffe,
    rf__feature_inception, rf__feature_inception_pytorch, rf__feature_vgg16, rf__feature_alexnet, rf__feature_classifier;

static const rf_feature_net *const nets[] = {
    &rf__feature_classifier, &rf__feature_resnet20, &rf__feature_resnet56,        &rf__feature_inception, &rf__feature_inception_pytorch,
    &rf__feature_vgg16,      &rf__feature_alexnet,  &rf__feature_squeezenet_caffe, &rf__feature_squeezenet, NULL,
};

const rf_feature_net *const *rf__feature_nets(void) { return nets; }

const rf_feature_net *rf__feature_net_find(const char *name) { RF_TABLE_FIND(nets, "feature network", name); }

/* ---- the picture ---- */

#define SCALE "input.scale"
#define SHIFT "input.shift"

static bool takes_our_range(const rf_feature_net *net) {
    for (int c = 0; c < net->channels; c++)
        if (net->scale[c] != 1 || net->shift[c] != 0) return false;
    return true;
}

/* Before resizing, where there are fewer pixels: both steps are linear. */
static rf_node *prepared(rf_graph *graph, const rf_feature_net *net, rf_node *x) {
    const rf_init unset = {RF_INIT_ZERO, 0};
    if (net->channels == 3 && rf__node_shape(x).dim[3] == 1) x = rf__concat(graph, rf__concat(graph, x, x), x);
    if (takes_our_range(net)) return x;
    x = rf__mul_rows(graph, x, rf__buffer(graph, SCALE, rf__shape1(net->channels), unset));
    return rf__add_rows(graph, x, rf__buffer(graph, SHIFT, rf__shape1(net->channels), unset));
}

rf_feature_out rf__feature_build(rf_graph *graph, const rf_feature_net *net, const void *form, rf_node *x, int height, int width,
                                 rf_feature_part part) {
    rf_feature_out out = {0};
    if (!x) return out;
    x = prepared(graph, net, x);
    if (height && width) x = rf__resize(graph, x, height, width, net->resize == RF_RESIZE_CORNER);
    net->build(graph, form ? form : net->form, x, part, &out);
    return out;
}

/* ---- parameters ---- */

typedef struct loading {
    const rf_feature_net *net;
    rf_weights *weights;
    const rf_tensor_source *source;
    float *buffer; /* as many numbers as the largest parameter */
} loading;

static rf_status read_finite(const loading *l, const char *name, int64_t count, float *out) {
    RF_TRY(l->source->read(l->source->self, name, count, out));
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(out[i])) return rf__fail(RF_ENUMERIC, "%s: number %lld is not finite", name, (long long)i);
    return RF_OK;
}

/* "a.b.conv1.weight" -> "a.b.bn1.FIELD". False for layers that are no convolutions, or whose file has no norm behind them. */
static bool norm_of(const loading *l, const char *weight, const char *field, char out[256]) {
    const char *dot = strrchr(weight, '.'), *conv = NULL;
    if (l->net->norm_eps <= 0) return false;
    for (const char *p = weight; (p = strstr(p, "conv")) && p < dot; p++) conv = p;
    if (!conv) return false;
    snprintf(out, 256, "%.*sbn%.*s.%s", (int)(conv - weight), weight, (int)(dot - conv - 4), conv + 4, field);
    return l->source->has(l->source->self, out);
}

/* y = gamma (W x - mean) / sqrt(var + eps) + beta, as another W and a bias. */
static rf_status fold_norm(const loading *l, const char *name, int64_t channels, float *w, int64_t row, float *bias) {
    static const char *const fields[] = {"weight", "bias", "running_mean", "running_var"};
    float *v[4] = {l->buffer, l->buffer + channels, l->buffer + 2 * channels, l->buffer + 3 * channels};
    char norm[256];
    for (int i = 0; i < 4; i++) {
        norm_of(l, name, fields[i], norm);
        RF_TRY(read_finite(l, norm, channels, v[i]));
    }
    for (int64_t c = 0; c < channels; c++) {
        if (v[3][c] < 0) return rf__fail(RF_ENUMERIC, "%s: variance %lld is %g, expected at least 0", norm, (long long)c, (double)v[3][c]);
        double factor = v[0][c] / sqrt(v[3][c] + l->net->norm_eps);
        for (int64_t i = 0; i < row; i++) w[c * row + i] = (float)(w[c * row + i] * factor);
        bias[c] = (float)(v[1][c] - v[2][c] * factor);
    }
    return RF_OK;
}

/* The first convolution sees the picture: exchange blue and red. */
static void turn_colours(float *w, int64_t pixels) {
    for (int64_t i = 0; i < pixels; i++) {
        float blue = w[3 * i];
        w[3 * i] = w[3 * i + 2];
        w[3 * i + 2] = blue;
    }
}

static rf_status load_weight(const loading *l, const char *prefix, const char *name, int index) {
    const rf_param *param = rf__weights_param(l->weights, index);
    int64_t count = rf__shape_count(&param->shape), channels = param->shape.dim[0];
    float *w = rf__weights_data(l->weights, index);
    RF_TRY(read_finite(l, name, count, l->buffer));
    rf__param_turn(param, l->buffer, w, false);
    if (param->conv && param->shape.dim[3] == 3 && l->net->blue_first) turn_colours(w, count / 3);
    char norm[256], bias[512];
    if (!norm_of(l, name, "running_var", norm)) return RF_OK;
    snprintf(bias, sizeof bias, "%s%.*s.bias", prefix, (int)(strrchr(name, '.') - name), name);
    int bias_index = rf__weights_find(l->weights, bias);
    return fold_norm(l, name, channels, w, count / channels, rf__weights_data(l->weights, bias_index));
}

static rf_status load_param(const loading *l, const char *prefix, int index) {
    const rf_param *param = rf__weights_param(l->weights, index);
    const char *name = param->name + strlen(prefix), *last = strrchr(name, '.');
    float *out = rf__weights_data(l->weights, index);
    char norm[256];
    if (!strcmp(name, SCALE) || !strcmp(name, SHIFT)) {
        memcpy(out, !strcmp(name, SCALE) ? l->net->scale : l->net->shift, (size_t)l->net->channels * sizeof *out);
        return RF_OK;
    }
    if (last && !strcmp(last, ".weight")) return load_weight(l, prefix, name, index);
    if (norm_of(l, name, "running_var", norm)) return RF_OK; /* the bias of a folded norm came with the weight */
    return read_finite(l, name, rf__shape_count(&param->shape), out);
}

rf_status rf__feature_load(const rf_feature_net *net, rf_weights *weights, const char *prefix, const rf_tensor_source *source) {
    int64_t room = 1;
    for (int i = 0; i < rf__weights_count(weights); i++) {
        const rf_shape *shape = &rf__weights_param(weights, i)->shape;
        int64_t count = rf__shape_count(shape);
        if (room < count) room = count;
        if (room < 4 * shape->dim[0]) room = 4 * shape->dim[0]; /* the vectors of a norm */
    }
    loading l = {net, weights, source, rf__alloc_array((size_t)room, sizeof(float))};
    if (!l.buffer) return rf__fail(RF_ENOMEM, "no memory to read %lld numbers", (long long)room);
    rf_status status = RF_OK;
    for (int i = 0; i < rf__weights_count(weights) && status == RF_OK; i++)
        if (!strncmp(rf__weights_param(weights, i)->name, prefix, strlen(prefix))) status = load_param(&l, prefix, i);
    rf__free(l.buffer);
    return status;
}
