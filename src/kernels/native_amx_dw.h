/* native_amx_dw.h - how the tile unit's weight gradient is cut and what it prepares; static inline only.
 *
 * The gradient is a product over output pixels, 32 of them (16 pairs of neighbours) a tile: dw[co][tap][ci] = sum_p dy[p][co] x[p + tap][ci].
 * dy is turned on its side once, in `shared`: [32 pixels][channel][pixel], each 16 channels of it a tile. A unit is a tap, 32 input channels and a
 * range of output channels: it makes pairs of the pixels that its tap reads, a chunk at a time, and adds up its part of dw in its scratch. */
#ifndef RF_KERNELS_NATIVE_AMX_DW_H
#define RF_KERNELS_NATIVE_AMX_DW_H
#include "native.h"

enum {
    RF_AMX_DW_PIXELS = 32,      /* of a tile */
    RF_AMX_DW_CHUNK = 8,        /* tiles' pixels at a time: 256 pixels of 32 channels are 16 KiB */
    RF_AMX_DW_CHANNELS = 32,    /* input channels of a unit */
    RF_AMX_DW_RANGE = 1024,     /* most output channels of a unit: 128 KiB of sums */
    RF_AMX_DW_UNITS = 16,       /* where there is work for them */
    RF_AMX_DW_PREPARE = 8,      /* tiles' pixels of a unit of preparation */
};

typedef struct rf_amx_dw {
    int64_t pixels, tiles;      /* output pixels, and in 32s */
    int taps, ci_blocks, range, ranges, width; /* width: cout rounded up to 16 */
} rf_amx_dw;

static inline rf_amx_dw rf__amx_dw(const rf_conv_dw_args *a) {
    rf_amx_dw d = {.pixels = a->batch * a->oh * a->ow, .taps = a->kh * a->kw, .width = (a->cout + 15) / 16 * 16};
    d.tiles = (d.pixels + RF_AMX_DW_PIXELS - 1) / RF_AMX_DW_PIXELS;
    d.ci_blocks = (a->cin + RF_AMX_DW_CHANNELS - 1) / RF_AMX_DW_CHANNELS;
    int range = d.width < RF_AMX_DW_RANGE ? d.width : RF_AMX_DW_RANGE;
    while (d.taps * d.ci_blocks * ((d.width + range - 1) / range) < RF_AMX_DW_UNITS && range > 64) range = (range / 2 + 31) / 32 * 32;
    d.range = range;
    d.ranges = (d.width + range - 1) / range;
    return d;
}

static inline size_t rf__amx_dw_shared(const rf_amx_dw *d) { return (size_t)2 * RF_AMX_DW_PIXELS * (size_t)(d->tiles * d->width); }

/* Scratch: pairs of a chunk of pixels, then sums [range][32]. */
static inline size_t rf__amx_dw_pairs(void) { return (size_t)RF_AMX_DW_CHUNK * 16 * RF_AMX_DW_CHANNELS * 4; }
static inline size_t rf__amx_dw_scratch(const rf_amx_dw *d) { return rf__amx_dw_pairs() + (size_t)((d->range + 31) / 32 * 32) * RF_AMX_DW_CHANNELS * 4; }

#endif
