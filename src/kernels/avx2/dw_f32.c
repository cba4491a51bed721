/* dw_f32.c - weight gradient in f32 (bf16 is widened first) with AVX2 and FMA. */
#define RF_FORM RF_FORM_F32
#define RF_NAME rf__dw_f32_avx2
#define RF_PREPARE rf__dw_prepare_f32_avx2
#include "../native_dw.inc"
