/* native_pack.h - packing for the native provider. */
#ifndef RF_KERNELS_NATIVE_PACK_H
#define RF_KERNELS_NATIVE_PACK_H
#include "native.h"

/* nr, vw: panel width and vector lanes of the instruction set. */
rf_native_shape rf__native_pack_shape(const rf_pack_args *args, int nr, int vw);
size_t rf__native_packed_size(const rf_native_shape *shape);
/* Units: panels. */
void rf__native_pack(const rf_pack_args *args, const rf_native_shape *shape, int64_t begin, int64_t end);
/* The same of whole numbers, with a scale and an offset a channel behind the panels. */
size_t rf__native_int8_size(const rf_native_shape *shape);
void rf__native_pack_int8(const rf_pack_args *args, const rf_native_shape *shape, int64_t begin, int64_t end);

#endif
