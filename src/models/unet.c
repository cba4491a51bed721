/* unet.c - the DDPM++ U-Net of score_sde (Song et al. 2021, arXiv 2011.13456) in the form of EDM's SongUNet (Karras et al. 2022,
 * arXiv 2206.00364): the network that Rectified Flow, EDM, SlimFlow and rf++ train. Parameter names are EDM's.
 *
 *   time   sin, cos features of time_scale*t (+ class row, + extra) -> map_layer0 -> SiLU -> map_layer1 -> SiLU
 *   enc    conv3x3; at each level `blocks` blocks, then one block that halves
 *   dec    two blocks around attention; at each level blocks+1 blocks on concat(h, skip), then one that doubles
 *   out    GroupNorm, SiLU, conv3x3 (starts near 0)
 * Differences: a class enters through a table whose last row is "no class" (EDM multiplies a one-hot by sqrt(classes) and a matrix and
 * adds a bias: rows of the same size, and "no class" is the bias alone); q, k, v are ordered (which, head, dim), not interleaved. */
#include <stdio.h>

#include "../nn/layers.h"
#include "model.h"
#include "taps.h"
#include "unet.h"

#define EPS 1e-6f
#define SCALE_SCALE 100 /* a guidance scale of 1 .. 10 on the waves made for 1000 t */
#define SQRT_HALF 0.70710678f
#define SKIPS_MAX (UNET_LEVELS_MAX * (UNET_BLOCKS_MAX + 1))

static const rf_field_desc unet_fields[] = {
    {"height", RF_FIELD_INT, offsetof(unet_config, height), "32", 1, 1024, NULL, "image height"},
    {"width", RF_FIELD_INT, offsetof(unet_config, width), "32", 1, 1024, NULL, "image width"},
    {"channels", RF_FIELD_INT, offsetof(unet_config, channels), "3", 1, 64, NULL, "image channels"},
    {"base", RF_FIELD_INT, offsetof(unet_config, base), "64", 4, 1024, NULL, "channels of the first level (nf)"},
    {"multipliers", RF_FIELD_INTS, offsetof(unet_config, multipliers), "[1,2,2]", 1, 16, NULL, "channels of each level, times base"},
    {"blocks", RF_FIELD_INT, offsetof(unet_config, blocks), "2", 1, 16, NULL, "residual blocks a level (nb)"},
    {"attention", RF_FIELD_INTS, offsetof(unet_config, attention), "[16]", 1, 1024, NULL, "heights that get attention"},
    {"heads", RF_FIELD_INT, offsetof(unet_config, heads), "1", 1, 64, NULL, "attention heads"},
    {"dropout", RF_FIELD_FLOAT, offsetof(unet_config, dropout), "0", 0, 0.95, NULL, "dropout inside residual blocks"},
    {"classes", RF_FIELD_INT, offsetof(unet_config, classes), "0", 0, 100000, NULL, "classes; 0: unconditional"},
    {"extra", RF_FIELD_INT, offsetof(unet_config, extra), "0", 0, 65536, NULL, "width of an extra input vector"},
    {"time_scale", RF_FIELD_FLOAT, offsetof(unet_config, time_scale), "999", 1e-6, 1e6, NULL, "the network sees time_scale * t"},
    {"refines", RF_FIELD_CHOICE, offsetof(unet_config, refines), "nothing", 0, 0, rf__refines_names,
     "a refiner (FlowTurbo) is told a known velocity: plain; and its age: gap; and its guidance scale: guided"},
    RF_FORM_FIELDS(offsetof(unet_config, form)),
    {NULL},
};

static const rf_init xavier = {RF_INIT_FAN_AVG_UNIFORM, 1}, near_zero = {RF_INIT_FAN_AVG_UNIFORM, 1e-5f},
                     small_qkv = {RF_INIT_FAN_AVG_UNIFORM, 0.44721360f} /* sqrt(0.2) */;

typedef struct unet {
    rf_graph *g;
    const unet_config *config;
    const rf_model_inputs *in;
    rf_node *emb; /* [B, 4 base], after its SiLU */
    char name[48];
} unet;

typedef enum resample { SAME, DOWN, UP } resample;

static rf_node *resampled(rf_graph *g, rf_node *x, resample how) {
    return how == DOWN ? rf__down2(g, x) : how == UP ? rf__up2(g, x) : x;
}

/* x + attention(norm(x)), over sqrt 2. */
static rf_node *attention(const unet *u, rf_node *x) {
    rf_graph *g = u->g;
    rf_shape s = rf__node_shape(x);
    int64_t channels = s.dim[3];
    rf_node *h = rf__nn_group_norm(g, "norm2", x, EPS);
    h = rf__nn_conv(g, "qkv", h, 3 * channels, 1, 1, small_qkv);
    h = rf__attention_qkv(g, rf__tap(u->in->taps, g, h), (int)u->config->heads);
    h = rf__nn_conv(g, "proj", h, channels, 1, 1, near_zero);
    return rf__scale(g, rf__add(g, x, h), SQRT_HALF);
}

static rf_node *block(const unet *u, rf_node *x, int64_t out, resample how, bool attend) {
    rf_graph *g = u->g;
    if (!x) return NULL;
    int64_t channels = rf__node_shape(x).dim[3];
    rf_node *h = rf__silu(g, rf__nn_group_norm(g, "norm0", x, EPS));          /* [B,H,W,C] */
    h = rf__nn_conv(g, "conv0", resampled(g, h, how), out, 3, 1, xavier);     /* [B,H',W',out] */
    h = rf__add_rows(g, h, rf__nn_linear(g, "affine", u->emb, out, xavier));
    h = rf__silu(g, rf__nn_group_norm(g, "norm1", h, EPS));
    h = rf__dropout(g, h, (float)u->config->dropout, u->in->drop_key, u->in->drop_seed);
    h = rf__nn_conv(g, "conv1", h, out, 3, 1, near_zero);
    if (how != SAME || channels != out) x = rf__nn_conv(g, "skip", resampled(g, x, how), out, 1, 1, xavier);
    h = rf__scale(g, rf__add(g, x, h), SQRT_HALF);
    return rf__keep(g, attend ? attention(u, h) : h);
}

static rf_node *embedding(const unet *u) {
    rf_graph *g = u->g;
    const unet_config *c = u->config;
    rf_node *e = rf__time_features(g, u->in->t, (int)c->base, (float)c->time_scale, 10000, 1, true);
    if (u->in->label)
        e = rf__add(g, e, rf__nn_label_table(g, "map_label", u->in->label, c->classes, c->base,
                                             (rf_init){RF_INIT_NORMAL, 1}));
    if (u->in->extra) e = rf__add(g, e, rf__nn_linear(g, "map_extra", u->in->extra, c->base, xavier));
    if (u->in->gap) {
        rf_node *waves = rf__time_features(g, u->in->gap, (int)c->base, (float)c->time_scale, 10000, 1, true);
        e = rf__add(g, e, rf__nn_linear(g, "map_gap", waves, c->base, xavier));
    }
    if (u->in->scale) {
        rf_node *waves = rf__time_features(g, u->in->scale, (int)c->base, SCALE_SCALE, 10000, 1, true);
        e = rf__add(g, e, rf__nn_linear(g, "map_scale", waves, c->base, xavier));
    }
    e = rf__silu(g, rf__nn_linear(g, "map_layer0", e, 4 * c->base, xavier));
    return rf__silu(g, rf__nn_linear(g, "map_layer1", e, 4 * c->base, xavier)); /* [B, 4 base] */
}

/* Names carry the size, as EDM's do: "enc.32x32_block". Valid until the next call. */
static const char *sized(unet *u, const char *side, int64_t height, const char *what) {
    snprintf(u->name, sizeof u->name, "%s.%dx%d_%s", side, (int)height, (int)(height * u->config->width / u->config->height), what);
    return u->name;
}

static rf_node *unet_build(rf_graph *g, const void *config, const rf_model_inputs *in) {
    const unet_config *c = config;
    unet u = {.g = g, .config = c, .in = in};
    u.emb = embedding(&u);
    rf_node *skips[SKIPS_MAX], *h;
    int depth = 0, levels = c->multipliers.count;
    int64_t size = c->height;
    rf_node *x = in->before ? rf__concat(g, in->x, in->before) : in->x;
    h = skips[depth++] = rf__keep(g, rf__nn_conv(g, sized(&u, "enc", size, "conv"), x, c->base, 3, 1, xavier));
    for (int level = 0; level < levels; level++) {
        if (level > 0) {
            size /= 2;
            rf__scope_push(g, "%s", sized(&u, "enc", size, "down"));
            h = skips[depth++] = block(&u, h, c->base * c->multipliers.at[level - 1], DOWN, false);
            rf__scope_pop(g);
        }
        for (int i = 0; i < c->blocks; i++) {
            rf__scope_push(g, "%s%d", sized(&u, "enc", size, "block"), i);
            h = skips[depth++] = block(&u, h, c->base * c->multipliers.at[level], SAME, unet_attends(c, size));
            rf__scope_pop(g);
        }
    }
    for (int i = 0; i < 2; i++) {
        rf__scope_push(g, "%s%d", sized(&u, "dec", size, "in"), i);
        h = block(&u, h, c->base * c->multipliers.at[levels - 1], SAME, i == 0);
        rf__scope_pop(g);
    }
    for (int level = levels - 1; level >= 0; level--) {
        if (level < levels - 1) {
            size *= 2;
            rf__scope_push(g, "%s", sized(&u, "dec", size, "up"));
            h = block(&u, h, c->base * c->multipliers.at[level + 1], UP, false);
            rf__scope_pop(g);
        }
        for (int i = 0; i <= c->blocks; i++) {
            rf__scope_push(g, "%s%d", sized(&u, "dec", size, "block"), i);
            h = block(&u, rf__concat(g, h, skips[--depth]), c->base * c->multipliers.at[level], SAME,
                      i == c->blocks && unet_attends(c, size));
            rf__scope_pop(g);
        }
    }
    h = rf__silu(g, rf__nn_group_norm(g, sized(&u, "dec", size, "aux_norm"), h, EPS));
    const rf_init last = in->before ? (rf_init){RF_INIT_ZERO, 0} : near_zero; /* a refiner begins with what is known */
    h = rf__nn_conv(g, sized(&u, "dec", size, "aux_conv"), h, c->channels, 3, 1, last);
    return rf__to_f32(g, h); /* [B,H,W,channels] */
}

static rf_status unet_check(const void *config) {
    const unet_config *c = config;
    int levels = c->multipliers.count;
    if (levels < 1 || levels > UNET_LEVELS_MAX)
        return rf__fail(RF_EINVAL, "multipliers has %d entries, expected 1 .. %d", levels, UNET_LEVELS_MAX);
    if (c->height % (1 << (levels - 1)) || c->width % (1 << (levels - 1)))
        return rf__fail(RF_EINVAL, "height x width is %lldx%lld, expected multiples of %d for %d levels", (long long)c->height,
                        (long long)c->width, 1 << (levels - 1), levels);
    if (c->base % 4) return rf__fail(RF_EINVAL, "base is %lld, expected a multiple of 4", (long long)c->base);
    for (int i = 0; i < levels; i++)
        if (c->base * c->multipliers.at[i] % c->heads)
            return rf__fail(RF_EINVAL, "heads is %lld, expected a divisor of %lld channels", (long long)c->heads,
                            (long long)(c->base * c->multipliers.at[i]));
    return RF_OK;
}

static rf_model_shape unet_shape(const void *config) {
    const unet_config *c = config;
    return (rf_model_shape){(int)c->height, (int)c->width, (int)c->channels, (int)c->classes, (int)c->extra, false, (rf_refines)c->refines, c->form};
}

const rf_model_kind rf__model_unet = {
    .name = "unet",
    .source = "Song et al. 2021 (DDPM++), Karras et al. 2022 (SongUNet)",
    .help = "convolutional U-Net with attention at chosen sizes",
    .fields = unet_fields,
    .config_size = sizeof(unet_config),
    .check = unet_check,
    .shape = unet_shape,
    .build = unet_build,
    .depth = "blocks",
    .deepen = rf__unet_deepen,
    .last = "_aux_conv.",
};
