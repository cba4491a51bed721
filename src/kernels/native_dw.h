/* native_dw.h - how the native weight gradient is cut and what it prepares; static inline only.
 *
 * The gradient is a product over pixels: dw[co][tap][ci] = sum_p dy[p][co] x[p + tap][ci]. Operands are rows of 32-bit
 * cells: an f32, or (form DOT) the bf16 values of two pixels for one vdpbf16ps. Two pixels are the same place of two
 * images, so a tap shifts both alike; where no tap shifts (1x1) they are neighbours. f32 input whose rows are whole
 * vectors is read in place, everything else is prepared once in `shared`, bf16 paired or widened: x as [block of nr channels][row][channel],
 * padded with zeros to whole vectors, dy as [panel of channels][row][channel], so that a tile walks over memory without gaps (rows of
 * a wide layer, 6 KiB apart, fall into the same few sets of the cache). With few input channels x is [row][tap][channel] (`merged`). */
#ifndef RF_KERNELS_NATIVE_DW_H
#define RF_KERNELS_NATIVE_DW_H
#include "native.h"

enum {
    RF_NATIVE_DW_CHUNK = 128,          /* pixels at a time: x and dy of a chunk stay in L1 */
    RF_NATIVE_DW_PANEL = 2 * RF_NATIVE_MR, /* channels of a panel of dy: whole register tiles of either height */
    RF_NATIVE_DW_PREPARE_ROWS = 256,
};

typedef struct rf_native_dw {
    bool paired, merged, flat;       /* flat: no tap shifts, all pixels are one row */
    bool own_x, own_y;               /* prepared copies in `shared` */
    int taps, cin;                   /* after merging */
    int nr, vw;
    int64_t images, rows;            /* operand images (pairs count once); flat: operand rows */
    int64_t x_rows, y_rows;          /* operand rows of one image */
    int64_t x_total;                 /* operand rows of x; those of dy are `rows` */
    int range, ranges, ci_blocks;    /* output channels of a unit; units = ranges * ci_blocks */
    int64_t prepare_units;
    size_t y_at, bytes;              /* of dy and in all, in `shared` */
} rf_native_dw;

/* nr: input channels of a register tile; paired: the form is DOT */
static inline rf_native_dw rf__native_dw(const rf_conv_dw_args *a, int nr, int vw, bool paired) {
    rf_native_dw d = {.paired = paired, .nr = nr, .vw = vw, .taps = a->kh * a->kw, .cin = a->cin};
    bool one = a->kh == 1 && a->kw == 1 && a->stride == 1 && a->pad_h == 0 && a->pad_w == 0;
    int64_t pixels = a->batch * a->oh * a->ow;
    d.merged = d.taps > 1 && a->cin <= RF_NATIVE_MERGE;
    d.flat = one || d.merged;
    if (d.merged) d.cin *= d.taps, d.taps = 1;
    d.images = paired ? (a->batch + 1) / 2 : a->batch;
    d.rows = one ? (paired ? (pixels + 1) / 2 : pixels) : d.images * a->oh * a->ow;
    d.y_rows = (int64_t)a->oh * a->ow;
    d.x_rows = d.merged ? d.y_rows : (int64_t)a->h * a->w;
    d.own_y = a->dtype == RF_BF16;
    d.own_x = d.own_y || d.merged || a->cin % vw;
    d.x_total = one ? d.rows : d.images * d.x_rows;
    d.y_at = d.own_x ? rf__native_round64((size_t)4 * d.x_total * ((d.cin + vw - 1) / vw * vw)) : 0;
    const int64_t panels = (a->cout + RF_NATIVE_DW_PANEL - 1) / RF_NATIVE_DW_PANEL;
    d.bytes = d.y_at + (d.own_y ? (size_t)4 * d.rows * panels * RF_NATIVE_DW_PANEL : 0);
    d.prepare_units = !d.own_x ? 0
                      : one    ? (d.rows + RF_NATIVE_DW_PREPARE_ROWS - 1) / RF_NATIVE_DW_PREPARE_ROWS
                               : d.images;
    /* A unit streams all of x: enough taps times channels to hide that, but eight units where the shape allows. */
    d.ci_blocks = (d.cin + nr - 1) / nr;
    int rows = rf__native_outer_rows(((d.cin < nr ? d.cin : nr) + vw - 1) / vw, vw);
    int tiles = (a->cout + rows - 1) / rows, want = (108 / rows + d.taps - 1) / d.taps;
    int share = (tiles * d.ci_blocks + 7) / 8;
    if (want > share) want = share;
    d.range = (want * rows + RF_NATIVE_DW_PANEL - 1) / RF_NATIVE_DW_PANEL * RF_NATIVE_DW_PANEL;
    d.ranges = (a->cout + d.range - 1) / d.range;
    return d;
}

/* Where the block of x from channel ci on begins (a multiple of nr), and the cells between its rows. */
static inline int64_t rf__native_dw_x_at(const rf_native_dw *d, int ci) { return d->own_x && !d->merged ? ci * d->x_total : ci; }

static inline int64_t rf__native_dw_x_step(const rf_native_dw *d, int ci) {
    if (!d->own_x) return d->cin;
    int channels = d->merged ? d->cin : d->cin - ci;
    if (!d->merged && channels > d->nr) channels = d->nr;
    return (channels + d->vw - 1) / d->vw * d->vw;
}

/* Where channel co of dy is, and the cells between its rows. */
static inline int64_t rf__native_dw_y_at(const rf_native_dw *d, int co) {
    return d->own_y ? (co - co % RF_NATIVE_DW_PANEL) * d->rows + co % RF_NATIVE_DW_PANEL : co;
}

static inline int64_t rf__native_dw_y_step(const rf_native_dw *d, int cout) { return d->own_y ? RF_NATIVE_DW_PANEL : cout; }

#endif
