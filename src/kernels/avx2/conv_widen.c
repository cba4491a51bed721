/* conv_widen.c - convolution of bf16 with AVX2: widened to f32 in registers. */
#define RF_FORM RF_FORM_WIDEN
#define RF_NAME rf__conv_widen_avx2
#include "../native_conv.inc"
