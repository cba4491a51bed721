/* kernels.h - the contract of every kernel: raw pointers in, raw pointers out, no allocation, no threads.
 *
 * A kernel computes units [begin, end) of its work; units never overlap in what they write, and the
 * bytes of a unit do not depend on how the range is cut nor on the other rows of the batch (that is
 * what makes one thread equal two, and -b 16 equal sixteen single runs). So a reduction over rows is
 * always inside one unit and in a fixed order.
 *
 * Layouts: activations are nhwc / token-major, contiguous unless a stride is given; convolution weights
 * are [cout][kh][kw][cin] (linear: [out][in]), f32 masters. `dtype` is that of the activations
 * (x, y, dy, residual): f32 or bf16; vectors over channels, statistics and parameter gradients are f32.
 * Kernels accumulate in f32. "+=": the kernel adds to what is there. */
#ifndef RF_KERNELS_H
#define RF_KERNELS_H
#include "args.h"

/* Every plain kernel: name, args type, forms ("d": one entry per activation dtype, "f": f32 only). The list feeds the
 * table, the tests (kernels_test.c runs every entry under every ISA mask against ref) and `strait bench kernels`. */
#define RF_KERNEL_LIST(X)                                                                          \
    X(conv, rf_conv_args)                                                                          \
    X(conv_dw, rf_conv_dw_args)                                                                    \
    X(pack, rf_pack_args)                                                                          \
    X(attention, rf_attention_args)                                                                \
    X(attention_bwd, rf_attention_args)                                                            \
    X(group_norm, rf_group_norm_args)                                                              \
    X(group_norm_bwd, rf_group_norm_args)                                                          \
    X(layer_norm, rf_layer_norm_args)                                                              \
    X(layer_norm_bwd, rf_layer_norm_args)                                                          \
    X(act, rf_map_args)                                                                            \
    X(act_bwd, rf_map_args)                                                                        \
    X(axpby, rf_map_args)                                                                          \
    X(mul, rf_map_args)                                                                            \
    X(cast, rf_map_args)                                                                           \
    X(peak, rf_quantise_args)                                                                      \
    X(quantise, rf_quantise_args)                                                                  \
    X(row_affine, rf_row_affine_args)                                                              \
    X(row_reduce, rf_row_reduce_args)                                                              \
    X(scale_rows, rf_rows_args)                                                                    \
    X(dot_rows, rf_rows_args)                                                                      \
    X(sum, rf_rows_args)                                                                           \
    X(up2, rf_resample_args)                                                                       \
    X(down2, rf_resample_args)                                                                     \
    X(resize, rf_resize_args)                                                                      \
    X(resize_bwd, rf_resize_args)                                                                  \
    X(unit_norm, rf_unit_norm_args)                                                                \
    X(unit_norm_bwd, rf_unit_norm_args)                                                            \
    X(copy, rf_copy_args)                                                                          \
    X(patch, rf_patch_args)                                                                        \
    X(embed, rf_embed_args)                                                                        \
    X(embed_bwd, rf_embed_args)                                                                    \
    X(time_features, rf_time_args)                                                                 \
    X(time_map, rf_time_map_args)                                                                  \
    X(dropout, rf_dropout_args)                                                                    \
    X(pool, rf_pool_args)                                                                          \
    X(pool_bwd, rf_pool_args)                                                                      \
    X(xent, rf_xent_args)                                                                          \
    X(xent_bwd, rf_xent_args)                                                                      \
    X(adam, rf_adam_args)

typedef enum rf_kernel_id {
#define X(name, args) RF_K_##name,
    RF_KERNEL_LIST(X)
#undef X
    RF_KERNELS
} rf_kernel_id;

/* args: the struct of the list. scratch: per thread, 64-byte aligned, as many bytes as conv_scratch, dw_scratch or attention_scratch says (NULL when 0). */
typedef void (*rf_kernel_fn)(const void *args, int64_t begin, int64_t end, void *scratch);

/* Who multiplies. A provider owns the packed layout, so the four functions travel together. */
typedef struct rf_conv_provider {
    const char *name, *help;      /* "native", "onednn", "ref" */
    size_t (*packed_size)(const rf_pack_args *args);      /* bytes */
    int64_t (*pack_units)(const rf_pack_args *args);
    rf_kernel_fn pack;
    int64_t (*conv_units)(const rf_conv_args *args);
    size_t (*conv_scratch)(const rf_conv_args *args);     /* bytes a thread */
    rf_kernel_fn conv;
    int64_t (*dw_units)(const rf_conv_dw_args *args);
    size_t (*dw_scratch)(const rf_conv_dw_args *args);    /* bytes a thread */
    size_t (*dw_shared)(const rf_conv_dw_args *args);     /* bytes in all, for dw_prepare */
    int64_t (*dw_prepare_units)(const rf_conv_dw_args *args);
    rf_kernel_fn dw_prepare;                              /* NULL: nothing to prepare */
    rf_kernel_fn conv_dw;
    /* Build / drop provider_state once per plan step; NULL for our own kernels. */
    rf_status (*conv_prepare)(rf_conv_args *args);
    rf_status (*dw_state_prepare)(rf_conv_dw_args *args);
    void (*state_free)(void *provider_state);
    bool exact;                   /* keeps the promise at the top of this file */
} rf_conv_provider;

typedef struct rf_kernels {
    uint32_t cpu_flags;
    const char *isa;                            /* "ref", "avx2", "avx512", "avx512+bf16", "amx", "amx-emulated" */
    rf_conv_provider conv;                      /* the provider in force */
    rf_conv_provider conv_int8;                 /* forward with dtype RF_INT8: always our own; "ref" without AVX-512 VNNI */
    rf_kernel_fn fn[RF_KERNELS];                /* conv, conv_dw, pack: copies of the provider's */
    size_t (*attention_scratch)(const rf_attention_args *args, bool backward);
} rf_kernels;

/* Fill with ref, then overwrite by each ISA in cpu_flags that does better. provider: "native", "onednn", "ref" or NULL
 * (STRAIT_PROVIDER, else native). RF_ENOTFOUND when this build or machine lacks it. */
rf_status rf__kernels_select(rf_kernels *out, uint32_t cpu_flags, const char *provider);
/* The table of this process: rf__cpu_flags() and the environment. Built once. NULL, with its sentence, when
 * STRAIT_PROVIDER names a provider that this build or machine lacks. */
const rf_kernels *rf__kernels(void);

/* Fillers, one per room; each returns at the first missing flag. */
void rf__kernels_ref(rf_kernels *table);
void rf__kernels_avx2(rf_kernels *table);
void rf__kernels_avx512(rf_kernels *table);
void rf__kernels_amx(rf_kernels *table);
/* False when built with ONEDNN=0. */
bool rf__conv_provider_onednn(rf_conv_provider *out);

/* bf16 <-> f32, round to nearest even (NaN stays NaN). */
static inline float rf__bf16_to_f32(uint16_t bits) {
    union { uint32_t u; float f; } v = {(uint32_t)bits << 16};
    return v.f;
}
static inline uint16_t rf__f32_to_bf16(float value) {
    union { float f; uint32_t u; } v = {value};
    if ((v.u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((v.u >> 16) | 0x40);
    return (uint16_t)((v.u + 0x7fffu + ((v.u >> 16) & 1)) >> 16);
}
static inline size_t rf__dtype_size(rf_dtype dtype) { return dtype == RF_BF16 ? 2 : dtype == RF_INT8 ? 1 : 4; }

#endif
