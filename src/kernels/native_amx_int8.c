/* native_amx_int8.c - dense layers in whole numbers (dtype RF_INT8) where there is a tile unit. */
#include "../base/cpu.h"
#include "fill.h"
#include "native_amx.h"
#include "native_pack.h"

void rf__conv_bytes_amx(const rf_conv_args *, int64_t, int64_t, void *);
void rf__conv_bytes_emulated(const rf_conv_args *, int64_t, int64_t, void *);

static rf_native_shape shape_of(const rf_pack_args *a) { return rf__amx_shape(RF_INT8, a->cin, a->cout, a->kh, a->kw); }

static size_t packed_size(const rf_pack_args *a) {
    const rf_native_shape s = shape_of(a);
    return rf__native_int8_size(&s);
}

static int64_t pack_units(const rf_pack_args *a) { return shape_of(a).panels; }

static void pack(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_native_shape s = shape_of(args);
    rf__native_pack_int8(args, &s, begin, end);
}

static int64_t conv_units(const rf_conv_args *a) {
    const rf_amx_cut c = rf__amx_cut(a);
    return c.groups * c.blocks;
}

static size_t conv_scratch(const rf_conv_args *a) {
    const rf_amx_cut c = rf__amx_cut(a);
    return rf__amx_scratch(&c).total;
}

static void conv_amx(const void *args, int64_t begin, int64_t end, void *scratch) { rf__conv_bytes_amx(args, begin, end, scratch); }
static void conv_emulated(const void *args, int64_t begin, int64_t end, void *scratch) { rf__conv_bytes_emulated(args, begin, end, scratch); }

void rf__fill_amx_int8(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512_BF16) || !(table->cpu_flags & (RF_CPU_AMX | RF_CPU_AMX_EMULATED))) return;
    table->conv_int8 = (rf_conv_provider){
        .name = "native", .help = "the tile unit (AMX)",
        .packed_size = packed_size, .pack_units = pack_units, .pack = pack,
        .conv_units = conv_units, .conv_scratch = conv_scratch, .conv = table->cpu_flags & RF_CPU_AMX ? conv_amx : conv_emulated, .exact = true,
    };
}
