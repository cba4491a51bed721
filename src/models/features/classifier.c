/* classifier.c - see classifier.h.
 *
 *   conv3x3 to w | two stages, each: conv3x3 that halves, to 2w then 3w, and x + conv3x3(silu(norm(x))) | norm, silu, mean over pixels
 * Norms are GroupNorm: a judge whose answer depends on its batch would not be one. */
#include "classifier.h"

#include "../../nn/layers.h"
#include "frozen.h"

#define EPS 1e-5f
#define STAGES 2

typedef struct classifier_config {
    int64_t height, width, channels, classes, base;
    double dropout;
} classifier_config;

static const rf_field_desc classifier_fields[] = {
    {"height", RF_FIELD_INT, offsetof(classifier_config, height), "28", 4, 1024, NULL, "image height"},
    {"width", RF_FIELD_INT, offsetof(classifier_config, width), "28", 4, 1024, NULL, "image width"},
    {"channels", RF_FIELD_INT, offsetof(classifier_config, channels), "1", 1, 64, NULL, "image channels"},
    {"classes", RF_FIELD_INT, offsetof(classifier_config, classes), "10", 2, 100000, NULL, "classes"},
    {"base", RF_FIELD_INT, offsetof(classifier_config, base), "32", 4, 1024, NULL, "channels of the first layer; the features have three times as many"},
    {"dropout", RF_FIELD_FLOAT, offsetof(classifier_config, dropout), "0.2", 0, 0.95, NULL, "dropout of the features"},
    {NULL},
};

static const rf_init xavier = {RF_INIT_FAN_AVG_UNIFORM, 1};

/* silu(norm(x)) */
static rf_node *activated(rf_graph *g, const char *norm, rf_node *x) {
    return rf__silu(g, rf__nn_group_norm(g, norm, x, EPS));
}

/* [B,H,W,C] -> [B,H/2,W/2,width] */
static rf_node *stage(rf_graph *g, rf_node *x, int64_t width) {
    x = rf__nn_conv(g, "down", activated(g, "norm0", x), width, 3, 2, xavier);
    return rf__add(g, x, rf__nn_conv(g, "conv", activated(g, "norm1", x), width, 3, 1, xavier));
}

rf_node *rf__classifier_build(rf_graph *g, const void *config, const rf_model_inputs *in, rf_feature_out *out) {
    const classifier_config *c = config;
    rf_node *h = rf__nn_conv(g, "stem", in->x, c->base, 3, 1, xavier);
    if (out) rf__tap(out, h);
    for (int i = 0; i < STAGES; i++) {
        rf__scope_push(g, "stages.%d", i);
        h = stage(g, h, (i + 2) * c->base);
        rf__scope_pop(g);
        if (out) rf__tap(out, h);
    }
    h = rf__mean_pixels(g, activated(g, "norm", h));
    if (out) out->features = h;
    h = rf__dropout(g, h, (float)c->dropout, in->drop_key, in->drop_seed);
    return rf__to_f32(g, rf__nn_linear(g, "head", h, c->classes, xavier));
}

static rf_node *build(rf_graph *g, const void *config, const rf_model_inputs *in) {
    return rf__classifier_build(g, config, in, NULL);
}

static rf_model_shape shape(const void *config) {
    const classifier_config *c = config;
    return (rf_model_shape){.height = (int)c->height, .width = (int)c->width, .channels = (int)c->channels, .classes = (int)c->classes};
}

const rf_model_kind rf__model_classifier = {
    .name = "classifier",
    .source = "strait; pre-activation residual blocks after He et al. 2016, arXiv 1603.05027",
    .help = "small residual network that names pictures; judges, cannot generate",
    .fields = classifier_fields,
    .config_size = sizeof(classifier_config),
    .shape = shape,
    .classifies = true,
    .build = build,
};

/* ---- as a feature network ---- */

static void build_features(rf_graph *g, const void *config, rf_node *x, rf_feature_part part, rf_feature_out *out) {
    const rf_model_inputs in = {.x = x};
    (void)part;
    out->logits = rf__classifier_build(g, config, &in, out);
}

const rf_feature_net rf__feature_classifier = {
    .name = "classifier",
    .source = "strait",
    .help = "a classifier trained by our recipes (recipes/fashion-classifier.yaml): its checkpoint",
    .scale = {1, 1, 1},
    .kind = &rf__model_classifier,
    .build = build_features,
};
