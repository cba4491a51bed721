/* conv_f32.c - convolution of f32 with AVX2 and FMA. */
#define RF_FORM RF_FORM_F32
#define RF_NAME rf__conv_f32_avx2
#define RF_FINISH rf__conv_finish_avx2
#include "../native_conv.inc"
