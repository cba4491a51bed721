/* native.h - what the native convolution's packer, drivers and sizing functions agree on; static inline only.
 *
 * Packed weights: panels of `nr` output channels (the last one narrower, a multiple of `vw`), and inside a panel
 *   [tap][step][channel of the panel]  with one 32-bit cell a step: an f32, or two bf16 or four bytes, neighbours in cin.
 * Odd cin pads the last pair with 0. With few input channels the taps are merged into one (`merged`): the driver
 * gathers kh*kw*cin values a pixel first, because a loop of 3 steps a tap would be all overhead. */
#ifndef RF_KERNELS_NATIVE_H
#define RF_KERNELS_NATIVE_H
#include "kernels.h"

/* Forms of the multiply-add; see native_conv.inc. */
#define RF_FORM_F32 0
#define RF_FORM_DOT 1
#define RF_FORM_WIDEN 2
#define RF_FORM_INT8 3
#define RF_FORM_TILES 4 /* pairs of bf16 on the tile unit: amx/ */

enum {
    RF_NATIVE_MR = 6,              /* output pixels of a register tile */
    RF_NATIVE_BLOCK = 96,          /* most pixels of a unit; a multiple of MR */
    RF_NATIVE_MERGE = 12,          /* merge taps up to this many input channels */
    RF_NATIVE_GROUP_BYTES = 384 << 10, /* weight panels that one unit walks: they should stay in L2 */
};

typedef struct rf_native_shape {
    int nr, vw;                    /* channels of a panel, lanes of a vector */
    bool merged;
    int taps, k;                   /* after merging: taps to walk, input channels a tap */
    int steps;                     /* 32-bit cells a tap */
    int panels, width;             /* width: cout rounded up to vw */
} rf_native_shape;

static inline rf_native_shape rf__native_shape(rf_dtype dtype, int cin, int cout, int kh, int kw, int nr, int vw) {
    rf_native_shape s = {.nr = nr, .vw = vw, .taps = kh * kw, .k = cin};
    s.merged = s.taps > 1 && cin <= RF_NATIVE_MERGE;
    if (s.merged) s.k *= s.taps, s.taps = 1;
    s.steps = dtype == RF_BF16 ? (s.k + 1) / 2 : dtype == RF_INT8 ? s.k / 4 : s.k;
    s.panels = (cout + nr - 1) / nr;
    s.width = (cout + vw - 1) / vw * vw;
    return s;
}

/* 32-bit cells of one full panel */
static inline int64_t rf__native_panel(const rf_native_shape *s) { return (int64_t)s->taps * s->steps * s->nr; }

/* Channels of panel p, rounded up to whole vectors. */
static inline int rf__native_panel_width(const rf_native_shape *s, int p) {
    int rest = s->width - p * s->nr;
    return rest < s->nr ? rest : s->nr;
}

/* Bytes before the vectors of scales and offsets (native_pack_int8.c). */
static inline int64_t rf__native_int8_tail(const rf_native_shape *s) { return (int64_t)4 * s->taps * s->steps * s->width; }

/* How a convolution is cut: units are (group of panels, block of pixels), group-major. */
typedef struct rf_native_cut {
    rf_native_shape s;
    int64_t pixels, blocks;
    int block;                     /* pixels of a block */
    int group, groups;             /* panels of a group */
    bool gaps;                     /* some tap may fall outside or between pixels */
    int64_t gather_bytes;          /* of a gathered pixel */
} rf_native_cut;

static inline rf_native_cut rf__native_cut(const rf_conv_args *a, int nr, int vw) {
    rf_native_cut c = {.s = rf__native_shape(a->dtype, a->cin, a->cout, a->kh, a->kw, nr, vw)};
    c.pixels = a->batch * a->oh * a->ow;
    c.gather_bytes = (4 * (int64_t)c.s.steps + 63) / 64 * 64;
    c.gaps = a->kh * a->kw > 1 || a->pad_h || a->pad_w || a->dilate > 1;
    /* About 2 MFLOP a unit, but 16 units where there is work for them. */
    int64_t work = 2LL * c.s.taps * c.s.k * (c.s.width < nr ? c.s.width : nr);
    int64_t want = 2000000 / work, share = (c.pixels * c.s.panels + 15) / 16;
    if (want > share) want = share;
    want = (want + RF_NATIVE_MR - 1) / RF_NATIVE_MR * RF_NATIVE_MR;
    c.block = (int)(want < RF_NATIVE_MR ? RF_NATIVE_MR : want > RF_NATIVE_BLOCK ? RF_NATIVE_BLOCK : want);
    c.blocks = (c.pixels + c.block - 1) / c.block;
    int64_t fit = RF_NATIVE_GROUP_BYTES / (4 * rf__native_panel(&c.s));
    c.group = c.blocks < 16 || fit < 1 ? 1 : (int)(fit < c.s.panels ? fit : c.s.panels);
    c.groups = (c.s.panels + c.group - 1) / c.group;
    return c;
}

/* Rows of a register tile of a sum over rows (native_outer.inc), for its width in vectors: six chains of multiply-adds reach half
 * of the peak, about twelve are needed. */
static inline int rf__native_outer_rows(int vectors, int vw) { return vectors <= vw / 8 ? 2 * RF_NATIVE_MR : RF_NATIVE_MR; }

static inline size_t rf__native_round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Scratch of the forward kernel: a row of zeros, the pixels' output rows, tap pointers, which taps miss in a whole tile,
 * gathered values. */
typedef struct rf_native_scratch {
    size_t out, taps, missed, gather, total;
} rf_native_scratch;

static inline rf_native_scratch rf__native_scratch(const rf_conv_args *a, const rf_native_cut *c) {
    rf_native_scratch s;
    s.out = rf__native_round64(c->gaps ? a->cin * rf__dtype_size(a->dtype) : 0);
    s.taps = s.out + rf__native_round64(sizeof(int64_t) * c->block);
    s.missed = s.taps + rf__native_round64(sizeof(void *) * (c->block * c->s.taps + 2));
    s.gather = s.missed + rf__native_round64((size_t)(c->block / RF_NATIVE_MR) * c->s.taps);
    s.total = s.gather + (c->s.merged ? (size_t)(c->block * c->gather_bytes) : 0);
    return s;
}

#endif
