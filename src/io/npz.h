/* npz.h - NumPy archives: arrays by name. Statistics (`mu`, `sigma`) and sets of pictures (`arr_0`, u8 NHWC) travel in them. */
#ifndef RF_IO_NPZ_H
#define RF_IO_NPZ_H
#include "tensors.h"
#include "zip_archive.h"

/* Every array of the archive; names lose their ".npy". Arrays above 64 MiB stay in the archive (rf__tensors_read).
 * errors: no array, object arrays (pickles), big endian, Fortran order of a large one. */
rf_status rf__npz_read(rf_tensors *tensors, const rf_zip *zip);

typedef struct rf_npz_array {
    rf_tensor_entry entry;
    /* When entry.data is NULL: give numbers [first, first + count), which comes in order, perhaps twice. */
    rf_status (*fill)(void *self, int64_t first, int64_t count, void *out);
    void *self;
} rf_npz_array;

/* Write atomically, stored (not deflated), as numpy.savez; the same arrays give the same bytes. Every type but BF16. */
rf_status rf__npz_write(const char *path, const rf_npz_array *arrays, int count);
rf_status rf__npz_save(const char *path, const rf_tensor_entry *entries, int count); /* the same when all is in memory */

#endif
