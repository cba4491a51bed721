/* conv_vnni.c - convolution of bytes with AVX-512 VNNI (vpdpbusd). */
#define RF_FORM RF_FORM_INT8
#define RF_NAME rf__conv_int8_avx512
#include "../native_conv.inc"
