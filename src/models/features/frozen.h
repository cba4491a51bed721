/* frozen.h - layers of networks that are given, not trained: parameters are buffers under `name`. */
#ifndef RF_FROZEN_H
#define RF_FROZEN_H
#include "../features.h"

typedef struct rf_frozen_conv {
    int width;             /* output channels */
    int kh, kw, stride;
    int pad_h, pad_w;
} rf_frozen_conv;

/* Square kernel. */
static inline rf_frozen_conv rf__square(int width, int kernel, int stride, int pad) {
    return (rf_frozen_conv){width, kernel, kernel, stride, pad, pad};
}

/* NAME.weight, NAME.bias; the bias is the file's, or what its batch norm leaves. */
rf_node *rf__frozen_conv_linear(rf_graph *graph, const char *name, rf_node *x, rf_frozen_conv c);
/* The same with ReLU. */
rf_node *rf__frozen_conv(rf_graph *graph, const char *name, rf_node *x, rf_frozen_conv c);
/* x [B,K] -> [B,width] f32. bias false: NAME.weight alone. */
rf_node *rf__frozen_linear(rf_graph *graph, const char *name, rf_node *x, int64_t width, bool bias);
/* Concatenate `count` nodes along the channels. */
rf_node *rf__concat_all(rf_graph *graph, rf_node *const *parts, int count);

static inline rf_node *rf__relu(rf_graph *graph, rf_node *x) { return rf__act(graph, RF_ACT_RELU, x); }
static inline void rf__tap(rf_feature_out *out, rf_node *x) { out->taps[out->tap_count++] = x; }

#endif
