/* lpips.c - see lpips.h. The scaling layer of the published code, (x - (-.030, -.088, -.188)) / (.458, .448, .450), is how torchvision's
 * networks want a picture in [-1,1] anyway, so the backbone prepares it. */
#include "lpips.h"

#include <string.h>

#include "../../base/table.h"

#define EPS 1e-10f /* of the unit length, in the published code */

#define ZHANG "Zhang et al. 2018, arXiv 1801.03924, heads v0.1"
static const rf_lpips vgg = {"lpips-vgg", ZHANG, "VGG-16, the usual one in losses", "vgg16", "a78928a0"};
static const rf_lpips alex = {"lpips-alex", ZHANG, "AlexNet, the usual one in reports", "alexnet", "df73285e"};
static const rf_lpips squeeze = {"lpips-squeeze", ZHANG, "SqueezeNet 1.1", "squeezenet", "4a5350f2"};
static const rf_lpips caffe = {"perceptual-squeeze-caffe", "strait",
                               "NOT LPIPS: its squeeze heads on the authors' Caffe SqueezeNet, which they were not fitted to", "squeezenet-caffe", "4a5350f2"};

static const rf_lpips *const all[] = {&vgg, &alex, &squeeze, &caffe, NULL};

const rf_lpips *const *rf__lpips_all(void) { return all; }

const rf_lpips *rf__lpips_find(const char *name) { RF_TABLE_FIND(all, "perceptual distance", name); }

/* One tap: [B,h,w,C] twice -> [B] */
static rf_node *tap_distance(rf_graph *g, int index, rf_node *a, rf_node *b) {
    if (!a || !b) return NULL;
    char name[40];
    snprintf(name, sizeof name, "lin%d.model.1.weight", index);
    rf_node *head = rf__buffer(g, name, rf__shape1(rf__node_shape(a).dim[3]), (rf_init){RF_INIT_ZERO, 0});
    rf_node *difference = rf__sub(g, rf__unit_norm(g, a, EPS), rf__unit_norm(g, b, EPS));
    return rf__sum_rows(g, rf__mul_rows(g, rf__mean_pixels(g, rf__mul(g, difference, difference)), head), 1);
}

rf_node *rf__lpips_build(rf_graph *g, const rf_lpips *lpips, rf_node *a, rf_node *b, int height, int width) {
    const rf_feature_net *net = rf__feature_net_find(lpips->backbone);
    rf__scope_push(g, "net");
    rf_feature_out x = rf__feature_build(g, net, NULL, a, height, width, RF_FEATURE_TAPS_ONLY);
    rf_feature_out z = rf__feature_build(g, net, NULL, b, height, width, RF_FEATURE_TAPS_ONLY);
    rf__scope_pop(g);
    rf_node *total = NULL;
    for (int i = 0; i < x.tap_count; i++) {
        rf_node *d = tap_distance(g, i, x.taps[i], z.taps[i]);
        total = total ? rf__add(g, total, d) : d;
    }
    return total;
}

static rf_status load_heads(rf_weights *weights, const char *prefix, const rf_tensor_source *heads) {
    char start[128];
    snprintf(start, sizeof start, "%slin", prefix);
    for (int i = 0; i < rf__weights_count(weights); i++) {
        const rf_param *param = rf__weights_param(weights, i);
        if (strncmp(param->name, start, strlen(start))) continue;
        RF_TRY(heads->read(heads->self, param->name + strlen(prefix), rf__shape_count(&param->shape), rf__weights_data(weights, i)));
    }
    return RF_OK;
}

rf_status rf__lpips_load(const rf_lpips *lpips, rf_weights *weights, const char *prefix, const rf_tensor_source *backbone,
                         const rf_tensor_source *heads) {
    char net[128];
    snprintf(net, sizeof net, "%snet.", prefix);
    RF_TRY(rf__feature_load(rf__feature_net_find(lpips->backbone), weights, net, backbone));
    return load_heads(weights, prefix, heads);
}
