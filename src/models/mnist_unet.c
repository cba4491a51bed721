/* mnist_unet.c - the small class-conditional flow U-Net of github.com/chookcurry/flow-matching (MIT), read straight from its unet.pt:
 * an example of somebody else's network as a model of ours. Its convention is ours (t=0 noise, t=1 data in [-1,1], v = x1 - x0), and
 * parameter names are its own.
 *
 *   time    sqrt 2 [sin, cos](2 pi w t) with given w;  class: a row of a table
 *   init    silu(bn(conv3x3(x)))
 *   down    `blocks` residual blocks, conv3x3 of stride 2;  the result is kept
 *   middle  `blocks` residual blocks
 *   up      h + kept, bilinear x2, conv3x3, `blocks` residual blocks
 *   block   h = conv(bn(silu(x))) + mlp_t(time) + mlp_y(class);  x + conv(bn(silu(h)))
 *
 * Difference: a batch norm is what its statistics make of it, a gain and a shift of each channel, called weight and bias as in the
 * file; both train, statistics do not. (They stand before zero padding, so they cannot go into the convolution behind them.) */
#include "../nn/layers.h"
#include "import.h"

#define LEVELS_MAX 8

typedef struct mnist_unet_config {
    int64_t height, width, channels, blocks, waves, label_width, classes;
    rf_int_list widths;
} mnist_unet_config;

#define FIELD(name) offsetof(mnist_unet_config, name)
static const rf_field_desc mnist_unet_fields[] = {
    {"height", RF_FIELD_INT, FIELD(height), "32", 1, 1024, NULL, "image height"},
    {"width", RF_FIELD_INT, FIELD(width), "32", 1, 1024, NULL, "image width"},
    {"channels", RF_FIELD_INT, FIELD(channels), "1", 1, 64, NULL, "image channels"},
    {"widths", RF_FIELD_INTS, FIELD(widths), "[16,32,64]", 1, 4096, NULL, "channels of each level"},
    {"blocks", RF_FIELD_INT, FIELD(blocks), "2", 1, 16, NULL, "residual blocks a level"},
    {"waves", RF_FIELD_INT, FIELD(waves), "20", 1, 4096, NULL, "frequencies of the time features"},
    {"label_width", RF_FIELD_INT, FIELD(label_width), "8", 1, 4096, NULL, "numbers of a class row"},
    {"classes", RF_FIELD_INT, FIELD(classes), "10", 1, 100000, NULL, "classes"},
    {NULL},
};

static const rf_init fan_in = {RF_INIT_FAN_IN_UNIFORM, 1}, one = {RF_INIT_ONE, 1}, zero = {RF_INIT_ZERO, 0}, unit = {RF_INIT_NORMAL, 1};

typedef struct mnist_unet {
    rf_graph *g;
    const mnist_unet_config *config;
    rf_node *time, *label; /* [B, 2 waves], [B, label_width] */
} mnist_unet;

static rf_node *norm(const mnist_unet *u, const char *name, rf_node *x) {
    if (!x) return NULL;
    rf_shape channels = rf__shape1(rf__node_shape(x).dim[3]);
    rf__scope_push(u->g, "%s", name);
    rf_node *y = rf__mul_rows(u->g, x, rf__param(u->g, "weight", channels, one));
    y = rf__add_rows(u->g, y, rf__param(u->g, "bias", channels, zero));
    rf__scope_pop(u->g);
    return y;
}

static rf_node *half(const mnist_unet *u, const char *name, rf_node *x) {
    if (!x) return NULL;
    rf__scope_push(u->g, "%s", name);
    rf_node *y = rf__nn_conv(u->g, "2", norm(u, "1", rf__silu(u->g, x)), rf__node_shape(x).dim[3], 3, 1, fan_in);
    rf__scope_pop(u->g);
    return y;
}

static rf_node *adapter(const mnist_unet *u, const char *name, rf_node *v, int64_t out) {
    if (!v) return NULL;
    rf__scope_push(u->g, "%s", name);
    rf_node *h = rf__silu(u->g, rf__nn_linear(u->g, "0", v, rf__node_shape(v).dim[1], fan_in));
    rf_node *y = rf__nn_linear(u->g, "2", h, out, fan_in);
    rf__scope_pop(u->g);
    return y;
}

static rf_node *blocks(const mnist_unet *u, rf_node *x) {
    for (int i = 0; i < u->config->blocks && x; i++) {
        int64_t channels = rf__node_shape(x).dim[3];
        rf__scope_push(u->g, "res_blocks.%d", i);
        rf_node *h = rf__add_rows(u->g, half(u, "block1", x), adapter(u, "time_adapter", u->time, channels));
        h = rf__add_rows(u->g, h, adapter(u, "y_adapter", u->label, channels));
        x = rf__keep(u->g, rf__add(u->g, x, half(u, "block2", h)));
        rf__scope_pop(u->g);
    }
    return x;
}

static rf_node *mnist_unet_build(rf_graph *g, const void *config, const rf_model_inputs *in) {
    const mnist_unet_config *c = config;
    int levels = c->widths.count;
    mnist_unet u = {.g = g, .config = c};
    rf_node *waves = rf__buffer(g, "time_embedder.weights", rf__shape2(1, c->waves), (rf_init){RF_INIT_FOURIER, 1});
    u.time = rf__scale(g, rf__time_waves(g, in->t, waves, 6.2831853f, true), 1.41421356f);
    u.label = rf__nn_label_table(g, "y_embedder.weight", in->label, c->classes, c->label_width, unit);
    rf_node *kept[LEVELS_MAX], *h = rf__nn_conv(g, "init_conv.0", in->x, c->widths.at[0], 3, 1, fan_in);
    h = rf__silu(g, norm(&u, "init_conv.1", h));
    for (int level = 0; level + 1 < levels; level++) {
        rf__scope_push(g, "encoders.%d", level);
        h = kept[level] = rf__nn_conv(g, "downsample", blocks(&u, h), c->widths.at[level + 1], 3, 2, fan_in);
        rf__scope_pop(g);
    }
    rf__scope_push(g, "midcoder");
    h = blocks(&u, h);
    rf__scope_pop(g);
    for (int level = levels - 2; level >= 0 && h; level--) {
        rf_shape shape = rf__node_shape(h);
        rf__scope_push(g, "decoders.%d", levels - 2 - level);
        h = rf__resize(g, rf__add(g, h, kept[level]), 2 * (int)shape.dim[1], 2 * (int)shape.dim[2], false);
        h = blocks(&u, rf__nn_conv(g, "upsample.1", h, c->widths.at[level], 3, 1, fan_in));
        rf__scope_pop(g);
    }
    return rf__to_f32(g, rf__nn_conv(g, "final_conv", h, c->channels, 3, 1, fan_in)); /* [B,H,W,C] */
}

static rf_status mnist_unet_check(const void *config) {
    const mnist_unet_config *c = config;
    int levels = c->widths.count, side = 1 << (levels > 0 ? levels - 1 : 0);
    if (levels < 1 || levels > LEVELS_MAX) return rf__fail(RF_EINVAL, "widths has %d entries, expected 1 .. %d", levels, LEVELS_MAX);
    if (c->height % side || c->width % side)
        return rf__fail(RF_EINVAL, "height x width is %lldx%lld, expected multiples of %d for %d levels", (long long)c->height,
                        (long long)c->width, side, levels);
    return RF_OK;
}

static rf_model_shape mnist_unet_shape(const void *config) {
    const mnist_unet_config *c = config;
    return (rf_model_shape){(int)c->height, (int)c->width, (int)c->channels, (int)c->classes, 0, false};
}

/* ---- its own files ---- */

/* The picture's size is in no tensor: the default, MNIST widened to 32x32. */
static rf_status from_sizes(const rf_import_file *file, void *config) {
    mnist_unet_config *c = config;
    char name[64];
    c->channels = rf__import_dim(file, "init_conv.0.weight", 1);
    c->widths.at[0] = rf__import_dim(file, "init_conv.0.weight", 0);
    for (c->widths.count = 1; c->widths.count < LEVELS_MAX; c->widths.count++) {
        snprintf(name, sizeof name, "encoders.%d.downsample.weight", c->widths.count - 1);
        if (!rf__import_find(file, name)) break;
        c->widths.at[c->widths.count] = rf__import_dim(file, name, 0);
    }
    for (c->blocks = 0; c->blocks < 16; c->blocks++) {
        snprintf(name, sizeof name, "midcoder.res_blocks.%d.block1.2.weight", (int)c->blocks);
        if (!rf__import_find(file, name)) break;
    }
    c->waves = rf__import_dim(file, "time_embedder.weights", 1);
    c->classes = rf__import_dim(file, "y_embedder.weight", 0) - 1;
    c->label_width = rf__import_dim(file, "y_embedder.weight", 1);
    return RF_OK;
}

static const rf_model_import mnist_unet_import = {
    .source = "unet.pt of chookcurry/flow-matching",
    .marks = {"time_embedder.weights", "y_embedder.weight", "midcoder.res_blocks.0.block1.1.running_var", "init_conv.1.running_var"},
    .class_names = "[\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]",
    .norm_eps = 1e-5,
    .settings = from_sizes,
};

const rf_model_kind rf__model_mnist_unet = {
    .name = "mnist_unet",
    .source = "chookcurry/flow-matching (2025, MIT)",
    .help = "U-Net with folded batch norms and added skips",
    .fields = mnist_unet_fields,
    .config_size = sizeof(mnist_unet_config),
    .check = mnist_unet_check,
    .shape = mnist_unet_shape,
    .build = mnist_unet_build,
    .import = &mnist_unet_import,
};
