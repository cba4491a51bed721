/* tensors.h - named tensors from other people's files, whatever the format: safetensors, PyTorch (.pt, .pth, old .th), npz, ncnn (.bin).
 *
 * The format is recognised by its first bytes. Nothing is ever executed: of a pickle only tensors, plain containers and plain values are
 * understood, everything else is refused by name. Containers flatten to dotted names ("model_state_dict.conv1.weight"). */
#ifndef RF_IO_TENSORS_H
#define RF_IO_TENSORS_H
#include "safetensors.h"

typedef struct rf_tensors rf_tensors;

/* errors: RF_EFORMAT and one sentence that begins with the path. NAME.bin is read together with the list of layers NAME.param beside it. */
rf_status rf__tensors_open(rf_tensors **out, const char *path);
/* The same from bytes in memory (borrowed for the call); `name` for messages. */
rf_status rf__tensors_parse(rf_tensors **out, const void *bytes, size_t size, const char *name);
/* ncnn: the list of layers and their numbers. */
rf_status rf__tensors_parse_ncnn(rf_tensors **out, const void *list, size_t list_size, const void *bytes, size_t size, const char *name);
void rf__tensors_close(rf_tensors **tensors);
const char *rf__tensors_format(const rf_tensors *tensors); /* "torch zip" ...; static */
int rf__tensors_count(const rf_tensors *tensors);
/* In file order; contiguous, row-major; data may be unaligned (rf__tensor_read_f32). Borrowed. */
const rf_tensor_entry *rf__tensors_entry(const rf_tensors *tensors, int index);
const rf_tensor_entry *rf__tensors_find(const rf_tensors *tensors, const char *name); /* NULL when absent */

#endif
