/* native_amx.c - the provider "native" where there is a tile unit: bf16 runs on it, forwards, backwards by data (a forward convolution with
 * transposed weights) and by weights; f32 and the weight gradients of pictures of a few channels as with AVX-512. */
#include "../base/cpu.h"
#include "fill.h"
#include "native_amx.h"
#include "native_amx_dw.h"
#include "native_pack.h"

void rf__conv_tiles_amx(const rf_conv_args *, int64_t, int64_t, void *);
void rf__conv_tiles_emulated(const rf_conv_args *, int64_t, int64_t, void *);

void rf__dw_tiles_amx(const rf_conv_dw_args *, int64_t, int64_t, void *);
void rf__dw_tiles_emulated(const rf_conv_dw_args *, int64_t, int64_t, void *);
void rf__dw_prepare_tiles_amx(const rf_conv_dw_args *, int64_t, int64_t);

static rf_native_shape shape_of(const rf_pack_args *a) {
    return a->transposed ? rf__amx_shape(RF_BF16, a->cout, a->cin, a->kh, a->kw) : rf__amx_shape(RF_BF16, a->cin, a->cout, a->kh, a->kw);
}

static size_t packed_size(const rf_pack_args *a) {
    if (a->dtype != RF_BF16) return rf__avx512_bf16_provider.packed_size(a);
    const rf_native_shape s = shape_of(a);
    return rf__native_packed_size(&s);
}

static int64_t pack_units(const rf_pack_args *a) {
    return a->dtype == RF_BF16 ? shape_of(a).panels : rf__avx512_bf16_provider.pack_units(a);
}

static void pack(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_pack_args *a = args;
    if (a->dtype != RF_BF16) {
        rf__avx512_bf16_provider.pack(args, begin, end, scratch);
        return;
    }
    const rf_native_shape s = shape_of(a);
    rf__native_pack(a, &s, begin, end);
}

static int64_t conv_units(const rf_conv_args *a) {
    if (a->dtype != RF_BF16) return rf__avx512_bf16_provider.conv_units(a);
    const rf_amx_cut c = rf__amx_cut(a);
    return c.groups * c.blocks;
}

static size_t conv_scratch(const rf_conv_args *a) {
    if (a->dtype != RF_BF16) return rf__avx512_bf16_provider.conv_scratch(a);
    const rf_amx_cut c = rf__amx_cut(a);
    return rf__amx_scratch(&c).total;
}

typedef void conv_fn(const rf_conv_args *, int64_t, int64_t, void *);

static void conv_on(conv_fn *tiles, const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_conv_args *a = args;
    if (a->dtype == RF_BF16) tiles(a, begin, end, scratch);
    else rf__avx512_bf16_provider.conv(args, begin, end, scratch);
}

static void conv_amx(const void *args, int64_t begin, int64_t end, void *scratch) { conv_on(rf__conv_tiles_amx, args, begin, end, scratch); }
static void conv_emulated(const void *args, int64_t begin, int64_t end, void *scratch) { conv_on(rf__conv_tiles_emulated, args, begin, end, scratch); }

/* Whether a weight gradient runs on tiles. */
static bool dw_on_tiles(const rf_conv_dw_args *a) { return a->dtype == RF_BF16 && (a->kh * a->kw == 1 || a->cin > RF_NATIVE_MERGE); }

static int64_t dw_units(const rf_conv_dw_args *a) {
    if (!dw_on_tiles(a)) return rf__avx512_bf16_provider.dw_units(a);
    const rf_amx_dw d = rf__amx_dw(a);
    return (int64_t)d.ranges * d.taps * d.ci_blocks;
}

static size_t dw_scratch(const rf_conv_dw_args *a) {
    if (!dw_on_tiles(a)) return rf__avx512_bf16_provider.dw_scratch(a);
    const rf_amx_dw d = rf__amx_dw(a);
    return rf__amx_dw_scratch(&d);
}

static size_t dw_shared(const rf_conv_dw_args *a) {
    if (!dw_on_tiles(a)) return rf__avx512_bf16_provider.dw_shared(a);
    const rf_amx_dw d = rf__amx_dw(a);
    return rf__amx_dw_shared(&d);
}

static int64_t dw_prepare_units(const rf_conv_dw_args *a) {
    return dw_on_tiles(a) ? (rf__amx_dw(a).tiles + RF_AMX_DW_PREPARE - 1) / RF_AMX_DW_PREPARE : rf__avx512_bf16_provider.dw_prepare_units(a);
}

static void dw_prepare(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_conv_dw_args *a = args;
    if (dw_on_tiles(a)) rf__dw_prepare_tiles_amx(a, begin, end); /* vectors only */
    else rf__avx512_bf16_provider.dw_prepare(args, begin, end, scratch);
}

typedef void dw_fn(const rf_conv_dw_args *, int64_t, int64_t, void *);

static void conv_dw_on(dw_fn *tiles, const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_conv_dw_args *a = args;
    if (dw_on_tiles(a)) tiles(a, begin, end, scratch);
    else rf__avx512_bf16_provider.conv_dw(args, begin, end, scratch);
}

static void conv_dw_amx(const void *args, int64_t begin, int64_t end, void *scratch) { conv_dw_on(rf__dw_tiles_amx, args, begin, end, scratch); }
static void conv_dw_emulated(const void *args, int64_t begin, int64_t end, void *scratch) { conv_dw_on(rf__dw_tiles_emulated, args, begin, end, scratch); }

void rf__fill_amx_conv(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512_BF16) || !(table->cpu_flags & (RF_CPU_AMX | RF_CPU_AMX_EMULATED))) return;
    rf_conv_provider *p = &table->conv;
    *p = rf__avx512_bf16_provider;
    p->help = "our own kernels for the tile unit (AMX), AVX-512 beside it";
    p->packed_size = packed_size;
    p->pack_units = pack_units;
    p->pack = pack;
    p->conv_units = conv_units;
    p->conv_scratch = conv_scratch;
    p->conv = table->cpu_flags & RF_CPU_AMX ? conv_amx : conv_emulated;
    p->dw_units = dw_units;
    p->dw_scratch = dw_scratch;
    p->dw_shared = dw_shared;
    p->dw_prepare_units = dw_prepare_units;
    p->dw_prepare = dw_prepare;
    p->conv_dw = table->cpu_flags & RF_CPU_AMX ? conv_dw_amx : conv_dw_emulated;
}
