/* lpips.h - LPIPS: how differently a network sees two pictures (Zhang et al. 2018, arXiv 1801.03924, version 0.1 of the heads). */
#ifndef RF_LPIPS_H
#define RF_LPIPS_H
#include "../features.h"

typedef struct rf_lpips {
    const char *name, *source, *help;
    const char *backbone;  /* a feature network */
    const char *heads;     /* first digits of the checksum of the file with the linear heads */
} rf_lpips;

const rf_lpips *const *rf__lpips_all(void);       /* NULL-terminated */
const rf_lpips *rf__lpips_find(const char *name); /* NULL and a sentence listing the names */

/* Distance [B] f32 of pictures a and b, [B,H,W,3] f32 in [-1,1]: at each tap of the backbone, activations are scaled to unit length at
 * every pixel, the squared differences weighted by channel, averaged over pixels; the taps' numbers are added.
 * height, width: bring the pictures to this size first, 0: as they are. Parameters under the current scope: the backbone's in "net",
 * the heads "lin0.model.1.weight" and so on. Passes gradients to a and b. */
rf_node *rf__lpips_build(rf_graph *graph, const rf_lpips *lpips, rf_node *a, rf_node *b, int height, int width);

/* prefix: the scope in which it was built, as in rf__feature_load. */
rf_status rf__lpips_load(const rf_lpips *lpips, rf_weights *weights, const char *prefix, const rf_tensor_source *backbone,
                         const rf_tensor_source *heads);

#endif
