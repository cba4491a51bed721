/* npz.h - NumPy archives: arrays by name. Statistics (`mu`, `sigma`) and sets of pictures (`arr_0`, u8 NHWC) travel in them. */
#ifndef RF_IO_NPZ_H
#define RF_IO_NPZ_H
#include "tensors.h"
#include "zip_archive.h"

/* Every array of the archive; names lose their ".npy". errors: no array, object arrays (pickles), Fortran order, big endian. */
rf_status rf__npz_read(rf_tensors *tensors, const rf_zip *zip);
/* Write atomically, stored (not deflated), as numpy.savez. Types F32, F64, F16, U8, I32, I64. */
rf_status rf__npz_save(const char *path, const rf_tensor_entry *entries, int count);

#endif
