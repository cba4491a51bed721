/* dw_bf16.c - weight gradient of bf16 with AVX-512 BF16 (vdpbf16ps). */
#define RF_FORM RF_FORM_DOT
#define RF_NAME rf__dw_dot_avx512
#define RF_PREPARE rf__dw_prepare_dot_avx512
#include "../native_dw.inc"
