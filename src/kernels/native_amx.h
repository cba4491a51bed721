/* native_amx.h - how the tile unit's convolution packs and cuts: what its packer, kernel and sizing functions agree on; static inline only.
 *
 * Panels are those of native.h, 32 channels wide (two tiles), with two differences: taps are always merged, and the steps of a tap are rounded
 * up to a tile's 16 (with zeros), so that a tile of weights is 16 neighbouring steps. Pixels are rows of the same length: they lie in memory like that
 * (linear layers whose channels fill lines of 64 bytes), or the driver gathers them. */
#ifndef RF_KERNELS_NATIVE_AMX_H
#define RF_KERNELS_NATIVE_AMX_H
#include "native.h"

enum {
    RF_AMX_NR = 32, RF_AMX_VW = 16,
    RF_AMX_ROWS = 32,                 /* pixels of a block of sums: two tiles by two */
    RF_AMX_UNIT_ROWS = 256,           /* most pixels of a unit */
    RF_AMX_UNIT_BYTES = 768 << 10,    /* of pixels, and of panels: both should stay in L2 (2 MiB) */
    RF_AMX_UNITS = 16,                /* where there is work for them */
    RF_AMX_SLOTS = 2 * 32 * 32 * 4,   /* bytes of the two blocks of sums in L1: one waits to be finished while the next is made */
};

/* dtype: RF_BF16, two values a cell, or RF_INT8, four */
static inline rf_native_shape rf__amx_shape(rf_dtype dtype, int cin, int cout, int kh, int kw) {
    rf_native_shape s = {.nr = RF_AMX_NR, .vw = RF_AMX_VW, .taps = 1, .k = cin * kh * kw, .merged = kh * kw > 1};
    const int line = 64 / (int)rf__dtype_size(dtype); /* of a tile's row */
    s.steps = (s.k + line - 1) / line * 16;
    s.panels = (cout + RF_AMX_NR - 1) / RF_AMX_NR;
    s.width = (cout + RF_AMX_VW - 1) / RF_AMX_VW * RF_AMX_VW;
    return s;
}

/* Units are (group of panels, block of pixels), group-major, as in native.h. */
typedef struct rf_amx_cut {
    rf_native_shape s;
    int64_t pixels, blocks, row_bytes;
    int block, group, groups;
    bool direct;                      /* the pixels' rows are tiles' rows as they lie */
} rf_amx_cut;

static inline rf_amx_cut rf__amx_cut(const rf_conv_args *a) {
    rf_amx_cut c = {.s = rf__amx_shape(a->dtype, a->cin, a->cout, a->kh, a->kw), .pixels = a->batch * a->oh * a->ow};
    c.direct = a->kh * a->kw == 1 && a->stride == 1 && a->dilate == 1 && !a->pad_h && !a->pad_w && a->cin * rf__dtype_size(a->dtype) % 64 == 0;
    c.row_bytes = 4 * (int64_t)c.s.steps;
    int64_t rows = RF_AMX_UNIT_BYTES / c.row_bytes, panels = RF_AMX_UNIT_BYTES / (4 * rf__native_panel(&c.s));
    if (rows > RF_AMX_UNIT_ROWS) rows = RF_AMX_UNIT_ROWS;
    rows = rows / RF_AMX_ROWS * RF_AMX_ROWS;
    if (rows < RF_AMX_ROWS) rows = RF_AMX_ROWS;
    if (panels > c.s.panels) panels = c.s.panels;
    if (panels < 1) panels = 1;
    /* Smaller units where there would be too few: first fewer panels, because every unit gathers its pixels again only for those. */
    while ((c.pixels + rows - 1) / rows * ((c.s.panels + panels - 1) / panels) < RF_AMX_UNITS && (panels > 2 || rows > RF_AMX_ROWS)) {
        if (panels > 2) panels = (panels + 1) / 2;
        else rows = (rows / 2 + RF_AMX_ROWS - 1) / RF_AMX_ROWS * RF_AMX_ROWS;
    }
    c.block = (int)rows;
    c.blocks = (c.pixels + rows - 1) / rows;
    c.group = (int)panels;
    c.groups = (c.s.panels + c.group - 1) / c.group;
    return c;
}

/* Scratch: slots of sums, the pixels' output rows, gathered pixels (of direct ones the last tile, if it is not whole). */
typedef struct rf_amx_scratch {
    size_t out, rows, total;
} rf_amx_scratch;

static inline rf_amx_scratch rf__amx_scratch(const rf_amx_cut *c) {
    rf_amx_scratch s = {.out = RF_AMX_SLOTS};
    s.rows = s.out + rf__native_round64(sizeof(int64_t) * (size_t)c->block);
    s.total = s.rows + (size_t)(c->direct ? 16 : c->block) * (size_t)c->row_bytes;
    return s;
}

#endif
