/* attention.c - attention in f32 (bf16 is widened when packed) with AVX-512. */
#define RF_FORM RF_FORM_F32
#define RF_NAME rf__attention_f32_avx512
#define RF_BACKWARD rf__attention_bwd_f32_avx512
#include "../native_attention.inc"
