/* memory.h - the plain C kernels that move, normalise, map and sum (everything but convolution and attention). */
#ifndef RF_KERNELS_REF_MEMORY_H
#define RF_KERNELS_REF_MEMORY_H
#include "../kernels.h"

#define RF_MEMORY_KERNELS(X)                                                                                          \
    X(group_norm) X(group_norm_bwd) X(layer_norm) X(layer_norm_bwd) X(unit_norm) X(unit_norm_bwd) X(act) X(act_bwd)   \
    X(peak) X(quantise)                                                                                               \
    X(axpby) X(mul) X(cast) X(row_affine) X(row_reduce) X(scale_rows) X(dot_rows) X(sum) X(up2) X(down2) X(resize)    \
    X(resize_bwd) X(copy) X(patch) X(embed) X(embed_bwd) X(time_features) X(time_map) X(dropout) X(pool) X(pool_bwd)  \
    X(xent) X(xent_bwd) X(adam)

#define X(name) void rf__ref_##name(const void *args, int64_t begin, int64_t end, void *scratch);
RF_MEMORY_KERNELS(X)
#undef X

#endif
