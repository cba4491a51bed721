/* conv_f32.c - convolution of f32 with AVX-512. */
#define RF_FORM RF_FORM_F32
#define RF_NAME rf__conv_f32_avx512
#define RF_FINISH rf__conv_finish_avx512
#include "../native_conv.inc"
