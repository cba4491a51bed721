/* tensor_type.h - the types of numbers in files, and any of them as f32 or f64. */
#ifndef RF_IO_TENSOR_TYPE_H
#define RF_IO_TENSOR_TYPE_H
#include <stddef.h>
#include <stdint.h>

#include "../base/status.h"

#define RF_TENSOR_RANK_MAX 8

typedef enum rf_tensor_type {
    RF_TENSOR_F32, RF_TENSOR_F16, RF_TENSOR_BF16, RF_TENSOR_F64, RF_TENSOR_I32, RF_TENSOR_I64, RF_TENSOR_U8, RF_TENSOR_I8, RF_TENSOR_I16,
    RF_TENSOR_BOOL, RF_TENSOR_TYPES
} rf_tensor_type;

typedef struct rf_tensor_entry {
    const char *name;
    rf_tensor_type type;
    int rank;
    int64_t dim[RF_TENSOR_RANK_MAX];
    int64_t count;       /* product of dim */
    const void *data;    /* reading: little-endian, may be unaligned; NULL: too large to be held (tensors.h). writing: the bytes */
} rf_tensor_entry;

const char *rf__tensor_type_name(rf_tensor_type type); /* as safetensors spells it: "F32" */
size_t rf__tensor_type_size(rf_tensor_type type);      /* bytes of one number */
/* Any floating type to f32; refuses other types and counts. */
rf_status rf__tensor_read_f32(const rf_tensor_entry *entry, float *out, int64_t count);
/* Any type to f64; whole numbers above 2^53 are rounded. Refuses other counts. */
rf_status rf__tensor_read_f64(const rf_tensor_entry *entry, double *out, int64_t count);

#endif
