/* resnet_cifar.c - the CIFAR-10 ResNets of He et al. 2016 (section 4.2) with shortcuts "option A", as published by
 * akamaster/pytorch_resnet_cifar10: conv 3x3 to 16, three stages of n blocks at 16, 32, 64 channels, mean over pixels, linear. */
#include "frozen.h"

#define CLASSES 10

/* Every second pixel, and zeros on both sides of the channels: no parameters. */
static rf_node *shortcut(rf_graph *g, rf_node *x, int width, int stride) {
    if (stride == 1) return x;
    return rf__pad_channels(g, rf__avg_pool(g, x, 1, stride, 0, false), width / 4, width / 4);
}

static rf_node *block(rf_graph *g, rf_node *x, int width, int stride) {
    rf_node *y = rf__frozen_conv(g, "conv1", x, rf__square(width, 3, stride, 1));
    y = rf__frozen_conv_linear(g, "conv2", y, rf__square(width, 3, 1, 1));
    return rf__relu(g, rf__add(g, y, shortcut(g, x, width, stride)));
}

static void build(rf_graph *g, const void *form, rf_node *x, rf_feature_part part, rf_feature_out *out) {
    const int blocks = *(const int *)form;
    rf__scope_push(g, "module"); /* the file was saved from a DataParallel */
    rf_node *h = rf__frozen_conv(g, "conv1", x, rf__square(16, 3, 1, 1));
    for (int stage = 0; stage < 3; stage++) {
        for (int i = 0; i < blocks; i++) {
            rf__scope_push(g, "layer%d.%d", stage + 1, i);
            h = block(g, h, 16 << stage, stage && !i ? 2 : 1);
            rf__scope_pop(g);
        }
        rf__tap(out, h);
    }
    if (part == RF_FEATURE_ALL) {
        out->features = rf__mean_pixels(g, h);
        out->logits = rf__frozen_linear(g, "linear", out->features, CLASSES, true);
    }
    rf__scope_pop(g);
}

#define NET(depth, digits)                                                                                            \
    const rf_feature_net rf__feature_resnet##depth = {                                                                \
        .name = "resnet" #depth,                                                                                      \
        .source = "He et al. 2016, arXiv 1512.03385; weights akamaster/pytorch_resnet_cifar10",                       \
        .help = "CIFAR-10 classifier, 64 features: resnet" #depth "-" digits ".th",                                   \
        .sha256 = digits,                                                                                             \
        .size = 32,                                                                                                   \
        .channels = 3,                                                                                                \
        RF_IMAGENET_COLOURS,                                                                                           \
        .norm_eps = 1e-5,                                                                                             \
        .form = &(const int){(depth - 2) / 6},                                                                        \
        .build = build,                                                                                               \
    }

NET(20, "12fca82f");
NET(56, "4bfd9763");
