/* native_pack.h - packing for the native provider; nr, vw: panel width and vector lanes of the instruction set. */
#ifndef RF_KERNELS_NATIVE_PACK_H
#define RF_KERNELS_NATIVE_PACK_H
#include "kernels.h"

size_t rf__native_packed_size(const rf_pack_args *args, int nr, int vw);
int64_t rf__native_pack_units(const rf_pack_args *args, int nr, int vw);
void rf__native_pack(const rf_pack_args *args, int64_t begin, int64_t end, int nr, int vw);

#endif
