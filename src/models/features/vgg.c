/* vgg.c - VGG-16 (Simonyan & Zisserman 2015, configuration D) and AlexNet (Krizhevsky 2014, one tower) in torchvision's layout.
 * Their first linear layer sees all pixels: it is a convolution as large as the image, so that its weights turn like others. */
#include "frozen.h"

#define CLASSES 1000
#define HIDDEN 4096

/* features: behind the ReLU of the last hidden layer. */
static void head(rf_graph *g, const char *first, const char *second, const char *last, rf_node *x, int size, rf_feature_out *out) {
    rf_shape shape = rf__node_shape(x);
    rf_node *h = rf__frozen_conv(g, first, x, rf__square(HIDDEN, size, 1, 0));
    h = h ? rf__reshape(g, h, rf__shape2(shape.dim[0], HIDDEN)) : NULL;
    out->features = rf__relu(g, rf__frozen_linear(g, second, h, HIDDEN, true));
    out->logits = rf__frozen_linear(g, last, out->features, CLASSES, true);
}

static void build_vgg16(rf_graph *g, const void *form, rf_node *x, rf_feature_part part, rf_feature_out *out) {
    static const int convs[] = {2, 2, 3, 3, 3}, widths[] = {64, 128, 256, 512, 512};
    (void)form;
    int index = 0; /* torchvision counts convolutions, ReLUs and pools */
    char name[32];
    for (int stage = 0; stage < 5; stage++) {
        if (stage) x = rf__max_pool(g, x, 2, 2, 0, false), index++;
        for (int i = 0; i < convs[stage]; i++, index += 2) {
            snprintf(name, sizeof name, "features.%d", index);
            x = rf__frozen_conv(g, name, x, rf__square(widths[stage], 3, 1, 1));
        }
        rf__tap(out, x); /* relu1_2, 2_2, 3_3, 4_3, 5_3 */
    }
    if (part != RF_FEATURE_ALL || !x) return;
    head(g, "classifier.0", "classifier.3", "classifier.6", rf__max_pool(g, x, 2, 2, 0, false), 7, out);
}

static void build_alexnet(rf_graph *g, const void *form, rf_node *x, rf_feature_part part, rf_feature_out *out) {
    static const struct {
        const char *name;
        bool pool; /* before it */
        rf_frozen_conv conv;
    } layers[] = {
        {"features.0", false, {64, 11, 11, 4, 2, 2}}, {"features.3", true, {192, 5, 5, 1, 2, 2}},   {"features.6", true, {384, 3, 3, 1, 1, 1}},
        {"features.8", false, {256, 3, 3, 1, 1, 1}},  {"features.10", false, {256, 3, 3, 1, 1, 1}},
    };
    (void)form;
    for (int i = 0; i < 5; i++) {
        if (layers[i].pool) x = rf__max_pool(g, x, 3, 2, 0, false);
        x = rf__frozen_conv(g, layers[i].name, x, layers[i].conv);
        rf__tap(out, x);
    }
    if (part != RF_FEATURE_ALL || !x) return;
    head(g, "classifier.1", "classifier.4", "classifier.6", rf__max_pool(g, x, 3, 2, 0, false), 6, out);
}

#define IMAGENET .size = 224, .channels = 3, RF_IMAGENET_COLOURS

const rf_feature_net rf__feature_vgg16 = {
    .name = "vgg16",
    .source = "Simonyan & Zisserman 2015, arXiv 1409.1556; weights of torchvision",
    .help = "ImageNet classifier, 4096 features, backbone of LPIPS vgg: vgg16-397923af.pth",
    .sha256 = "397923af",
    IMAGENET,
    .build = build_vgg16,
};

const rf_feature_net rf__feature_alexnet = {
    .name = "alexnet",
    .source = "Krizhevsky 2014, arXiv 1404.5997; weights of torchvision",
    .help = "ImageNet classifier, 4096 features, backbone of LPIPS alex: alexnet-owt-7be5be79.pth",
    .sha256 = "7be5be79 4df8aa71",
    IMAGENET,
    .build = build_alexnet,
};
