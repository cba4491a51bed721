/* conv_widen.c - convolution of bf16 with AVX-512 without bf16 instructions: widened in registers. */
#define RF_FORM RF_FORM_WIDEN
#define RF_NAME rf__conv_widen_avx512
#include "../native_conv.inc"
