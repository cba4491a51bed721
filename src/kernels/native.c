/* native.c - the provider "native": ties packing, convolution and weight gradient of one instruction set together.
 * The panel width and vector lanes differ by set, so each set has its own sizing functions, made by one macro. */
#include "../base/cpu.h"
#include "fill.h"
#include "native_dw.h"
#include "native_pack.h"

#define KERNELS(X)                                                                                           \
    X(void rf__conv_f32_avx2(const rf_conv_args *, int64_t, int64_t, void *))                                \
    X(void rf__conv_widen_avx2(const rf_conv_args *, int64_t, int64_t, void *))                              \
    X(void rf__conv_f32_avx512(const rf_conv_args *, int64_t, int64_t, void *))                              \
    X(void rf__conv_widen_avx512(const rf_conv_args *, int64_t, int64_t, void *))                            \
    X(void rf__conv_dot_avx512(const rf_conv_args *, int64_t, int64_t, void *))                              \
    X(void rf__dw_f32_avx2(const rf_conv_dw_args *, int64_t, int64_t))                                       \
    X(void rf__dw_prepare_f32_avx2(const rf_conv_dw_args *, int64_t, int64_t))                               \
    X(void rf__dw_f32_avx512(const rf_conv_dw_args *, int64_t, int64_t))                                     \
    X(void rf__dw_prepare_f32_avx512(const rf_conv_dw_args *, int64_t, int64_t))                             \
    X(void rf__dw_dot_avx512(const rf_conv_dw_args *, int64_t, int64_t))                                     \
    X(void rf__dw_prepare_dot_avx512(const rf_conv_dw_args *, int64_t, int64_t))
#define X(declaration) declaration;
KERNELS(X)
#undef X

static size_t dw_no_scratch(const rf_conv_dw_args *a) {
    (void)a;
    return 0;
}

/* set: name of the functions; nr, vw: channels of a panel, lanes; isa: suffix of the f32 kernels; narrow, narrow_dw:
 * what bf16 runs on; pairs: narrow_dw works on pairs. */
#define PROVIDER(set, nr, vw, isa, narrow, narrow_dw, pairs)                                                 \
    static size_t set##_packed_size(const rf_pack_args *a) {                                                 \
        const rf_native_shape s = rf__native_pack_shape(a, nr, vw);                                          \
        return rf__native_packed_size(&s);                                                                   \
    }                                                                                                        \
    static int64_t set##_pack_units(const rf_pack_args *a) { return rf__native_pack_shape(a, nr, vw).panels; } \
    static void set##_pack(const void *a, int64_t begin, int64_t end, void *scratch) {                       \
        (void)scratch;                                                                                       \
        const rf_native_shape s = rf__native_pack_shape(a, nr, vw);                                          \
        rf__native_pack(a, &s, begin, end);                                                                  \
    }                                                                                                        \
    static int64_t set##_conv_units(const rf_conv_args *a) {                                                 \
        rf_native_cut c = rf__native_cut(a, nr, vw);                                                         \
        return c.groups * c.blocks;                                                                          \
    }                                                                                                        \
    static size_t set##_conv_scratch(const rf_conv_args *a) {                                                \
        rf_native_cut c = rf__native_cut(a, nr, vw);                                                         \
        return rf__native_scratch(a, &c).total;                                                              \
    }                                                                                                        \
    static void set##_conv(const void *args, int64_t begin, int64_t end, void *scratch) {                    \
        const rf_conv_args *a = args;                                                                        \
        if (a->dtype == RF_BF16) rf__conv_##narrow##_##isa(a, begin, end, scratch);                          \
        else rf__conv_f32_##isa(a, begin, end, scratch);                                                     \
    }                                                                                                        \
    static rf_native_dw set##_dw_cut(const rf_conv_dw_args *a) {                                             \
        return rf__native_dw(a, nr, vw, pairs && a->dtype == RF_BF16);                                       \
    }                                                                                                        \
    static int64_t set##_dw_units(const rf_conv_dw_args *a) {                                                \
        rf_native_dw d = set##_dw_cut(a);                                                                    \
        return (int64_t)d.ranges * d.ci_blocks;                                                              \
    }                                                                                                        \
    static size_t set##_dw_shared(const rf_conv_dw_args *a) { return set##_dw_cut(a).bytes; }                \
    static int64_t set##_dw_prepare_units(const rf_conv_dw_args *a) { return set##_dw_cut(a).prepare_units; } \
    static void set##_dw_prepare(const void *args, int64_t begin, int64_t end, void *scratch) {              \
        (void)scratch;                                                                                       \
        const rf_conv_dw_args *a = args;                                                                     \
        if (a->dtype == RF_BF16) rf__dw_prepare_##narrow_dw##_##isa(a, begin, end);                          \
        else rf__dw_prepare_f32_##isa(a, begin, end);                                                        \
    }                                                                                                        \
    static void set##_conv_dw(const void *args, int64_t begin, int64_t end, void *scratch) {                 \
        (void)scratch;                                                                                       \
        const rf_conv_dw_args *a = args;                                                                     \
        if (a->dtype == RF_BF16) rf__dw_##narrow_dw##_##isa(a, begin, end);                                  \
        else rf__dw_f32_##isa(a, begin, end);                                                                \
    }                                                                                                        \
    const rf_conv_provider rf__##set##_provider = {                                                          \
        .name = "native", .help = "our own kernels for AVX2 and AVX-512",                                    \
        .packed_size = set##_packed_size, .pack_units = set##_pack_units, .pack = set##_pack,                \
        .conv_units = set##_conv_units, .conv_scratch = set##_conv_scratch, .conv = set##_conv,              \
        .dw_units = set##_dw_units, .dw_scratch = dw_no_scratch, .dw_shared = set##_dw_shared,               \
        .dw_prepare_units = set##_dw_prepare_units, .dw_prepare = set##_dw_prepare,                          \
        .conv_dw = set##_conv_dw, .exact = true,                                                             \
    };

PROVIDER(avx2, 16, 8, avx2, widen, f32, false)
PROVIDER(avx512, 64, 16, avx512, widen, f32, false)
PROVIDER(avx512_bf16, 64, 16, avx512, dot, dot, true)

void rf__fill_avx2_conv(rf_kernels *table) {
    if (table->cpu_flags & RF_CPU_AVX2) table->conv = rf__avx2_provider;
}

void rf__fill_avx512_conv(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512)) return;
    table->conv = table->cpu_flags & RF_CPU_AVX512_BF16 ? rf__avx512_bf16_provider : rf__avx512_provider;
}
