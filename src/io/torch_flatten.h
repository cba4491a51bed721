/* torch_flatten.h - the tree of a pickle to tensors with dotted names. */
#ifndef RF_IO_TORCH_FLATTEN_H
#define RF_IO_TORCH_FLATTEN_H
#include "pickle.h"
#include "tensors.h"

/* Where the bytes of a storage are: at least storage->number numbers of its type, valid as long as the tensors. */
typedef struct rf_storage_source {
    void *self;
    rf_status (*find)(void *self, const rf_pickle *storage, const uint8_t **bytes);
} rf_storage_source;

rf_status rf__torch_flatten(rf_tensors *tensors, const rf_pickle *root, rf_storage_source source);

#endif
