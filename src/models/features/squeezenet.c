/* squeezenet.c - SqueezeNet 1.1 (Iandola et al. 2016): conv, then fire modules (squeeze to few channels, expand by 1x1 and 3x3)
 * with three ceil-mode pools. Two published files, which name the layers and prepare the picture differently. */
#include "frozen.h"

#define FIRES 8
#define CLASSES 1000

typedef struct form {
    const char *first, *last;
    const char *fires[FIRES], *squeeze;
    int last_pad; /* the Caffe net has a border around its last 1x1 convolution */
} form;

static const form torchvision = {
    .first = "features.0", .last = "classifier.1", .squeeze = "squeeze",
    .fires = {"features.3", "features.4", "features.6", "features.7", "features.9", "features.10", "features.11", "features.12"}};
/* ncnn's names of the Caffe layers; fires end in '/', see `fire`. */
static const form caffe = {
    .first = "conv1", .last = "conv10", .squeeze = "squeeze1x1", .last_pad = 1,
    .fires = {"fire2/", "fire3/", "fire4/", "fire5/", "fire6/", "fire7/", "fire8/", "fire9/"}};

static rf_node *fire(rf_graph *g, const form *f, int index, rf_node *x, int squeeze, int expand) {
    char name[64];
    const char *base = f->fires[index], *dot = f == &caffe ? "" : ".";
    snprintf(name, sizeof name, "%s%s%s", base, dot, f->squeeze);
    x = rf__frozen_conv(g, name, x, rf__square(squeeze, 1, 1, 0));
    snprintf(name, sizeof name, "%s%sexpand1x1", base, dot);
    rf_node *one = rf__frozen_conv(g, name, x, rf__square(expand, 1, 1, 0));
    snprintf(name, sizeof name, "%s%sexpand3x3", base, dot);
    return rf__concat(g, one, rf__frozen_conv(g, name, x, rf__square(expand, 3, 1, 1)));
}

/* Taps as LPIPS cuts the network: after the first ReLU, after fires 2, 4, 5, 6, 7, 8 (torchvision's 4, 7, 9, 10, 11, 12). */
static void build(rf_graph *g, const void *which, rf_node *x, rf_feature_part part, rf_feature_out *out) {
    const form *f = which;
    rf_node *h = rf__frozen_conv(g, f->first, x, rf__square(64, 3, 2, 0));
    rf__tap(out, h);
    for (int i = 0; i < FIRES; i++) {
        if (i == 0 || i == 2 || i == 4) h = rf__max_pool(g, h, 3, 2, 0, true);
        int squeeze = 16 * (i / 2 + 1);
        h = fire(g, f, i, h, squeeze, 4 * squeeze);
        if (i == 1 || i > 2) rf__tap(out, h);
    }
    if (part != RF_FEATURE_ALL) return;
    out->features = rf__mean_pixels(g, h);
    out->logits = rf__mean_pixels(g, rf__frozen_conv(g, f->last, h, rf__square(CLASSES, 1, 1, f->last_pad)));
}

const rf_feature_net rf__feature_squeezenet = {
    .name = "squeezenet",
    .source = "Iandola et al. 2016, arXiv 1602.07360; weights of torchvision",
    .help = "ImageNet classifier, 512 features, backbone of LPIPS squeeze: squeezenet1_1-b8a52dc0.pth",
    .sha256 = "b8a52dc0 f364aa15",
    .size = 224,
    .channels = 3,
    RF_IMAGENET_COLOURS,
    .form = &torchvision,
    .build = build,
};

const rf_feature_net rf__feature_squeezenet_caffe = {
    .name = "squeezenet-caffe",
    .source = "Iandola et al. 2016, arXiv 1602.07360; the authors' Caffe weights in ncnn form (nihui/ncnn-assets)",
    .help = "ImageNet classifier, 512 features, other weights than torchvision's: squeezenet_v1.1.bin with its .param",
    .sha256 = "928c82c4",
    .size = 227,
    .channels = 3,
    .scale = {127.5f, 127.5f, 127.5f}, /* 0..255 minus the mean of ImageNet */
    .shift = {127.5f - 123, 127.5f - 117, 127.5f - 104},
    .blue_first = true,
    .form = &caffe,
    .build = build,
};
