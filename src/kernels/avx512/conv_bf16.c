/* conv_bf16.c - convolution of bf16 with AVX-512 BF16 (vdpbf16ps). */
#define RF_FORM RF_FORM_DOT
#define RF_NAME rf__conv_dot_avx512
#include "../native_conv.inc"
