/* dw_f32.c - weight gradient in f32 (bf16 is widened first) with AVX-512. */
#define RF_FORM RF_FORM_F32
#define RF_NAME rf__dw_f32_avx512
#define RF_PREPARE rf__dw_prepare_f32_avx512
#include "../native_dw.inc"
