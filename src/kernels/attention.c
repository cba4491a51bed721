/* attention.c - which native attention runs for an instruction set and dtype. */
#include "../base/cpu.h"
#include "fill.h"
#include "native_attention.h"

void rf__attention_f32_avx2(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_bwd_f32_avx2(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_f32_avx512(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_bwd_f32_avx512(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_dot_avx512(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_bwd_dot_avx512(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_tiles_amx(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_bwd_tiles_amx(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_tiles_emulated(const rf_attention_args *, int64_t, int64_t, void *);
void rf__attention_bwd_tiles_emulated(const rf_attention_args *, int64_t, int64_t, void *);

/* set: name of the functions; isa: suffix of the f32 kernels; narrow: the whole suffix of what bf16 runs on; form: its form. */
#define ATTENTION(set, vw, isa, narrow, form)                                                                \
    static void set##_attention(const void *args, int64_t begin, int64_t end, void *scratch) {               \
        const rf_attention_args *a = args;                                                                   \
        if (a->dtype == RF_BF16) rf__attention_##narrow(a, begin, end, scratch);                             \
        else rf__attention_f32_##isa(a, begin, end, scratch);                                                \
    }                                                                                                        \
    static void set##_attention_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {           \
        const rf_attention_args *a = args;                                                                   \
        if (a->dtype == RF_BF16) rf__attention_bwd_##narrow(a, begin, end, scratch);                         \
        else rf__attention_bwd_f32_##isa(a, begin, end, scratch);                                            \
    }                                                                                                        \
    static size_t set##_scratch(const rf_attention_args *a, bool backward) {                                 \
        return rf__attention_cut(a, backward, vw, a->dtype == RF_BF16 ? form : RF_FORM_F32).total;           \
    }                                                                                                        \
    static void set##_fill(rf_kernels *table) {                                                              \
        table->fn[RF_K_attention] = set##_attention;                                                         \
        table->fn[RF_K_attention_bwd] = set##_attention_bwd;                                                 \
        table->attention_scratch = set##_scratch;                                                            \
    }

ATTENTION(avx2, 8, avx2, f32_avx2, RF_FORM_F32)
ATTENTION(avx512, 16, avx512, f32_avx512, RF_FORM_F32)
ATTENTION(avx512_bf16, 16, avx512, dot_avx512, RF_FORM_DOT)
ATTENTION(amx, 16, avx512, tiles_amx, RF_FORM_TILES)
ATTENTION(amx_emulated, 16, avx512, tiles_emulated, RF_FORM_TILES)

void rf__fill_avx2_attention(rf_kernels *table) {
    if (table->cpu_flags & RF_CPU_AVX2) avx2_fill(table);
}

void rf__fill_avx512_attention(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512)) return;
    if (table->cpu_flags & RF_CPU_AVX512_BF16) avx512_bf16_fill(table);
    else avx512_fill(table);
}

void rf__fill_amx_attention(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512_BF16)) return;
    if (table->cpu_flags & RF_CPU_AMX) amx_fill(table);
    else if (table->cpu_flags & RF_CPU_AMX_EMULATED) amx_emulated_fill(table);
}
