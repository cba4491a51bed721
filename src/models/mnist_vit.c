/* mnist_vit.c - the small class-conditional transformer of github.com/sofia-dominguezc/MNIST-diffusion (MIT), read straight from its
 * DiffusionViT.pth: an example of somebody else's flow as a model of ours. Parameter names are its own.
 *
 *   tokens   patches + pos_embed, then the time features and the class row as further tokens
 *   blocks   x = norm1(x + attention(x));  x = norm2(x + linear2(gelu(linear1(x))))        (norm after the sum, exact GELU)
 *   x1       patches of the first tokens                                                    (it predicts the picture, not the velocity)
 *
 * Its path is x_s = s x1 + (1-s) x0 with pictures in [0,1], ours y_t = t y1 + (1-t) x0 with y1 = 2 x1 - 1 and the same noise.
 * (y_t + t)/(1+t) = x_s at s = 2t/(1+t): both walks are the same flow seen at other times, so the map from noise to picture is the
 * same one, and v = (y1 - y_t)/(1-t) is exact. That has a limit at t = 1, where its numerator is the network's error: 1-t is held at
 * `limit`, which leaves noise of at most limit/4 of the range in an Euler step that is shorter.
 *
 * Difference: unpatch.weight is stored as the linear layer it is ([C p p, hidden]; the file has the transposed convolution). */
#include <stdlib.h>
#include <string.h>

#include "../nn/layers.h"
#include "import.h"
#include "taps.h"

#define EPS 1e-5f

typedef struct mnist_vit_config {
    int64_t height, width, channels, patch, depth, hidden, heads, mlp, features, classes;
    double limit;
} mnist_vit_config;

#define FIELD(name) offsetof(mnist_vit_config, name)
static const rf_field_desc mnist_vit_fields[] = {
    {"height", RF_FIELD_INT, FIELD(height), "28", 1, 4096, NULL, "image height"},
    {"width", RF_FIELD_INT, FIELD(width), "28", 1, 4096, NULL, "image width"},
    {"channels", RF_FIELD_INT, FIELD(channels), "1", 1, 64, NULL, "image channels"},
    {"patch", RF_FIELD_INT, FIELD(patch), "7", 1, 64, NULL, "side of a patch"},
    {"depth", RF_FIELD_INT, FIELD(depth), "4", 1, 256, NULL, "blocks"},
    {"hidden", RF_FIELD_INT, FIELD(hidden), "64", 8, 16384, NULL, "width"},
    {"heads", RF_FIELD_INT, FIELD(heads), "4", 1, 256, NULL, "attention heads"},
    {"mlp", RF_FIELD_INT, FIELD(mlp), "256", 8, 65536, NULL, "width of the MLP"},
    {"features", RF_FIELD_INT, FIELD(features), "128", 2, 65536, NULL, "numbers of the time features and of a class row"},
    {"classes", RF_FIELD_INT, FIELD(classes), "10", 0, 100000, NULL, "classes; 0: unconditional"},
    {"limit", RF_FIELD_FLOAT, FIELD(limit), "0.02", 1e-4, 0.5, NULL, "least 1-t in the velocity"},
    {NULL},
};

static const rf_init xavier = {RF_INIT_FAN_AVG_UNIFORM, 1}, zero = {RF_INIT_ZERO, 0}, narrow = {RF_INIT_NORMAL, 0.02f},
                     unit = {RF_INIT_NORMAL, 1};

/* x [B,T,D] */
static rf_node *attention(rf_graph *g, const mnist_vit_config *c, rf_taps *taps, rf_node *x) {
    rf__scope_push(g, "self_attn");
    rf_node *weight = rf__param(g, "in_proj_weight", rf__shape2(3 * c->hidden, c->hidden), xavier);
    rf_node *qkv = rf__linear(g, x, weight, rf__param(g, "in_proj_bias", rf__shape1(3 * c->hidden), zero));
    rf_node *y = rf__nn_linear(g, "out_proj", rf__attention_qkv(g, rf__tap(taps, g, qkv), (int)c->heads), c->hidden, xavier);
    rf__scope_pop(g);
    return y;
}

static rf_node *block(rf_graph *g, const mnist_vit_config *c, rf_taps *taps, rf_node *x) {
    x = rf__nn_layer_norm(g, "norm1", rf__add(g, x, attention(g, c, taps, x)), EPS);
    rf_node *h = rf__act(g, RF_ACT_GELU_ERF, rf__nn_linear(g, "linear1", x, c->mlp, xavier));
    return rf__nn_layer_norm(g, "norm2", rf__add(g, x, rf__nn_linear(g, "linear2", h, c->hidden, xavier)), EPS);
}

/* The features [B,F] as F/D tokens behind those of x. */
static rf_node *append(rf_graph *g, const mnist_vit_config *c, rf_node *x, rf_node *features) {
    if (!x || !features) return NULL;
    return rf__concat_tokens(g, x, rf__reshape(g, features, rf__shape3(rf__node_shape(x).dim[0], c->features / c->hidden, c->hidden)));
}

/* The picture in [0,1] that the network sees in x [B,H,W,C] at its own time s [B]. */
static rf_node *predict(rf_graph *g, const mnist_vit_config *c, const rf_model_inputs *in, rf_node *x, rf_node *s) {
    if (!x) return NULL;
    int64_t rows = c->height / c->patch, columns = c->width / c->patch, tokens = rows * columns, d = c->hidden, p = c->patch;
    rf_node *weight = rf__param(g, "patch_embed.weight", rf__shape4(d, p, p, c->channels), xavier);
    rf_node *h = rf__conv2d(g, x, weight, rf__param(g, "patch_embed.bias", rf__shape1(d), zero), (int)p, 0);
    h = rf__reshape(g, h, rf__shape3(rf__node_shape(x).dim[0], tokens, d));                     /* [B,T,D] */
    h = rf__add_table(g, h, rf__reshape(g, rf__param(g, "pos_embed", rf__shape3(1, tokens, d), narrow), rf__shape2(tokens, d)));
    h = append(g, c, h, rf__time_features(g, s, (int)c->features, 1, 10000, 1, true));
    if (in->label) h = append(g, c, h, rf__nn_label_table(g, "y_encoder.weight", in->label, c->classes, c->features, unit));
    for (int i = 0; i < c->depth; i++) {
        rf__scope_push(g, "transformer.%d", i);
        h = rf__keep(g, block(g, c, in->taps, rf__keep(g, h)));
        rf__scope_pop(g);
    }
    weight = rf__param(g, "unpatch.weight", rf__shape2(c->channels * p * p, d), xavier);
    h = rf__linear(g, rf__slice_tokens(g, h, 0, tokens), weight, NULL);                         /* [B,T,C*p*p] */
    h = rf__unpatchify(g, h, (int)c->height, (int)c->width, (int)p, true);
    return rf__add_rows(g, rf__to_f32(g, h), rf__param(g, "unpatch.bias", rf__shape1(c->channels), zero));
}

static rf_node *mnist_vit_build(rf_graph *g, const void *config, const rf_model_inputs *in) {
    const mnist_vit_config *c = config;
    if (!in->x) return NULL;
    rf_node *t = in->t, *one = rf__fill(g, rf__node_shape(in->x), 1);
    rf_node *x = rf__add(g, rf__scale_rows(g, in->x, rf__time_ratio(g, t, 1, 0, 1, 1, 0.5f)),   /* (y + t) / (1 + t) */
                         rf__scale_rows(g, one, rf__time_ratio(g, t, 0, 1, 1, 1, 0.5f)));
    rf_node *x1 = predict(g, c, in, x, rf__time_ratio(g, t, 0, 2, 1, 1, 0.5f));
    rf_node *y1 = rf__axpby(g, 2, x1, -1, one);
    return rf__scale_rows(g, rf__sub(g, y1, in->x), rf__time_ratio(g, t, 1, 0, 1, -1, (float)c->limit));
}

static rf_status mnist_vit_check(const void *config) {
    const mnist_vit_config *c = config;
    if (c->height % c->patch || c->width % c->patch)
        return rf__fail(RF_EINVAL, "patch is %lld, expected a divisor of %lldx%lld", (long long)c->patch, (long long)c->height,
                        (long long)c->width);
    if (c->hidden % c->heads)
        return rf__fail(RF_EINVAL, "heads is %lld, expected a divisor of hidden %lld", (long long)c->heads, (long long)c->hidden);
    if (c->features % c->hidden || c->features % 2)
        return rf__fail(RF_EINVAL, "features is %lld, expected an even multiple of hidden %lld", (long long)c->features, (long long)c->hidden);
    return RF_OK;
}

static rf_model_shape mnist_vit_shape(const void *config) {
    const mnist_vit_config *c = config;
    return (rf_model_shape){(int)c->height, (int)c->width, (int)c->channels, (int)c->classes, 0, false};
}

/* ---- its own files ---- */

static rf_status from_sizes(const rf_import_file *file, void *config) {
    mnist_vit_config *c = config;
    int64_t tokens = rf__import_dim(file, "pos_embed", 1), side = 1, depth = 0;
    char name[64];
    while (side * side < tokens) side++;
    if (side * side != tokens) return rf__fail(RF_EMISMATCH, "pos_embed: has %lld tokens, expected those of a square", (long long)tokens);
    for (; depth < 256; depth++) {
        snprintf(name, sizeof name, "transformer.%d.linear1.weight", (int)depth);
        if (!rf__import_find(file, name)) break;
    }
    c->patch = rf__import_dim(file, "patch_embed.weight", 2);
    c->height = c->width = side * c->patch;
    c->channels = rf__import_dim(file, "patch_embed.weight", 1);
    c->hidden = rf__import_dim(file, "patch_embed.weight", 0);
    c->depth = depth;
    c->mlp = rf__import_dim(file, "transformer.0.linear1.weight", 0);
    c->features = rf__import_dim(file, "y_encoder.weight", 1);
    c->classes = rf__import_dim(file, "y_encoder.weight", 0) - 1;
    return RF_OK;
}

/* The transposed convolution [D,C,p,p] as the linear layer [C*p*p, D]. */
static rf_status read_unpatch(const rf_import_file *file, const rf_param *param, float *out, bool *done) {
    if (strcmp(param->name, "unpatch.weight")) return RF_OK;
    int64_t rows = param->shape.dim[0], columns = param->shape.dim[1];
    float *turned = malloc((size_t)(rows * columns) * sizeof *turned);
    if (!turned) return rf__fail(RF_ENOMEM, "no memory for %s", param->name);
    rf_status status = rf__import_read(file, param->name, rows * columns, turned);
    for (int64_t i = 0; status == RF_OK && i < rows * columns; i++) out[i] = turned[i % columns * rows + i / columns];
    free(turned);
    *done = true;
    return status;
}

static const rf_model_import mnist_vit_import = {
    .source = "DiffusionViT.pth of sofia-dominguezc/MNIST-diffusion",
    .marks = {"pos_embed", "patch_embed.weight", "transformer.0.self_attn.in_proj_weight", "unpatch.weight"},
    .class_names = "[\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]",
    .settings = from_sizes,
    .read = read_unpatch,
};

const rf_model_kind rf__model_mnist_vit = {
    .name = "mnist_vit",
    .source = "sofia-dominguezc/MNIST-diffusion (2025, MIT)",
    .help = "transformer on patches that predicts the picture; time and class are tokens",
    .fields = mnist_vit_fields,
    .config_size = sizeof(mnist_vit_config),
    .check = mnist_vit_check,
    .shape = mnist_vit_shape,
    .build = mnist_vit_build,
    .import = &mnist_vit_import,
};
