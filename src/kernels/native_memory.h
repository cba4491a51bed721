/* native_memory.h - the memory-bound kernels that have vector forms; one body, two instruction sets. */
#ifndef RF_KERNELS_NATIVE_MEMORY_H
#define RF_KERNELS_NATIVE_MEMORY_H
#include "kernels.h"

#define RF_NATIVE_MEMORY(X)                                                                                           \
    X(act) X(act_bwd) X(axpby) X(mul) X(cast) X(adam) X(row_affine) X(row_reduce) X(scale_rows) X(dot_rows) X(sum)    \
    X(up2) X(down2) X(group_norm) X(group_norm_bwd) X(layer_norm) X(layer_norm_bwd)

#define X(name)                                                                                                       \
    void rf__avx2_##name(const void *args, int64_t begin, int64_t end, void *scratch);                                \
    void rf__avx512_##name(const void *args, int64_t begin, int64_t end, void *scratch);
RF_NATIVE_MEMORY(X)
#undef X

#endif
