/* unet.h - the U-Net's settings, for its two files: unet.c builds it, unet_deepen.c starts a deeper one from a shallower one. */
#ifndef RF_UNET_H
#define RF_UNET_H
#include "model.h"

#define UNET_LEVELS_MAX 8
#define UNET_BLOCKS_MAX 16

typedef struct unet_config {
    int64_t height, width, channels, base, blocks, heads, classes, extra;
    rf_int_list multipliers, attention;
    double dropout, time_scale;
    int refines; /* rf_refines */
    rf_form_config form;
} unet_config;

/* Whether residual blocks at this height end with attention. */
static inline bool unet_attends(const unet_config *config, int64_t height) {
    for (int i = 0; i < config->attention.count; i++)
        if (config->attention.at[i] == height) return true;
    return false;
}

/* rf_model_kind.deepen */
rf_status rf__unet_deepen(rf_model *to, rf_model *from);

#endif
