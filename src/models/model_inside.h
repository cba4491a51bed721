/* model_inside.h - what making a model, reading a checkpoint of ours and importing another's share. */
#ifndef RF_MODEL_INSIDE_H
#define RF_MODEL_INSIDE_H
#include "../io/safetensors.h"
#include "model.h"

/* Whether a tensor of a file has the parameter's shape. entry NULL: absent, which only a fixed table may be. */
rf_status rf__param_fits(const rf_param *param, const rf_tensor_entry *entry);
/* The same for every parameter of a graph, and that the file has no other: before anything is allocated, so that settings which lie about
 * the size cost nothing. */
rf_status rf__model_file_fits(const rf_graph *graph, const rf_safetensors *file);
/* Kind, settings and shape; weights as the graph of one row declares them. file: NULL, or what the weights will be read from. */
rf_status rf__model_new(rf_model **out, const rf_model_kind *kind, const void *config, const rf_safetensors *file);
/* Numbers in the file's order into parameter `index`; refuses what is not finite. */
rf_status rf__model_set(rf_model *model, int index, const float *values);
int64_t rf__weights_largest(const rf_weights *weights); /* count of the largest parameter, at least 1 */

#endif
