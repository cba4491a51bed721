/* dit.c - the diffusion transformer with adaLN-zero (Peebles & Xie 2022, arXiv 2212.09748), which SiT (Ma et al. 2024, arXiv
 * 2401.08740) trains as a flow. Parameter names are those of the public checkpoints; x_embedder.proj is stored as the
 * linear layer it is (reshape [D,C,p,p] to [D,C*p*p]). Presets: S 12 x 384 x 6 heads, B 12 x 768 x 12, L 24 x 1024 x 16, XL 28 x 1152 x 16.
 *
 *   c = t_embedder(t) + y_embedder(label)
 *   x += gate1 * attn(modulate(norm1(x), shift1, scale1));  x += gate2 * mlp(modulate(norm2(x), shift2, scale2))
 *   v = unpatchify(linear(modulate(norm(x), shift, scale))) */
#include "../nn/layers.h"
#include "model.h"
#include "taps.h"

#define EPS 1e-6f
#define FREQUENCIES 256
#define SCALE_SCALE 100 /* a guidance scale of 1 .. 10 on the waves made for 1000 t */

typedef struct dit_config {
    int64_t height, width, channels, patch, depth, hidden, heads, classes, extra;
    double mlp_ratio, time_scale;
    int64_t positions;
    int refines; /* rf_refines */
    rf_form_config form;
    bool sigma;
} dit_config;

static const rf_field_desc dit_fields[] = {
    {"height", RF_FIELD_INT, offsetof(dit_config, height), "32", 1, 4096, NULL, "image (or latent) height"},
    {"width", RF_FIELD_INT, offsetof(dit_config, width), "32", 1, 4096, NULL, "image (or latent) width"},
    {"channels", RF_FIELD_INT, offsetof(dit_config, channels), "3", 1, 64, NULL, "image channels"},
    {"patch", RF_FIELD_INT, offsetof(dit_config, patch), "2", 1, 64, NULL, "side of a patch"},
    {"depth", RF_FIELD_INT, offsetof(dit_config, depth), "12", 1, 256, NULL, "blocks (S, B: 12, L: 24, XL: 28)"},
    {"hidden", RF_FIELD_INT, offsetof(dit_config, hidden), "384", 8, 16384, NULL, "width (S 384, B 768, L 1024, XL 1152)"},
    {"heads", RF_FIELD_INT, offsetof(dit_config, heads), "6", 1, 256, NULL, "attention heads (S 6, B 12, L and XL 16)"},
    {"mlp_ratio", RF_FIELD_FLOAT, offsetof(dit_config, mlp_ratio), "4", 0.25, 16, NULL, "width of the MLP over hidden"},
    {"classes", RF_FIELD_INT, offsetof(dit_config, classes), "0", 0, 100000, NULL, "classes; 0: unconditional"},
    {"extra", RF_FIELD_INT, offsetof(dit_config, extra), "0", 0, 65536, NULL, "width of an extra input vector"},
    {"time_scale", RF_FIELD_FLOAT, offsetof(dit_config, time_scale), "1000", 1e-6, 1e6, NULL,
     "the network sees time_scale * t (DiT 1000; SiT's checkpoints 1)"},
    {"positions", RF_FIELD_INT, offsetof(dit_config, positions), "0", 0, 1024, NULL,
     "side of the table of positions, in patches, interpolated to the picture's; 0: as the picture"},
    {"refines", RF_FIELD_CHOICE, offsetof(dit_config, refines), "nothing", 0, 0, rf__refines_names,
     "a refiner (FlowTurbo: depth 1) is told a known velocity: plain; and its age: gap; and its guidance scale: guided"},
    {"sigma", RF_FIELD_BOOL, offsetof(dit_config, sigma), "false", 0, 0, NULL,
     "as the public checkpoints, the last layer gives twice the channels, of which the second half (a variance) is not used"},
    RF_FORM_FIELDS(offsetof(dit_config, form)),
    {NULL},
};

static const rf_init xavier = {RF_INIT_FAN_AVG_UNIFORM, 1}, zero = {RF_INIT_ZERO, 0}, narrow = {RF_INIT_NORMAL, 0.02f};

/* A number [B] -> [B,D] */
static rf_node *embedding(rf_graph *g, const dit_config *c, const char *name, rf_node *number, double scale) {
    rf__scope_push(g, "%s", name);
    rf_node *e = rf__time_features(g, number, FREQUENCIES, (float)scale, 10000, 0, false);
    e = rf__silu(g, rf__nn_linear(g, "mlp.0", e, c->hidden, narrow));
    e = rf__nn_linear(g, "mlp.2", e, c->hidden, narrow);
    rf__scope_pop(g);
    return e;
}

static rf_node *attention(rf_graph *g, const dit_config *c, rf_taps *taps, rf_node *x) {
    rf_node *qkv = rf__nn_linear(g, "attn.qkv", x, 3 * c->hidden, xavier);        /* [B,T,3D] */
    qkv = rf__tap(taps, g, qkv);
    return rf__nn_linear(g, "attn.proj", rf__attention_qkv(g, qkv, (int)c->heads), c->hidden, xavier);
}

static rf_node *mlp(rf_graph *g, const dit_config *c, rf_node *x) {
    rf_node *h = rf__nn_linear(g, "mlp.fc1", x, (int64_t)(c->mlp_ratio * (double)c->hidden), xavier);
    return rf__nn_linear(g, "mlp.fc2", rf__act(g, RF_ACT_GELU_TANH, h), c->hidden, xavier);
}

/* x [B,T,D]; m [B,6D]: shift, scale, gate of the attention, then of the MLP. */
static rf_node *block(rf_graph *g, const dit_config *c, rf_taps *taps, rf_node *x, rf_node *silu_c) {
    int64_t d = c->hidden;
    rf_node *m = rf__nn_linear(g, "adaLN_modulation.1", silu_c, 6 * d, zero), *part[6];
    for (int i = 0; i < 6; i++) part[i] = rf__slice(g, m, i * d, d);
    rf_node *h = rf__modulate(g, rf__layer_norm(g, x, NULL, NULL, EPS), part[0], part[1]);
    x = rf__add(g, x, rf__mul_rows(g, attention(g, c, taps, h), part[2]));
    h = rf__modulate(g, rf__layer_norm(g, x, NULL, NULL, EPS), part[3], part[4]);
    return rf__add(g, x, rf__mul_rows(g, mlp(g, c, h), part[5]));
}

/* [T,D]: the fixed table, or when it was made for another size, straight lines between its places. */
static rf_node *positions(rf_graph *g, const dit_config *c) {
    int64_t rows = c->height / c->patch, columns = c->width / c->patch, side = c->positions ? c->positions : rows, d = c->hidden;
    rf_node *table = rf__buffer(g, "pos_embed", rf__shape2(side * side, d), (rf_init){RF_INIT_SINCOS2D, 1});
    if (side == rows) return table;
    table = rf__resize(g, rf__reshape(g, table, rf__shape4(1, side, side, d)), (int)rows, (int)columns, false);
    return rf__reshape(g, table, rf__shape2(rows * columns, d));
}

static rf_node *dit_build(rf_graph *g, const void *config, const rf_model_inputs *in) {
    const dit_config *c = config;
    int64_t d = c->hidden;
    rf_node *x = in->before ? rf__concat(g, in->x, in->before) : in->x;
    x = rf__patchify(g, x, (int)c->patch, true);                                  /* [B,T,p*p*C] */
    x = rf__nn_linear(g, "x_embedder.proj", x, d, xavier);                        /* [B,T,D] */
    x = rf__keep(g, rf__add_table(g, x, positions(g, c)));
    rf_node *e = embedding(g, c, "t_embedder", in->t, c->time_scale);
    if (in->gap) e = rf__add(g, e, embedding(g, c, "gap_embedder", in->gap, c->time_scale));
    if (in->scale) e = rf__add(g, e, embedding(g, c, "scale_embedder", in->scale, SCALE_SCALE));
    if (in->label)
        e = rf__add(g, e, rf__nn_label_table(g, "y_embedder.embedding_table.weight", in->label, c->classes, d, narrow));
    if (in->extra) e = rf__add(g, e, rf__nn_linear(g, "extra_embedder", in->extra, d, narrow));
    rf_node *silu_c = rf__silu(g, e);                                             /* [B,D] */
    for (int i = 0; i < c->depth; i++) {
        rf__scope_push(g, "blocks.%d", i);
        x = rf__keep(g, block(g, c, in->taps, x, silu_c));
        rf__scope_pop(g);
    }
    rf__scope_push(g, "final_layer");
    rf_node *m = rf__nn_linear(g, "adaLN_modulation.1", silu_c, 2 * d, zero);
    x = rf__modulate(g, rf__layer_norm(g, x, NULL, NULL, EPS), rf__slice(g, m, 0, d), rf__slice(g, m, d, d));
    x = rf__nn_linear(g, "linear", x, c->patch * c->patch * c->channels * (c->sigma ? 2 : 1), zero);
    rf__scope_pop(g);
    x = rf__unpatchify(g, x, (int)c->height, (int)c->width, (int)c->patch, false); /* [B,H,W,C] */
    return rf__to_f32(g, c->sigma ? rf__slice(g, x, 0, c->channels) : x);
}

static rf_status dit_check(const void *config) {
    const dit_config *c = config;
    if (c->height % c->patch || c->width % c->patch)
        return rf__fail(RF_EINVAL, "patch is %lld, expected a divisor of %lldx%lld", (long long)c->patch, (long long)c->height,
                        (long long)c->width);
    if (c->height != c->width) /* the fixed positions are those of a square grid */
        return rf__fail(RF_EINVAL, "height x width is %lldx%lld, expected a square", (long long)c->height, (long long)c->width);
    if (c->hidden % c->heads)
        return rf__fail(RF_EINVAL, "heads is %lld, expected a divisor of hidden %lld", (long long)c->heads, (long long)c->hidden);
    if (c->hidden % 4) return rf__fail(RF_EINVAL, "hidden is %lld, expected a multiple of 4", (long long)c->hidden);
    return RF_OK;
}

static rf_model_shape dit_shape(const void *config) {
    const dit_config *c = config;
    return (rf_model_shape){(int)c->height, (int)c->width, (int)c->channels, (int)c->classes, (int)c->extra, false, (rf_refines)c->refines, c->form};
}

static rf_status dit_resize(void *config, int height, int width) {
    dit_config *c = config;
    if (!c->positions) c->positions = c->height / c->patch;
    c->height = height;
    c->width = width;
    return RF_OK;
}

const rf_model_kind rf__model_dit = {
    .name = "dit",
    .source = "Peebles & Xie 2022 (DiT), Ma et al. 2024 (SiT)",
    .help = "transformer on patches with adaLN-zero",
    .fields = dit_fields,
    .config_size = sizeof(dit_config),
    .check = dit_check,
    .shape = dit_shape,
    .resize = dit_resize,
    .build = dit_build,
    .depth = "depth", /* blocks begin with closed gates */
    .last = "final_layer.linear.",
};
