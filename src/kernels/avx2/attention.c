/* attention.c - attention in f32 (bf16 is widened when packed) with AVX2 and FMA. */
#define RF_FORM RF_FORM_F32
#define RF_NAME rf__attention_f32_avx2
#define RF_BACKWARD rf__attention_bwd_f32_avx2
#include "../native_attention.inc"
