/* attention_bf16.c - attention of bf16 with AVX-512 BF16 (vdpbf16ps). */
#define RF_FORM RF_FORM_DOT
#define RF_NAME rf__attention_dot_avx512
#define RF_BACKWARD rf__attention_bwd_dot_avx512
#include "../native_attention.inc"
