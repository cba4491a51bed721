/* layers.h - layers that several networks share: they declare their parameters (weight, bias) under the current scope plus `name`. */
#ifndef RF_NN_LAYERS_H
#define RF_NN_LAYERS_H
#include "../graph/graph.h"

/* x [B,..,K] -> [B,..,out]; bias starts at 0. */
rf_node *rf__nn_linear(rf_graph *graph, const char *name, rf_node *x, int64_t out, rf_init init);
/* x [B,H,W,C] -> [B,H',W',out], kernel x kernel, "same" padding. */
rf_node *rf__nn_conv(rf_graph *graph, const char *name, rf_node *x, int64_t out, int kernel, int stride, rf_init init);
/* GroupNorm of the score networks: min(C/4, 32) groups, at least one. */
rf_node *rf__nn_group_norm(rf_graph *graph, const char *name, rf_node *x, float eps);
/* LayerNorm with gain and shift. */
rf_node *rf__nn_layer_norm(rf_graph *graph, const char *name, rf_node *x, float eps);
/* Rows of a table [classes + 1, width] called `name`; the last row is "no class", which guidance drops to. */
rf_node *rf__nn_label_table(rf_graph *graph, const char *name, rf_node *label, int64_t classes, int64_t width, rf_init init);

#endif
