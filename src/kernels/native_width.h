/* native_width.h - the register tile of this file's instruction set; for kernel files only. */
#ifndef RF_KERNELS_NATIVE_WIDTH_H
#define RF_KERNELS_NATIVE_WIDTH_H
#include "native.h"
#include "simd.h"

/* 6x4 accumulators leave 8 of 32 registers for operands; 6x2 leave 4 of AVX2's 16. Narrow tiles of up to NV_TALL vectors
 * take twice the rows, or the chains of multiply-adds would be too few to hide their latency. */
enum { NV_MAX = VW == 16 ? 4 : 2, NV_TALL = NV_MAX / 2, NR = NV_MAX * VW, MR_MAX = RF_NATIVE_MR, MR_TALL = 2 * MR_MAX };

#endif
