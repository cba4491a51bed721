/* mlp.c - the network of the 2-D toys: [x, t, features of t, class row, extra] -> `layers` hidden SiLU layers -> v.
 * With dim 2, width 64, three layers and eight features it has 9,218 scalars, the toy of the reference experiment. */
#include <math.h>
#include <stdio.h>

#include "../nn/layers.h"
#include "model.h"

#define PI 3.14159265f

typedef struct mlp_config {
    int64_t dim, width, layers, classes, extra, features;
    int refines; /* rf_refines */
    rf_form_config form;
} mlp_config;

static const rf_field_desc mlp_fields[] = {
    {"dim", RF_FIELD_INT, offsetof(mlp_config, dim), "2", 1, 65536, NULL, "length of x"},
    {"width", RF_FIELD_INT, offsetof(mlp_config, width), "64", 1, 16384, NULL, "hidden width"},
    {"layers", RF_FIELD_INT, offsetof(mlp_config, layers), "3", 1, 64, NULL, "hidden layers"},
    {"features", RF_FIELD_INT, offsetof(mlp_config, features), "8", 0, 64, NULL,
     "sine and cosine features of t beside t itself (even)"},
    {"classes", RF_FIELD_INT, offsetof(mlp_config, classes), "0", 0, 65536, NULL, "classes; 0: unconditional"},
    {"extra", RF_FIELD_INT, offsetof(mlp_config, extra), "0", 0, 65536, NULL, "width of an extra input vector"},
    {"refines", RF_FIELD_CHOICE, offsetof(mlp_config, refines), "nothing", 0, 0, rf__refines_names,
     "plain: the network is told a known velocity and corrects it; the other two are for pictures"},
    RF_FORM_FIELDS(offsetof(mlp_config, form)),
    {NULL},
};

static const rf_init torch_like = {RF_INIT_FAN_IN_UNIFORM, 1.7320508f} /* variance 1/fan_in */, small = {RF_INIT_NORMAL, 0.5f};

static rf_node *mlp_build(rf_graph *g, const void *config, const rf_model_inputs *in) {
    const mlp_config *c = config;
    rf_node *t = rf__reshape(g, in->t, rf__shape2(rf__node_shape(in->x).dim[0], 1));
    rf_node *h = rf__concat(g, in->x, t);                    /* [B, dim + 1] */
    int half = (int)c->features / 2;                         /* frequencies pi, 2 pi, 4 pi ... */
    if (half) h = rf__concat(g, h, rf__time_features(g, in->t, 2 * half, PI * (float)exp2(half - 1), (float)exp2(half), 0, true));
    if (in->label) h = rf__concat(g, h, rf__nn_label_table(g, "label", in->label, c->classes, 16, small));
    if (in->extra) h = rf__concat(g, h, in->extra);
    if (in->before) h = rf__concat(g, h, in->before);
    char name[24];
    for (int i = 0; i < c->layers; i++) {
        snprintf(name, sizeof name, "layers.%d", i);
        h = rf__silu(g, rf__nn_linear(g, name, h, c->width, torch_like));
    }
    return rf__nn_linear(g, "out", h, c->dim, in->before ? (rf_init){RF_INIT_ZERO, 0} : torch_like);   /* [B, dim] */
}

static rf_status mlp_check(const void *config) {
    const mlp_config *c = config;
    if (c->refines > RF_REFINES_PLAIN)
        return rf__fail(RF_EINVAL, "refines is %s, expected nothing or plain", rf__refines_names[c->refines]);
    if (c->features % 2) return rf__fail(RF_EINVAL, "features is %lld, expected an even number", (long long)c->features);
    return RF_OK;
}

static rf_model_shape mlp_shape(const void *config) {
    const mlp_config *c = config;
    return (rf_model_shape){1, 1, (int)c->dim, (int)c->classes, (int)c->extra, true, (rf_refines)c->refines, c->form};
}

const rf_model_kind rf__model_mlp = {
    .name = "mlp",
    .source = "methods of Liu et al. 2022 on 2-D toys",
    .help = "multi-layer perceptron for points",
    .fields = mlp_fields,
    .config_size = sizeof(mlp_config),
    .check = mlp_check,
    .shape = mlp_shape,
    .build = mlp_build,
    .last = "out.",
};
