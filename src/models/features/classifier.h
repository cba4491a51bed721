/* classifier.h - a small convolutional network that names small pictures: the judge's features where no public network fits (28x28). */
#ifndef RF_CLASSIFIER_H
#define RF_CLASSIFIER_H
#include "../features.h"
#include "../model.h"

/* Logits [B, classes] of pictures x [B,H,W,C] f32 in [-1,1]. out (may be NULL): features [B, 3 base] f32, what the last layer
 * sees, and as taps the picture after the first layer and after each stage.
 * config: of the kind "classifier". in->drop_key: dropout before the last layer, in training only. */
rf_node *rf__classifier_build(rf_graph *graph, const void *config, const rf_model_inputs *in, rf_feature_out *out);

extern const rf_model_kind rf__model_classifier;

#endif
