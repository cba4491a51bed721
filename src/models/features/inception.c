/* inception.c - Inception v3 (Szegedy et al. 2016) as the FID is defined on it: TensorFlow's network of 2015-12-05, whose mean
 * pools do not count the border and whose last block pools by maximum; file and names of mseitzer's pytorch-fid.
 * The logits leave the bias out, as the code of the Inception Score does (and torch-fidelity's "logits_unbiased"). */
#include "frozen.h"

#define CLASSES 1008

static rf_node *one(rf_graph *g, const char *name, rf_node *x, int width) {
    rf__scope_push(g, "%s", name);
    x = rf__frozen_conv(g, "conv", x, rf__square(width, 1, 1, 0));
    rf__scope_pop(g);
    return x;
}

static rf_node *square(rf_graph *g, const char *name, rf_node *x, int width, int kernel, int stride, int pad) {
    rf__scope_push(g, "%s", name);
    x = rf__frozen_conv(g, "conv", x, rf__square(width, kernel, stride, pad));
    rf__scope_pop(g);
    return x;
}

/* 1 x n and n x 1, "same" size */
static rf_node *wide(rf_graph *g, const char *name, rf_node *x, int width, int n) {
    rf__scope_push(g, "%s", name);
    x = rf__frozen_conv(g, "conv", x, (rf_frozen_conv){width, 1, n, 1, 0, n / 2});
    rf__scope_pop(g);
    return x;
}
static rf_node *high(rf_graph *g, const char *name, rf_node *x, int width, int n) {
    rf__scope_push(g, "%s", name);
    x = rf__frozen_conv(g, "conv", x, (rf_frozen_conv){width, n, 1, 1, n / 2, 0});
    rf__scope_pop(g);
    return x;
}

static rf_node *mean3(rf_graph *g, rf_node *x) { return rf__avg_pool(g, x, 3, 1, 1, false); }
static rf_node *halve(rf_graph *g, rf_node *x) { return rf__max_pool(g, x, 3, 2, 0, false); }

#define JOIN(...) rf__concat_all(g, (rf_node *[]){__VA_ARGS__}, (int)(sizeof((rf_node *[]){__VA_ARGS__}) / sizeof(rf_node *)))

/* 35x35, figure 5 */
static rf_node *block_a(rf_graph *g, rf_node *x, int pooled) {
    rf_node *five = square(g, "branch5x5_2", one(g, "branch5x5_1", x, 48), 64, 5, 1, 2);
    rf_node *three = square(g, "branch3x3dbl_2", one(g, "branch3x3dbl_1", x, 64), 96, 3, 1, 1);
    three = square(g, "branch3x3dbl_3", three, 96, 3, 1, 1);
    return JOIN(one(g, "branch1x1", x, 64), five, three, one(g, "branch_pool", mean3(g, x), pooled));
}

/* 35x35 to 17x17 */
static rf_node *block_b(rf_graph *g, rf_node *x) {
    rf_node *three = square(g, "branch3x3dbl_2", one(g, "branch3x3dbl_1", x, 64), 96, 3, 1, 1);
    three = square(g, "branch3x3dbl_3", three, 96, 3, 2, 0);
    return JOIN(square(g, "branch3x3", x, 384, 3, 2, 0), three, halve(g, x));
}

/* 17x17, figure 6 with n = 7 */
static rf_node *block_c(rf_graph *g, rf_node *x, int c) {
    rf_node *seven = wide(g, "branch7x7_2", one(g, "branch7x7_1", x, c), c, 7);
    seven = high(g, "branch7x7_3", seven, 192, 7);
    rf_node *twice = high(g, "branch7x7dbl_2", one(g, "branch7x7dbl_1", x, c), c, 7);
    twice = high(g, "branch7x7dbl_4", wide(g, "branch7x7dbl_3", twice, c, 7), c, 7);
    twice = wide(g, "branch7x7dbl_5", twice, 192, 7);
    return JOIN(one(g, "branch1x1", x, 192), seven, twice, one(g, "branch_pool", mean3(g, x), 192));
}

/* 17x17 to 8x8 */
static rf_node *block_d(rf_graph *g, rf_node *x) {
    rf_node *three = square(g, "branch3x3_2", one(g, "branch3x3_1", x, 192), 320, 3, 2, 0);
    rf_node *seven = wide(g, "branch7x7x3_2", one(g, "branch7x7x3_1", x, 192), 192, 7);
    seven = square(g, "branch7x7x3_4", high(g, "branch7x7x3_3", seven, 192, 7), 192, 3, 2, 0);
    return JOIN(three, seven, halve(g, x));
}

/* 8x8, figure 7; pooled: by mean in the first of the two blocks, by maximum in the last */
static rf_node *block_e(rf_graph *g, rf_node *x, rf_node *pooled) {
    rf_node *three = one(g, "branch3x3_1", x, 384);
    rf_node *twice = square(g, "branch3x3dbl_2", one(g, "branch3x3dbl_1", x, 448), 384, 3, 1, 1);
    return JOIN(one(g, "branch1x1", x, 320), wide(g, "branch3x3_2a", three, 384, 3), high(g, "branch3x3_2b", three, 384, 3),
                wide(g, "branch3x3dbl_3a", twice, 384, 3), high(g, "branch3x3dbl_3b", twice, 384, 3),
                one(g, "branch_pool", pooled, 192));
}

#define BLOCK(name, call)            \
    do {                             \
        rf__scope_push(g, "%s", name); \
        h = call;                    \
        rf__scope_pop(g);            \
    } while (0)

/* Taps: the four outputs of pytorch-fid (64, 192, 768 and 2048 channels). */
static void build(rf_graph *g, const void *form, rf_node *x, rf_feature_part part, rf_feature_out *out) {
    (void)form;
    rf_node *h = square(g, "Conv2d_1a_3x3", x, 32, 3, 2, 0); /* 299 -> 149 */
    h = square(g, "Conv2d_2a_3x3", h, 32, 3, 1, 0);
    h = halve(g, square(g, "Conv2d_2b_3x3", h, 64, 3, 1, 1));
    rf__tap(out, h);
    h = halve(g, square(g, "Conv2d_4a_3x3", one(g, "Conv2d_3b_1x1", h, 80), 192, 3, 1, 0));
    rf__tap(out, h);
    BLOCK("Mixed_5b", block_a(g, h, 32));
    BLOCK("Mixed_5c", block_a(g, h, 64));
    BLOCK("Mixed_5d", block_a(g, h, 64));
    BLOCK("Mixed_6a", block_b(g, h));
    BLOCK("Mixed_6b", block_c(g, h, 128));
    BLOCK("Mixed_6c", block_c(g, h, 160));
    BLOCK("Mixed_6d", block_c(g, h, 160));
    BLOCK("Mixed_6e", block_c(g, h, 192));
    rf__tap(out, h);
    BLOCK("Mixed_7a", block_d(g, h));
    BLOCK("Mixed_7b", block_e(g, h, mean3(g, h)));
    BLOCK("Mixed_7c", block_e(g, h, rf__max_pool(g, h, 3, 1, 1, false)));
    rf__tap(out, h);
    if (part != RF_FEATURE_ALL) return;
    out->features = rf__mean_pixels(g, h);
    out->logits = rf__frozen_linear(g, "fc", out->features, CLASSES, false);
}

#define FID                                                                                                           \
    .source = "Szegedy et al. 2016, arXiv 1512.00567; weights of the original FID (Heusel et al. 2017), as in mseitzer/pytorch-fid", \
    .sha256 = "6726825d", .size = 299, .channels = 3, .norm_eps = 1e-3, .build = build

const rf_feature_net rf__feature_inception = {
    .name = "inception",
    .help = "Inception v3 of the FID, 2048 features, prepared as torch-fidelity does: pt_inception-2015-12-05-6726825d.pth",
    .resize = RF_RESIZE_CORNER,
    .scale = {127.5f / 128, 127.5f / 128, 127.5f / 128}, /* (0..255 - 128) / 128 */
    .shift = {-0.5f / 128, -0.5f / 128, -0.5f / 128},
    FID,
};

const rf_feature_net rf__feature_inception_pytorch = {
    .name = "inception-pytorch",
    .help = "the same network, prepared as pytorch-fid does (resized between pixel centres, [-1,1])",
    .resize = RF_RESIZE_HALF_PIXEL,
    .scale = {1, 1, 1},
    FID,
};
