/* premetric.h - losses that look at pictures through a frozen network: LPIPS, or the inner activations of a network of ours.
 *
 * A premetric is 0 where two pictures are the same. Behind it the best answer is no longer the mean of what is possible, so it changes nothing
 * only where one answer is possible: a coupling that does not cross (rf++, arXiv 2405.20320, section 4.2). */
#ifndef RF_TRAIN_PREMETRIC_H
#define RF_TRAIN_PREMETRIC_H
#include "../models/model.h"

typedef struct rf_premetric rf_premetric;

typedef struct rf_premetric_spec {
    const char *name;   /* lpips-vgg ... (features/lpips.h), or a feature network with inner activations */
    const char *file;   /* of the network */
    const char *heads;  /* of LPIPS: its linear heads; "" otherwise */
    int size;           /* height and width the pictures are brought to; 0: as they are */
    bool any_file;      /* do not insist on published checksums */
} rf_premetric_spec;

rf_status rf__premetric_open(rf_premetric **out, const rf_premetric_spec *spec);
void rf__premetric_free(rf_premetric **premetric);
/* Distance [B] of pictures a and b [B,H,W,C] in [-1,1]. Of a feature network: at each tap the mean over pixels of the squared difference of
 * activations scaled to unit length, as LPIPS with all heads 1. Passes gradients; its parameters are buffers in the scope "premetric". */
rf_node *rf__premetric_build(rf_graph *graph, const rf_premetric *premetric, rf_node *a, rf_node *b);
/* What the buffers are filled from: attach to the weights of the network that is trained. Borrowed. */
rf_weights *rf__premetric_weights(const rf_premetric *premetric);

#endif
