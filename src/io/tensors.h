/* tensors.h - named tensors from other people's files, whatever the format: safetensors, PyTorch (.pt, .pth, old .th), npz, ncnn (.bin).
 *
 * The format is recognised by its first bytes. Nothing is ever executed: of a pickle only tensors, plain containers and plain values are
 * understood, everything else is refused by name. Containers flatten to dotted names ("model_state_dict.conv1.weight"), texts and numbers
 * among them become metadata. What is held in memory beyond the file itself is at most 64 times its size and 64 MiB.
 * Not thread-safe: one archive, one thread. */
#ifndef RF_IO_TENSORS_H
#define RF_IO_TENSORS_H
#include "safetensors.h"

typedef struct rf_tensors rf_tensors;

/* errors: RF_EFORMAT and one sentence that begins with the path. NAME.bin is read together with the list of layers NAME.param beside it. */
rf_status rf__tensors_open(rf_tensors **out, const char *path);
/* The same from bytes in memory, which must outlive the result; `name` for messages. */
rf_status rf__tensors_parse(rf_tensors **out, const void *bytes, size_t size, const char *name);
/* ncnn: the list of layers (borrowed for the call) and their numbers (which must outlive the result). */
rf_status rf__tensors_parse_ncnn(rf_tensors **out, const void *list, size_t list_size, const void *bytes, size_t size, const char *name);
void rf__tensors_close(rf_tensors **tensors);
const char *rf__tensors_format(const rf_tensors *tensors); /* "torch zip" ...; static */
int rf__tensors_count(const rf_tensors *tensors);
/* In file order; contiguous, row-major; data may be unaligned (rf__tensor_read_f32), and NULL for arrays of an npz above 64 MiB, which
 * only rf__tensors_read gives. Borrowed. */
const rf_tensor_entry *rf__tensors_entry(const rf_tensors *tensors, int index);
const rf_tensor_entry *rf__tensors_find(const rf_tensors *tensors, const char *name); /* NULL when absent */
/* Numbers [first, first + count) in the tensor's own type. Going forward through an npz costs no more than reading it once. */
rf_status rf__tensors_read(rf_tensors *tensors, const rf_tensor_entry *entry, int64_t first, int64_t count, void *out);
const char *rf__tensors_metadata(const rf_tensors *tensors, const char *key); /* NULL when absent */
const json_t *rf__tensors_metadata_all(const rf_tensors *tensors);            /* object of texts, perhaps empty; borrowed */

#endif
