/* unet_deepen.c - a U-Net with more blocks a level that answers as the shallower one did (in the manner of Net2Net, Chen et al. 2016,
 * arXiv 1511.05641, whose deeper layers begin as the identity).
 *
 * A new block's branches begin silent. But a block gives (x + branch) / sqrt 2, so even then it scales what runs through, and what follows is told:
 *   enc    new blocks stand behind a level's old ones; the block that halves, whose skip is a matrix, takes the scale out again
 *   dec    the two blocks at the bottom have no such matrix: their branches are scaled like what they are added to. A level's block 0 takes the
 *          scale out of its skip (and at the bottom of h); blocks 1 .. added have sqrt 2 times the identity on h for a matrix; the old ones follow
 * Exact where no group of block 0's norm holds channels of both h and skip. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "grow.h"
#include "unet.h"

typedef struct deepening {
    rf_model *to, *from;
    const unet_config *config; /* of `to` */
    int64_t old, added;        /* blocks a level that there were, and new ones */
} deepening;

/* A parameter of `to`; NULL when it has no such layer. *inputs: length of its last axis */
static float *weight(const deepening *d, int64_t *count, int64_t *inputs, const char *form, ...) {
    char name[128];
    va_list args;
    va_start(args, form);
    vsnprintf(name, sizeof name, form, args);
    va_end(args);
    int index = rf__weights_find(d->to->weights, name);
    if (index < 0) return NULL;
    const rf_shape *shape = &rf__weights_param(d->to->weights, index)->shape;
    *count = rf__shape_count(shape);
    *inputs = shape->dim[shape->rank - 1];
    return rf__weights_data(d->to->weights, index);
}

/* What a block adds to what runs through it. */
static void scale_branches(const deepening *d, const char *block, float factor) {
    static const char *const ends[] = {"conv1.weight", "conv1.bias", "proj.weight", "proj.bias"};
    for (int i = 0; i < 4; i++) {
        int64_t count, inputs;
        float *w = weight(d, &count, &inputs, "%s.%s", block, ends[i]);
        for (int64_t k = 0; w && k < count; k++) w[k] *= factor;
    }
}

/* The matrix of a block that changes width or size: by `head` what it takes from the first `width` channels, by `tail` the rest. */
static void scale_skip(const deepening *d, const char *block, int64_t width, float head, float tail) {
    int64_t count, inputs;
    float *w = weight(d, &count, &inputs, "%s.skip.weight", block);
    for (int64_t k = 0; w && k < count; k++) w[k] *= k % inputs < width ? head : tail;
}

/* A new block of the decoder: what comes from below goes on as it is. */
static void pass_on(const deepening *d, const char *block) {
    int64_t count, inputs;
    scale_branches(d, block, 0);
    float *w = weight(d, &count, &inputs, "%s.skip.weight", block);
    for (int64_t k = 0; w && k < count; k++) w[k] = k % inputs == k / inputs ? sqrtf(2) : 0;
}

/* The name that a parameter of `to` had in `from`; false: it is new. */
static bool old_name(const deepening *d, const char *name, char old[128]) {
    int height, width, block, read = 0;
    char side[4];
    snprintf(old, 128, "%s", name);
    if (sscanf(name, "%3[a-z].%dx%d_block%d%n", side, &height, &width, &block, &read) < 4 || read == 0) return true;
    if (!strcmp(side, "enc")) return block < d->old;
    if (block > d->added) snprintf(old, 128, "dec.%dx%d_block%d%s", height, width, block - (int)d->added, name + read);
    return block == 0 || block > d->added;
}

static void name_of(const unet_config *c, char out[64], const char *side, int64_t height, const char *what) {
    snprintf(out, 64, "%s.%dx%d_%s", side, (int)height, (int)(height * c->width / c->height), what);
}

static void numbered(const unet_config *c, char out[64], const char *side, int64_t height, int64_t block) {
    char what[32];
    snprintf(what, sizeof what, "block%d", (int)block);
    name_of(c, out, side, height, what);
}

/* scale[level]: of what a level's last block gives, beside what the shallower network's gave */
static void settle_encoder(const deepening *d, float *scale) {
    const unet_config *c = d->config;
    char block[64];
    for (int level = 0; level < c->multipliers.count; level++) {
        const int64_t size = c->height >> level;
        name_of(c, block, "enc", size, "down");
        if (level > 0) scale_skip(d, block, 0, 1, 1 / scale[level - 1]);
        for (int64_t i = d->old; i < c->blocks; i++) {
            numbered(c, block, "enc", size, i);
            scale_branches(d, block, 0);
        }
        scale[level] = powf(unet_attends(c, size) ? 0.5f : sqrtf(0.5f), (float)d->added);
    }
}

static void settle_decoder(const deepening *d, const float *scale) {
    const unet_config *c = d->config;
    const int lowest = c->multipliers.count - 1;
    char block[64];
    for (int i = 0; i < 2; i++) {
        name_of(c, block, "dec", c->height >> lowest, i ? "in1" : "in0");
        scale_branches(d, block, scale[lowest]);
    }
    for (int level = lowest; level >= 0; level--) {
        const int64_t size = c->height >> level, below = c->base * c->multipliers.at[level < lowest ? level + 1 : lowest];
        numbered(c, block, "dec", size, 0);
        scale_skip(d, block, below, level == lowest ? 1 / scale[level] : 1, 1 / scale[level]);
        for (int64_t i = 1; i <= d->added; i++) {
            numbered(c, block, "dec", size, i);
            pass_on(d, block);
        }
    }
}

rf_status rf__unet_deepen(rf_model *to, rf_model *from) {
    const unet_config *c = to->config, *before = from->config;
    const deepening d = {to, from, c, before->blocks, c->blocks - before->blocks};
    float scale[UNET_LEVELS_MAX];
    for (int i = 0; i < rf__weights_count(to->weights); i++) {
        char old[128];
        if (old_name(&d, rf__weights_param(to->weights, i)->name, old)) RF_TRY(rf__param_from(to, i, from, old));
    }
    settle_encoder(&d, scale);
    settle_decoder(&d, scale);
    return RF_OK;
}
