/* tensors_inside.h - what a format's reader builds. */
#ifndef RF_IO_TENSORS_INSIDE_H
#define RF_IO_TENSORS_INSIDE_H
#include "../base/memory.h"
#include "tensors.h"

enum { RF_TENSORS_MOST = 100000 };

struct rf_tensors {
    const char *format;
    rf_arena *arena;          /* names, copies of strided tensors, whatever the reader needs */
    rf_tensor_entry *entries; /* [room], realloc */
    int count, room;
    void **blocks;            /* [block_count] storages, each freed with rf__free */
    int block_count, block_room;
    rf_safetensors *file;     /* of that format */
};

/* A reader's view of the whole file. */
typedef struct rf_bytes {
    const uint8_t *at;
    size_t size;
} rf_bytes;

/* name is copied. */
rf_status rf__tensors_add(rf_tensors *tensors, const char *name, rf_tensor_type type, int rank, const int64_t *dim, const void *data);
/* A block that lives as long as the tensors; NULL when out of memory. */
void *rf__tensors_block(rf_tensors *tensors, size_t size);

rf_status rf__tensors_read_zip(rf_tensors *tensors, rf_bytes bytes);          /* torch zip or npz, by what lies inside */
rf_status rf__tensors_read_torch_stream(rf_tensors *tensors, rf_bytes bytes); /* pickles in a row, then storages */
/* list: NAME.param, numbers: NAME.bin */
rf_status rf__tensors_read_ncnn(rf_tensors *tensors, rf_bytes list, rf_bytes numbers);

#endif
